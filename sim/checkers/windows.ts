// Windows: short pieces of private content, and a fast search for any of thousands of them in the bytes of
// a disk. A piece is long and varied enough that it does not occur elsewhere by chance.

import { zstdDecompressSync } from 'node:zlib'

const WINDOW_BYTES = 24
/** With fewer different bytes a piece may be of what everybody has: zeros, blanks, a ruler. */
const VARIETY_MIN = 16
/** Where in a file pieces are looked for, and in how many places from there on. */
const PLACES = [0, 0.25, 0.5, 0.75, 1]
const STARTS_MAX = 256
const ZSTD_MAGIC = Buffer.from('28b52ffd', 'hex')
const UNPACKED_BYTES_MAX = 4 << 20
const KEY_BITS = 20

/** The most varied pieces at a few places of a file; none if it is short, or the same all over. */
export function windowsOf(content: Uint8Array): Uint8Array[] {
  const room = content.length - WINDOW_BYTES
  if (room < 0) return []
  const starts = new Set<number>()
  for (const place of PLACES) {
    const from = Math.floor(Math.max(0, room - STARTS_MAX) * place)
    const best = mostVaried(content, from, Math.min(room, from + STARTS_MAX))
    if (best !== undefined) starts.add(best)
  }
  return Array.from(starts, (start) => content.subarray(start, start + WINDOW_BYTES))
}

function mostVaried(content: Uint8Array, from: number, to: number): number | undefined {
  let best: number | undefined
  let most = VARIETY_MIN - 1
  for (let start = from; start <= to && most < WINDOW_BYTES; start++) {
    const variety = varietyOf(content.subarray(start, start + WINDOW_BYTES))
    if (variety > most) [best, most] = [start, variety]
  }
  return best
}

/** How many different bytes there are. */
export function varietyOf(bytes: Uint8Array): number {
  return new Set(bytes).size
}

/** A set of pieces of at least four bytes, each with what it is a piece of. */
export class WindowSet<T> {
  /** Which two bytes may end the first four, then which four there are: most places fail the first. */
  readonly #pairs = new Uint8Array(1 << 16)
  readonly #fours = new Uint8Array(1 << KEY_BITS)
  readonly #byStart = new Map<number, { bytes: Buffer; of: T }[]>()

  add(bytes: Uint8Array, of: T): void {
    const copy = Buffer.from(bytes)
    const start = copy.readUInt32BE(0)
    this.#pairs[start & 0xffff] = 1
    this.#fours[slotOf(start)] = 1
    const known = this.#byStart.get(start)
    if (known === undefined) this.#byStart.set(start, [{ bytes: copy, of }])
    else if (!known.some((each) => each.bytes.equals(copy) && each.of === of)) {
      known.push({ bytes: copy, of })
    }
  }

  /** What the bytes hold a piece of. */
  foundIn(bytes: Uint8Array): Set<T> {
    const found = new Set<T>()
    const pairs = this.#pairs
    let start = 0
    for (let i = 0; i < bytes.length; i++) {
      start = (start << 8) | (bytes[i] ?? 0)
      if (pairs[start & 0xffff] === 1 && i >= 3) this.#compare(bytes, start >>> 0, i - 3, found)
    }
    return found
  }

  #compare(bytes: Uint8Array, start: number, at: number, found: Set<T>): void {
    if (this.#fours[slotOf(start)] !== 1) return
    for (const each of this.#byStart.get(start) ?? []) {
      const piece = bytes.subarray(at, at + each.bytes.length)
      if (each.bytes.equals(piece)) found.add(each.of)
    }
  }
}

function slotOf(start: number): number {
  return Math.imul(start, 0x9e3779b1) >>> (32 - KEY_BITS)
}

/** What zstd frames anywhere in these bytes unpack to: packed is not sealed. */
export function unpackedIn(bytes: Uint8Array): Uint8Array[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const unpacked: Uint8Array[] = []
  let at = buffer.indexOf(ZSTD_MAGIC)
  for (; at >= 0; at = buffer.indexOf(ZSTD_MAGIC, at + 1)) {
    try {
      const frame = buffer.subarray(at, endOfFrame(buffer, at))
      unpacked.push(zstdDecompressSync(frame, { maxOutputLength: UNPACKED_BYTES_MAX }))
    } catch {
      // Four bytes that only look like a frame.
    }
  }
  return unpacked
}

/** Behind the last byte of the frame at `at` (RFC 8878). @throws {RangeError} if it does not end */
function endOfFrame(buffer: Buffer, at: number): number {
  const flags = buffer.readUInt8(at + 4)
  const isSingle = (flags >> 5) & 1
  const sizeBytes = [isSingle, 2, 4, 8][flags >> 6] ?? 0
  const dictionaryBytes = [0, 1, 2, 4][flags & 3] ?? 0
  let next = at + 5 + (isSingle === 1 ? 0 : 1) + dictionaryBytes + sizeBytes
  for (;;) {
    const header = buffer.readUIntLE(next, 3)
    const isRepeated = ((header >> 1) & 3) === 1
    next += 3 + (isRepeated ? 1 : header >> 3)
    if ((header & 1) === 1) return next + ((flags >> 2) & 1) * 4
  }
}
