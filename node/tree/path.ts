// Paths as bytes: name bytes joined by '/', relative to a root whose own path is empty. A name is
// whatever the file system says it is, valid UTF-8 or not, so nothing here decodes one except to show it
// in a message. refuseName is the gate: no '..', '.', empty or NUL-carrying component gets past it.

import { joinPath, splitPath } from '../../store/path.ts'
import type { TreePath } from './tree.ts'

export { joinPath, splitPath }

const SLASH = 0x2f
export const ROOT: TreePath = new Uint8Array(0)
export const NAME_LENGTH_MAX = 255

/** The bytes of a path that is written as text in the source or by the user. */
export function pathOf(text: string): TreePath {
  return new Uint8Array(Buffer.from(text, 'utf8'))
}

/** The directory that holds `path`; the root holds itself. */
export function parentOf(path: TreePath): TreePath {
  return path.subarray(0, Math.max(0, path.lastIndexOf(SLASH)))
}

/** The last name of `path`; empty for the root. */
export function nameOf(path: TreePath): Uint8Array {
  return path.subarray(path.lastIndexOf(SLASH) + 1)
}

/** True if `path` is `above`, or lies below it. */
export function isWithin(path: TreePath, above: TreePath): boolean {
  if (above.length === 0) return true
  if (path.length < above.length) return false
  if (path.length > above.length && path[above.length] !== SLASH) return false
  return Buffer.compare(path.subarray(0, above.length), above) === 0
}

/**
 * Tree order: name by name, by bytes, a directory before what it holds. Not the order of the joined
 * bytes: there 'a-b' would stand before 'a/b'.
 */
export function comparePaths(a: TreePath, b: TreePath): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const left = a[i] ?? 0
    const right = b[i] ?? 0
    if (left === right) continue
    if (left === SLASH) return -1
    if (right === SLASH) return 1
    return left - right
  }
  return a.length - b.length
}

/** Why `name` cannot stand in a directory of this platform; undefined if it can. */
export function refuseName(
  name: Uint8Array,
  platform: NodeJS.Platform = process.platform
): string | undefined {
  if (name.length === 0) return 'a name is empty'
  if (name.length > NAME_LENGTH_MAX) return `a name has more than ${NAME_LENGTH_MAX} bytes`
  if (name.includes(0)) return 'a name holds a zero byte'
  if (name.includes(SLASH)) return 'a name holds a slash'
  const text = Buffer.from(name).toString('latin1')
  if (text === '.' || text === '..') return `a name is '${text}'`
  return platform === 'win32' ? refuseWindowsName(text) : undefined
}

/** Streams (a:b), devices (con), and names that Windows would silently trim or reinterpret. */
function refuseWindowsName(text: string): string | undefined {
  if (/[<>:"|?*\\]/.test(text)) return 'a name holds a character that Windows gives a meaning'
  if (/[. ]$/.test(text)) return 'a name ends in a dot or a space'
  if (/^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i.test(text)) return 'a name is a device'
  return undefined
}

/** True if a path ends in a name like those that files have until they are whole. */
export function isTemporary(path: TreePath): boolean {
  return TEMPORARY.test(Buffer.from(nameOf(path)).toString('latin1'))
}
const TEMPORARY = /^\.drystone-[0-9a-f]{16}$/

/** Text for messages: invalid UTF-8 and control characters are escaped, so it is safe on a terminal. */
export function showPath(path: TreePath): string {
  return splitPath(path).map(showName).join('/')
}

function showName(name: Uint8Array): string {
  const text = Buffer.from(name).toString('utf8')
  // Nearly every name is plain, and every message about a path comes through here.
  if (/^[\x20-\x7e]*$/.test(text)) return text
  const valid = Buffer.compare(Buffer.from(text, 'utf8'), name) === 0
  const shown = valid ? text : Buffer.from(name).toString('latin1')
  return Array.from(shown, (character) => {
    const code = character.codePointAt(0) ?? 0
    const strange = code < 0x20 || (code >= 0x7f && code < 0xa0) || (!valid && code >= 0x80)
    return strange ? `\\x${code.toString(16).padStart(2, '0')}` : character
  }).join('')
}
