// Bytes that look random and are the same in every run: the key stream of a cipher. Nothing compresses them,
// and a failure shows again.

import { createCipheriv } from 'node:crypto'

/** `length` bytes of the stream that `seed` names. */
export function noise(length: number, seed = 0): Uint8Array {
  const key = Buffer.alloc(32)
  key.writeUInt32BE(seed)
  const stream = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  return new Uint8Array(stream.update(Buffer.alloc(length)))
}
