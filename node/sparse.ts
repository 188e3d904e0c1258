// Sparse writing: long runs of zeros become holes, so that a restored disk image takes no more room than
// the original did. What is read back is the same either way.

import type { TreeFileWriter } from './tree/tree.ts'

/** A run of zero bytes this long, at a multiple of it within what is written, becomes a hole. */
const HOLE_BYTES = 4096
const ZEROS = Buffer.alloc(HOLE_BYTES)

/** Writes bytes, leaving out long runs of zeros. */
export async function writeSparse(file: TreeFileWriter, bytes: Uint8Array): Promise<void> {
  let start = 0
  let at = 0
  while (at < bytes.length) {
    const end = Math.min(at + HOLE_BYTES, bytes.length)
    const isZero = end - at === HOLE_BYTES && ZEROS.equals(bytes.subarray(at, end))
    if (isZero) {
      if (at > start) await file.write(bytes.subarray(start, at))
      await file.skip(HOLE_BYTES)
      start = end
    }
    at = end
  }
  if (start < bytes.length) await file.write(bytes.subarray(start))
}
