// Setting what a restored entry has beside its content, in the one order that works: owner first (it
// clears setuid and capabilities), then attributes (a read-only file would refuse them), then mode, then
// time. What is not asked for or not allowed is left out and named in a warning; it never fails a restore.

import { chmodSync, chownSync, lchownSync, lstatSync, lutimesSync, statSync } from 'node:fs'
import { utimesSync } from 'node:fs'
import type { Place } from './directories.ts'
import { withPinned } from './directories.ts'
import { codeOf } from './failures.ts'
import type { Native } from './native.ts'
import type { TreeMetadata, Xattr } from './tree.ts'
import { writeXattrs } from './xattr.ts'
import type { XattrCalls } from './xattr.ts'

/** What the caller asked to be set beyond what every user may set. */
export interface Asked {
  owners: boolean
  privileges: boolean
}

export interface MetadataComponents {
  native: Native | undefined
  xattrs: XattrCalls | undefined
}

/** The entry whose metadata are set. */
export interface Subject {
  place: Place
  /** For warnings. */
  shown: string
  /** An open descriptor of a regular file, if there is one. */
  descriptor?: number | undefined
}

const PERMISSIONS = 0o777
const SET_IDS = 0o6000
const PRIVILEGED_XATTR = /^(security|trusted)\./

/** What is left of the metadata when what was not asked for is taken out, with a warning for each. */
export function leaveOut(
  shown: string,
  metadata: TreeMetadata,
  asked: Asked
): { mode: number; xattrs: readonly Xattr[]; warnings: string[] } {
  const { mode, xattrs } = metadata
  const warnings: string[] = []
  if (asked.privileges) return { mode: mode & 0o7777, xattrs, warnings }
  const isPlain = metadata.type === 'symlink' || (mode & 0o7777 & ~PERMISSIONS) === 0
  if (!isPlain) warnings.push(`${shown}: setuid, setgid or sticky left out: not asked for`)
  const allowed = xattrs.filter(([bytes]) => {
    const name = Buffer.from(bytes).toString('latin1')
    const isAllowed = !PRIVILEGED_XATTR.test(name)
    if (!isAllowed) warnings.push(`${shown}: attribute ${name} left out: not asked for`)
    return isAllowed
  })
  return { mode: mode & PERMISSIONS, xattrs: allowed, warnings }
}

/**
 * Returns a warning for each thing that could not be set. All of it goes to the one file that is found
 * first, even if somebody gives its name to another meanwhile.
 */
export function applyMetadata(
  components: MetadataComponents,
  subject: Subject,
  request: { metadata: TreeMetadata; asked: Asked }
): string[] {
  const { metadata, asked } = request
  const { shown, place } = subject
  return withPinned(place, subject.descriptor, (pinned) => {
    const target: Target = { path: pinned ?? place.path, isPinned: pinned !== undefined }
    const allowed = leaveOut(shown, metadata, asked)
    const { warnings } = allowed
    const isOwned = !asked.owners || applyOwner(target, shown, metadata, warnings)
    const file = { path: place.path, pinned: pinned === undefined ? undefined : bytesOf(pinned) }
    for (const { name, code } of writeXattrs(components.xattrs, file, allowed.xattrs)) {
      warnings.push(`${shown}: attribute ${name} could not be set (${code})`)
    }
    if (metadata.type !== 'symlink') {
      // Set for another owner than was meant, these bits would give away the wrong rights.
      const mode = isOwned ? allowed.mode : allowed.mode & ~SET_IDS
      if (mode !== allowed.mode) warnings.push(`${shown}: setuid or setgid left out with the owner`)
      attempt(warnings, `${shown}: mode`, () => chmodSync(target.path, mode))
    }
    attempt(warnings, `${shown}: time`, () => {
      setTime(components.native, target, metadata.mtimeNs)
    })
    return warnings
  })
}

/** For node:fs: a pinned path is followed, and no other. */
interface Target {
  path: string | Buffer
  isPinned: boolean
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

function applyOwner(
  { path, isPinned }: Target,
  shown: string,
  { uid, gid }: TreeMetadata,
  warnings: string[]
): boolean {
  return attempt(warnings, `${shown}: owner ${uid}:${gid}`, () => {
    const now = isPinned ? statSync(path) : lstatSync(path)
    if (now.uid === uid && now.gid === gid) return
    if (isPinned) chownSync(path, uid, gid)
    else lchownSync(path, uid, gid)
  })
}

function setTime(native: Native | undefined, { path, isPinned }: Target, mtimeNs: bigint): void {
  if (native !== undefined) {
    native.setTime({ path: typeof path === 'string' ? bytesOf(path) : path, isPinned }, mtimeNs)
    return
  }
  // node:fs takes seconds as a double and cuts it to microseconds: aim at the middle of the right one.
  const microseconds = mtimeNs / 1000n - (mtimeNs % 1000n < 0n ? 1n : 0n)
  const seconds = (Number(microseconds) + 0.5) / 1e6
  if (isPinned) utimesSync(path, seconds, seconds)
  else lutimesSync(path, seconds, seconds)
}

function attempt(warnings: string[], what: string, work: () => void): boolean {
  try {
    work()
    return true
  } catch (error) {
    const code = codeOf(error)
    if (code === undefined) throw error
    warnings.push(`${what} could not be set (${code})`)
    return false
  }
}
