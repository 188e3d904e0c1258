// Who relies on what, beside a sweep. Whoever asks whether a block is here, or puts one, builds on it before
// any root says so. While a job holds the store, what it asked for is logged before it is looked up; so for
// each answer a sweep either sees the question before it condemns, or has condemned already, and then the
// block counts as absent and is put anew. There is no moment between the two.

import type { Hash } from './block.ts'
import { HashLog, type Bits, type HashOrder } from './hash-order.ts'

/** Jobs that build on blocks before a root names them, of a whole store. */
export interface Holds {
  open: number
}

/** What a sweep found to be reached by nothing. */
export class Condemned {
  readonly #order: HashOrder
  readonly #live: Bits
  /** Put anew since. */
  readonly #reprieved = new HashLog()

  constructor(order: HashOrder, live: Bits) {
    this.#order = order
    this.#live = live
  }

  has(hash: Hash): boolean {
    const place = this.#order.find(hash)
    return place >= 0 && !this.#live.has(place) && !this.#reprieved.has(hash)
  }

  reprieve(hash: Hash): void {
    const place = this.#order.find(hash)
    if (place >= 0 && !this.#live.has(place)) this.#reprieved.add(hash)
  }
}

/** Of one scope. */
export class Reliance {
  readonly #holds: Holds
  #condemned: Condemned | undefined
  #epoch = 0
  #asked: HashLog | undefined

  constructor(holds: Holds) {
    this.#holds = holds
  }

  /** What counts as absent until it is gone from the index. */
  get condemned(): Condemned | undefined {
    return this.#condemned
  }

  set condemned(condemned: Condemned | undefined) {
    this.#condemned = condemned
    this.#epoch++
  }

  /** Changes with what is condemned: a look-up that was under way meanwhile is to be repeated. */
  get epoch(): number {
    return this.#epoch
  }

  /** Somebody is about to rely on a block, if it is here. To be called before it is looked up. */
  note(hash: Hash): void {
    if (this.#holds.open === 0) return
    this.#asked ??= new HashLog()
    this.#asked.add(hash)
  }

  /** In the order in which they were noted; grows while jobs run. */
  get asked(): HashLog | undefined {
    return this.#asked
  }

  /** No job runs any more: what it relied on, a root names by now. */
  forget(): void {
    this.#asked = undefined
  }
}
