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

/** A cut by 20 and by 18 zero bits: the high ones, where a gear hash mixes best. */
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

/**
 * Cuts a stream of bytes of any sizes into chunks. A chunk is a view of the bytes that came, so the source
 * must not use its buffers again.
 */
export async function* cut(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = []
  let heldBytes = 0
  for await (const piece of source) {
    held.push(piece)
    heldBytes += piece.length
    if (heldBytes < CHUNK_BYTES_MAX) continue
    const rest = yield* cutOff(joined(held), false)
    held = [rest]
    heldBytes = rest.length
  }
  yield* cutOff(joined(held), true)
}

/** Yields every chunk that is sure by now, and returns what remains. */
function* cutOff(bytes: Uint8Array, last: boolean): Generator<Uint8Array, Uint8Array> {
  let rest = bytes
  for (;;) {
    const length = chunkLength(rest, last)
    if (length === 0) return rest
    yield rest.subarray(0, length)
    rest = rest.subarray(length)
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces)
}
