// The list of records that count for nothing, read by the words of store/FORMAT.md ("Dropped records") as a
// program in another language would. A list that does not hold says nothing.

import { hash as hashBytes } from 'node:crypto'

const HEADER_BYTES = 12
const PLACE_BYTES = 8
const SUM_BYTES = 32

/** By path of the segment, and where the record begins in it; undefined if the list does not hold. */
export function readDropped(path: string, bytes: Uint8Array): ReadonlySet<string> | undefined {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (file.length < HEADER_BYTES + SUM_BYTES || file.toString('latin1', 0, 4) !== 'DSD1') {
    return undefined
  }
  const end = file.length - SUM_BYTES
  if (HEADER_BYTES + file.readUInt32BE(8) * PLACE_BYTES !== end) return undefined
  if (hashBytes('sha256', file.subarray(0, end), 'hex') !== file.toString('hex', end)) {
    return undefined
  }
  const folder = path.slice(0, path.lastIndexOf('/'))
  const places = new Set<string>()
  for (let at = HEADER_BYTES; at < end; at += PLACE_BYTES) {
    const segment = String(file.readUInt32BE(at)).padStart(8, '0')
    places.add(placeKey(`${folder}/${segment}.seg`, file.readUInt32BE(at + 4)))
  }
  return places
}

export function placeKey(path: string, offset: number): string {
  return `${path} ${offset}`
}
