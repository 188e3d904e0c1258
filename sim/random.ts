// Randomness from a seed: SHA-256 in counter mode. The same seed gives the same bytes in the same order,
// so a whole office can be run again exactly.

import { createHash } from 'node:crypto'
import type { Random } from '../store/random.ts'

export class SeededRandom implements Random {
  readonly #seed: string
  #count = 0

  constructor(seed: string) {
    this.#seed = seed
  }

  bytes(length: number): Uint8Array {
    const out = new Uint8Array(length)
    for (let at = 0; at < length; at += 32) {
      const block = createHash('sha256').update(`${this.#seed}/${this.#count++}`).digest()
      out.set(block.subarray(0, Math.min(32, length - at)), at)
    }
    return out
  }
}
