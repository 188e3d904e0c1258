// A file in memory that may only be read, and remembers what was asked of it. What a reader asks for is
// what it makes room for, so this is how a test sees that no length is believed before it is checked.

import type { DiskFile } from '../../../store/disk.ts'

export class WatchedFile implements DiskFile {
  readonly path = 'watched'
  reads = 0
  /** The largest single read that was asked for. */
  largest = 0
  /** Bytes asked for in all. */
  asked = 0
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (!Number.isSafeInteger(offset) || offset < 0 || !Number.isSafeInteger(length) || length < 0)
      throw new Error(`a read of ${length} bytes at ${offset}`)
    this.reads++
    this.largest = Math.max(this.largest, length)
    this.asked += length
    return new Uint8Array(this.#bytes.subarray(offset, offset + length))
  }

  async size(): Promise<number> {
    return this.#bytes.length
  }

  async close(): Promise<void> {}

  write(): Promise<number> {
    throw new Error('a reader writes')
  }

  sync(): Promise<void> {
    throw new Error('a reader syncs')
  }
}
