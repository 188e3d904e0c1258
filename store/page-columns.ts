// The bytes of a page, read strictly: one column for each property, all of them checked against the count
// and against each other before anything is believed. What passes here is a page that could be on a disk:
// names in order and possible, sizes that are the sum of the chunks, nothing left over.

import { BLOCK_BYTES_MAX, CID_BYTES, HASH_BYTES } from './block.ts'
import { unpackChunks } from './chunk-list.ts'
import { bytesOf, decode, integerOf, readList } from './codec.ts'
import { ENTRY_TYPES, type ChunkRef, type EntryType } from './entry.ts'
import { Malformed } from './errors.ts'
import { readExtras, type Extra } from './page-extras.ts'

export const PAGE_ENTRIES_MAX = 1024
/** A file with more chunks than this keeps them in a list block. */
export const PAGE_CHUNKS_MAX = 64
export const NAME_BYTES_MAX = 4096
/** In the column of chunk counts: the content is a list. */
export const COUNT_LIST = 0xffff
export const OWNER_BYTES = 8
export const TIME_BYTES = 12
const MODE_MAX = 0o7777
const NANOSECONDS = 1_000_000_000
const SLASH = 0x2f
const DOT = 0x2e

export interface Columns {
  names: Uint8Array[]
  types: EntryType[]
  modes: Buffer
  owners: Buffer
  times: Buffer
  sizes: number[]
  /** One for each file and each directory. */
  hashes: Buffer
  /** How many chunks each file has, or COUNT_LIST. */
  counts: number[]
  /** One address for each directory, each file of one chunk, each file with a list. */
  cids: Buffer
  /** The chunks of files that have several. */
  chunks: ChunkRef[]
  extras: Map<number, Extra>
}

/** @throws {Malformed} */
export function readColumns(body: Uint8Array): Columns {
  const [kind, count, ...rest] = readList(decode(body), 'page', 13)
  if (kind !== 'page') throw new Malformed('a block is not a page')
  const length = integerOf(0, PAGE_ENTRIES_MAX)(count, 'page count')
  const extras = rest.pop()
  const packed = rest.map((column, i) => readColumn(column, i))
  const [names, types, modes, owners, times, sizes, hashes, counts, cids, chunks] = packed
  // readList made sure of thirteen; this tells the compiler.
  if (!names || !types || !modes || !owners || !times || !sizes) throw new Malformed('no columns')
  if (!hashes || !counts || !cids || !chunks) throw new Malformed('no columns')
  const columns: Columns = {
    names: readNames(names, length),
    types: readTypes(wide(types, 1, length)),
    modes: wide(modes, 2, length),
    owners: wide(owners, OWNER_BYTES, length),
    times: wide(times, TIME_BYTES, length),
    sizes: readSizes(wide(sizes, 8, length)),
    hashes: wide(hashes, HASH_BYTES),
    counts: readCounts(wide(counts, 2)),
    cids: wide(cids, CID_BYTES),
    chunks: unpackChunks(chunks),
    extras: new Map()
  }
  assertMetadata(columns)
  assertContents(columns)
  columns.extras = readExtras(extras, columns.types)
  return columns
}

function readColumn(value: unknown, i: number): Buffer {
  const bytes = bytesOf(0, BLOCK_BYTES_MAX)(value, `page column ${i}`)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** The column, if it has whole items of `width` bytes, and `count` of them if that is given. */
function wide(column: Buffer, width: number, count?: number): Buffer {
  const fits = count === undefined ? column.length % width === 0 : column.length === width * count
  if (!fits) throw new Malformed('a page column does not fit its count')
  return column
}

function readNames(packed: Buffer, count: number): Uint8Array[] {
  const names: Uint8Array[] = []
  let at = 0
  for (let i = 0; i < count; i++) {
    if (at + 2 > packed.length) throw new Malformed('page names are cut off')
    const length = packed.readUInt16BE(at)
    const end = at + 2 + length
    if (end > packed.length) throw new Malformed('a page name is cut off')
    const name = new Uint8Array(packed.subarray(at + 2, end))
    // The top of a state is a page too: its one entry, the root, has no name.
    if (!isName(name) && !(count === 1 && length === 0)) throw new Malformed('an impossible name')
    const before = names[i - 1]
    if (before !== undefined && Buffer.compare(before, name) >= 0) {
      throw new Malformed('page names are not sorted and unique')
    }
    names.push(name)
    at = end
  }
  if (at !== packed.length) throw new Malformed('page names do not end with the last entry')
  return names
}

/** True if this could be the name of something in a directory, on any system. */
export function isName(name: Uint8Array): boolean {
  if (name.length === 0 || name.length > NAME_BYTES_MAX) return false
  const isDots = name[0] === DOT && (name.length === 1 || (name.length === 2 && name[1] === DOT))
  return !isDots && !name.includes(SLASH) && !name.includes(0)
}

function readTypes(packed: Buffer): EntryType[] {
  return Array.from(packed, (number) => {
    const type = ENTRY_TYPES[number]
    if (type === undefined) throw new Malformed('an entry of unknown type')
    return type
  })
}

function readSizes(packed: Buffer): number[] {
  const sizes: number[] = []
  for (let at = 0; at < packed.length; at += 8) {
    const size = packed.readUInt32BE(at) * 2 ** 32 + packed.readUInt32BE(at + 4)
    if (size > Number.MAX_SAFE_INTEGER) throw new Malformed('a size beyond all files')
    sizes.push(size)
  }
  return sizes
}

function readCounts(packed: Buffer): number[] {
  const counts: number[] = []
  for (let at = 0; at < packed.length; at += 2) {
    const count = packed.readUInt16BE(at)
    if (count > PAGE_CHUNKS_MAX && count !== COUNT_LIST) throw new Malformed('too many chunks')
    counts.push(count)
  }
  return counts
}

function assertMetadata({ modes, times }: Columns): void {
  for (let at = 0; at < modes.length; at += 2) {
    if (modes.readUInt16BE(at) > MODE_MAX) throw new Malformed('a mode has more than 12 bits')
  }
  for (let at = 8; at < times.length; at += TIME_BYTES) {
    if (times.readUInt32BE(at) >= NANOSECONDS) throw new Malformed('a time past its second')
  }
}

/** Every hash, count, address and chunk belongs to one entry; every size is what its chunks add up to. */
function assertContents({ types, sizes, hashes, counts, cids, chunks }: Columns): void {
  let [files, directories, addresses, pieces] = [0, 0, 0, 0]
  types.forEach((type, i) => {
    const size = sizes[i] as number
    if (type === 'directory') directories++
    if (type !== 'file') {
      if (size !== 0) throw new Malformed(`a ${type} with a size`)
      return
    }
    const count = counts[files++]
    if (count === undefined) throw new Malformed('page counts are cut off')
    let whole = size !== 0 && (count !== 1 || size <= BLOCK_BYTES_MAX)
    if (count === 1 || count === COUNT_LIST) addresses++
    else {
      const own = chunks.slice(pieces, pieces + count)
      whole = own.length === count && size === own.reduce((sum, { length }) => sum + length, 0)
      pieces += count
    }
    if (!whole) throw new Malformed('a size is not the sum of its chunks')
  })
  const fits =
    hashes.length === (files + directories) * HASH_BYTES &&
    counts.length === files &&
    cids.length === (addresses + directories) * CID_BYTES &&
    chunks.length === pieces
  if (!fits) throw new Malformed('page columns do not fit their entries')
}
