// Hashes by the million, in little memory: sorted ones by their first eight bytes, with bits beside them;
// and a log of those that were asked for. Two hashes that begin alike share a place: whoever marks one
// keeps both, so what is concluded from a place must be harmless where it is wrong. For what may be
// dropped, it is.

import { HASH_BYTES, type Hash } from './block.ts'

const ROOM_LEAST = 1024

/** Sorted hashes. 8 bytes each: 18 million take 144 MB. */
export class HashOrder {
  #high: Uint32Array<ArrayBuffer>
  #low: Uint32Array<ArrayBuffer>
  #size = 0

  /** @param room how many are to come, if that is known: growing holds what there is twice for a moment. */
  constructor(room = 0) {
    this.#high = new Uint32Array(Math.max(ROOM_LEAST, room))
    this.#low = new Uint32Array(Math.max(ROOM_LEAST, room))
  }

  get size(): number {
    return this.#size
  }

  /** The next one; not below the one before. @returns its place */
  push(hash: Hash): number {
    if (this.#size === this.#high.length) {
      this.#high = grown(this.#high)
      this.#low = grown(this.#low)
    }
    this.#high[this.#size] = word(hash, 0)
    this.#low[this.#size] = word(hash, 4)
    return this.#size++
  }

  /** The first place of those that begin as this one does; -1 if there is none. */
  find(hash: Hash): number {
    const [high, low] = [word(hash, 0), word(hash, 4)]
    let [from, to] = [0, this.#size]
    while (from < to) {
      const middle = (from + to) >>> 1
      if (this.#compare(middle, high, low) < 0) from = middle + 1
      else to = middle
    }
    return from < this.#size && this.#compare(from, high, low) === 0 ? from : -1
  }

  #compare(place: number, high: number, low: number): number {
    return (this.#high[place] as number) - high || (this.#low[place] as number) - low
  }
}

/** A bit for each of `size` places. */
export class Bits {
  readonly #bytes: Uint8Array

  constructor(size: number) {
    this.#bytes = new Uint8Array((size + 7) >> 3)
  }

  has(place: number): boolean {
    return ((this.#bytes[place >> 3] as number) & (1 << (place & 7))) !== 0
  }

  /** @returns false if it was set already */
  set(place: number): boolean {
    if (this.has(place)) return false
    this.#bytes[place >> 3] = (this.#bytes[place >> 3] as number) | (1 << (place & 7))
    return true
  }
}

/** Hashes in the order in which they were first added, each once. About 50 bytes each. */
export class HashLog {
  #bytes = new Uint8Array(ROOM_LEAST * HASH_BYTES)
  /** Open addressing by the hash's first bytes: a place in the log, and one more; 0 is free. */
  #table = new Uint32Array(ROOM_LEAST * 2)
  #size = 0

  get size(): number {
    return this.#size
  }

  at(place: number): Hash {
    return this.#bytes.slice(place * HASH_BYTES, (place + 1) * HASH_BYTES)
  }

  has(hash: Hash): boolean {
    return this.#table[this.#slot(hash)] !== 0
  }

  add(hash: Hash): void {
    if (this.#size * 2 >= this.#table.length) this.#spread()
    const slot = this.#slot(hash)
    if (this.#table[slot] !== 0) return
    if ((this.#size + 1) * HASH_BYTES > this.#bytes.length) {
      const bytes = new Uint8Array(this.#bytes.length * 2)
      bytes.set(this.#bytes)
      this.#bytes = bytes
    }
    this.#bytes.set(hash, this.#size * HASH_BYTES)
    this.#table[slot] = ++this.#size
  }

  #slot(hash: Hash): number {
    const { length } = this.#table
    for (let slot = word(hash, 0) % length; ; slot = (slot + 1) % length) {
      const place = this.#table[slot] as number
      if (place === 0) return slot
      const known = this.#bytes.subarray((place - 1) * HASH_BYTES, place * HASH_BYTES)
      if (Buffer.compare(known, hash) === 0) return slot
    }
  }

  #spread(): void {
    this.#table = new Uint32Array(this.#table.length * 2)
    for (let place = 0; place < this.#size; place++) {
      this.#table[this.#slot(this.at(place))] = place + 1
    }
  }
}

function word(hash: Hash, at: number): number {
  const bytes = hash as { [at: number]: number }
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  )
}

/** Half as much again: doubling would cost most where there is most. */
function grown(words: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const room = new Uint32Array(Math.ceil(words.length * 1.5))
  room.set(words)
  return room
}
