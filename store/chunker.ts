// The chunker cuts a file where its content says so, so that an insertion moves few cuts. A gear rolling
// hash (Xia et al., "FastCDC", USENIX ATC 2016) with normalised chunking: a stricter mask before the
// normal size, a looser one after. The constants are part of the format: two peers that cut differently
// would share nothing. The same bytes always give the same cuts, however they arrive.

import { BLOCK_BYTES_MAX, sha256 } from './block.ts'

/** A file no longer than this is one chunk; no cut is looked for before it. */
export const CHUNK_BYTES_MIN = 128 * 1024
/** Where the mask changes. */
export const CHUNK_BYTES_NORMAL = 384 * 1024
/** Leaves room for a sealed block's frame within a block. */
export const CHUNK_BYTES_MAX = BLOCK_BYTES_MAX - 1024

/** 20 and 18 one-bits' worth of chance, in the high bits, where a gear hash mixes best. */
const MASK_BEFORE = 0xfffff000 | 0
const MASK_AFTER = 0xffffc000 | 0

/** GEAR[b] is the first four bytes, big-endian, of SHA-256("drystone/1/gear" ‖ b). */
const GEAR = gearTable()

function gearTable(): Int32Array {
  const label = Buffer.from('drystone/1/gear')
  return Int32Array.from({ length: 256 }, (_, b) =>
    Buffer.from(sha256(Buffer.concat([label, Uint8Array.of(b)]))).readInt32BE(0)
  )
}

/**
 * How many of `bytes` make the next chunk; 0 if more bytes are needed to know. `last` says that nothing
 * follows them.
 */
export function chunkLength(bytes: Uint8Array, last: boolean): number {
  const most = Math.min(bytes.length, CHUNK_BYTES_MAX)
  if (!last && bytes.length < CHUNK_BYTES_MAX) return 0
  if (most <= CHUNK_BYTES_MIN) return most
  const normal = Math.min(CHUNK_BYTES_NORMAL, most)
  let gear = 0
  let at = CHUNK_BYTES_MIN
  for (; at < normal; at++) {
    gear = ((gear << 1) + (GEAR[bytes[at] as number] as number)) | 0
    if ((gear & MASK_BEFORE) === 0) return at + 1
  }
  for (; at < most; at++) {
    gear = ((gear << 1) + (GEAR[bytes[at] as number] as number)) | 0
    if ((gear & MASK_AFTER) === 0) return at + 1
  }
  return most
}

/** Cuts a stream of bytes of any sizes into chunks. Each is a buffer of its own. */
export async function* cut(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array = new Uint8Array(0)
  for await (const piece of source) {
    held = held.length === 0 ? piece : Buffer.concat([held, piece])
    let start = 0
    for (;;) {
      const rest = held.subarray(start)
      const length = chunkLength(rest, false)
      if (length === 0) break
      yield rest.subarray(0, length)
      start += length
    }
    held = held.subarray(start)
  }
  while (held.length > 0) {
    const length = chunkLength(held, true)
    yield held.subarray(0, length)
    held = held.subarray(length)
  }
}
