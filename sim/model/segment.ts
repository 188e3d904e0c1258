// A segment of blocks, read by the words of store/FORMAT.md ("Segments") as a program in another language
// would: with a footer where there is one that holds, else record by record until the first that is not
// whole. A record counts only if its body unpacks to the block whose hash it names.

import { hash as hashBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { crc32, zstdDecompressSync } from 'node:zlib'

const BLOCK_BYTES_MAX = 1_048_576
export const RECORD_HEADER_BYTES = 53
const ENTRY_BYTES = 45
const TRAILER_BYTES = 44
const RECORD_MAGIC = 'DSR1'
const FOOTER_MAGIC = 'DSF1'

/** Where a block lies. */
export interface BlockRecord {
  /** In hex. */
  hash: string
  /** 0 raw, 1 zstd. */
  method: number
  /** Of the body, in the file. */
  offset: number
  /** Bytes of the body. */
  stored: number
  /** Bytes of the block. */
  plain: number
}

export interface Segment {
  records: BlockRecord[]
  /** Where the records that were read one by one end; what follows is torn, or a footer. */
  end: number
  /** What a footer names and the file has not. */
  damaged: string[]
}

/**
 * Reads a segment. `earlier` is what was read of its first `earlier.end` bytes, if they are still what they
 * were; then reading goes on from there.
 */
export function readSegment(bytes: Uint8Array, earlier?: Segment): Segment {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return readByFooter(file) ?? readOneByOne(file, earlier)
}

/** The block of a record; undefined if what lies there is not the block of that hash. */
export function blockAt(bytes: Uint8Array, record: BlockRecord): Uint8Array | undefined {
  const { offset, stored, plain, method } = record
  const body = bytes.subarray(offset, offset + stored)
  if (body.length !== stored || plain > BLOCK_BYTES_MAX) return undefined
  const block = method === 0 ? body : unpack(body, plain)
  if (block?.length !== plain) return undefined
  return hashBytes('sha256', block, 'hex') === record.hash ? block : undefined
}

function unpack(body: Uint8Array, plain: number): Uint8Array | undefined {
  try {
    return zstdDecompressSync(body, { maxOutputLength: Math.max(1, plain) })
  } catch {
    return undefined
  }
}

function readByFooter(file: Buffer): Segment | undefined {
  const trailer = file.length - TRAILER_BYTES
  if (trailer < 0 || file.toString('latin1', trailer + 8, trailer + 12) !== FOOTER_MAGIC) {
    return undefined
  }
  const count = file.readUInt32BE(trailer)
  const start = trailer - count * ENTRY_BYTES
  if (start < 0) return undefined
  const sum = hashBytes('sha256', file.subarray(start, trailer + 12), 'hex')
  if (sum !== file.toString('hex', trailer + 12)) return undefined
  const entries: BlockRecord[] = []
  for (let at = start; at < trailer; at += ENTRY_BYTES) {
    entries.push({
      hash: file.toString('hex', at, at + 32),
      method: file.readUInt8(at + 32),
      offset: file.readUInt32BE(at + 33) + RECORD_HEADER_BYTES,
      stored: file.readUInt32BE(at + 37),
      plain: file.readUInt32BE(at + 41)
    })
  }
  if (file.readUInt32BE(trailer + 4) !== start || !areAll(file, entries, start)) return undefined
  const segment: Segment = { records: [], end: start, damaged: [] }
  for (const entry of entries) {
    if (blockAt(file, entry) === undefined) segment.damaged.push(entry.hash)
    else segment.records.push(entry)
  }
  return segment
}

/** True if the entries can be all the records up to `end`: nothing between them, no header against them. */
function areAll(file: Buffer, entries: readonly BlockRecord[], end: number): boolean {
  let at = 0
  for (const entry of entries.toSorted((a, b) => a.offset - b.offset)) {
    const header = headerAt(file, at)
    if (entry.offset !== at + RECORD_HEADER_BYTES) return false
    if (header !== undefined && !isDeepStrictEqual(header.record, entry)) return false
    at = entry.offset + entry.stored
  }
  return at === end
}

function readOneByOne(file: Buffer, earlier?: Segment): Segment {
  const segment: Segment = {
    records: [...(earlier?.records ?? [])],
    end: earlier?.end ?? 0,
    damaged: []
  }
  for (;;) {
    const header = headerAt(file, segment.end)
    if (header === undefined) return segment
    const { record, sum } = header
    const body = file.subarray(record.offset, record.offset + record.stored)
    if (crc32(body) !== sum || blockAt(file, record) === undefined) return segment
    segment.records.push(record)
    segment.end = record.offset + record.stored
  }
}

/** The record that begins here, if its header holds, and the sum that its body should have. */
function headerAt(file: Buffer, at: number): { record: BlockRecord; sum: number } | undefined {
  if (at + RECORD_HEADER_BYTES > file.length) return undefined
  if (file.toString('latin1', at, at + 4) !== RECORD_MAGIC) return undefined
  if (crc32(file.subarray(at, at + 49)) !== file.readUInt32BE(at + 49)) return undefined
  const record = {
    hash: file.toString('hex', at + 5, at + 37),
    method: file.readUInt8(at + 4),
    offset: at + RECORD_HEADER_BYTES,
    stored: file.readUInt32BE(at + 37),
    plain: file.readUInt32BE(at + 41)
  }
  return { record, sum: file.readUInt32BE(at + 45) }
}
