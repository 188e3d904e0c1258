// Reading ahead: while one file is written, the chunks of the next are fetched, many in one request. What is
// held for later is bounded in bytes; a chunk that was not expected is fetched when it is asked for.

import type { ChunkRef } from '../store/entry.ts'
import { BodyStateReader, checkChunk, type BodyReader } from '../store/reader.ts'
import type { GetOptions } from '../store/source.ts'

/** Bytes of chunks asked for and not yet taken. */
export const DEFAULT_AHEAD_BYTES = 16 << 20
/** Bytes in one request: an answer must fit a frame. */
const REQUEST_BYTES = 4 << 20

interface Expected {
  ref: ChunkRef
  bytes: Promise<Uint8Array>
}

export class AheadReader extends BodyStateReader {
  readonly #bodies: BodyReader
  readonly #requestMax: number
  readonly #aheadBytes: number
  /** Still to be asked for, in order. */
  #waiting: ChunkRef[] = []
  #waitingBytes = 0
  /** Asked for, by address; the same chunk may be expected more than once. */
  readonly #coming = new Map<string, Expected[]>()
  #held = 0
  #whenRoom: (() => void)[] = []

  /** @param requestMax chunks in one request. */
  constructor(bodies: BodyReader, requestMax: number, { aheadBytes = DEFAULT_AHEAD_BYTES } = {}) {
    super(bodies)
    this.#bodies = bodies
    this.#requestMax = requestMax
    this.#aheadBytes = aheadBytes
  }

  async expect(refs: readonly ChunkRef[]): Promise<void> {
    for (const ref of refs) {
      this.#waiting.push(ref)
      this.#waitingBytes += ref.length
    }
    while (this.#isFull() && this.#held < this.#aheadBytes) this.#request()
    if (!this.#isFull()) return
    await new Promise<void>((resolve) => this.#whenRoom.push(resolve))
  }

  override async chunk(ref: ChunkRef, options?: GetOptions): Promise<Uint8Array> {
    const id = ref.cid.toString()
    // It is wanted now: what waits before it has waited long enough.
    if (!this.#coming.has(id) && this.#isWaiting(ref)) this.#request()
    const expected = this.#coming.get(id)
    const first = expected?.shift()
    if (first === undefined) {
      this.#forget(ref)
      return super.chunk(ref, options)
    }
    if (expected?.length === 0) this.#coming.delete(id)
    try {
      return checkChunk(ref, await first.bytes)
    } finally {
      this.#held -= first.ref.length
      while (this.#isFull() && this.#held < this.#aheadBytes) this.#request()
      if (!this.#isFull()) for (const resume of this.#whenRoom.splice(0)) resume()
    }
  }

  /** Enough waits for a request. */
  #isFull(): boolean {
    return this.#waiting.length >= this.#requestMax || this.#waitingBytes >= REQUEST_BYTES
  }

  #isWaiting({ cid }: ChunkRef): boolean {
    return this.#waiting.slice(0, this.#requestMax).some((other) => other.cid.equals(cid))
  }

  /** It is asked for out of order, and need not be fetched a second time later. */
  #forget({ cid }: ChunkRef): void {
    const at = this.#waiting.findIndex((other) => other.cid.equals(cid))
    if (at < 0) return
    const [gone] = this.#waiting.splice(at, 1)
    this.#waitingBytes -= gone?.length ?? 0
  }

  /** Asks for the chunks that have waited longest. */
  #request(): void {
    const batch: ChunkRef[] = []
    let bytes = 0
    while (batch.length < this.#requestMax && bytes < REQUEST_BYTES) {
      const ref = this.#waiting.shift()
      if (ref === undefined) break
      batch.push(ref)
      bytes += ref.length
    }
    this.#waitingBytes -= bytes
    this.#held += bytes
    const cids = batch.map(({ cid }) => cid)
    const answer = this.#bodies.bodies('chunk', cids)
    // Whoever asks for the chunk hears of a failure; one that nobody asks for is no failure.
    answer.catch(() => undefined)
    batch.forEach((ref, i) => this.#come(ref, answer, i))
  }

  #come(ref: ChunkRef, answer: Promise<Uint8Array[]>, i: number): void {
    const bytes = answer.then((all) => all[i] as Uint8Array)
    bytes.catch(() => undefined)
    const id = ref.cid.toString()
    this.#coming.set(id, [...(this.#coming.get(id) ?? []), { ref, bytes }])
  }
}
