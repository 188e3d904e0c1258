// One run of a scenario: an office is set up, its people work, faults befall it, and at marked times the
// checkers look, while time stands still. All that happens follows from the scenario, the seed and the
// code; the run ends at its length, or at the first look that finds a violation.

import { systemClock } from '../store/clock.ts'
import { toHex } from '../store/block.ts'
import { DrystoneError } from '../store/errors.ts'
import { Claims } from './office/claims.ts'
import { SimClock } from './clock.ts'
import { OfficeNotSetUp } from './errors.ts'
import { Faults } from './faults/faults.ts'
import { Fleet, type Computer } from './office/fleet.ts'
import { lyingNetwork } from './liar/network.ts'
import { Looks } from './looks.ts'
import { People } from './office/people.ts'
import type { Lie, Scenario } from './scenario/scenario.ts'
import { setUp } from './office/set-up.ts'
import type { Simulation, SimulationInit } from './simulation.ts'
import { Timeline } from './timeline.ts'

/** Of virtual time, in which the office has to be set up. */
const SET_UP_MS = 60 * 60_000
/** In less nobody can tell whether a mesh heals: people try again what failed after a quarter of an hour. */
const HEAL_MIN_MS = 30 * 60_000
/** Progress is told, and surprises are met, after so much virtual time. */
const STEP_MS = 60 * 60_000

/** Directories in which a name that is durable says that something else is. */
const PROMISES = /^(heads\/|receipts$|base-receipts$)/

const TRUTH: ReadonlySet<Lie> = new Set()

/** Runs a scenario. @throws {OfficeNotSetUp} @throws the signal's reason */
export async function simulate(scenario: Scenario, init: SimulationInit): Promise<Simulation> {
  const run = new Run(scenario, init)
  const onRejection = (error: unknown): void => run.bug(error)
  process.on('unhandledRejection', onRejection)
  try {
    return await run.play()
  } finally {
    process.off('unhandledRejection', onRejection)
  }
}

class Run {
  readonly #scenario: Scenario
  readonly #init: SimulationInit
  readonly #fleet: Fleet
  readonly #timeline: Timeline
  readonly #claims = new Claims((peers) => this.#promised(peers))
  readonly #lies = new Map<string, Set<Lie>>()
  readonly #people = new Map<Computer, People>()
  #looks: Looks | undefined
  /** Rejects if something unexpected is thrown while the office is set up. */
  readonly #broken = Promise.withResolvers<never>()
  #tail: string[] = []

  constructor(scenario: Scenario, init: SimulationInit) {
    this.#scenario = scenario
    this.#init = init
    this.#fleet = new Fleet(`${scenario.name}/${init.seed}`, {
      clock: new SimClock({ startMs: scenario.startMs - SET_UP_MS }),
      now: () => this.#now(),
      onLine: init.onTrace,
      wrapNetwork: (network, { name, key }) => {
        const { clock, random } = this.#fleet
        const lies = (): ReadonlySet<Lie> => this.#lies.get(name) ?? TRUTH
        return mayLie(scenario, name)
          ? lyingNetwork(network, { key, clock, random: random.fork(`${name}/lies`), lies })
          : network
      }
    })
    this.#timeline = new Timeline(this.#fleet.trace, () => this.#now())
  }

  /** Something was thrown that is no failure of Drystone's. */
  bug(error: unknown): void {
    if (this.#looks === undefined) this.#broken.reject(error)
    else this.#looks.bug(error)
  }

  async play(): Promise<Simulation> {
    const startedMs = systemClock.monotonic()
    const fleet = this.#fleet
    const words = await this.#setUp()
    await fleet.clock.advance(SET_UP_MS)
    const { looks, faults } = this.#begin(words)
    await this.#untilTheEnd({ looks, faults })
    for (const computer of fleet.computers) computer.kill()
    return this.#simulation(looks, (systemClock.monotonic() - startedMs) / 1000)
  }

  /** @returns the mesh's words @throws {OfficeNotSetUp} */
  async #setUp(): Promise<string> {
    const fleet = this.#fleet
    const tooLong = fleet.clock.sleep(SET_UP_MS).then(() => {
      throw new OfficeNotSetUp('it takes longer than an hour')
    })
    const work = setUp(fleet, this.#scenario)
    try {
      const { words } = await fleet.run(Promise.race([work, tooLong, this.#broken.promise]))
      return words
    } catch (error) {
      if (!(error instanceof DrystoneError) || error instanceof OfficeNotSetUp) throw error
      throw new OfficeNotSetUp(error.message, { cause: error })
    }
  }

  /** Virtual milliseconds since the office was set up. */
  #now(): number {
    return this.#fleet.clock.monotonic() - SET_UP_MS
  }

  #begin(words: string): { looks: Looks; faults: Faults } {
    const fleet = this.#fleet
    const scenario = this.#scenario
    const lies = this.#lies
    const damaged = new Set<string>()
    const now = (): number => this.#now()
    const faults = new Faults({
      ...{ fleet, scenario, words, lies, damaged, now, timeline: this.#timeline },
      random: fleet.random.fork('faults'),
      onLost: (lost) => this.#people.get(lost)?.leave(),
      onSucceeded: (by) => this.#arrive(by),
      onBug: (error) => this.bug(error)
    })
    const looks = new Looks({
      ...{ fleet, scenario, words, now, damaged, claims: this.#claims, liars: lies },
      isStorage: (computer) => faults.peerOf(computer).roles.includes('storage')
    })
    this.#looks = looks
    for (const peer of scenario.peers) {
      const computer = fleet.computer(peer.name)
      computer.wall.jump(peer.clockMs)
      computer.wall.drift(peer.driftPpm)
      fleet.network.setRate(computer.node.network.self, peer.rate)
      if (peer.lies.length > 0) lies.set(peer.name, new Set(peer.lies))
      this.#arrive(computer)
    }
    faults.begin()
    return { looks, faults }
  }

  /** The people of an endpoint come to work. */
  #arrive(computer: Computer): void {
    computer.disk.onDurable = (directory) => {
      if (PROMISES.test(directory)) this.#looks?.promised([computer.name])
    }
    computer.disk.onRemove = (path) => this.#looks?.removing(computer, path)
    if (computer.endpoint === undefined) return
    const people = new People({
      computer,
      workload: this.#scenario.workload,
      random: this.#fleet.random.fork(`${computer.name}/people`),
      clock: this.#fleet.clock,
      claims: this.#claims,
      timeline: this.#timeline,
      now: () => this.#now(),
      onBug: (error) => this.bug(error)
    })
    this.#people.set(computer, people)
    people.arrive()
  }

  /** Computers said, or let others say for them, that something is safe. */
  #promised(peers: readonly string[]): void {
    const names = this.#fleet.computers.filter(({ peer }) => peer && peers.includes(toHex(peer)))
    this.#looks?.promised(names.map(({ name }) => name))
  }

  async #untilTheEnd({ looks, faults }: { looks: Looks; faults: Faults }): Promise<void> {
    const { lengthMs, faultsEndMs, checks } = this.#scenario
    const marks = marksOf(lengthMs, checks)
    const canHeal = lengthMs - faultsEndMs >= HEAL_MIN_MS
    let isMended = false
    for (let mark = marks.shift(); mark !== undefined; mark = marks.shift()) {
      while (this.#now() < mark) {
        const next = Math.min(mark, this.#now() + STEP_MS, isMended ? Infinity : faultsEndMs)
        await this.#fleet.clock.advance(SET_UP_MS + next)
        this.#init.signal?.throwIfAborted()
        this.#init.onProgress?.({
          simulatedSeconds: this.#now() / 1000,
          events: this.#fleet.trace.count
        })
        if (!isMended && this.#now() >= faultsEndMs) {
          isMended = true
          faults.end()
          if (!canHeal) this.#timeline.add('note', '', 'there is too little time left to heal')
        }
        if (looks.isAlarmed) break
      }
      const isWell = await looks.look({ isHealed: canHeal && mark === lengthMs })
      this.#tell(looks, isWell)
      if (!isWell) return
    }
  }

  #tell(looks: Looks, isWell: boolean): void {
    if (isWell) {
      this.#timeline.add(
        'check',
        '',
        `the checkers looked: all is well (${looks.restored} restored so far)`
      )
      return
    }
    this.#tail = this.#fleet.trace.tail()
    for (const { checker, what } of looks.violations) {
      this.#timeline.add('violation', checker, what)
    }
  }

  #simulation(looks: Looks, wallSeconds: number): Simulation {
    const { trace } = this.#fleet
    return {
      scenario: this.#scenario.name,
      seed: this.#init.seed,
      traceHash: trace.digest(),
      events: trace.count,
      simulatedSeconds: this.#now() / 1000,
      peers: this.#scenario.peers.length,
      points: this.#claims.saved.length,
      dropped: this.#claims.dropped,
      wallSeconds,
      timeline: this.#timeline.entries,
      checks: looks.counts,
      violations: looks.violations,
      tail: this.#tail,
      restored: looks.restored
    }
  }
}

/** When the checkers look, in order; the last time is the end. */
function marksOf(lengthMs: number, { everyMs, atMs }: Scenario['checks']): number[] {
  const marks = new Set([...atMs, lengthMs])
  for (let mark = everyMs; mark < lengthMs; mark += everyMs) marks.add(mark)
  return [...marks].filter((mark) => mark <= lengthMs).sort((a, b) => a - b)
}

/** True if a peer lies at some time. */
function mayLie({ peers, faults }: Scenario, name: string): boolean {
  const peer = peers.find((each) => each.name === name)
  return (
    (peer !== undefined && peer.lies.length > 0) ||
    faults.some((fault) => fault.do === 'lie' && fault.who.peers.includes(name))
  )
}
