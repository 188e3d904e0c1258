// This computer's own tree: the one that its endpoint protects. Backups of it, and comparisons of it with a
// state, come through here one at a time, since the witnesses of one must not be committed by another; and
// here its tracker lives, from the start of the peer to its end. Letting go of restore points takes its turn
// among them, since that writes a head as well.

import type { Base } from '../store/base.ts'
import type { CID } from '../store/block.ts'
import type { Point } from '../store/head.ts'
import type { PeerKey } from '../store/peer.ts'
import type { Blockstore } from '../store/blockstore.ts'
import type { SigningKey } from '../store/key.ts'
import { backUp, type BackedUp, type BackupInput } from './backup.ts'
import type { BaseStore } from './base-store.ts'
import { labelOf, type Bases } from './bases.ts'
import type { BetGround } from './bets.ts'
import type { Endpoint } from './endpoint.ts'
import { NoRoot } from './errors.ts'
import { historyOf, writeHead, type History } from './head-writer.ts'
import type { Heads, MarkedHead } from './heads.ts'
import type { Home, Settings } from './home.ts'
import { compareTree, readInstalled, type CompareInput, type Comparison } from './installed.ts'
import type { Members } from './mesh/members.ts'
import type { Ports } from './ports.ts'
import type { Reading, ReadingInit } from './reading.ts'
import type { Retention } from './retention.ts'
import type { Rules } from './selection.ts'
import { Tracker } from './tracker.ts'
import { nameOf, parentOf } from './tree/path.ts'
import type { Tree, TreePath } from './tree/tree.ts'
import { witnessKey, type WitnessBook } from './witness.ts'

export interface OwnTreeComponents {
  ports: Ports
  home: Home
  settings: Settings
  key: SigningKey
  store: Blockstore
  members: Members
  heads: Heads
  bases: Bases
  baseStore: BaseStore
  witnesses: WitnessBook
  retention: Retention
  /** True if a head has as many copies as policy asks. */
  isProtected: (head: MarkedHead) => boolean
  /** Opens states for reading. */
  read: (init: ReadingInit, holders?: readonly PeerKey[]) => Reading
}

export type BackupOptions = Pick<BackupInput, 'onProgress' | 'signal' | 'isScan'>

export class OwnTree {
  readonly #components: OwnTreeComponents
  readonly #tracker: Tracker
  #work: Promise<unknown> = Promise.resolve()

  constructor(components: OwnTreeComponents) {
    this.#components = components
    this.#tracker = new Tracker(components.ports.clock)
  }

  /** From now on changes are heard of, as far as they can be. */
  track(): void {
    this.#tracker.start()
  }

  async stop(): Promise<void> {
    await this.#work
    this.#tracker.stop()
  }

  /** From now on these are left out. */
  async follow(rules: Rules): Promise<void> {
    const { home, settings } = this.#components
    await home.saveSettings({ ...settings, rules: { ...rules, ignore: [...rules.ignore] } })
    settings.rules = { ...rules, ignore: [...rules.ignore] }
  }

  /** Takes a restore point of an endpoint that lives here. */
  backUp(endpoint: Endpoint, options: BackupOptions): Promise<BackedUp> {
    return this.#inTurn(() => this.#backUp(endpoint, options))
  }

  /**
   * Writes a head with other points: those that `change` makes of what there is. Undefined if they are the
   * very same.
   *
   * @throws {HeadForked} @throws {DiskFull}
   */
  rewrite(
    endpoint: Endpoint,
    change: (history: History) => Promise<Point[]>
  ): Promise<MarkedHead | undefined> {
    return this.#inTurn(async () => {
      const { ports, settings, key, members, heads } = this.#components
      const components = { clock: ports.clock, random: ports.random, key, members, heads }
      const { last, points } = historyOf(components, endpoint)
      const next = await change({ last, points })
      if (next.length === points.length && next.every((point, i) => point === points[i])) {
        return undefined
      }
      const { ownRecovery = false } = settings
      return writeHead(components, { endpoint, last, points: next, ownRecovery })
    })
  }

  /** Compares the tree with a state; what matches need not be read at the next backup. */
  recognise(input: Pick<CompareInput, 'reader' | 'top' | 'prove' | 'signal'>): Promise<Comparison> {
    return this.#inTurn(async () => {
      const { ports, witnesses } = this.#components
      try {
        const sense = { owners: ports.owners }
        const tree = await this.#open()
        const comparison = await compareTree({ ...input, tree, sense, witnesses })
        await witnesses.commit()
        return comparison
      } finally {
        witnesses.discard()
      }
    })
  }

  /** What a backup of an endpoint would skip files by; undefined while it would read everything. */
  async betGround(endpoint: Endpoint): Promise<BetGround | undefined> {
    const { witnesses, read } = this.#components
    const root = await this.#comparedWith(endpoint)
    if (root === undefined) return undefined
    const tree = await this.#open()
    const reading = read({ ...endpoint, remember: true })
    return {
      ...{ tree, witnesses, root, reader: reading.reader },
      rest: async () => void (await this.#work),
      doubt: (path) => this.#inTurn(() => this.#doubt(endpoint, root, path)),
      close: () => reading.close()
    }
  }

  /** Root of the state that the next backup is compared with. @throws {HeadForked} @throws {HistoryMoved} */
  async #comparedWith(endpoint: Endpoint): Promise<CID | undefined> {
    const last = historyOf(this.#components, endpoint).points.at(-1)
    return last?.root ?? (await this.#base())?.root
  }

  /** The base that is installed here. */
  async #base(): Promise<Base | undefined> {
    const { ports, home, bases } = this.#components
    const onMended = (path: string): unknown => home.mended.add(path)
    const installed = await readInstalled(ports.disk, { onMended })
    return installed && bases.get(installed)
  }

  /** The next backup looks where a file lies and, without its witness, reads it. */
  async #doubt(endpoint: Endpoint, root: CID, path: TreePath): Promise<boolean> {
    const { witnesses } = this.#components
    const now = await this.#comparedWith(endpoint)
    if (now?.equals(root) !== true) return false
    const directory = parentOf(path)
    const known = await witnesses.get(directory)
    if (!known.delete(witnessKey(nameOf(path)))) return false
    try {
      witnesses.set(directory, known)
      await witnesses.commit()
    } finally {
      witnesses.discard()
    }
    this.#tracker.doubt(directory)
    return true
  }

  /** Runs work on the tree when all that came before has ended. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#work.then(work)
    this.#work = turn.catch(() => undefined)
    return turn
  }

  /** @throws {NoRoot} */
  async #open(): Promise<Tree> {
    const { ports, settings } = this.#components
    if (settings.root === undefined) throw new NoRoot()
    return ports.openTree(settings.root)
  }

  async #backUp(endpoint: Endpoint, options: BackupOptions): Promise<BackedUp> {
    const { ports, home, settings, store, read, ...rest } = this.#components
    const { clock, random, owners, openCrew } = ports
    const tree = await this.#open()
    const base = await this.#base()
    const reading = read({ ...endpoint, remember: true })
    const { source } = reading
    const components = { ...rest, store, clock, random, openCrew, source, tracker: this.#tracker }
    try {
      const { ownRecovery = false, rules } = settings
      const sense = { owners }
      const thin = (history: History): Promise<Point[]> => this.#thin(endpoint, history)
      const input = { endpoint, tree, sense, base, ownRecovery, rules, thin, ...options }
      const taken = await store.holding(() => backUp(components, input))
      const { newBytes, point, loss } = taken
      const noted = { newBytes, base: base && labelOf(base), loss }
      await home.noteTaken(point.number, noted)
      return taken
    } finally {
      await reading.close()
    }
  }

  /** What stays by the rules of the mesh, once all that is there so far is safe elsewhere. */
  async #thin(endpoint: Endpoint, { last, points }: History): Promise<Point[]> {
    const { retention, isProtected } = this.#components
    if (last === undefined) return points
    await retention.note({ last, points: endpoint.points(last.head) })
    if (!isProtected(last)) return points
    const { dropped } = await retention.plan({ last, points }, retention.rulesFor(endpoint))
    const gone = new Set(dropped.map(({ number }) => number))
    return points.filter(({ number }) => !gone.has(number))
  }
}
