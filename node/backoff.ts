// When to try again what failed: after a pause that doubles with every failure, up to a most. Kept by key,
// such as a peer; who succeeds, or changes what is asked, is forgotten and may be tried at once.

import type { Clock } from '../store/clock.ts'

export interface BackoffInit {
  /** The first pause. */
  leastMs: number
  /** No pause is longer. */
  mostMs: number
}

export class Backoff {
  readonly #clock: Clock
  readonly #init: BackoffInit
  readonly #pauses = new Map<string, { untilMs: number; nextMs: number }>()

  constructor(clock: Clock, init: BackoffInit) {
    this.#clock = clock
    this.#init = init
  }

  /** True if nothing failed yet, or the pause after it is over. */
  isDue(key: string): boolean {
    return this.#clock.monotonic() >= (this.#pauses.get(key)?.untilMs ?? 0)
  }

  /** It failed; or is tried now, where only success tells. */
  pause(key: string): void {
    const { leastMs, mostMs } = this.#init
    const pauseMs = this.#pauses.get(key)?.nextMs ?? leastMs
    const untilMs = this.#clock.monotonic() + pauseMs
    this.#pauses.set(key, { untilMs, nextMs: Math.min(2 * pauseMs, mostMs) })
  }

  forget(key: string): void {
    this.#pauses.delete(key)
  }

  clear(): void {
    this.#pauses.clear()
  }
}
