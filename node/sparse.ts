// Sparse writing: long runs of zeros become holes, so that a restored disk image takes no more room than
// the original did. What is read back is the same either way. Zeros at either end of what is written are
// left out whatever their length: what comes before or after may be zeros too, and a hole that spans both
// must not be cut by a written block.

import type { TreeFileWriter } from './tree/tree.ts'

/** A run of zero bytes this long, at a multiple of it within what is written, becomes a hole. */
const HOLE_BYTES = 4096
const ZEROS = Buffer.alloc(HOLE_BYTES)

/** Writes bytes, leaving out long runs of zeros. */
export async function writeSparse(file: TreeFileWriter, bytes: Uint8Array): Promise<void> {
  const first = leadingZeros(bytes)
  const last = first === bytes.length ? first : bytes.length - trailingZeros(bytes)
  if (first > 0) await file.skip(first)
  let start = first
  let at = first
  while (at < last) {
    const end = Math.min(at + HOLE_BYTES, last)
    const isZero = end - at === HOLE_BYTES && ZEROS.equals(bytes.subarray(at, end))
    if (isZero) {
      if (at > start) await file.write(bytes.subarray(start, at))
      await file.skip(HOLE_BYTES)
      start = end
    }
    at = end
  }
  if (start < last) await file.write(bytes.subarray(start, last))
  if (last < bytes.length) await file.skip(bytes.length - last)
}

function leadingZeros(bytes: Uint8Array): number {
  let at = 0
  while (at + HOLE_BYTES <= bytes.length && ZEROS.equals(bytes.subarray(at, at + HOLE_BYTES))) {
    at += HOLE_BYTES
  }
  while (at < bytes.length && bytes[at] === 0) at++
  return at
}

/** Of bytes that are not all zero. */
function trailingZeros(bytes: Uint8Array): number {
  let end = bytes.length
  while (end >= HOLE_BYTES && ZEROS.equals(bytes.subarray(end - HOLE_BYTES, end))) end -= HOLE_BYTES
  while (end > 0 && bytes[end - 1] === 0) end--
  return bytes.length - end
}
