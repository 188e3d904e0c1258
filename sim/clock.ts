// Virtual time. Nothing passes by itself: `run` lets the program do all it can do now, and only then moves
// the time to the next timer. So a week takes as long as the work in it, and the same program gives the
// same order of events every time.

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock, WaitOptions } from '../store/clock.ts'

export interface SimClockInit {
  /** Wall time at the start, in milliseconds since 1970. */
  startMs?: number
}

export interface RunOptions {
  /** Virtual milliseconds after which a promise that has not settled is given up. */
  withinMs?: number
}

/** A turn of the event loop costs more than most moments. */
const MOMENTS_A_TURN = 256
const DEFAULT_START_MS = Date.UTC(2026, 0, 5, 8)

interface Timer {
  at: number
  /** Timers of the same moment fire in the order in which they were set. */
  order: number
  fire: () => void
  state: 'waiting' | 'fired' | 'cancelled'
}

export class SimClock implements Clock {
  readonly #startMs: number
  #elapsedMs = 0
  #order = 0
  readonly #timers = new Heap()
  #live = 0
  #moments = 0

  constructor(init: SimClockInit = {}) {
    this.#startMs = init.startMs ?? DEFAULT_START_MS
  }

  now(): number {
    return this.#startMs + this.#elapsedMs
  }

  monotonic(): number {
    return this.#elapsedMs
  }

  async sleep(ms: number, { signal }: WaitOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        cancel()
        reject(signal?.reason as Error)
      }
      const cancel = this.after(ms, () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  timeout(ms: number): { signal: AbortSignal; cancel: () => void } {
    const controller = new AbortController()
    const cancel = this.after(ms, () => {
      controller.abort(new DOMException(`nothing within ${ms} ms`, 'TimeoutError'))
    })
    return { signal: controller.signal, cancel }
  }

  /** Calls `fire` after `ms` milliseconds; returns what cancels it. */
  after(ms: number, fire: () => void): () => void {
    this.#order += 1
    const at = this.#elapsedMs + Math.max(0, ms)
    const timer: Timer = { at, order: this.#order, fire, state: 'waiting' }
    this.#timers.push(timer)
    this.#live += 1
    return () => {
      if (timer.state !== 'waiting') return
      timer.state = 'cancelled'
      this.#live -= 1
    }
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#live
  }

  /**
   * Runs the program until `promise` settles, and settles alike.
   *
   * @throws {Error} if it never will: nothing is left to wait for, or it took over `withinMs`.
   */
  async run<T>(promise: Promise<T>, { withinMs = Infinity }: RunOptions = {}): Promise<T> {
    const lastMs = this.#elapsedMs + withinMs
    let isSettled = false
    const settled = (): void => {
      isSettled = true
    }
    promise.then(settled, settled)
    for (;;) {
      await this.#settled()
      if (isSettled) return await promise
      const next = this.#timers.peek()
      if (next === undefined) {
        throw new Error('the promise never settles: nothing happens any more, and no timer is left')
      }
      if (next.at > lastMs) throw new Error(`the promise did not settle in ${withinMs} virtual ms`)
      this.#elapsedMs = next.at
      this.#fireDue()
    }
  }

  /** Lets the program run until `untilMs` (of `monotonic`), whatever is left to do then. */
  async advance(untilMs: number): Promise<void> {
    for (;;) {
      await this.#settled()
      const next = this.#timers.peek()
      if (next === undefined || next.at > untilMs) break
      this.#elapsedMs = next.at
      this.#fireDue()
    }
    this.#elapsedMs = Math.max(this.#elapsedMs, untilMs)
  }

  /**
   * Everything that can be done at this moment is done: no port leaves the process, so all that is left to
   * wait for is a timer. Twice, since a promise may wait for a tick; and now and then a turn of the event
   * loop, for signals and for whoever reads what we print.
   */
  async #settled(): Promise<void> {
    if (++this.#moments % MOMENTS_A_TURN === 0) await nextTurn()
    await nextTick()
    await nextTick()
  }

  #fireDue(): void {
    for (;;) {
      const timer = this.#timers.peek()
      if (timer === undefined || timer.at > this.#elapsedMs) return
      this.#timers.pop()
      this.#live -= 1
      timer.state = 'fired'
      timer.fire()
    }
  }
}

/**
 * What one computer takes for the time: it may be wrong, run fast or slow, and be set. Waiting is not its
 * part; that goes by `monotonic` everywhere.
 */
export class SkewedClock {
  readonly #clock: SimClock
  /** Its time at `#sinceMs`. */
  #wallMs: number
  #sinceMs: number
  #ppm = 0

  constructor(clock: SimClock) {
    this.#clock = clock
    this.#wallMs = clock.now()
    this.#sinceMs = clock.monotonic()
  }

  now(): number {
    const passedMs = this.#clock.monotonic() - this.#sinceMs
    return Math.floor(this.#wallMs + passedMs * (1 + this.#ppm / 1e6))
  }

  /** Somebody sets the clock forward, or back. */
  jump(byMs: number): void {
    this.#settle(byMs)
  }

  /** It gains so many millionths from now on. */
  drift(ppm: number): void {
    this.#settle(0)
    this.#ppm = ppm
  }

  #settle(byMs: number): void {
    this.#wallMs = this.now() + byMs
    this.#sinceMs = this.#clock.monotonic()
  }
}

/** Resolves when no promise has anything left to do. */
function nextTick(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}

/** A binary heap of timers, the next one on top. */
class Heap {
  readonly #timers: Timer[] = []

  push(timer: Timer): void {
    const all = this.#timers
    let at = all.push(timer) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#swapIfBefore(at, parent)) return
      at = parent
    }
  }

  /** The next timer that was not cancelled. */
  peek(): Timer | undefined {
    while (this.#timers[0]?.state === 'cancelled') this.pop()
    return this.#timers[0]
  }

  pop(): void {
    const all = this.#timers
    const last = all.pop()
    if (last === undefined || all.length === 0) return
    all[0] = last
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      const first = this.#isBefore(left + 1, left) ? left + 1 : left
      if (!this.#swapIfBefore(first, at)) return
      at = first
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#timers[a], this.#timers[b]]
    if (one === undefined || other === undefined) return false
    return one.at < other.at || (one.at === other.at && one.order < other.order)
  }

  #swapIfBefore(lower: number, upper: number): boolean {
    if (!this.#isBefore(lower, upper)) return false
    const [one, other] = [this.#timers[lower], this.#timers[upper]]
    if (one === undefined || other === undefined) return false
    this.#timers[lower] = other
    this.#timers[upper] = one
    return true
  }
}
