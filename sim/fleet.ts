// A fleet: the computers of an office in one process, each with its own disk, tree and randomness, all on
// one network and in one virtual time. The node code that runs on them is the very code of a real peer.

import { openIndex } from '../store/index.ts'
import { signingKey } from '../store/key.ts'
import { Node } from '../node/node.ts'
import type { Ports } from '../node/ports.ts'
import { SimClock } from './clock.ts'
import { SimDisk } from './disk.ts'
import { SimNetwork } from './network.ts'
import { SeededRandom } from './random.ts'
import { MemoryTree } from './tree.ts'

/** One computer: what is left of it when its process ends. */
export class Computer {
  readonly name: string
  readonly disk = new SimDisk()
  readonly ports: Ports
  readonly #trees = new Map<string, MemoryTree>()
  readonly #clock: SimClock
  #node: Node | undefined

  constructor(fleet: Fleet, name: string) {
    this.name = name
    this.#clock = fleet.clock
    this.ports = {
      disk: this.disk,
      clock: fleet.clock,
      random: new SeededRandom(`${fleet.seed}/${name}`),
      owners: true,
      openNetwork: ({ seed, gate }, { mdns = true }) =>
        fleet.network.attach(signingKey(seed).public, gate, { mdns }),
      openTree: async (root) => this.tree(root),
      openIndex: () => openIndex({ location: undefined })
    }
  }

  /** A directory of this computer that is protected, or restored to. */
  tree(root: string): MemoryTree {
    const known = this.#trees.get(root)
    if (known !== undefined) return known
    const access = { owners: true, privileges: true }
    const tree = new MemoryTree(this.#clock, { where: `${this.name}:${root}`, ...access })
    this.#trees.set(root, tree)
    return tree
  }

  /** The running peer. */
  get node(): Node {
    if (this.#node === undefined) throw new Error(`${this.name} does not run`)
    return this.#node
  }

  /** Starts the peer of this computer's home. */
  async up(): Promise<Node> {
    this.#node = await Node.open(this.ports)
    await this.#node.start()
    return this.#node
  }

  async down(): Promise<void> {
    const node = this.#node
    this.#node = undefined
    await node?.stop()
  }
}

export class Fleet {
  readonly seed: string
  readonly clock = new SimClock()
  readonly network: SimNetwork
  readonly #computers = new Map<string, Computer>()

  constructor(seed: string) {
    this.seed = seed
    this.network = new SimNetwork({ clock: this.clock })
  }

  /** The computer of this name; a new one if there is none. */
  computer(name: string): Computer {
    const known = this.#computers.get(name)
    if (known !== undefined) return known
    const computer = new Computer(this, name)
    this.#computers.set(name, computer)
    return computer
  }

  /** The computer is gone for good, process, disk and tree. */
  async destroy(name: string): Promise<void> {
    const computer = this.computer(name)
    this.#computers.delete(name)
    await computer.down()
  }

  /** Runs work in virtual time. */
  run<T>(work: Promise<T>): Promise<T> {
    return this.clock.run(work, { withinMs: 24 * 60 * 60_000 })
  }

  async stop(): Promise<void> {
    for (const computer of this.#computers.values()) await computer.down()
  }
}
