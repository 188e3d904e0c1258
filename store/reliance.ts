// Who relies on what, beside a sweep. Whoever asks whether a block is here, or puts one that is, builds on it
// before any root says so. While a job holds the store, a block that was found is noted, and found again if
// something was condemned meanwhile; so for each answer a sweep either knows of it before it condemns, or has
// condemned already, and then the block counts as absent and is put anew. There is no moment between the two.
// What a job puts that was not there lies behind the place where it began, and no sweep takes it from there.

import type { Hash } from './block.ts'
import { HashLog, type Bits, type HashOrder } from './hash-order.ts'

/** A job that builds on blocks before a root names them: by scope, the segment that was written to then. */
export type Hold = Map<string, number>

/** Of a whole store. */
export type Holds = Set<Hold>

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
  readonly #scope: string
  readonly #holds: Holds
  #condemned: Condemned | undefined
  #epoch = 0
  #found: HashLog | undefined

  constructor(scope: string, holds: Holds) {
    this.#scope = scope
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

  /** Blocks that jobs found here, in that order; grows while they run. */
  get found(): HashLog | undefined {
    return this.#found
  }

  /** What lies in this segment or a later one may have been put by a job that runs. */
  get heldFrom(): number {
    return Math.min(...[...this.#holds].map((hold) => hold.get(this.#scope) ?? 0))
  }

  /** Looks something up to rely on it; what was found stays found as long as the job runs. */
  async relying<T>(look: () => Promise<T>, foundIn: (answer: T) => readonly Hash[]): Promise<T> {
    for (;;) {
      const epoch = this.#epoch
      const answer = await look()
      if (epoch !== this.#epoch) continue
      for (const hash of foundIn(answer)) this.#note(hash)
      return answer
    }
  }

  /** No job runs any more: what was relied on, a root names by now. */
  forget(): void {
    this.#found = undefined
  }

  #note(hash: Hash): void {
    if (this.#holds.size === 0) return
    this.#found ??= new HashLog()
    this.#found.add(hash)
  }
}
