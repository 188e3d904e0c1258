// Places of blocks, read by another thread or process than the one that keeps them: only what it was told
// lies where, and nothing that it finds there is believed. A file that is gone by now, since its blocks
// were moved, counts as damage: the block is asked for again from whoever knows where it went.

import { closeSync, openSync, readSync } from 'node:fs'
import { BLOCK_BYTES_MAX } from './block.ts'
import { BlockDamaged } from './errors.ts'
import type { StoredBlock, StoredPlace } from './stored.ts'

const OPEN_MAX = 16

/** Reads in step, from files that it keeps open. */
export class DiskPlaces {
  /** The least recently used comes first. */
  readonly #open = new Map<string, number>()
  readonly #room = new Uint8Array(BLOCK_BYTES_MAX)

  /** The block said to lie there; its body is a view, until the next is read. @throws {BlockDamaged} */
  read({ path, offset, storedLength, method, plainLength }: StoredPlace): StoredBlock {
    try {
      const count = readSync(this.#descriptor(path), this.#room, 0, storedLength, offset)
      if (count === storedLength) {
        return { method, plainLength, body: this.#room.subarray(0, storedLength) }
      }
    } catch (cause) {
      throw new BlockDamaged(path, { cause })
    }
    throw new BlockDamaged(path)
  }

  #descriptor(path: string): number {
    const descriptor = this.#open.get(path) ?? openSync(path, 'r')
    this.#open.delete(path)
    this.#open.set(path, descriptor)
    for (const [oldest, each] of this.#open) {
      if (this.#open.size <= OPEN_MAX) break
      closeSync(each)
      this.#open.delete(oldest)
    }
    return descriptor
  }
}
