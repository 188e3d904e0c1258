// What few entries of a page have: a link's target, a device's numbers, extended attributes, a hard link.
// They stand in a list beside the columns, in entry order, and only for entries that have any of them.

import { bytesOf, integerOf, readList } from './codec.ts'
import type { Entry, EntryType } from './entry.ts'
import { Malformed } from './errors.ts'

/** `[index, target, device, xattrs, linkTo]`; null for what the entry does not have. */
export type Extra = [
  index: number,
  target: Uint8Array | null,
  device: [major: number, minor: number] | null,
  xattrs: [name: Uint8Array, value: Uint8Array][] | null,
  linkTo: Uint8Array | null
]

const EXTRA_BYTES_MAX = 256 * 1024
const DEVICE_NUMBER_MAX = 0xffffffff

/** The extra of the entry at `index`, if it needs one. */
export function extraOf(index: number, entry: Entry): Extra | undefined {
  const { target, device, xattrs = [], linkTo } = entry
  if (!target && !device && !linkTo && xattrs.length === 0) return undefined
  return [
    index,
    target ?? null,
    device === undefined ? null : [...device],
    xattrs.length === 0 ? null : xattrs.map(([name, value]) => [name, value]),
    linkTo ?? null
  ]
}

export function addExtra(entry: Entry, [, target, device, xattrs, linkTo]: Extra): void {
  if (target !== null) entry.target = target
  if (device !== null) entry.device = device
  if (xattrs !== null) entry.xattrs = xattrs
  if (linkTo !== null) entry.linkTo = linkTo
}

/**
 * Reads the extras of entries of these types, by index.
 *
 * @throws {Malformed} also where an entry has what its type cannot have, or lacks what it must have.
 */
export function readExtras(value: unknown, types: readonly EntryType[]): Map<number, Extra> {
  if (!Array.isArray(value) || value.length > types.length) {
    throw new Malformed('page extras are not a list of at most the entries')
  }
  const extras = new Map<number, Extra>()
  let last = -1
  for (const item of value) {
    const extra = readExtra(item)
    if (extra[0] <= last || extra[0] >= types.length) throw new Malformed('extras out of order')
    last = extra[0]
    extras.set(last, extra)
  }
  types.forEach((type, i) => {
    assertFits(type, extras.get(i))
  })
  return extras
}

function assertFits(type: EntryType, extra: Extra | undefined): void {
  const [, target = null, device = null, , linkTo = null] = extra ?? []
  const isDevice = type === 'block' || type === 'character'
  const fits =
    (target !== null) === (type === 'symlink') &&
    (device !== null) === isDevice &&
    (linkTo === null || type === 'file')
  if (!fits) throw new Malformed(`a ${type} does not fit its extras`)
}

function readExtra(value: unknown): Extra {
  const [index, target, device, xattrs, linkTo] = readList(value, 'page extra', 5)
  const some = bytesOf(1, EXTRA_BYTES_MAX)
  const extra: Extra = [
    integerOf()(index, 'extra index'),
    target === null ? null : whole(some(target, 'link target')),
    device === null ? null : readDevice(device),
    xattrs === null ? null : readXattrs(xattrs),
    linkTo === null ? null : some(linkTo, 'hard link')
  ]
  if (extra.slice(1).every((part) => part === null)) throw new Malformed('an extra says nothing')
  return extra
}

/** Systems end such bytes at the first zero: what stands behind it could never be put on a disk. */
function whole(bytes: Uint8Array): Uint8Array {
  if (bytes.includes(0)) throw new Malformed('a zero byte where a system would end')
  return bytes
}

function readDevice(value: unknown): [number, number] {
  const [major, minor] = readList(value, 'device', 2)
  const number = integerOf(0, DEVICE_NUMBER_MAX)
  return [number(major, 'device major'), number(minor, 'device minor')]
}

function readXattrs(value: unknown): [Uint8Array, Uint8Array][] {
  if (!Array.isArray(value) || value.length === 0) throw new Malformed('xattrs are not a list')
  let before: Uint8Array | undefined
  return value.map((pair) => {
    const [nameValue, contentValue] = readList(pair, 'xattr', 2)
    const name = whole(bytesOf(1, EXTRA_BYTES_MAX)(nameValue, 'xattr name'))
    if (before !== undefined && Buffer.compare(before, name) >= 0) {
      throw new Malformed('xattr names are not sorted and unique')
    }
    before = name
    return [name, bytesOf(0, EXTRA_BYTES_MAX)(contentValue, 'xattr value')]
  })
}
