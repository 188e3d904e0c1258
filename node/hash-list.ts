// A sorted list of hashes in one buffer: 32 bytes each, searched by halving. A million of them are 32 MB
// and one object, where a set would be a million objects.

import { HASH_BYTES, type Hash } from '../store/block.ts'

export class HashList {
  /** The hashes, one after the other, ascending, each once. */
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  static from(hashes: readonly Hash[]): HashList {
    const sorted = [...hashes].sort((a, b) => Buffer.compare(a, b))
    return new HashList(
      Buffer.concat(
        sorted.filter((hash, i) => i === 0 || Buffer.compare(hash, sorted[i - 1] as Hash) !== 0)
      )
    )
  }

  get length(): number {
    return this.bytes.length / HASH_BYTES
  }

  has(hash: Hash): boolean {
    let low = 0
    let high = this.length - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      const at = middle * HASH_BYTES
      const order = Buffer.compare(this.bytes.subarray(at, at + HASH_BYTES), hash)
      if (order === 0) return true
      if (order < 0) low = middle + 1
      else high = middle - 1
    }
    return false
  }
}
