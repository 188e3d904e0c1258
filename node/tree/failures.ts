// What the operating system refuses, in words. Every failure of a call on the protected tree passes here
// once, so that a full disk is never mistaken for a bad path, and no error number reaches the user.

import { DiskFull, DrystoneError } from '../../store/errors.ts'
import { NotWritable, Unreadable } from '../errors.ts'

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  ENOENT: 'it is not there, or no longer',
  ENOTDIR: 'a part of the path is a symbolic link or not a directory',
  ELOOP: 'it is a symbolic link',
  EISDIR: 'it is a directory',
  EEXIST: 'something is there already',
  ENOTEMPTY: 'it is a directory that is not empty',
  ENAMETOOLONG: 'a name is too long',
  EROFS: 'the file system is read-only',
  EXDEV: 'it is on another file system',
  EBUSY: 'it is in use',
  EMLINK: 'it has too many names already',
  EIO: 'the disk failed',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open'
}

/** An error as node:fs throws it, for calls that do not go through node:fs. */
export function systemError(code: string, message: string): Error & { code: string } {
  return Object.assign(new Error(`${code}: ${message}`), { code })
}

/** The code of a failed system call, such as ENOENT. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** Nothing has this path: a name is missing, or a part above it is not a directory. */
export function isAbsent(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP'
}

/** One clause that says why. */
export function reasonOf(error: unknown): string {
  const code = codeOf(error)
  if (code === 'EINVAL' && error instanceof Error) return error.message.replace(/^EINVAL: /, '')
  if (code !== undefined) return REASONS[code] ?? code
  return error instanceof Error ? error.message : String(error)
}

/** What to throw when reading `path` failed. A bug stays a bug. */
export function unreadable(path: string, error: unknown): unknown {
  if (error instanceof DrystoneError || codeOf(error) === undefined) return error
  return new Unreadable(path, reasonOf(error), error)
}

/** What to throw when writing `path` failed: DiskFull where the disk is full. A bug stays a bug. */
export function unwritable(path: string, error: unknown): unknown {
  const code = codeOf(error)
  if (error instanceof DrystoneError || code === undefined) return error
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const next = 'Free some space, or name another directory with --to, and run it again.'
    return new DiskFull(path, { next, cause: error })
  }
  return new NotWritable(path, reasonOf(error), error)
}
