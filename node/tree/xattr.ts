// Extended attributes, ACLs and capabilities among them. On Linux they come through koffi, by byte name;
// elsewhere through @napi-rs/xattr, which knows names and paths as text only, so what is not text is
// left out there. Without either, or on a file system without attributes, there are none. No link is
// followed.

import type * as TextLibrary from '@napi-rs/xattr'
import { codeOf, systemError } from './failures.ts'
import type { Native, NativePath } from './native.ts'
import type { Xattr } from './tree.ts'

const UNSUPPORTED = new Set(['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])
/** What setting a file's attributes may also take away; the rest belongs to the system. */
const OURS = /^(user\.|system\.posix_acl_|security\.capability$)/

/** Where a file is: its own path, and where possible one that leads to it whatever its name. */
export interface XattrPaths {
  path: Uint8Array
  pinned?: Uint8Array | undefined
}

/** Attributes of a file. Errors have `code`, as node:fs's do. */
export interface XattrCalls {
  list(file: XattrPaths): Uint8Array[]
  get(file: XattrPaths, name: Uint8Array): Uint8Array | undefined
  set(file: XattrPaths, name: Uint8Array, value: Uint8Array): void
  remove(file: XattrPaths, name: Uint8Array): void
}

/** The attributes of a file, sorted by name; empty where the file system has none. */
export function readXattrs(calls: XattrCalls | undefined, file: XattrPaths): Xattr[] {
  const names = listNames(calls, file)
  if (calls === undefined || names.length === 0) return []
  const xattrs: Xattr[] = []
  for (const name of names.toSorted((a, b) => Buffer.compare(a, b))) {
    const value = calls.get(file, name)
    if (value !== undefined) xattrs.push([name, value])
  }
  return xattrs
}

/**
 * Gives a file exactly these attributes, and takes away others of its owner's (a new file may have
 * inherited an ACL). Returns the name and the code of each that could not be set or taken away.
 */
export function writeXattrs(
  calls: XattrCalls | undefined,
  file: XattrPaths,
  wanted: readonly Xattr[]
): { name: string; code: string }[] {
  const now = new Map(readXattrs(calls, file).map(([name, value]) => [keyOf(name), value]))
  const failed: { name: string; code: string }[] = []
  const attempt = (name: string, work: (calls: XattrCalls) => void): void => {
    try {
      if (calls === undefined) throw systemError('ENOTSUP', 'no way to set attributes')
      work(calls)
    } catch (error) {
      const code = codeOf(error)
      if (code === undefined) throw error
      failed.push({ name, code })
    }
  }
  for (const [name, value] of wanted) {
    const key = keyOf(name)
    const there = now.get(key)
    now.delete(key)
    // Setting what is there already could fail on a read-only file, for nothing.
    if (there !== undefined && Buffer.compare(there, value) === 0) continue
    attempt(key, (to) => to.set(file, name, value))
  }
  for (const key of now.keys()) {
    if (!OURS.test(key)) continue
    attempt(key, (from) => from.remove(file, Buffer.from(key, 'latin1')))
  }
  return failed
}

function keyOf(name: Uint8Array): string {
  return Buffer.from(name).toString('latin1')
}

function listNames(calls: XattrCalls | undefined, file: XattrPaths): Uint8Array[] {
  try {
    return calls?.list(file) ?? []
  } catch (error) {
    if (UNSUPPORTED.has(codeOf(error) ?? '')) return []
    throw error
  }
}

/** The best calls of this system; undefined if there are none. */
export async function loadXattrCalls(native: Native | undefined): Promise<XattrCalls | undefined> {
  if (native !== undefined) {
    const at = ({ path, pinned }: XattrPaths): NativePath => {
      return { path: pinned ?? path, isPinned: pinned !== undefined }
    }
    return {
      list: (file) => native.listXattrs(at(file)),
      get: (file, name) => native.getXattr(at(file), name),
      set: (file, name, value) => native.setXattr(at(file), name, value),
      remove: (file, name) => native.removeXattr(at(file), name)
    }
  }
  try {
    return textCalls(await import('@napi-rs/xattr'))
  } catch {
    return undefined
  }
}

function textCalls(library: typeof TextLibrary): XattrCalls {
  return {
    list({ path }) {
      const text = textOf(path)
      if (text === undefined) return []
      const names = coded(() => library.listAttributesSync(text))
      return names.filter((name) => !name.includes('\ufffd')).map((name) => bytesOf(name))
    },
    get({ path }, name) {
      const value = coded(() => library.getAttributeSync(required(path), required(name)))
      return value === null ? undefined : new Uint8Array(value)
    },
    set({ path }, name, value) {
      coded(() => library.setAttributeSync(required(path), required(name), value))
    },
    remove({ path }, name) {
      coded(() => library.removeAttributeSync(required(path), required(name)))
    }
  }
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'utf8'))
}

function textOf(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes).toString('utf8')
  return Buffer.compare(Buffer.from(text, 'utf8'), bytes) === 0 ? text : undefined
}

function required(bytes: Uint8Array): string {
  const text = textOf(bytes)
  if (text === undefined) throw systemError('ENOTSUP', 'a name is not text')
  return text
}

/** The library puts the error number into its message only. */
const CODES: Readonly<Record<string, string>> = {
  '1': 'EPERM',
  '2': 'ENOENT',
  '13': 'EACCES',
  '28': 'ENOSPC',
  '45': 'ENOTSUP',
  '95': 'ENOTSUP'
}

function coded<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    const number = /os error (\d+)/.exec(text)?.[1] ?? ''
    throw systemError(CODES[number] ?? 'EIO', text)
  }
}
