// The digest says what a directory contains, however it is stored: SHA-256 over the canonical bytes of
// its entries in name order, a sub-directory by its own digest (SECURITY-DESIGN 6). Two trees that a user
// could tell apart have different digests; chunking, sealing and the base make no difference.

import { createHash } from 'node:crypto'
import type { Hash } from './block.ts'
import { encode } from './codec.ts'
import { ENTRY_TYPES, type Entry } from './entry.ts'

const LABEL = Buffer.from('drystone/1/dir\0')

/** The canonical bytes of one entry: a DAG-CBOR list of twelve. */
export function canonicalEntry(entry: Entry): Uint8Array {
  return encode([
    entry.name,
    ENTRY_TYPES.indexOf(entry.type),
    entry.mode,
    entry.uid,
    entry.gid,
    entry.mtimeNs,
    entry.size,
    entry.hash ?? null,
    entry.target ?? null,
    entry.device ?? null,
    entry.xattrs ?? [],
    entry.linkTo ?? null
  ])
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
