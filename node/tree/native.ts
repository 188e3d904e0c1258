// Calls of the C library that node:fs does not have, through koffi: times to the nanosecond, device
// nodes, extended attributes by byte name, and statx relative to an open directory (which walks twice as
// fast as lstat through /proc/self/fd). Optional: where koffi or a call is missing, loadNative gives
// undefined and node:fs does what it can. Linux only; every buffer is ours and has a fixed size.

import { getSystemErrorName } from 'node:util'
import { codeOf, systemError } from './failures.ts'
import { joinDevice, typeOfMode } from './stat.ts'
import type { TreeStat } from './tree.ts'

const AT_SYMLINK_NOFOLLOW = 0x100
const AT_NO_AUTOMOUNT = 0x800
const STATX_BASIC_STATS = 0x7ff
const STATX_INO = 0x100
const UTIME_OMIT = 0x3ffffffen
const PATH_LENGTH_MAX = 4096
/** The kernel's own limit, for a list of attributes and for one value. */
const XATTR_LENGTH_MAX = 65536
const ARCHITECTURES = new Set(['x64', 'arm64', 'riscv64', 'loong64', 'ppc64'])

/**
 * No call follows a symbolic link, but for a path that is pinned (/proc/self/fd/N, leading to an open
 * file whatever its name): that one must be followed. All throw errors with `code`, as node:fs does.
 */
export interface Native {
  /** Undefined where nothing has this name. @throws with code ENOTDIR and the like */
  stat(directory: number, name: Uint8Array): TreeStat | undefined
  /** True if this name still leads to a file that was seen; AT_FDCWD and a path will do. Follows no link. */
  isStill(directory: number, name: Uint8Array, seen: { device: bigint; inode: bigint }): boolean
  /** Sets the time of change of content; the time of access stays. */
  setTime(file: NativePath, mtimeNs: bigint): void
  /** Absent where the C library does not offer it. `mode` holds the type. */
  makeNode?: (directory: number, name: Uint8Array, node: { mode: number; device: bigint }) => void
  listXattrs(file: NativePath): Uint8Array[]
  /** Undefined if there is no such attribute (any more). */
  getXattr(file: NativePath, name: Uint8Array): Uint8Array | undefined
  setXattr(file: NativePath, name: Uint8Array, value: Uint8Array): void
  removeXattr(file: NativePath, name: Uint8Array): void
}

export interface NativePath {
  path: Uint8Array
  isPinned: boolean
}

type Call = (...values: unknown[]) => number
type Check = (result: number, what: string) => number

/** The calls of this system, or undefined. Loaded once. */
export function loadNative(): Promise<Native | undefined> {
  loaded ??= load()
  return loaded
}
let loaded: Promise<Native | undefined> | undefined

async function load(): Promise<Native | undefined> {
  if (process.platform !== 'linux' || !ARCHITECTURES.has(process.arch)) return undefined
  try {
    const { default: koffi } = await import('koffi')
    const library = koffi.load(null)
    const declare = (prototype: string): Call => library.func(prototype) as Call
    const check: Check = (result, what) => {
      if (result >= 0) return result
      throw systemError(getSystemErrorName(-koffi.errno()), what)
    }
    return {
      ...statCalls(declare, check, () => koffi.errno()),
      ...nodeCalls(declare, check),
      ...xattrCalls(declare, check)
    }
  } catch {
    return undefined
  }
}

/** Copies bytes into a buffer that ends them with a zero byte, as C wants them. */
function terminator(length: number): (bytes: Uint8Array) => Uint8Array {
  const buffer = new Uint8Array(length)
  return (bytes) => {
    if (bytes.length >= length) throw systemError('ENAMETOOLONG', 'a path is too long')
    if (bytes.includes(0)) throw systemError('EINVAL', 'a name holds a zero byte')
    buffer.set(bytes)
    buffer[bytes.length] = 0
    return buffer
  }
}

function statCalls(
  declare: (prototype: string) => Call,
  check: Check,
  errno: () => number
): Pick<Native, 'stat' | 'isStill' | 'setTime'> {
  const statx = declare(
    'int statx(int directory, const uint8_t *path, int flags, unsigned int mask, uint8_t *out)'
  )
  const utimensat = declare(
    'int utimensat(int directory, const uint8_t *path, const uint8_t *times, int flags)'
  )
  const terminate = terminator(PATH_LENGTH_MAX)
  const memory = new ArrayBuffer(256)
  const out = new Uint8Array(memory)
  const short = new Uint16Array(memory)
  const word = new Uint32Array(memory)
  const long = new BigInt64Array(memory)
  const deviceOf = rememberLast(joinDevice)
  const times = new BigInt64Array(4)
  const timesBytes = new Uint8Array(times.buffer)
  return {
    stat(directory, name) {
      const flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT
      const result = statx(directory, terminate(name), flags, STATX_BASIC_STATS, out)
      // Nothing there is what is found as often as not, and an error costs more than the call.
      if (result < 0 && getSystemErrorName(-errno()) === 'ENOENT') return undefined
      check(result, 'statx')
      return readStatx({ short, word, long }, deviceOf)
    },
    isStill(directory, name, { device, inode }) {
      const flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT
      if (statx(directory, terminate(name), flags, STATX_INO, out) < 0) return false
      return (
        long[4] === BigInt.asIntN(64, inode) && deviceOf(word[34] ?? 0, word[35] ?? 0) === device
      )
    },
    setTime({ path, isPinned }, mtimeNs) {
      // Floored, so that times before 1970 keep a fraction from 0 to 999,999,999.
      const fraction = ((mtimeNs % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND
      times.set([0n, UTIME_OMIT, (mtimeNs - fraction) / NS_PER_SECOND, fraction])
      const flags = isPinned ? 0 : AT_SYMLINK_NOFOLLOW
      check(utimensat(AT_CURRENT, terminate(path), timesBytes, flags), 'utimensat')
    }
  }
}
const NS_PER_SECOND = 1_000_000_000n
/** AT_FDCWD: for paths that are not relative to a descriptor. */
export const AT_CURRENT = -100

/** Nearly all files of a tree lie on one device. */
function rememberLast(
  join: (major: number, minor: number) => bigint
): (major: number, minor: number) => bigint {
  let [lastMajor, lastMinor, last] = [0, 0, join(0, 0)]
  return (major, minor) => {
    if (major !== lastMajor || minor !== lastMinor) {
      ;[lastMajor, lastMinor, last] = [major, minor, join(major, minor)]
    }
    return last
  }
}

/** The layout of struct statx, the same on every architecture. Indexes count units of the view. */
function readStatx(
  { short, word, long }: { short: Uint16Array; word: Uint32Array; long: BigInt64Array },
  deviceOf: (major: number, minor: number) => bigint
): TreeStat {
  const mode = short[14] ?? 0
  const type = typeOfMode(mode)
  return {
    type,
    mode: mode & 0o7777,
    uid: word[5] ?? 0,
    gid: word[6] ?? 0,
    size: type === 'file' ? Number(long[5]) : 0,
    mtimeNs: (long[14] ?? 0n) * NS_PER_SECOND + BigInt(word[30] ?? 0),
    ctimeNs: (long[12] ?? 0n) * NS_PER_SECOND + BigInt(word[26] ?? 0),
    device: deviceOf(word[34] ?? 0, word[35] ?? 0),
    inode: BigInt.asUintN(64, long[4] ?? 0n),
    links: word[4] ?? 0,
    major: word[32] ?? 0,
    minor: word[33] ?? 0
  }
}

/** Apart, because older C libraries do not export mknodat. */
function nodeCalls(
  declare: (prototype: string) => Call,
  check: Check
): Pick<Native, 'makeNode'> | undefined {
  const terminate = terminator(PATH_LENGTH_MAX)
  try {
    const mknodat = declare(
      'int mknodat(int directory, const uint8_t *path, unsigned int mode, uint64_t device)'
    )
    return {
      makeNode(directory, name, { mode, device }) {
        check(mknodat(directory, terminate(name), mode, device), 'mknodat')
      }
    }
  } catch {
    return undefined
  }
}

function xattrCalls(
  declare: (prototype: string) => Call,
  check: Check
): Pick<Native, 'listXattrs' | 'getXattr' | 'setXattr' | 'removeXattr'> {
  const [pinned, named] = [declareXattrs(declare, ''), declareXattrs(declare, 'l')]
  const choose = ({ isPinned }: NativePath): typeof pinned => (isPinned ? pinned : named)
  const path = terminator(PATH_LENGTH_MAX)
  const name = terminator(NAME_LENGTH)
  const out = new Uint8Array(XATTR_LENGTH_MAX)
  return {
    listXattrs(file) {
      const { list } = choose(file)
      // Nearly every file has none, and asking for the length alone is the cheapest way to know.
      if (check(list(path(file.path), null, 0), 'listxattr') === 0) return []
      const length = check(list(path(file.path), out, out.length), 'listxattr')
      return splitNames(out.slice(0, length))
    },
    getXattr(file, key) {
      const length = choose(file).get(path(file.path), name(key), out, out.length)
      try {
        return out.slice(0, check(length, 'getxattr'))
      } catch (error) {
        if (codeOf(error) === 'ENODATA') return undefined
        throw error
      }
    },
    setXattr(file, key, value) {
      check(choose(file).set(path(file.path), name(key), value, value.length, 0), 'setxattr')
    },
    removeXattr(file, key) {
      check(choose(file).remove(path(file.path), name(key)), 'removexattr')
    }
  }
}

function declareXattrs(
  declare: (prototype: string) => Call,
  prefix: '' | 'l'
): Record<'list' | 'get' | 'set' | 'remove', Call> {
  const head = 'const uint8_t *path, const uint8_t *name'
  const set = `${head}, const uint8_t *value, size_t length, int flags`
  return {
    list: declare(`long ${prefix}listxattr(const uint8_t *path, uint8_t *out, size_t length)`),
    get: declare(`long ${prefix}getxattr(${head}, uint8_t *out, size_t length)`),
    set: declare(`int ${prefix}setxattr(${set})`),
    remove: declare(`int ${prefix}removexattr(${head})`)
  }
}
const NAME_LENGTH = 256

/** A list of attributes: names, each ended by a zero byte. */
function splitNames(list: Uint8Array): Uint8Array[] {
  const names: Uint8Array[] = []
  for (let from = 0; from < list.length;) {
    const end = list.indexOf(0, from)
    if (end === -1) break
    names.push(list.slice(from, end))
    from = end + 1
  }
  return names
}
