// A fleet: the computers of an office in one process, each with its own disk, tree and randomness, all on
// one network and in one virtual time. The node code that runs on them is the very code of a real peer.

import { openIndex } from '../store/index.ts'
import { signingKey } from '../store/key.ts'
import { Node } from '../node/node.ts'
import type { Ports } from '../node/ports.ts'
import { SimClock } from './clock.ts'
import { SimDisk } from './disk.ts'
import { MortalDisk } from './mortal-disk.ts'
import { SimNetwork } from './network.ts'
import { SeededRandom } from './random.ts'
import { MemoryTree } from './tree.ts'

/** One computer: what is left of it when its process ends. */
export class Computer {
  readonly name: string
  readonly disk = new SimDisk()
  /** Of this life: what was started on them before a crash reaches the disk no more. */
  ports: Ports
  readonly #trees = new Map<string, MemoryTree>()
  readonly #fleet: Fleet
  readonly #random: SeededRandom
  #life: MortalDisk
  #node: Node | undefined

  constructor(fleet: Fleet, name: string) {
    this.name = name
    this.#fleet = fleet
    this.#random = new SeededRandom(`${fleet.seed}/${name}`)
    this.#life = new MortalDisk(this.disk)
    this.ports = this.#newPorts()
  }

  #newPorts(): Ports {
    const { clock, network } = this.#fleet
    return {
      disk: this.#life,
      clock,
      random: this.#random,
      owners: true,
      openNetwork: ({ seed, gate }, { mdns = true }) =>
        network.attach(signingKey(seed).public, gate, { mdns }),
      openTree: async (root) => this.tree(root),
      openIndex: () => openIndex({ location: undefined })
    }
  }

  /** A directory of this computer that is protected, or restored to. */
  tree(root: string): MemoryTree {
    const known = this.#trees.get(root)
    if (known !== undefined) return known
    const access = { owners: true, privileges: true }
    const tree = new MemoryTree(this.#fleet.clock, { where: `${this.name}:${root}`, ...access })
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

  /** The power goes, at whatever moment: unsynced bytes and all memory are lost. */
  crash(): void {
    const node = this.#node
    this.#node = undefined
    this.#life.die()
    if (node !== undefined) this.#fleet.network.crash(node.network.self)
    this.disk.crash()
    this.#life = new MortalDisk(this.disk)
    this.ports = this.#newPorts()
    // The dead process only has to stop using virtual time.
    node?.stop().catch(() => undefined)
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
