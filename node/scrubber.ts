// The scrubber: reads all that this peer keeps about once a month, a little every few hours and slowly, so
// that decay is found while others still have what is lost. It remembers over restarts how far it came. What
// is known to be damaged, whoever met it, it has repaired: at once, and then after growing pauses, as long as
// nobody gives it back.

import { z } from 'zod'
import { BASE_SCOPE, type Scope } from '../store/block.ts'
import type { Blockstore } from '../store/blockstore.ts'
import type { Root } from '../store/check.ts'
import type { Clock } from '../store/clock.ts'
import { readFile, writeFile, type Disk } from '../store/disk.ts'
import { DiskFailed, Malformed } from '../store/errors.ts'
import { Pace } from '../store/pace.ts'
import type { Quarantine } from '../store/quarantine.ts'
import { scrub } from '../store/scrub.ts'
import { Backoff } from './backoff.ts'
import type { Repairer } from './repairer.ts'
import { DAY_MS, type Ages } from './ages.ts'

/** In which everything is read once. */
export const DEFAULT_SCRUB_PERIOD_MS = 30 * DAY_MS
/** From one turn to the next. */
export const DEFAULT_SCRUB_TURN_MS = DAY_MS / 4
/** How often it is looked whether there is something to do. */
const LOOK_MS = 10 * 60_000
/** A turn makes up for at most so much time in which this computer was off. */
const BEHIND_MOST_MS = 7 * DAY_MS
/** A turn reads at least this: a small home is read more often. */
const TURN_BYTES_LEAST = 256 << 10
const BYTES_PER_SECOND = 16 << 20
const REPAIR_PAUSES = { leastMs: LOOK_MS, mostMs: DEFAULT_SCRUB_TURN_MS }
const FILE = 'scrub.json'
/** The age that tells when the last turn was. */
const SCRUBBED = 'scrubbed'

const stateSchema = z.strictObject({
  version: z.literal(1),
  /** Where the next one begins; at the front if absent. */
  place: z.strictObject({ scope: z.string(), segment: z.number(), offset: z.number() }).optional(),
  /** When everything had been read last, in milliseconds since 1970. */
  finishedAt: z.number().optional()
})
export type ScrubState = z.infer<typeof stateSchema>

export interface ScrubberComponents {
  disk: Disk
  clock: Clock
  ages: Ages
  store: Blockstore
  quarantine: Quarantine
  repairer: Repairer
  /** What this peer signed for. */
  roots: () => Root[]
  /** The scope of its own endpoint. */
  own: () => Promise<Scope | undefined>
}

export class Scrubber {
  readonly #components: ScrubberComponents
  readonly #periodMs: number
  readonly #repairs: Backoff
  #lookMs: number
  #running: Promise<void> | undefined

  constructor(components: ScrubberComponents, { periodMs = DEFAULT_SCRUB_PERIOD_MS } = {}) {
    const { clock } = components
    this.#components = components
    this.#periodMs = periodMs
    this.#repairs = new Backoff(clock, REPAIR_PAUSES)
    // Not while the computer starts.
    this.#lookMs = clock.monotonic() + LOOK_MS
  }

  /** True when `care` should be called. */
  get isDue(): boolean {
    return this.#running === undefined && this.#components.clock.monotonic() >= this.#lookMs
  }

  /** Reads a little if it is time, and has repaired what is damaged. One run at a time. */
  care(signal: AbortSignal): Promise<void> {
    this.#running ??= this.#care(signal).finally(() => {
      this.#running = undefined
      this.#lookMs = this.#components.clock.monotonic() + LOOK_MS
    })
    return this.#running
  }

  /** How far it is. */
  async state(): Promise<ScrubState | undefined> {
    try {
      const bytes = await readFile(this.#components.disk, FILE)
      return bytes && stateSchema.parse(JSON.parse(Buffer.from(bytes).toString()))
    } catch (error) {
      const isLost = error instanceof SyntaxError || error instanceof z.ZodError
      if (isLost || error instanceof Malformed || error instanceof DiskFailed) return undefined
      throw error
    }
  }

  async #care(signal: AbortSignal): Promise<void> {
    const { ages, quarantine } = this.#components
    ages.see(SCRUBBED)
    if (ages.of(SCRUBBED) >= DEFAULT_SCRUB_TURN_MS) await this.#turn(signal)
    await quarantine.save()
    await this.#repair(signal)
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const { disk, clock, ages, store, roots } = this.#components
    const state = await this.state()
    const dueMs = Math.min(ages.of(SCRUBBED), BEHIND_MOST_MS)
    let total = 0
    for (const scope of await store.scopes()) total += (await store.usage(scope)).bytes
    const { next, found } = await scrub(store, {
      from: state?.place,
      bytesMax: Math.max(TURN_BYTES_LEAST, (total * dueMs) / this.#periodMs),
      roots: roots(),
      elsewhere: [BASE_SCOPE],
      pace: new Pace(clock, BYTES_PER_SECOND),
      signal
    })
    if (found.length > 0) this.#repairs.clear()
    const finishedAt = next === undefined ? clock.now() : state?.finishedAt
    ages.mark(SCRUBBED)
    // A small home is read to its end each time: that need not be written down each time.
    const isNews = next !== undefined || state?.place !== undefined
    if (!isNews && clock.now() - (state?.finishedAt ?? 0) < DAY_MS) return
    const after: ScrubState = {
      version: 1,
      ...(next !== undefined && { place: next }),
      ...(finishedAt !== undefined && { finishedAt })
    }
    await writeFile(disk, FILE, Buffer.from(`${JSON.stringify(after)}\n`))
  }

  async #repair(signal: AbortSignal): Promise<void> {
    const { quarantine, repairer, own } = this.#components
    if ((await quarantine.list()).length === 0) return this.#repairs.clear()
    if (!this.#repairs.isDue('')) return
    this.#repairs.pause('')
    await repairer.repair({ signal, own: await own() })
  }
}
