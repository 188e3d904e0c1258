// The node: puts the rooms together on the ports that it is given, and keeps them going. It decides nothing
// itself; it connects what happens (a record arrived, a peer came) with who must know of it.

import { fromHex, toHex, type Scope } from '../store/block.ts'
import { Blockstore } from '../store/blockstore.ts'
import { DrystoneError } from '../store/errors.ts'
import type { Index } from '../store/index.ts'
import { signingKey, type SigningKey } from '../store/key.ts'
import type { PeerKey } from '../store/peer.ts'
import { Quarantine } from '../store/quarantine.ts'
import type { Network } from '../protocol/network.ts'
import { Ages, DAY_MS } from './ages.ts'
import type { BackedUp } from './backup.ts'
import { BaseStore } from './base-store.ts'
import { Bases } from './bases.ts'
import { Bets, type BetGround } from './bets.ts'
import { Endpoint } from './endpoint.ts'
import { NoRoot } from './errors.ts'
import { Fetcher } from './fetcher.ts'
import { Heads, type MarkedHead } from './heads.ts'
import { Home, type EndpointSecret, type Settings } from './home.ts'
import { Keeper } from './keeper.ts'
import { keepDoor } from './mesh/door.ts'
import { Gossip } from './mesh/gossip.ts'
import { Members } from './mesh/members.ts'
import { Presence } from './mesh/presence.ts'
import { OwnTree, type BackupOptions } from './own-tree.ts'
import type { NetworkSettings, Ports } from './ports.ts'
import { promisedRoots } from './promised.ts'
import { Reading, type ReadingInit } from './reading.ts'
import { Repairer } from './repairer.ts'
import { Replicator, type Replicated, type ReplicateOptions } from './replicator.ts'
import { Retention } from './retention.ts'
import { Scrubber } from './scrubber.ts'
import { KeysNeeded } from './standing-errors.ts'
import { Sweeper } from './sweeper.ts'
import { WitnessBook } from './witness.ts'

/** How often a node looks whether something is left to do. */
export const DEFAULT_CARE_MS = 15_000
/** How often where nothing was left, and nothing is new. */
export const DEFAULT_CALM_MS = 10 * 60_000

/** The age that tells when all was swept last. */
const SWEPT = 'swept'

interface Rooms {
  home: Home
  settings: Settings
  key: SigningKey
  index: Index
  network: Network
  members: Members
  heads: Heads
  bases: Bases
  store: Blockstore
  ages: Ages
  quarantine: Quarantine
}

export class Node {
  readonly ports: Ports
  readonly home: Home
  readonly settings: Settings
  readonly key: SigningKey
  readonly network: Network
  readonly members: Members
  readonly heads: Heads
  readonly bases: Bases
  readonly baseStore: BaseStore
  readonly store: Blockstore
  readonly gossip: Gossip
  readonly keeper: Keeper
  readonly presence: Presence
  readonly replicator: Replicator
  readonly ages: Ages
  readonly sweeper: Sweeper
  readonly quarantine: Quarantine
  readonly repairer: Repairer
  readonly scrubber: Scrubber
  readonly witnesses: WitnessBook
  readonly retention: Retention
  /** What this computer's endpoint protects. */
  readonly tree: OwnTree
  readonly bets: Bets
  readonly #index: Index
  readonly #stopped = new AbortController()
  /** Something came since the last look at what is left to do. */
  #hasNews = false
  #own: Endpoint | undefined
  /** The last head that is known, and noted, as protected. */
  #protected: MarkedHead | undefined
  #care: Promise<void> = Promise.resolve()
  readonly #background = new Set<Promise<unknown>>()

  private constructor(ports: Ports, rooms: Rooms) {
    const { home, settings, key, index, network, members, heads, bases, store, ages } = rooms
    const { clock, disk } = ports
    this.ports = ports
    this.home = home
    this.settings = settings
    this.key = key
    this.network = network
    this.members = members
    this.heads = heads
    this.bases = bases
    this.store = store
    this.ages = ages
    this.#index = index
    this.witnesses = new WitnessBook(index.space('witness'))
    this.baseStore = new BaseStore({ disk, store, network, clock, members, bases })
    const { baseStore } = this
    this.keeper = new Keeper({ network, clock, key, store, members, heads, bases, baseStore })
    this.presence = new Presence({ network, clock })
    const { presence } = this
    const { self } = network
    this.sweeper = new Sweeper({ self, clock, store, members, heads, bases, baseStore, ages })
    this.replicator = new Replicator({ network, clock, store, members, heads, presence })
    const sets = {
      roster: members.records,
      bases: bases.records,
      receipts: bases.receipts,
      marks: heads.marks
    }
    this.quarantine = rooms.quarantine
    const { quarantine } = this
    const repairs = { network, clock, store, members, bases, baseStore, quarantine }
    this.repairer = new Repairer(repairs)
    const { repairer } = this
    this.scrubber = new Scrubber({
      ...{ disk, clock, ages, store, quarantine, repairer },
      roots: () => promisedRoots({ heads, bases }, self),
      own: () => this.ownScope()
    })
    const { random } = ports
    this.gossip = new Gossip({ network, members, clock, home, random, sets })
    this.retention = new Retention({ self, clock, home, members, heads })
    const { witnesses, retention } = this
    this.tree = new OwnTree({
      ...{ ports, home, settings, key, store, members, heads, bases, baseStore, witnesses },
      retention,
      isProtected: (head) => this.replicator.isProtected(head),
      read: (init, holders) => this.read(init, holders)
    })
    this.bets = new Bets({ disk, clock, random, ages, ground: () => this.#betGround() })
  }

  /**
   * Opens the home of a member; `adjust` may change how it is on the network.
   *
   * @throws {NoMesh} @throws {HomeBusy}
   */
  static async open(
    ports: Ports,
    adjust: (settings: NetworkSettings) => NetworkSettings = (settings) => settings
  ): Promise<Node> {
    const home = new Home(ports.disk)
    const found = { home, settings: await home.settings(), seed: await home.seed() }
    const index = await ports.openIndex()
    try {
      return await Node.#openRooms(ports, { ...found, index }, adjust)
    } catch (error) {
      // Whoever tries again must find the home free.
      await index.close().catch(() => undefined)
      throw error
    }
  }

  static async #openRooms(
    ports: Ports,
    {
      home,
      settings,
      seed,
      index
    }: Pick<Rooms, 'home' | 'settings' | 'index'> & { seed: Uint8Array },
    adjust: (settings: NetworkSettings) => NetworkSettings
  ): Promise<Node> {
    const { disk, clock } = ports
    const key = signingKey(seed)
    const onMended = (path: string): unknown => home.mended.add(path)
    if (index.rebuilt) onMended('index')
    const place = { disk, key, clock, onMended }
    const members = await Members.open(place, fromHex(settings.mesh, 32))
    const heads = await Heads.open({ disk, members, onMended })
    const bases = await Bases.open({ disk, members })
    const store = await Blockstore.open({ disk, index })
    const quarantine = await Quarantine.open(disk, store)
    const ages = await Ages.open(home, clock)
    const { listen, mdns } = settings
    const opened = ports.openNetwork({ seed, gate: members }, adjust({ listen, mdns }))
    const kept = { members, heads, bases, store, ages, quarantine }
    const rooms = { home, settings, key, index, network: opened, ...kept }
    return new Node(ports, rooms)
  }

  async start(): Promise<void> {
    const { network, members } = this
    const { clock } = this.ports
    keepDoor({ network, members, clock })
    this.keeper.start()
    for (const set of [
      members.records,
      this.bases.records,
      this.bases.receipts,
      this.heads.marks
    ]) {
      set.onAdd(() => {
        this.#hasNews = true
        this.gossip.tell()
      })
    }
    this.members.records.onAdd(() => this.#inBackground(() => this.#hangUpStrangers()))
    this.bases.records.onAdd(() => this.#inBackground(() => this.#keepBases()))
    await network.start()
    await this.gossip.start()
    network.watch(({ type }) => {
      if (type === 'connected') this.#inBackground(() => this.#replicateOwn())
    })
    this.#care = this.#careLoop()
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.gossip.stop()
    await this.network.stop()
    await this.replicator.stop()
    await Promise.allSettled([this.tree.stop(), this.#care, ...this.#background])
    await this.#expectingFailure(() => this.ages.save())
    await this.store.close().finally(() => this.#index.close())
  }

  /** Aborts when the node stops. */
  get signal(): AbortSignal {
    return this.#stopped.signal
  }

  /** This computer's own endpoint. @throws {NoRoot} @throws {KeysNeeded} */
  async endpoint(): Promise<Endpoint> {
    const { recovering } = this.settings
    const secret = await this.home.endpoint()
    if (secret === undefined && recovering !== undefined) {
      throw new KeysNeeded(this.members.roster.endpoints.get(recovering)?.name ?? recovering)
    }
    if (secret === undefined || this.settings.root === undefined) throw new NoRoot()
    return this.#ownOf(secret)
  }

  /** Where the blocks of this computer's own endpoint lie. */
  async ownScope(): Promise<Scope | undefined> {
    const secret = await this.home.endpoint()
    return secret && toHex(secret.endpoint)
  }

  /** Undefined where nothing is protected, or cannot be yet. */
  async #betGround(): Promise<BetGround | undefined> {
    const secret = await this.home.endpoint()
    if (secret === undefined || this.settings.root === undefined) return undefined
    return this.tree.betGround(this.#ownOf(secret))
  }

  /** Deriving the keys of an endpoint costs more than most that is done with them. */
  #ownOf(secret: EndpointSecret): Endpoint {
    if (this.#own?.secret !== secret) this.#own = new Endpoint(secret)
    return this.#own
  }

  /** Opens states for reading; close it when done. */
  read(init: ReadingInit, holders?: readonly PeerKey[]): Reading {
    const { network, members, store } = this
    const { clock } = this.ports
    const storage = members.withRole('storage').map(({ peer }) => peer)
    const fetcher = new Fetcher({ network, clock }, holders ?? storage)
    return new Reading({ store, fetcher }, init)
  }

  /** Takes a restore point of this computer's own endpoint. @throws {NoRoot} */
  async backUp(options: BackupOptions): Promise<BackedUp> {
    return this.tree.backUp(await this.endpoint(), options)
  }

  /** Brings this computer's last head to the storage peers, however long they take. */
  replicate(signal?: AbortSignal): Promise<Replicated | undefined> {
    return this.#replicate({ signal, isPatient: true })
  }

  async #replicate({
    signal,
    isPatient = false
  }: ReplicateOptions): Promise<Replicated | undefined> {
    const secret = await this.home.endpoint()
    const last = secret && this.heads.last(secret.endpoint)
    if (secret === undefined || last === undefined || !this.#isOwn(last.head.writer))
      return undefined
    const both = signal === undefined ? this.signal : AbortSignal.any([signal, this.signal])
    const done = await this.replicator.replicate(last, { signal: both, isPatient })
    if (done.isProtected && last !== this.#protected) {
      const point = this.#ownOf(secret).points(last.head).at(-1)
      if (point !== undefined) {
        await this.home.saveMilestones({ protected: { point: point.number, time: point.time } })
      }
      this.#protected = last
    }
    return done
  }

  #isOwn(writer: PeerKey): boolean {
    return toHex(writer) === toHex(this.network.self)
  }

  /** Work that nobody waits for but `stop`. */
  #inBackground(work: () => Promise<unknown>): void {
    const running = this.#expectingFailure(work).finally(() => this.#background.delete(running))
    this.#background.add(running)
  }

  /** A named failure is met again by the next round of care; anything else is a bug and must show. */
  async #expectingFailure<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof DrystoneError) && !this.signal.aborted) throw error
      return undefined
    }
  }

  async #hangUpStrangers(): Promise<void> {
    const { network, members } = this
    const revoked = network.connected().filter((peer) => members.roster.revoked.has(toHex(peer)))
    for (const peer of revoked) await network.hangUp(peer)
  }

  async #keepBases(): Promise<boolean> {
    return this.keeper.keepBases(() => this.gossip.tell())
  }

  async #replicateOwn(): Promise<boolean> {
    if (this.signal.aborted) return true
    const done = await this.#replicate({ isPatient: false })
    return done?.isProtected !== false
  }

  /** Once a day, whenever the peer runs. */
  async #sweepDaily(): Promise<void> {
    const { ages, sweeper } = this
    ages.see(SWEPT)
    if (ages.of(SWEPT) < DAY_MS) return
    ages.mark(SWEPT)
    await sweeper.sweep({ signal: this.signal })
  }

  /** Where nothing was left to do and nothing is new, there is nothing to look for but now and then. */
  async #careLoop(): Promise<void> {
    const { clock } = this.ports
    let calmUntilMs = 0
    while (!this.signal.aborted) {
      if (this.#hasNews || clock.monotonic() >= calmUntilMs) {
        this.#hasNews = false
        const areKept = await this.#expectingFailure(() => this.#keepBases())
        const isProtected = await this.#expectingFailure(() => this.#replicateOwn())
        const isCalm = areKept === true && isProtected === true
        calmUntilMs = clock.monotonic() + (isCalm ? DEFAULT_CALM_MS : 0)
        await this.#expectingFailure(() => this.#sweepDaily())
      }
      if (this.scrubber.isDue) this.#inBackground(() => this.scrubber.care(this.signal))
      if (this.bets.isDue) this.#inBackground(() => this.bets.care(this.signal))
      await clock.sleep(DEFAULT_CARE_MS, { signal: this.signal }).catch(() => undefined)
    }
  }
}
