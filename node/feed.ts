// The feed: brings the chunks of many files, in the order in which they are asked for, many in one
// request. So small files do not wait for one another, and a large one is brought while it is written.
// What is held is bounded in bytes: whoever takes a chunk gives its room back when it is written, or is
// not needed any more.

import type { ChunkRef } from '../store/entry.ts'
import { BlockDamaged } from '../store/errors.ts'
import type { GetOptions } from '../store/source.ts'

/** Chunks in one request, */
export const FEED_CHUNKS_MAX = 128
/** and their bytes, after which no more are added: an answer must fit a frame. */
const REQUEST_BYTES = 4 << 20
/** Requests under way: one is answered while the next is read and the one before is written. */
const REQUESTS_MAX = 3
/** Bytes of chunks that were asked for and not given back. */
const HELD_BYTES = 16 << 20

/** Brings chunks in the order asked, unproved. */
export type Bring<T> = (refs: readonly ChunkRef[], options: GetOptions) => Promise<T[]>

interface Wanted<T> {
  ref: ChunkRef
  coming: PromiseWithResolvers<T>
}

/** @typeParam T what a chunk comes as; it must claim the length that its reference says */
export class Feed<T extends { plainLength: number }> {
  readonly #bring: Bring<T>
  readonly #signal: AbortSignal | undefined
  /** Not asked for yet, in order. */
  #waiting: Wanted<T>[] = []
  #held = 0
  #requests = 0

  constructor(bring: Bring<T>, { signal }: GetOptions = {}) {
    this.#bring = bring
    this.#signal = signal
  }

  /**
   * A chunk as it lies, unproved. Its room has to be given back by `release`, whatever comes of it.
   *
   * @throws {BlockDamaged} if it claims another length
   * @throws {BlockMissing} and the like, for whichever chunk of the same request
   */
  take(ref: ChunkRef): Promise<T> {
    const coming = Promise.withResolvers<T>()
    // One that nobody waits for any more is no failure.
    coming.promise.catch(() => undefined)
    this.#waiting.push({ ref, coming })
    this.#request()
    return coming.promise
  }

  /** Gives back the room of a chunk that was taken. */
  release({ length }: ChunkRef): void {
    this.#held -= length
    this.#request()
  }

  #request(): void {
    while (this.#requests < REQUESTS_MAX) {
      const batch = this.#next()
      if (batch.length === 0) return
      this.#requests++
      void this.#answer(batch)
    }
  }

  /** What has waited longest, as much of it as there is room for. */
  #next(): Wanted<T>[] {
    let count = 0
    let bytes = 0
    for (const { ref } of this.#waiting) {
      const isRoom = this.#held === 0 || this.#held + ref.length <= HELD_BYTES
      if (!isRoom || count === FEED_CHUNKS_MAX || bytes >= REQUEST_BYTES) break
      this.#held += ref.length
      bytes += ref.length
      count++
    }
    return this.#waiting.splice(0, count)
  }

  async #answer(batch: readonly Wanted<T>[]): Promise<void> {
    try {
      const refs = batch.map(({ ref }) => ref)
      const blocks = await this.#bring(refs, { signal: this.#signal })
      for (const [i, { ref, coming }] of batch.entries()) {
        const block = blocks[i]
        if (block?.plainLength === ref.length) coming.resolve(block)
        else coming.reject(new BlockDamaged(ref.cid.toString()))
      }
    } catch (error) {
      for (const { coming } of batch) coming.reject(error)
    } finally {
      this.#requests--
      this.#request()
    }
  }
}
