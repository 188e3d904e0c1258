// Parcels: a restore point, or what it adds to an earlier one, as one file for a courier. An opening says
// whose it is and carries the papers that prove it; then come blocks, in records like those of a segment;
// then a list of where each lies. Whoever takes a parcel in looks blocks up in that list and proves each, so
// neither order nor list is believed. A file that was cut has no list. FORMAT.md has the bytes.

import { crc32 } from 'node:zlib'
import { CID_BYTES, HASH_BYTES, sha256, type CID, type Hash } from './block.ts'
import { bytesOf, decode, encode, integerOf, listOf, optional, readList, readMap } from './codec.ts'
import type { DiskFile } from './disk.ts'
import { Malformed } from './errors.ts'
import { HEAD_BYTES_MAX, rootFromBytes } from './head.ts'
import { ENDPOINT_ID_BYTES, MESH_ID_BYTES, type EndpointId } from './roster-bodies.ts'
import { HEADER_BYTES, decodeHeader, recordLength } from './segment.ts'
import { RECORD_BYTES_MAX } from './signed.ts'
import { unpackBlock, type StoredBlock } from './stored.ts'

const VERSION = 1
const MAGIC = Buffer.from('DSP1')
const LIST_MAGIC = Buffer.from('DSE1')
const PREFIX_BYTES = 8
const ENTRY_BYTES = HASH_BYTES + 8
const TRAILER_BYTES = 48
const BASES_MAX = 1 << 10
/** Opening and papers together: larger than any roster that a peer takes. */
export const OPENING_BYTES_MAX = 32 << 20
export const PAPERS_MAX = 1 << 16
/** Blocks in one parcel. */
export const PARCEL_BLOCKS_MAX = 1 << 26
/** How much of the list is read at a time while it is hashed. */
const STEP_BYTES = 1 << 20

/** What a parcel is read from. */
export type ParcelSource = Pick<DiskFile, 'read' | 'size'>

/** A restore point as anybody may know it. */
export interface CarriedPoint {
  number: number
  /** One of the roots in the head. */
  root: CID
}

export interface Opening {
  mesh: Uint8Array
  endpoint: EndpointId
  point: CarriedPoint
  /** Whoever takes the parcel in must have this one already: what it reaches was left out. */
  since?: CarriedPoint | undefined
  /** Ids of the bases that the point stands on. */
  bases: readonly Hash[]
  /** Those of them that are inside, but for what `since` stands on. */
  inside: readonly Hash[]
  /** The writer's mark, encoded, and the head that it vouches for. */
  mark: Uint8Array
  head: Uint8Array
  /** Encoded records: the roster, and those of the bases. */
  papers: readonly Uint8Array[]
}

/** The beginning of a parcel. @throws {Malformed} if it gets too large. */
export function encodeOpening(opening: Opening): Uint8Array {
  const { point, since, ...fields } = opening
  const body = encode({
    v: VERSION,
    ...fields,
    point: [point.number, point.root.bytes],
    ...(since && { since: [since.number, since.root.bytes] })
  })
  if (body.length > OPENING_BYTES_MAX) {
    throw new Malformed(`the papers of a parcel come to ${body.length} bytes`)
  }
  const prefix = Buffer.alloc(PREFIX_BYTES)
  prefix.set(MAGIC)
  prefix.writeUInt32BE(body.length, MAGIC.length)
  const bytes = Buffer.concat([prefix, body])
  return Buffer.concat([bytes, sha256(bytes)])
}

/** What a parcel begins with, and what its list is bound to. */
export interface OpenedParcel {
  opening: Opening
  /** Where the records begin. */
  begin: number
  sum: Hash
}

/** @throws {Malformed} */
export async function readOpening(file: ParcelSource): Promise<OpenedParcel> {
  const size = await file.size()
  const prefix = view(await file.read(0, PREFIX_BYTES))
  if (prefix.length < PREFIX_BYTES || !prefix.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new Malformed('it does not begin as an export does')
  }
  const length = prefix.readUInt32BE(MAGIC.length)
  const begin = PREFIX_BYTES + length + HASH_BYTES
  if (length > OPENING_BYTES_MAX) throw new Malformed(`an opening of ${length} bytes`)
  if (begin > size) throw new Malformed(`it is cut: its opening ends at byte ${begin}`)
  const bytes = await file.read(0, begin)
  const end = begin - HASH_BYTES
  const sum = sha256(bytes.subarray(0, end))
  if (bytes.length < begin || Buffer.compare(sum, bytes.subarray(end)) !== 0) {
    throw new Malformed('its opening is damaged')
  }
  return { opening: decodeOpening(bytes.subarray(PREFIX_BYTES, end)), begin, sum }
}

function decodeOpening(bytes: Uint8Array): Opening {
  const { point, since, ...fields } = readMap(decode(bytes), 'opening', {
    v: integerOf(VERSION, VERSION),
    mesh: bytesOf(MESH_ID_BYTES),
    endpoint: bytesOf(ENDPOINT_ID_BYTES),
    point: readPoint,
    since: optional(readPoint),
    bases: listOf(bytesOf(HASH_BYTES), BASES_MAX),
    inside: listOf(bytesOf(HASH_BYTES), BASES_MAX),
    mark: bytesOf(1, RECORD_BYTES_MAX),
    head: bytesOf(1, HEAD_BYTES_MAX),
    papers: listOf(bytesOf(1, RECORD_BYTES_MAX), PAPERS_MAX)
  })
  const { mesh, endpoint, bases, inside, mark, head, papers } = fields
  return { mesh, endpoint, point, since, bases, inside, mark, head, papers }
}

function readPoint(value: unknown, field: string): CarriedPoint {
  const [number, root] = readList(value, field, 2)
  return {
    number: integerOf()(number, `${field}.number`),
    root: rootFromBytes(bytesOf(CID_BYTES)(root, `${field}.root`))
  }
}

/** Where each block of a parcel lies: gathered while it is written, looked up while it is read. */
export class ParcelList {
  #entries: Buffer
  #size: number

  constructor(entries: Uint8Array = new Uint8Array(0)) {
    this.#entries = Buffer.from(entries)
    this.#size = entries.length / ENTRY_BYTES
  }

  get size(): number {
    return this.#size
  }

  /** Notes the record of a block. @throws {Malformed} if there are too many. */
  add(hash: Hash, offset: number): void {
    if (this.#size === PARCEL_BLOCKS_MAX) throw new Malformed('too many blocks for one parcel')
    const at = this.#size * ENTRY_BYTES
    if (at === this.#entries.length) {
      const room = Buffer.alloc(Math.max(64, Math.ceil(this.#size * 1.5)) * ENTRY_BYTES)
      room.set(this.#entries)
      this.#entries = room
    }
    this.#entries.set(hash, at)
    this.#entries.writeBigUInt64BE(BigInt(offset), at + HASH_BYTES)
    this.#size++
  }

  /** The end of a parcel whose records end at `end`. */
  encode(end: number, sum: Hash): Uint8Array {
    const order = new Uint32Array(this.#size).map((_, i) => i)
    order.sort((a, b) => Buffer.compare(this.#hashAt(a), this.#hashAt(b)))
    const bytes = Buffer.alloc(this.#size * ENTRY_BYTES + TRAILER_BYTES)
    for (const [i, from] of order.entries()) {
      const at = from * ENTRY_BYTES
      bytes.set(this.#entries.subarray(at, at + ENTRY_BYTES), i * ENTRY_BYTES)
    }
    const trailer = bytes.subarray(bytes.length - TRAILER_BYTES)
    trailer.writeUInt32BE(this.#size, 0)
    trailer.writeBigUInt64BE(BigInt(end), 4)
    trailer.set(LIST_MAGIC, 12)
    const said = bytes.subarray(0, bytes.length - HASH_BYTES)
    trailer.set(sha256(Buffer.concat([sum, said])), TRAILER_BYTES - HASH_BYTES)
    return bytes
  }

  /** The record of a block; undefined if it is not inside. Only of a list that was read. */
  find(hash: Hash): number | undefined {
    let [from, to] = [0, this.#size]
    while (from < to) {
      const middle = (from + to) >>> 1
      if (Buffer.compare(this.#hashAt(middle), hash) < 0) from = middle + 1
      else to = middle
    }
    if (from === this.#size || Buffer.compare(this.#hashAt(from), hash) !== 0) return undefined
    return this.#offsetAt(from)
  }

  /** How many records lie before `offset`. */
  before(offset: number): number {
    let count = 0
    for (let i = 0; i < this.#size; i++) if (this.#offsetAt(i) < offset) count++
    return count
  }

  /** All blocks, in the order of the list. */
  *places(): Generator<{ hash: Hash; offset: number }> {
    for (let i = 0; i < this.#size; i++) {
      yield { hash: new Uint8Array(this.#hashAt(i)), offset: this.#offsetAt(i) }
    }
  }

  #offsetAt(place: number): number {
    return Number(this.#entries.readBigUInt64BE(place * ENTRY_BYTES + HASH_BYTES))
  }

  #hashAt(place: number): Uint8Array {
    return this.#entries.subarray(place * ENTRY_BYTES, place * ENTRY_BYTES + HASH_BYTES)
  }

  /** True if the hashes rise and every record lies between `begin` and `end`. */
  isSound(begin: number, end: number): boolean {
    for (let i = 0; i < this.#size; i++) {
      const offset = this.#offsetAt(i)
      if (offset < begin || offset + HEADER_BYTES > end) return false
      if (i > 0 && Buffer.compare(this.#hashAt(i - 1), this.#hashAt(i)) >= 0) return false
    }
    return true
  }
}

/**
 * The list at the end of a parcel, and where its records end.
 *
 * @throws {Malformed} if there is none, as in a file that was cut, or it does not hold.
 */
export async function readParcelList(
  file: ParcelSource,
  { begin, sum }: Pick<OpenedParcel, 'begin' | 'sum'>
): Promise<{ list: ParcelList; end: number }> {
  const size = await file.size()
  const at = size - TRAILER_BYTES
  const trailer = at < begin ? undefined : view(await file.read(at, TRAILER_BYTES))
  if (trailer?.subarray(12, 16).equals(LIST_MAGIC) !== true) {
    throw new Malformed('the list of blocks at its end is not there')
  }
  const count = trailer.readUInt32BE(0)
  const end = Number(trailer.readBigUInt64BE(4))
  const fits = count <= PARCEL_BLOCKS_MAX && end >= begin && end + count * ENTRY_BYTES === at
  if (!fits) throw new Malformed('the list of blocks at its end does not fit the file')
  const entries = Buffer.alloc(count * ENTRY_BYTES)
  for (let done = 0; done < entries.length; done += STEP_BYTES) {
    entries.set(await file.read(end + done, Math.min(STEP_BYTES, entries.length - done)), done)
  }
  const said = Buffer.concat([sum, entries, trailer.subarray(0, TRAILER_BYTES - HASH_BYTES)])
  const list = new ParcelList(entries)
  const holds = Buffer.compare(sha256(said), trailer.subarray(TRAILER_BYTES - HASH_BYTES)) === 0
  if (!holds || !list.isSound(begin, end)) {
    throw new Malformed('the list of blocks at its end is damaged')
  }
  return { list, end }
}

/**
 * The block whose record lies at `offset`, as it lies: unharmed by its checksum, and not yet proved by its
 * hash. Undefined if the record is not whole, or another's.
 */
export async function readBlock(
  file: ParcelSource,
  { hash, offset }: { hash: Hash; offset: number }
): Promise<StoredBlock | undefined> {
  const header = decodeHeader(await file.read(offset, HEADER_BYTES))
  if (header === undefined || Buffer.compare(header.hash, hash) !== 0) return undefined
  const { method, plainLength, storedLength, bodyCrc } = header
  const body = await file.read(offset + HEADER_BYTES, storedLength)
  if (body.length !== storedLength || crc32(body) !== bodyCrc) return undefined
  return { method, plainLength, body }
}

/** How far a parcel is whole. */
export interface ScannedParcel {
  /** Whole records from the first on. */
  records: number
  /** Where they end. */
  end: number
}

/** Reads records in their order and proves each by its hash, up to `end` or the first that is not whole. */
export async function scanParcel(
  file: ParcelSource,
  { begin, end }: { begin: number; end: number },
  onRecord: (seen: ScannedParcel) => void = () => undefined
): Promise<ScannedParcel> {
  const seen = { records: 0, end: begin }
  while (seen.end < end) {
    const header = decodeHeader(await file.read(seen.end, HEADER_BYTES))
    if (header === undefined || seen.end + recordLength(header) > end) break
    const stored = await readBlock(file, { hash: header.hash, offset: seen.end })
    if (stored === undefined || unpackBlock(header.hash, stored) === undefined) break
    seen.records++
    seen.end += recordLength(header)
    onRecord(seen)
  }
  return seen
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
