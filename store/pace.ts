// Pace: how fast a long job may read. Checks and scrubs go through everything that a peer keeps, on a
// computer that somebody works at; so they say what they have read, and wait when that was too much for the
// time. They wait for a while now and then, not for a moment at each block; and they wait at full speed too,
// for no time at all, so that whoever else has something to do in this process has his turn.

import type { Clock, WaitOptions } from './clock.ts'

/** What a computer can spare beside what it is there for. */
export const DEFAULT_BYTES_PER_SECOND = 64 << 20
/** Shorter waits are put off. */
const LEAST_WAIT_MS = 50
/** Others have their turn after so much. */
const TURN_BYTES = 8 << 20

export class Pace {
  readonly #clock: Clock
  readonly #bytesPerSecond: number
  /** When all that was spent so far would have been allowed, by the monotonic clock. */
  #allowedMs = Number.NEGATIVE_INFINITY
  #spentSinceTurn = 0

  /** `bytesPerSecond` may be Infinity. */
  constructor(clock: Clock, bytesPerSecond = DEFAULT_BYTES_PER_SECOND) {
    this.#clock = clock
    this.#bytesPerSecond = bytesPerSecond
  }

  /** Resolves when more may be read. What was not used earlier is lost. */
  async spend(bytes: number, { signal }: WaitOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    const nowMs = this.#clock.monotonic()
    this.#allowedMs = Math.max(this.#allowedMs, nowMs) + (bytes / this.#bytesPerSecond) * 1000
    this.#spentSinceTurn += bytes
    const waitMs = this.#allowedMs - nowMs
    if (waitMs < LEAST_WAIT_MS && this.#spentSinceTurn < TURN_BYTES) return
    this.#spentSinceTurn = 0
    await this.#clock.sleep(waitMs, { signal })
  }
}
