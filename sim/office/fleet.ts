// A fleet: the computers of an office in one process, each with its own disk, trees, clock and randomness,
// all on one network and in one virtual time. The node code that runs on them is the very code of a real
// peer; each run of it is a life, which may end at any call.

import { toHex } from '../../store/block.ts'
import { signingKey, type SigningKey } from '../../store/key.ts'
import type { PeerKey } from '../../store/peer.ts'
import type { Network } from '../../protocol/network.ts'
import type { CallContext, Perform } from '../../node/control/call.ts'
import {
  performer,
  type ArgsOf,
  type ProcedureName,
  type ResultOf
} from '../../node/control/perform.ts'
import { Node } from '../../node/node.ts'
import type { Ports } from '../../node/ports.ts'
import { SimClock, SkewedClock } from '../clock.ts'
import { SimDisk } from '../disk/disk.ts'
import { Life } from './life.ts'
import { SimNetwork } from '../network/network.ts'
import { SeededRandom } from '../random.ts'
import { SortedIndex } from '../disk/sorted-index.ts'
import { Trace } from '../trace.ts'
import { MemoryTree } from '../tree/tree.ts'

export type ComputerState = 'up' | 'down' | 'asleep'

/** What a computer that is made anew may be given. */
export interface ComputerInit {
  site?: string | undefined
  /** What is left of a computer that was. */
  disk?: SimDisk
  index?: SortedIndex
}

/** One computer: what is left of it when its process ends. */
export class Computer {
  readonly name: string
  readonly site: string
  readonly disk: SimDisk
  readonly wall: SkewedClock
  /** Id in hex of the endpoint that lives here, if one does. */
  endpoint: string | undefined
  readonly #index: SortedIndex
  readonly #trees = new Map<string, MemoryTree>()
  readonly #fleet: Fleet
  readonly #random: SeededRandom
  /** Chance outside the process: what a crash leaves. */
  readonly #fate: SeededRandom
  #life: Life | undefined
  #ports: Ports | undefined
  #node: Node | undefined
  #perform: Perform | undefined
  #isAsleep = false
  #peer: PeerKey | undefined

  constructor(fleet: Fleet, name: string, init: ComputerInit = {}) {
    const { site = '', disk, index } = init
    this.name = name
    this.site = site
    this.#fleet = fleet
    this.disk = disk ?? new SimDisk()
    this.#index = index ?? new SortedIndex()
    this.wall = new SkewedClock(fleet.clock)
    this.#random = fleet.random.fork(`${name}/keys`)
    this.#fate = fleet.random.fork(`${name}/fate`)
  }

  /** The ports of the process that runs now; of a new one if none does. */
  get ports(): Ports {
    return (this.#ports ??= this.#born())
  }

  #born(): Ports {
    const { clock, network, trace } = this.#fleet
    const life = new Life({
      name: this.name,
      clock,
      wall: this.wall,
      trace,
      nameOf: (peer) => this.#fleet.nameOf(peer),
      diskMs: () => this.disk.latencyMs
    })
    this.#life = life
    return {
      disk: life.disk(this.disk),
      clock: life.clock(),
      random: this.#random,
      owners: true,
      openNetwork: ({ seed, gate }, { mdns = true }) => {
        const key = signingKey(seed)
        this.#peer = key.public
        this.#fleet.meet(key.public, this.name)
        const attached = network.attach(key.public, gate, {
          mdns,
          site: this.site
        })
        return life.network(this.#fleet.wrapNetwork(attached, { name: this.name, key }))
      },
      openTree: async (root) => life.tree(this.tree(root)),
      openIndex: async () => life.index(this.#index.open())
    }
  }

  /** A directory of this computer that is protected, or restored to. */
  tree(root: string): MemoryTree {
    const known = this.#trees.get(root)
    if (known !== undefined) return known
    const access = { owners: true, privileges: true }
    const tree = new MemoryTree(this.wall, {
      where: `${this.name}:${root}`,
      ...access
    })
    this.#trees.set(root, tree)
    return tree
  }

  get state(): ComputerState {
    if (this.#isAsleep) return 'asleep'
    return this.#node === undefined ? 'down' : 'up'
  }

  /** The key of its peer, once it has one. */
  get peer(): PeerKey | undefined {
    return this.#peer
  }

  get isAsleep(): boolean {
    return this.#isAsleep
  }

  /** The process that runs now, or is starting. */
  get life(): Life | undefined {
    return this.#life
  }

  /** The running peer. */
  get node(): Node {
    if (this.#node === undefined) throw new Error(`${this.name} does not run`)
    return this.#node
  }

  /** Starts the peer of this computer's home; undefined if the process dies meanwhile. */
  async up(): Promise<Node | undefined> {
    return this.alive(async (ports) => {
      const node = await Node.open(ports)
      await node.start()
      node.tree.track()
      this.#perform = performer(node, () => {})
      this.#node = node
      return node
    })
  }

  /** What the peer answers to a command; undefined if it does not run, or dies before it has answered. */
  async ask<K extends ProcedureName>(
    name: K,
    args: ArgsOf<K>,
    context: CallContext = {}
  ): Promise<ResultOf<K> | undefined> {
    const perform = this.#perform
    if (this.#node === undefined || perform === undefined) return undefined
    return this.alive(() => perform(name, args, context) as Promise<ResultOf<K>>)
  }

  /** Work of the process that runs now, or of a new one; undefined if the process dies meanwhile. */
  alive<T>(work: (ports: Ports) => Promise<T>): Promise<T | undefined> {
    const { ports } = this
    const over = this.#life?.over ?? Promise.resolve()
    return Promise.race([work(ports), over.then(() => undefined)])
  }

  /** What would be left if the power went now, in the worst case; on a disk that has room, and is fast. */
  remains(): { disk: SimDisk; index: SortedIndex } {
    const index = this.#index.copy()
    index.crash()
    const disk = this.disk.durable()
    disk.capacity = Number.MAX_SAFE_INTEGER
    disk.latencyMs = 0
    return { disk, index }
  }

  /** The power goes: all memory is lost, and of what was not synced whatever chance takes. */
  crash(): void {
    this.#die()
    if (this.#peer !== undefined) this.#fleet.network.vanish(this.#peer)
    this.disk.crash(this.#fate)
    this.#index.crash(this.#fate)
  }

  /** The process is killed: the operating system goes on, and forgets nothing. */
  kill(): void {
    this.#die()
    if (this.#peer !== undefined) this.#fleet.network.kill(this.#peer)
    this.disk.kill()
  }

  /** Something happens at the n-th passage through a port from now, if the process lives so long. */
  afterPassages(passages: number, happen: () => void): void {
    this.#life?.lightFuse(passages, happen)
  }

  /** Stops in order. @throws {DiskFull} @throws {DiskFailed} and is down all the same. */
  async down(): Promise<void> {
    const node = this.#node
    const life = this.#life
    this.#node = undefined
    try {
      await node?.stop()
    } finally {
      if (this.#life === life) this.kill()
    }
  }

  /** The lid is closed: the process stands still, and the computer is not on the network. */
  sleep(): void {
    this.#isAsleep = true
    this.#life?.freeze()
    if (this.#peer !== undefined) this.#fleet.network.freeze(this.#peer)
  }

  wake(): void {
    this.#isAsleep = false
    if (this.#peer !== undefined) this.#fleet.network.thaw(this.#peer)
    this.#life?.thaw()
  }

  #die(): void {
    this.#node = undefined
    this.#perform = undefined
    this.#isAsleep = false
    this.#ports = undefined
    this.#life?.end()
    this.#life = undefined
    this.#index.release()
  }
}

/** Stands between a node and the network: for a computer that lies. */
export type WrapNetwork = (network: Network, own: { name: string; key: SigningKey }) => Network

export interface FleetInit {
  clock?: SimClock
  /** What the trace takes for the time. */
  now?: () => number
  onLine?: ((line: string) => void) | undefined
  wrapNetwork?: WrapNetwork
}

/** Longest that a piece of work may take: more is a hang. */
const DAY_MS = 24 * 60 * 60_000

export class Fleet {
  readonly random: SeededRandom
  readonly clock: SimClock
  readonly network: SimNetwork
  readonly trace: Trace
  readonly wrapNetwork: WrapNetwork
  readonly #computers = new Map<string, Computer>()
  readonly #names = new Map<string, string>()

  constructor(seed: string, init: FleetInit = {}) {
    const { clock = new SimClock(), onLine } = init
    this.random = new SeededRandom(seed)
    this.clock = clock
    this.network = new SimNetwork({
      clock,
      random: this.random.fork('network')
    })
    this.trace = new Trace({
      now: init.now ?? (() => clock.monotonic()),
      onLine
    })
    this.wrapNetwork = init.wrapNetwork ?? ((network) => network)
  }

  /** Those that are there, in the order in which they came. */
  get computers(): readonly Computer[] {
    return [...this.#computers.values()]
  }

  /** The computer of this name; a new one if there is none. */
  computer(name: string, init: ComputerInit = {}): Computer {
    const known = this.#computers.get(name)
    if (known !== undefined) return known
    const computer = new Computer(this, name, init)
    this.#computers.set(name, computer)
    return computer
  }

  /** The name of the computer that a peer key belongs, or belonged, to. */
  nameOf(peer: PeerKey): string {
    return this.#names.get(toHex(peer)) ?? toHex(peer).slice(0, 8)
  }

  meet(peer: PeerKey, name: string): void {
    this.#names.set(toHex(peer), name)
  }

  /** The computer is gone for good: process, disk and trees. */
  destroy(name: string): void {
    const computer = this.computer(name)
    this.#computers.delete(name)
    computer.crash()
  }

  /** Runs work in virtual time. */
  run<T>(work: Promise<T>): Promise<T> {
    return this.clock.run(work, { withinMs: DAY_MS })
  }

  async stop(): Promise<void> {
    for (const computer of this.#computers.values()) await computer.down()
  }
}
