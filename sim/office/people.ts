// The people at one endpoint: they change files in their hours, take backups, and look at the status now and
// then. What they are told is noted as the product's claim, with what the tree held at that moment.

import { fromHex, hashOf, parseCid, toHex } from '../../store/block.ts'
import { DiskFailed, DrystoneError, StorePoisoned } from '../../store/errors.ts'
import { ENDPOINT_ID_BYTES } from '../../store/roster-bodies.ts'
import type { Node } from '../../node/node.ts'
import { showPath } from '../../node/tree/path.ts'
import type { SavedClaim } from '../checkers/checker.ts'
import type { Claims } from './claims.ts'
import type { SimClock } from '../clock.ts'
import type { Computer } from './fleet.ts'
import { stateOf, type TreeState } from '../model/tree-state.ts'
import type { SeededRandom } from '../random.ts'
import type { Workload } from '../scenario/scenario.ts'
import { ROOT } from './set-up.ts'
import type { Timeline } from '../timeline.ts'
import { edit } from '../workload/edit.ts'

const HOUR_MS = 60 * 60_000
const DAY_MS = 24 * HOUR_MS
/** How often somebody looks at the status. */
const LOOK_MS = 20 * 60_000
/** How soon a backup that failed is tried again. */
const AGAIN_MS = 15 * 60_000
/** Changes while one backup runs. */
const DURING_MAX = 12
/** Points of a flood, at least; twice as many at most. */
const FLOOD_LEAST = 10
/** Calls of a backup between two of them, at most. */
const PASSAGES_BETWEEN = 80

export interface PeopleInit {
  computer: Computer
  workload: Workload
  random: SeededRandom
  clock: SimClock
  claims: Claims
  timeline: Timeline
  /** Virtual milliseconds since the office was set up. */
  now: () => number
  /** Something was thrown that is no failure of Drystone's: a bug. */
  onBug: (error: unknown) => void
}

export class People {
  readonly #init: PeopleInit
  readonly #random: SeededRandom
  /** What the tree was since the backup that runs began; undefined if none does. */
  #seen: TreeState[] | undefined
  /** Nobody touches the files while the backup runs. */
  #isStill = false
  /** Something could not be read when the backup began. */
  #isRefused = false
  #last: { claim: SavedClaim; time: string } | undefined
  #isGone = false

  constructor(init: PeopleInit) {
    this.#init = init
    this.#random = init.random
  }

  /** They work until `leave`. */
  arrive(): void {
    void this.#work()
    void this.#backUpAgainAndAgain()
    void this.#look()
  }

  leave(): void {
    this.#isGone = true
  }

  get computer(): Computer {
    return this.#init.computer
  }

  async #work(): Promise<void> {
    const { clock, workload } = this.#init
    const { hours, changesPerDay } = workload
    if (changesPerDay === 0) return
    const span = hours.toMs - hours.fromMs
    const meanMs = (span > 0 ? span : span + DAY_MS) / changesPerDay
    while (!this.#isGone) {
      await clock.sleep(-Math.log(1 - this.#random.fraction()) * meanMs)
      if (this.#isGone || this.#isStill || !isWorking(workload, clock.now())) continue
      if (this.computer.state !== 'asleep') this.#change()
    }
  }

  #change(): void {
    const { computer, timeline } = this.#init
    const tree = computer.tree(ROOT)
    timeline.trace(computer.name, 'edit', edit(tree, this.#random, computer.wall))
    this.#seen?.push(stateOf(tree))
  }

  async #backUpAgainAndAgain(): Promise<void> {
    const { clock, workload } = this.#init
    // The first soon after the office is set up, and not all at once.
    await clock.sleep(this.#random.between(1, 10) * 60_000)
    while (!this.#isGone) {
      const isDone = await this.#backUp()
      await this.#flood()
      const pauseMs = workload.backupEveryMs * this.#random.between(0.8, 1.2)
      await clock.sleep(isDone ? pauseMs : Math.min(pauseMs, AGAIN_MS))
    }
  }

  /** A program gone wrong, or somebody who means harm, takes points that nobody needs. */
  async #flood(): Promise<void> {
    const { workload, computer, timeline } = this.#init
    if (workload.floods === 0 || !this.#random.chance(workload.floods)) return
    const count = FLOOD_LEAST + this.#random.below(FLOOD_LEAST)
    timeline.add('fault', computer.name, `takes ${count} points for nothing`)
    for (let i = 0; i < count && !this.#isGone; i++) {
      if (computer.state === 'up') this.#change()
      await this.#backUp()
    }
  }

  async #backUp(): Promise<boolean> {
    const { computer, workload } = this.#init
    if (computer.state !== 'up') return false
    this.#isStill = !this.#random.chance(workload.during)
    this.#seen = [stateOf(computer.tree(ROOT))]
    this.#isRefused = computer.tree(ROOT).isRefusing
    try {
      if (!this.#isStill) this.#workOn(this.#seen)
      return await this.#taken(this.#seen)
    } catch (error) {
      this.#failed('backup', error)
      return false
    } finally {
      this.#seen = undefined
      this.#isStill = false
    }
  }

  /** A busy moment: changes come between the calls of the backup that runs. */
  #workOn(seen: TreeState[]): void {
    const change = (): void => {
      if (this.#seen === seen) this.#change()
    }
    let passages = 0
    for (let n = 1 + this.#random.below(DURING_MAX); n > 0; n--) {
      passages += 1 + this.#random.below(PASSAGES_BETWEEN)
      this.computer.afterPassages(passages, change)
    }
  }

  async #taken(states: TreeState[]): Promise<boolean> {
    const { computer, claims, now } = this.#init
    const { node } = computer
    const taken = await computer.ask('backup', {})
    if (taken === undefined) return false
    const { endpoint = '' } = computer
    const head = node.heads.last(fromHex(endpoint, ENDPOINT_ID_BYTES))
    if (head === undefined) return false
    const claim: SavedClaim = {
      at: now(),
      computer: computer.name,
      endpoint,
      writer: toHex(node.network.self),
      point: taken.point,
      seq: head.head.seq,
      digest: taken.digest,
      root: toHex(hashOf(parseCid(taken.root))),
      states,
      skipped: pathsShownAs(taken.skipped, states)
    }
    this.#assertSkips(claim)
    claims.dropped += taken.dropped.length
    claims.save(claim)
    this.#last = { claim, time: taken.time }
    this.#told(taken.protected, keysOf(node, taken.copies))
    await this.#pinSome(claim)
    return true
  }

  /** Pinned is what the product said is pinned. */
  async #pinSome(claim: SavedClaim): Promise<void> {
    const { computer, claims, workload } = this.#init
    // Nothing is drawn where nobody pins, so that other scenarios run as ever.
    if (workload.pins === 0 || !this.#random.chance(workload.pins)) return
    const pin = await computer.ask('pin', { which: claim.point, pinned: true })
    if (pin?.pinned === true) claims.pinned.push(claim)
  }

  /** What nobody touched, and nothing keeps from being read, is not to be left out. */
  #assertSkips({ point, states, skipped }: SavedClaim): void {
    const [path] = skipped
    const { computer, onBug } = this.#init
    const isRefused = this.#isRefused || computer.tree(ROOT).isRefusing
    if (path === undefined || states.length > 1 || isRefused) return
    onBug(new Error(`point ${point} of ${computer.name} leaves out ${path}, which is as it was`))
  }

  async #look(): Promise<void> {
    const { clock, computer } = this.#init
    while (!this.#isGone) {
      await clock.sleep(LOOK_MS)
      if (computer.state === 'down') continue
      const { node } = computer
      try {
        const status = await computer.ask('status', {})
        if (status === undefined || status.lastPoint !== this.#last?.time) continue
        this.#told(status.isProtected, keysOf(node, status.copies))
      } catch (error) {
        this.#failed('status', error)
      }
    }
  }

  #told(isProtected: boolean, holders: readonly string[]): void {
    const { claims, timeline, computer, now } = this.#init
    timeline.risk(computer.name, isProtected)
    if (isProtected && this.#last !== undefined) {
      claims.protect(this.#last.claim, { at: now(), holders })
    }
  }

  #failed(what: string, error: unknown): void {
    const { computer, timeline, onBug } = this.#init
    const isDisk = error instanceof DiskFailed || error instanceof StorePoisoned
    if (isDisk && computer.disk.refusals === 0) {
      onBug(new Error(`${what} of ${computer.name} failed, and its disk did not: ${error.message}`))
    } else if (!(error instanceof DrystoneError)) onBug(error)
    else timeline.trace(computer.name, `${what} failed`, `${error.name}: ${error.message}`)
  }
}

/** Peer keys in hex of those whom the product names. */
function keysOf({ members: { roster } }: Node, names: readonly string[]): string[] {
  const members = [...roster.members.values()]
  return names.map((name) => {
    const peer = members.find((member) => member.name === name)?.peer
    return peer === undefined ? name : toHex(peer)
  })
}

/** True if people are at work at a wall time. */
function isWorking({ hours, days }: Workload, wallMs: number): boolean {
  const inDay = wallMs % DAY_MS
  const { fromMs, toMs } = hours
  const isHour = fromMs <= toMs ? inDay >= fromMs && inDay < toMs : inDay >= fromMs || inDay < toMs
  return isHour && days.includes(new Date(wallMs).getUTCDay())
}

/** The paths (latin1) of what the product named in its own words. */
function pathsShownAs(
  skipped: readonly { path: string }[],
  states: readonly TreeState[]
): string[] {
  if (skipped.length === 0) return []
  const shown = new Set(skipped.map(({ path }) => path))
  const paths = new Set(states.flatMap((state) => [...state.keys()]))
  return [...paths].filter((path) => shown.has(showPath(Buffer.from(path, 'latin1'))))
}
