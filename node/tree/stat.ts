// From what the system says about a file to a TreeStat. The number of a device is split here, once, as
// Linux joins it, so that a file looks the same by whichever call it was seen.

import type { BigIntStats } from 'node:fs'
import type { EntryType } from '../../store/entry.ts'
import { systemError } from './failures.ts'
import type { TreeStat } from './tree.ts'

const TYPE_BITS: Readonly<Record<EntryType, number>> = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  fifo: 0o010000,
  socket: 0o140000,
  block: 0o060000,
  character: 0o020000
}

const TYPES = new Map<number, EntryType>([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'symlink'],
  [0o010000, 'fifo'],
  [0o140000, 'socket'],
  [0o060000, 'block'],
  [0o020000, 'character']
])

/** The type in a mode as the system gives it. */
export function typeOfMode(mode: number): EntryType {
  const type = TYPES.get(mode & 0o170000)
  if (type === undefined) throw systemError('EINVAL', 'it is of a kind that Drystone does not know')
  return type
}

/** The bits of a mode that say `type`. */
export function modeOfType(type: EntryType): number {
  return TYPE_BITS[type]
}

/** One number for a device, as Linux joins major and minor. */
export function joinDevice(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)]
  return (
    ((high & 0xfffff000n) << 32n) |
    ((high & 0xfffn) << 8n) |
    ((low & ~0xffn) << 12n) |
    (low & 0xffn)
  )
}

function splitDevice(device: bigint): { major: number; minor: number } {
  return {
    major: Number(((device >> 32n) & 0xfffff000n) | ((device >> 8n) & 0xfffn)),
    minor: Number(((device >> 12n) & 0xffffff00n) | (device & 0xffn))
  }
}

/** What node:fs saw. */
export function statOf(stats: BigIntStats): TreeStat {
  const mode = Number(stats.mode)
  const type = typeOfMode(mode)
  const isDevice = type === 'block' || type === 'character'
  return {
    type,
    mode: mode & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    size: type === 'file' ? Number(stats.size) : 0,
    mtimeNs: stats.mtimeNs,
    ctimeNs: stats.ctimeNs,
    device: stats.dev,
    inode: stats.ino,
    links: Number(stats.nlink),
    ...(isDevice ? splitDevice(stats.rdev) : { major: 0, minor: 0 })
  }
}

/** True if both are one file, not just one path. */
export function isSameFile(a: TreeStat, b: TreeStat): boolean {
  return a.type === b.type && a.device === b.device && a.inode === b.inode
}
