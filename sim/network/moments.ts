// What is to happen on the network, by the moment at which it does: one timer for all that falls on the
// same one, in the order in which it was asked for.

import type { Clock } from '../../store/clock.ts'

/** Told the moment for which it was asked. */
export type Deed = (ms: number) => void

export class Moments {
  readonly clock: Clock
  readonly #due = new Map<number, Deed[]>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Calls `deed` at `ms` of the clock's `monotonic`; if that is past, as soon as all else is done. */
  at(ms: number, deed: Deed): void {
    const known = this.#due.get(ms)
    if (known !== undefined) {
      known.push(deed)
      return
    }
    const due = [deed]
    this.#due.set(ms, due)
    void this.#wait(ms, due)
  }

  async #wait(ms: number, due: Deed[]): Promise<void> {
    await this.clock.sleep(Math.max(0, ms - this.clock.monotonic()))
    this.#due.delete(ms)
    for (const deed of due) deed(ms)
  }
}
