// Segments: the files in which blocks lie. A segment is records, one after another in the order in which
// they were put, and, once it is closed, a footer that lists them by hash. A segment without a valid
// footer is read from the front and ends at the first record that is not whole: so what a crash leaves is
// always a prefix of what was put, and children are there wherever their parent is. The bodies are whatever
// others put: nothing that lies in one is ever taken for a record or a footer. FORMAT.md has the bytes.

import { crc32 } from 'node:zlib'
import { BLOCK_BYTES_MAX, HASH_BYTES, sha256, type Hash } from './block.ts'
import type { DiskFile } from './disk.ts'
import {
  METHOD_RAW,
  METHOD_ZSTD,
  areLengths,
  unpackBlock,
  type Method,
  type StoredBlock
} from './stored.ts'

/** Where a record is, and what one must know to read it. */
export interface Location {
  segment: number
  /** Of the record's header, from the start of the file. */
  offset: number
  method: Method
  storedLength: number
  plainLength: number
}

/** True if both are the same place. */
export function isAt(a: Location, b: Location): boolean {
  return a.segment === b.segment && a.offset === b.offset
}

/** A block and its place. */
export interface Placed {
  hash: Hash
  location: Location
}

export const HEADER_BYTES = 53
/** A segment takes no more records than this, so that a footer is a few MiB at most. */
export const SEGMENT_RECORDS_MAX = 1 << 16
const RECORD_MAGIC = Buffer.from('DSR1')
const FOOTER_MAGIC = Buffer.from('DSF1')
const FOOTER_ENTRY_BYTES = 45
const TRAILER_BYTES = 44
/** How much a scan reads at a time. */
const SCAN_BYTES = BLOCK_BYTES_MAX + HEADER_BYTES
/** And how much a look at headers alone: a segment of small records is read in few steps as well. */
const HEADERS_BYTES = 64 << 10

export function segmentPath(scope: string, segment: number): string {
  return `blocks/${scope}/${String(segment).padStart(8, '0')}.seg`
}

/** The number in a segment's file name, or undefined for any other name. */
export function segmentNumber(name: string): number | undefined {
  return /^\d{8}\.seg$/.test(name) ? Number(name.slice(0, 8)) : undefined
}

/** Bytes of a whole record. */
export function recordLength({ storedLength }: { storedLength: number }): number {
  return HEADER_BYTES + storedLength
}

/** Into `room`, if it is given: then the record is a view of that. */
export function encodeRecord(
  hash: Hash,
  { method, plainLength, body }: StoredBlock,
  room: Buffer = Buffer.allocUnsafe(HEADER_BYTES + body.length)
): Uint8Array {
  const record = room.subarray(0, HEADER_BYTES + body.length)
  record.set(RECORD_MAGIC, 0)
  record.writeUInt8(method, 4)
  record.set(hash, 5)
  record.writeUInt32BE(body.length, 37)
  record.writeUInt32BE(plainLength, 41)
  record.writeUInt32BE(crc32(body), 45)
  record.writeUInt32BE(crc32(record.subarray(0, 49)), 49)
  record.set(body, HEADER_BYTES)
  return record
}

/** What a record's header says. */
export interface RecordHeader {
  hash: Hash
  method: Method
  storedLength: number
  plainLength: number
  bodyCrc: number
}

/** Undefined unless `bytes` begin with a whole, valid header. */
export function decodeHeader(bytes: Uint8Array): RecordHeader | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  const header = view(bytes)
  if (Buffer.compare(header.subarray(0, 4), RECORD_MAGIC) !== 0) return undefined
  if (crc32(header.subarray(0, 49)) !== header.readUInt32BE(49)) return undefined
  const method = methodOf(header.readUInt8(4))
  const storedLength = header.readUInt32BE(37)
  const plainLength = header.readUInt32BE(41)
  if (method === undefined || !areLengths(method, plainLength, storedLength)) return undefined
  const hash = new Uint8Array(header.subarray(5, 5 + HASH_BYTES))
  return { hash, method, storedLength, plainLength, bodyCrc: header.readUInt32BE(45) }
}

/**
 * The record at a place; undefined if the file ends before it does. `whole` says that header and checksum
 * hold, which finds what a disk does to bytes, not what a forger does: only the hash proves a block.
 */
export async function readRecord(
  file: DiskFile,
  { hash, location }: Placed
): Promise<{ stored: StoredBlock; whole: boolean } | undefined> {
  const length = recordLength(location)
  const record = await file.read(location.offset, length)
  if (record.length !== length) return undefined
  const { method, plainLength } = location
  const body = record.subarray(HEADER_BYTES)
  const header = decodeHeader(record)
  const whole =
    header !== undefined && isSame(header, { hash, location }) && header.bodyCrc === crc32(body)
  return { stored: { method, plainLength, body }, whole }
}

/** True if a header is the one that belongs at a place. */
export function isSame(header: RecordHeader, { hash, location }: Placed): boolean {
  return (
    Buffer.compare(header.hash, hash) === 0 &&
    header.method === location.method &&
    header.storedLength === location.storedLength &&
    header.plainLength === location.plainLength
  )
}

/** The end of a closed segment. `end` is where its records end and the footer begins. */
export function encodeFooter(placed: readonly Placed[], end: number): Uint8Array {
  const sorted = placed.toSorted((a, b) => Buffer.compare(a.hash, b.hash))
  const footer = Buffer.alloc(sorted.length * FOOTER_ENTRY_BYTES + TRAILER_BYTES)
  let at = 0
  for (const { hash, location } of sorted) {
    footer.set(hash, at)
    footer.writeUInt8(location.method, at + 32)
    footer.writeUInt32BE(location.offset, at + 33)
    footer.writeUInt32BE(location.storedLength, at + 37)
    footer.writeUInt32BE(location.plainLength, at + 41)
    at += FOOTER_ENTRY_BYTES
  }
  footer.writeUInt32BE(sorted.length, at)
  footer.writeUInt32BE(end, at + 4)
  footer.set(FOOTER_MAGIC, at + 8)
  footer.set(sha256(footer.subarray(0, at + 12)), at + 12)
  return footer
}

/**
 * The records that a closed segment's footer lists, by hash; undefined if it has no valid footer.
 *
 * The last bytes of a segment that is not closed are those of a block, and whoever made it may have made
 * them look like a footer. But the first entry begins at 0, where the first record does; an entry that
 * begins where a record does agrees with its header, so it ends where the record does; and the footer
 * begins where the last entry ends. So it stands behind a record, never inside one. (Where a header has
 * decayed, its entry stands for it: that does not happen at the will of whoever puts blocks.)
 *
 * @param indexed where records of this segment end by the index: headers need not be read then, since a
 * footer that begins there is inside no record.
 */
export async function readFooter(
  file: DiskFile,
  segment: number,
  indexed?: number
): Promise<{ placed: Placed[]; end: number } | undefined> {
  const size = await file.size()
  if (size < TRAILER_BYTES) return undefined
  const trailer = view(await file.read(size - TRAILER_BYTES, TRAILER_BYTES))
  if (trailer.length < TRAILER_BYTES) return undefined
  const count = trailer.readUInt32BE(0)
  const end = trailer.readUInt32BE(4)
  const length = count * FOOTER_ENTRY_BYTES + TRAILER_BYTES
  if (Buffer.compare(trailer.subarray(8, 12), FOOTER_MAGIC) !== 0) return undefined
  if (count > SEGMENT_RECORDS_MAX || end !== size - length) return undefined
  const footer = view(await file.read(size - length, length))
  if (footer.length < length) return undefined
  const summed = sha256(footer.subarray(0, length - HASH_BYTES))
  if (Buffer.compare(summed, footer.subarray(length - HASH_BYTES)) !== 0) return undefined
  const placed: Placed[] = []
  for (let at = 0; at < length - TRAILER_BYTES; at += FOOTER_ENTRY_BYTES) {
    const method = methodOf(footer.readUInt8(at + 32))
    const hash = new Uint8Array(footer.subarray(at, at + HASH_BYTES))
    const offset = footer.readUInt32BE(at + 33)
    const storedLength = footer.readUInt32BE(at + 37)
    const plainLength = footer.readUInt32BE(at + 41)
    if (method === undefined || !areLengths(method, plainLength, storedLength)) return undefined
    placed.push({ hash, location: { segment, offset, method, storedLength, plainLength } })
  }
  if (!isSorted(placed)) return undefined
  const inOrder = placed.toSorted((a, b) => a.location.offset - b.location.offset)
  if (!isSeamless(inOrder, end)) return undefined
  if (end !== indexed && !(await agreesWithHeaders(file, inOrder))) return undefined
  return { placed, end }
}

/** True if hashes ascend, and offsets where two records hold one block: readers merge by that. */
function isSorted(placed: readonly Placed[]): boolean {
  return placed.every(({ hash, location }, i) => {
    const before = placed[i - 1]
    const order = before === undefined ? -1 : Buffer.compare(before.hash, hash)
    return order < 0 || (order === 0 && location.offset > (before?.location.offset ?? 0))
  })
}

/** True if each begins where the one before it ends, from 0 to `end`. */
function isSeamless(placed: readonly Placed[], end: number): boolean {
  let at = 0
  for (const { location } of placed) {
    if (location.offset !== at) return false
    at += recordLength(location)
  }
  return at === end
}

/** False if a header says something else than the entry for its place. */
async function agreesWithHeaders(file: DiskFile, placed: readonly Placed[]): Promise<boolean> {
  let window: Uint8Array = new Uint8Array(0)
  let windowAt = 0
  for (const each of placed) {
    const { offset } = each.location
    if (offset + HEADER_BYTES > windowAt + window.length) {
      window = await file.read(offset, HEADERS_BYTES)
      windowAt = offset
    }
    const header = decodeHeader(window.subarray(offset - windowAt))
    if (header !== undefined && !isSame(header, each)) return false
  }
  return true
}

/**
 * Reads records from `from` on, in the order in which they were put, and proves each by its hash. Ends at
 * the first that is not whole: `end` is where it begins.
 */
export async function scanRecords(
  file: DiskFile,
  segment: number,
  from: number
): Promise<{ placed: Placed[]; end: number }> {
  const placed: Placed[] = []
  let window: Uint8Array = new Uint8Array(0)
  let windowAt = from
  let end = from
  const take = async (length: number): Promise<Uint8Array> => {
    if (end - windowAt + length > window.length) {
      window = await file.read(end, SCAN_BYTES)
      windowAt = end
    }
    return window.subarray(end - windowAt, end - windowAt + length)
  }
  for (;;) {
    const header = decodeHeader(await take(HEADER_BYTES))
    if (header === undefined) return { placed, end }
    const { hash, method, storedLength, plainLength } = header
    const record = await take(recordLength(header))
    const body = record.subarray(HEADER_BYTES)
    if (body.length !== storedLength) return { placed, end }
    if (unpackBlock(hash, { method, plainLength, body }) === undefined) return { placed, end }
    placed.push({ hash, location: { segment, offset: end, method, storedLength, plainLength } })
    end += recordLength(header)
  }
}

/** The records between two places of a segment without a footer, by their headers alone. */
export async function readHeaders(
  file: DiskFile,
  segment: number,
  { from, end }: { from: number; end: number }
): Promise<Placed[]> {
  const placed: Placed[] = []
  for (let offset = from; offset < end;) {
    const header = decodeHeader(await file.read(offset, HEADER_BYTES))
    if (header === undefined) break
    const { hash, method, storedLength, plainLength } = header
    placed.push({ hash, location: { segment, offset, method, storedLength, plainLength } })
    offset += recordLength(header)
  }
  return placed
}

export function methodOf(value: number): Method | undefined {
  return value === METHOD_RAW || value === METHOD_ZSTD ? value : undefined
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
