// The digest says what a directory contains, however it is stored: SHA-256 over the canonical bytes of
// its entries in name order, a sub-directory by its own digest (SECURITY-DESIGN 6). Two trees that a user
// could tell apart have different digests; chunking, sealing and the base make no difference.

import { createHash } from 'node:crypto'
import type { Hash } from './block.ts'
import { ENTRY_TYPES, splitTime, type Entry } from './entry.ts'

const LABEL = Buffer.from('drystone/1/dir\0')
/** Type, mode, owner, group, seconds, nanoseconds, size. */
const FIXED_BYTES = 1 + 2 + 4 + 4 + 8 + 4 + 8
const NONE = new Uint8Array()

/**
 * The canonical bytes of one entry: numbers of fixed width, then every property of variable length after
 * its length, so that no two entries have the same bytes. What an entry does not have is empty.
 */
export function canonicalEntry(entry: Entry): Uint8Array {
  const { device, xattrs = [] } = entry
  const parts = [
    entry.name,
    entry.hash ?? NONE,
    entry.target ?? NONE,
    device === undefined ? NONE : deviceBytes(device),
    entry.linkTo ?? NONE,
    ...xattrs.flat()
  ]
  const bytes = Buffer.allocUnsafe(
    parts.reduce((sum, part) => sum + 4 + part.length, FIXED_BYTES + 4)
  )
  const [seconds, nanoseconds] = splitTime(entry.mtimeNs)
  bytes.writeUInt8(ENTRY_TYPES.indexOf(entry.type), 0)
  bytes.writeUInt16BE(entry.mode, 1)
  bytes.writeUInt32BE(entry.uid, 3)
  bytes.writeUInt32BE(entry.gid, 7)
  bytes.writeBigInt64BE(seconds, 11)
  bytes.writeUInt32BE(nanoseconds, 19)
  bytes.writeBigUInt64BE(BigInt(entry.size), 23)
  let at = bytes.writeUInt32BE(xattrs.length, FIXED_BYTES)
  for (const part of parts) {
    at = bytes.writeUInt32BE(part.length, at)
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function deviceBytes([major, minor]: readonly [number, number]): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32BE(major, 0)
  bytes.writeUInt32BE(minor, 4)
  return bytes
}

/** The digest of a directory with these entries, which must be in name order. */
export function directoryDigest(entries: Iterable<Entry>): Hash {
  const hash = createHash('sha256').update(LABEL)
  for (const entry of entries) hash.update(canonicalEntry(entry))
  return new Uint8Array(hash.digest())
}

/** The digest of a whole state: of a directory that holds only the root, under the empty name. */
export function stateDigest(root: Entry): Hash {
  return directoryDigest([root])
}
