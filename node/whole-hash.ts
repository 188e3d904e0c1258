// The hash of a whole file, put together from chunks that were proved one by one. Most files are one
// chunk, and have its hash: they are not hashed a second time.

import { createHash, type Hash as HashStream } from 'node:crypto'
import type { Hash } from '../store/block.ts'

export class WholeHash {
  readonly #promised: Hash
  /** Over all chunks; none while the first may be all. */
  #stream: HashStream | undefined
  #isFirst = false

  /** @param promised what the file has to have */
  constructor(promised: Hash) {
    this.#promised = promised
  }

  /** The next chunk, which was proved to have this hash. */
  add(hash: Hash, bytes: Uint8Array): void {
    const isFirst = this.#stream === undefined && !this.#isFirst
    if (isFirst && Buffer.compare(hash, this.#promised) === 0) {
      this.#isFirst = true
      return
    }
    // What follows a first chunk with the hash of all cannot be right, and its hash will not be.
    this.#isFirst = false
    this.#stream ??= createHash('sha256')
    this.#stream.update(bytes)
  }

  /** True if the chunks were the promised file. Asked once, at its end. */
  isRight(): boolean {
    if (this.#isFirst) return true
    const stream = this.#stream ?? createHash('sha256')
    return Buffer.compare(stream.digest(), this.#promised) === 0
  }
}
