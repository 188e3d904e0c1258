// Entry: one name in a directory, with what a user could see of it (metadata, fingerprint) and where its
// content is stored (chunks, list, page). The first half goes into the digest; the second does not.

import type { CID, Hash } from './block.ts'

export const ENTRY_TYPES = [
  'file',
  'directory',
  'symlink',
  'fifo',
  'socket',
  'block',
  'character'
] as const
/** The order is the number that stands in a page and in the canonical bytes. */
export type EntryType = (typeof ENTRY_TYPES)[number]

/** One piece of a file. */
export interface ChunkRef {
  /** Plain (raw) or sealed (dag-cbor). */
  cid: CID
  /** Bytes of the piece, unsealed. */
  length: number
  /** SHA-256 of the piece, unsealed. */
  hash: Hash
}

/** Where a file's bytes are: nowhere (empty), in its chunks, or in the chunks that a list names. */
export type FileContent = { chunks: readonly ChunkRef[] } | { list: CID }

export interface Entry {
  name: Uint8Array
  type: EntryType
  /** Permission bits with setuid, setgid and sticky: 12 bits. */
  mode: number
  uid: number
  gid: number
  /** Nanoseconds since 1970, may be negative. */
  mtimeNs: bigint
  /** Bytes of a regular file; 0 for everything else. */
  size: number
  /** A file's fingerprint, or a directory's digest; absent for the rest. */
  hash?: Hash
  /** A symbolic link's target. */
  target?: Uint8Array
  /** A device's numbers. */
  device?: readonly [major: number, minor: number]
  /** Sorted by name bytes; absent when there are none. */
  xattrs?: readonly (readonly [name: Uint8Array, value: Uint8Array])[]
  /**
   * For every name of a hard-linked file but the first in tree order: the path of that first name, from
   * the root. The first name carries nothing, so one pass over a tree knows all.
   */
  linkTo?: Uint8Array
  /** Storage, not part of the digest: a file's bytes, */
  content?: FileContent
  /** and a directory's page. */
  page?: CID
}

const NANOSECONDS = 1_000_000_000n

/** A time as pages and digests carry it: whole seconds since 1970, rounded down, and what is over. */
export function splitTime(timeNs: bigint): [seconds: bigint, nanoseconds: number] {
  const over = timeNs % NANOSECONDS
  const nanoseconds = over < 0n ? over + NANOSECONDS : over
  return [(timeNs - nanoseconds) / NANOSECONDS, Number(nanoseconds)]
}

export function joinTime(seconds: bigint, nanoseconds: number): bigint {
  return seconds * NANOSECONDS + BigInt(nanoseconds)
}
