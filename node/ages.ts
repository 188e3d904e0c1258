// Ages: how long something has been here, by a clock that nobody can set. It counts the time that this peer
// ran, and of the time that it did not at most a day for each start; so it never goes back, and a wrong wall
// clock cannot make what was kept for a month look a month old. Undo times go by it (SECURITY-DESIGN 9). What
// has no age yet is new from the moment it is first seen: losing the file only keeps things longer.

import type { Clock } from '../store/clock.ts'
import type { Home } from './home.ts'

export const DAY_MS = 86_400_000

/** Kept in the home; milliseconds, all by this clock but `wallMs`. */
export interface AgesKept {
  nowMs: number
  /** Wall time when it was saved, in milliseconds since 1970. */
  wallMs: number
  /** When each was first seen, by name. */
  seen: Record<string, number>
}

export class Ages {
  readonly #home: Home
  readonly #clock: Clock
  readonly #startedMs: number
  /** What the clock showed when it was started. */
  readonly #baseMs: number
  readonly #seen: Map<string, number>

  private constructor(home: Home, clock: Clock, kept: AgesKept) {
    this.#home = home
    this.#clock = clock
    this.#startedMs = clock.monotonic()
    const away = clock.now() - kept.wallMs
    this.#baseMs = kept.nowMs + Math.min(Math.max(0, away), DAY_MS)
    this.#seen = new Map(Object.entries(kept.seen))
  }

  static async open(home: Home, clock: Clock): Promise<Ages> {
    const kept = await home.ages()
    return new Ages(home, clock, kept ?? { nowMs: 0, wallMs: clock.now(), seen: {} })
  }

  /** Milliseconds; only differences mean anything. */
  now(): number {
    return this.#baseMs + this.#clock.monotonic() - this.#startedMs
  }

  /** Milliseconds since something was first seen; 0 for what is new. */
  of(name: string): number {
    const seen = this.#seen.get(name)
    return seen === undefined ? 0 : Math.max(0, this.now() - seen)
  }

  /** When something was first seen: now, if it is new. */
  see(name: string): number {
    const seen = this.#seen.get(name) ?? this.now()
    this.#seen.set(name, seen)
    return seen
  }

  /** It happened now. */
  mark(name: string): void {
    this.#seen.set(name, this.now())
  }

  /** Forgets all under `prefix` that `stays` does not hold: it is gone. */
  forget(prefix: string, stays: ReadonlySet<string>): void {
    for (const name of this.#seen.keys()) {
      if (name.startsWith(prefix) && !stays.has(name)) this.#seen.delete(name)
    }
  }

  async save(): Promise<void> {
    const seen = Object.fromEntries(this.#seen)
    await this.#home.saveAges({ nowMs: this.now(), wallMs: this.#clock.now(), seen })
  }
}
