// The faults of a scenario: when each acts, and on whom. After the last moment for faults everything that
// people would mend is mended, and every computer that is left is started.

import { DrystoneError } from '../../store/errors.ts'
import type { Computer } from '../office/fleet.ts'
import type { SeededRandom } from '../random.ts'
import type { Between, Fault, Range, Scenario, ScenarioPeer, Who } from '../scenario/scenario.ts'
import * as computers from './computers.ts'
import * as disks from './disks.ts'
import * as links from './links.ts'
import { computerOf } from '../office/set-up.ts'
import { drawn, type Scene } from './scene.ts'

/** How soon a peer that did not start is started again. */
const RESTART_MS = 30_000
const DAY_MS = 24 * 60 * 60_000

type LinkFault = Extract<Fault, { between: Between }>
type ComputerFault = Extract<Fault, { who: Who }>

export interface FaultsInit extends Omit<
  Scene,
  | ('pass' | 'start' | 'down' | 'restart' | 'peerOf' | 'random')
  | ('lose' | 'endpointOf' | 'heirOf' | 'succeed' | 'isComingBack')
> {
  scenario: Scenario
  random: SeededRandom
  /** Virtual milliseconds since the office was set up. */
  now: () => number
  onLost: (lost: Computer) => void
  onSucceeded: (by: Computer) => void
  /** Something was thrown that is no failure of Drystone's. */
  onBug: (error: unknown) => void
}

export class Faults {
  readonly #init: FaultsInit
  readonly #random: SeededRandom
  readonly #scene: Scene
  /** By the name of a computer: the peer of the scenario that it is. */
  readonly #peers: Map<string, ScenarioPeer>
  readonly #starting = new Set<Computer>()
  readonly #lost = new Set<Computer>()
  /** Blank computers that are to do what lost ones did, and the endpoints that they are to take over. */
  readonly #heirs = new Map<Computer, string | undefined>()

  constructor(init: FaultsInit) {
    this.#init = init
    this.#random = init.random
    this.#peers = new Map(init.scenario.peers.map((peer) => [peer.name, peer]))
    this.#scene = {
      ...init,
      peerOf: (computer) => this.peerOf(computer),
      pass: (forMs) => this.#pass(forMs),
      start: (computer) => this.#start(computer),
      down: (computer) => this.#down(computer),
      restart: (computer) => this.#restart(computer),
      lose: (computer) => this.#lose(computer),
      endpointOf: (computer) => computer.endpoint ?? this.#heirs.get(computer),
      heirOf: (lost, endpoint) => this.#heirOf(lost, endpoint),
      succeed: (heir) => {
        this.#heirs.delete(heir)
        init.onSucceeded(heir)
      },
      isComingBack: (computer) => this.#heirs.has(computer)
    }
  }

  /** Each acts when its time comes. */
  begin(): void {
    const { faults, links: siteLinks } = this.#init.scenario
    for (const fault of faults) this.#watched(() => this.#play(fault))
    for (const { between, lossPerDay } of siteLinks) {
      if (lossPerDay > 0) this.#watched(() => this.#loseConnections(between, lossPerDay))
    }
  }

  /** The faults are over: what is broken is mended, and who is down is started. */
  end(): void {
    const { fleet, timeline } = this.#init
    timeline.add('note', '', 'from here on nothing happens to the office')
    for (const computer of fleet.computers) this.#watched(() => this.#mend(computer))
  }

  /** What the scenario says of a computer, or of the one whose place it took. */
  peerOf({ name }: Computer): ScenarioPeer {
    const peer = this.#peers.get(name)
    if (peer === undefined) throw new Error(`no peer of the scenario is ${name}`)
    return peer
  }

  async #mend(computer: Computer): Promise<void> {
    if (computer.isAsleep) computer.wake()
    await this.#start(computer)
  }

  async #play(fault: Fault): Promise<void> {
    const { when } = fault
    const { now } = this.#init
    if (when.kind === 'once') {
      await this.#sleep(when.atMs - now())
      return this.#befall(fault)
    }
    await this.#sleep(when.fromMs - now())
    for (;;) {
      await this.#sleep(this.#waiting(when.everyMs))
      if (now() >= when.toMs) return
      this.#watched(() => this.#befall(fault))
    }
  }

  async #loseConnections(sites: readonly [string, string], perDay: number): Promise<void> {
    const { fleet, scenario, now } = this.#init
    const at = (site: string): Computer[] => fleet.computers.filter((each) => each.site === site)
    for (;;) {
      await this.#sleep(this.#waiting(DAY_MS / perDay))
      if (now() >= scenario.faultsEndMs) return
      for (const one of at(sites[0])) {
        for (const other of at(sites[1])) {
          if (one.peer && other.peer) fleet.network.drop(one.peer, other.peer)
        }
      }
    }
  }

  async #befall(fault: Fault): Promise<void> {
    if ('between' in fault && fault.between !== undefined) {
      const { between } = fault
      await Promise.all(this.#pairs(between).map((ends) => this.#onLink(fault, ends)))
    } else if ('who' in fault && fault.who !== undefined) {
      const { who } = fault
      await Promise.all(this.#chosen(who).map((each) => this.#onComputer(fault, each)))
    }
  }

  #onLink(fault: LinkFault, ends: readonly [Computer, Computer]): Promise<void> {
    const scene = this.#scene
    switch (fault.do) {
      case 'cut':
        return links.cut(fault, ends, scene)
      case 'silence':
        return links.silence(fault, ends, scene)
      case 'oneway':
        return links.oneway(fault, ends, scene)
      case 'drop':
        return links.dropLink(fault, ends, scene)
      case 'slow-link':
        return links.slowLink(fault, ends, scene)
    }
  }

  #onComputer(fault: ComputerFault, computer: Computer): Promise<void> {
    const scene = this.#scene
    switch (fault.do) {
      case 'crash':
        return computers.crash(fault, computer, scene)
      case 'kill':
        return computers.kill(fault, computer, scene)
      case 'stop':
        return computers.stop(fault, computer, scene)
      case 'sleep':
        return computers.sleep(fault, computer, scene)
      case 'destroy':
        return computers.destroy(fault, computer, scene)
      case 'replace':
        return computers.replace(fault, computer, scene)
      case 'clock':
        return computers.clock(fault, computer, scene)
      case 'drift':
        return computers.drift(fault, computer, scene)
      case 'lie':
        return computers.lie(fault, computer, scene)
      case 'disk-error':
        return disks.diskError(fault, computer, scene)
      case 'slow-disk':
        return disks.slowDisk(fault, computer, scene)
      case 'full':
        return disks.full(fault, computer, scene)
      case 'rot':
        return disks.rot(fault, computer, scene)
      case 'unreadable':
        return disks.unreadable(fault, computer, scene)
      case 'isolate':
        return links.isolate(fault, computer, scene)
      case 'drop':
        return links.drop(fault, computer, scene)
      case 'slow-link':
        return links.slow(fault, computer, scene)
    }
  }

  /** The computers that a fault is for now: all of them, or one by chance. Those that are lost are not. */
  #chosen({ each, peers }: Who): Computer[] {
    const there = this.#init.fleet.computers.filter((computer) =>
      peers.includes(this.peerOf(computer).name)
    )
    if (there.length === 0) return []
    return each ? there : [this.#random.pick(there)]
  }

  #pairs([one, other]: Between): [Computer, Computer][] {
    return this.#chosen(one).flatMap((a) =>
      this.#chosen(other)
        .filter((b) => b !== a)
        .map((b): [Computer, Computer] => [a, b])
    )
  }

  async #pass(forMs: Range | undefined): Promise<void> {
    const { scenario, now } = this.#init
    const leftMs = scenario.faultsEndMs - now()
    await this.#sleep(forMs === undefined ? leftMs : Math.min(leftMs, drawn(forMs, this.#random)))
  }

  async #start(computer: Computer): Promise<void> {
    if (this.#starting.has(computer)) return
    this.#starting.add(computer)
    try {
      while (this.#isStartable(computer)) {
        if (await this.#comesUp(computer)) return
        await this.#sleep(RESTART_MS)
      }
    } finally {
      this.#starting.delete(computer)
    }
  }

  /** Who comes back is started by whoever brings it back. */
  #isStartable(computer: Computer): boolean {
    return !this.#lost.has(computer) && !this.#heirs.has(computer) && computer.state === 'down'
  }

  async #restart(computer: Computer): Promise<void> {
    if (computer.isAsleep) computer.wake()
    if (this.#heirs.has(computer)) return computer.kill()
    await this.#down(computer)
    await this.#start(computer)
  }

  async #down(computer: Computer): Promise<void> {
    try {
      await computer.down()
    } catch (error) {
      this.#expect(error, { computer, what: 'does not stop in order' })
    }
  }

  /** @throws what is no failure of Drystone's */
  #expect(error: unknown, { computer, what }: { computer: Computer; what: string }): void {
    if (!(error instanceof DrystoneError)) throw error
    this.#init.timeline.trace(computer.name, what, `${error.name}: ${error.message}`)
  }

  async #comesUp(computer: Computer): Promise<boolean> {
    const { timeline } = this.#init
    try {
      const isUp = (await computer.up()) !== undefined
      if (isUp) timeline.add('back', computer.name, 'is up again')
      return isUp
    } catch (error) {
      computer.kill()
      this.#expect(error, { computer, what: 'does not start' })
      return false
    }
  }

  #lose(computer: Computer): void {
    this.#lost.add(computer)
    this.#heirs.delete(computer)
    this.#init.onLost(computer)
    this.#init.fleet.destroy(computer.name)
  }

  #heirOf(lost: Computer, endpoint: string | undefined): Computer {
    const peer = this.peerOf(lost)
    let name = `${lost.name}b`
    while (this.#peers.has(name)) name += 'b'
    this.#peers.set(name, peer)
    const blank = computerOf(this.#init.fleet, peer, name)
    this.#heirs.set(blank, endpoint)
    return blank
  }

  #watched(work: () => Promise<void>): void {
    work().catch((error: unknown) => this.#init.onBug(error))
  }

  #waiting(meanMs: number): number {
    return -Math.log(1 - this.#random.fraction()) * meanMs
  }

  async #sleep(ms: number): Promise<void> {
    await this.#init.fleet.clock.sleep(Math.max(0, ms))
  }
}
