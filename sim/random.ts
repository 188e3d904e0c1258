// Randomness from a seed: SHA-256 in counter mode. The same seed gives the same bytes in the same order,
// so a whole office can be run again exactly. Streams of different names do not disturb each other: one
// that is asked more often leaves the others as they were.

import { hash } from 'node:crypto'
import type { Random } from '../store/random.ts'

const BLOCK_BYTES = 32

export class SeededRandom implements Random {
  readonly #seed: string
  #count = 0
  /** What is left of the last block, for the small draws. */
  #rest: Buffer = Buffer.alloc(0)

  constructor(seed: string) {
    this.#seed = seed
  }

  bytes(length: number): Uint8Array {
    const out = new Uint8Array(length)
    for (let at = 0; at < length; at += BLOCK_BYTES) {
      out.set(this.#next().subarray(0, Math.min(BLOCK_BYTES, length - at)), at)
    }
    return out
  }

  /** An independent stream. */
  fork(name: string): SeededRandom {
    return new SeededRandom(`${this.#seed}/${name}`)
  }

  /** From 0 inclusive to 1 exclusive. */
  fraction(): number {
    if (this.#rest.length < 6) this.#rest = this.#next()
    const number = this.#rest.readUIntBE(0, 6)
    this.#rest = this.#rest.subarray(6)
    return number / 2 ** 48
  }

  /** A whole number from 0 to `end - 1`. */
  below(end: number): number {
    return Math.floor(this.fraction() * end)
  }

  /** A number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + this.fraction() * (most - least)
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    const picked = list[this.below(list.length)]
    if (picked === undefined) throw new Error('nothing to pick from')
    return picked
  }

  #next(): Buffer {
    return hash('sha256', `${this.#seed}/${this.#count++}`, 'buffer')
  }
}
