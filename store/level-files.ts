// The files of Level, looked at before it opens them. Each part of them carries a checksum, and Level as it
// is built looks at few: what one flipped bit damaged it leaves out without a word, or hands on as it is. So
// every sum is checked here, in one reading, and an index in which one does not hold is not used at all.
// What an ordinary crash leaves is let pass: of the latest log the end may be missing, which is an older
// index, and whoever stands above catches up. Layout: LevelDB's log_format.md and table_format.md.

import { readFile, type Disk } from './disk.ts'

/** Far more than Level puts into one file. */
const FILE_BYTES_MAX = 256 << 20
const LOG_BLOCK_BYTES = 32 << 10
const LOG_HEADER_BYTES = 7
/** A part of a table is followed by how it is packed, and by a sum over both. */
const PART_TRAILER_BYTES = 5
const TABLE_FOOTER_BYTES = 48
const TABLE_MAGIC = Buffer.from('57fb808b247547db', 'hex')
/** CRC-32C, reflected. */
const POLYNOMIAL = 0x82f63b78
const SUM_MASK = 0xa282ead8

/**
 * False if a file of the index on `disk`, whose home is the index's folder, is damaged; true also if there is
 * none. Whoever holds the index open meanwhile makes the answer worthless. @throws {DiskFailed}
 */
export async function isIntact(disk: Disk): Promise<boolean> {
  const names = (await disk.list('')) ?? []
  const proved = names.filter((name) => /\.(ldb|sst|log)$|^MANIFEST-/.test(name))
  // Level would begin anew, and take the logs for all there was.
  if (!names.includes('CURRENT')) return proved.length === 0
  const lastLog = proved.filter((name) => name.endsWith('.log')).at(-1)
  for (const name of proved) {
    const isTable = /\.(ldb|sst)$/.test(name)
    const bytes = await readFile(disk, name, { bytesMax: FILE_BYTES_MAX })
    if (bytes === undefined) continue
    const isWhole = isTable ? isTableWhole(bytes) : isLogWhole(bytes, name === lastLog)
    if (!isWhole) return false
  }
  return true
}

/** A log is blocks of 32 KiB with records: sum, length, kind, bytes. `mayEnd`: anywhere in the last block. */
export function isLogWhole(bytes: Uint8Array, mayEnd: boolean): boolean {
  const log = view(bytes)
  for (let at = 0; at < log.length;) {
    const left = LOG_BLOCK_BYTES - (at % LOG_BLOCK_BYTES)
    if (left < LOG_HEADER_BYTES) {
      at += left
      continue
    }
    if (at + LOG_HEADER_BYTES > log.length) return mayEnd
    const length = log.readUInt16LE(at + 4)
    const end = at + LOG_HEADER_BYTES + length
    if (length + LOG_HEADER_BYTES > left || end > log.length) {
      return mayEnd && at + left >= log.length
    }
    if (log.readUInt32LE(at) !== sumOf(log.subarray(at + 6, end))) return false
    at = end
  }
  return true
}

/** A table is parts, the last of which says where the others are, and a footer, which says where that is. */
export function isTableWhole(bytes: Uint8Array): boolean {
  const table = view(bytes)
  const footer = table.length - TABLE_FOOTER_BYTES
  if (footer < 0 || !table.subarray(-TABLE_MAGIC.length).equals(TABLE_MAGIC)) return false
  const numbers = new Numbers(table.subarray(footer, -TABLE_MAGIC.length))
  const [filters, parts] = [numbers.place(), numbers.place()]
  const filtered = filters && partAt(table, filters)
  const list = parts && partAt(table, parts)
  if (filtered === undefined || list === undefined) return false
  const places = placesIn(list)
  return places?.every((place) => partAt(table, place) !== undefined) === true
}

interface Place {
  at: number
  length: number
}

/** A part that is as it was written, and not packed: our indexes never are. */
function partAt(table: Buffer, { at, length }: Place): Buffer | undefined {
  const end = at + length
  if (end + PART_TRAILER_BYTES > table.length || table[end] !== 0) return undefined
  if (table.readUInt32LE(end + 1) !== sumOf(table.subarray(at, end + 1))) return undefined
  return table.subarray(at, end)
}

/** What the entries of a list of parts say. An entry: bytes shared, bytes of key, bytes of value, both. */
function placesIn(list: Buffer): Place[] | undefined {
  if (list.length < 4) return undefined
  const end = list.length - 4 - 4 * list.readUInt32LE(list.length - 4)
  if (end < 0) return undefined
  const entries = new Numbers(list.subarray(0, end))
  const places: Place[] = []
  while (entries.at < end) {
    const [shared, key, value] = [entries.next(), entries.next(), entries.next()]
    if (shared === undefined || key === undefined || value === undefined) return undefined
    entries.at += key
    const from = entries.at
    const place = entries.place()
    if (place === undefined || entries.at !== from + value) return undefined
    places.push(place)
  }
  return places
}

/** Numbers of seven bits a byte, the lowest first, one after another. */
class Numbers {
  at = 0
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** Undefined at the end, and for what is no number of this kind. */
  next(): number | undefined {
    let value = 0
    for (let scale = 1; scale < 2 ** 35; scale *= 128) {
      const byte = this.#bytes[this.at++]
      if (byte === undefined) return undefined
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
    return undefined
  }

  place(): Place | undefined {
    const [at, length] = [this.next(), this.next()]
    return at === undefined || length === undefined ? undefined : { at, length }
  }
}

/** Level stores a sum turned, and with a constant added. */
function sumOf(bytes: Uint8Array): number {
  const sum = crc32c(bytes)
  return (((sum >>> 15) | (sum << 17)) + SUM_MASK) >>> 0
}

/** What each byte adds to a sum. */
const ADDS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte
  for (let bit = 0; bit < 8; bit++) sum = (sum & 1 ? POLYNOMIAL : 0) ^ (sum >>> 1)
  return sum
})

/** CRC-32C, which node:zlib does not have. */
function crc32c(bytes: Uint8Array): number {
  let sum = 0xffffffff
  for (const byte of bytes) sum = (ADDS[(sum ^ byte) & 255] ?? 0) ^ (sum >>> 8)
  return ~sum >>> 0
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
