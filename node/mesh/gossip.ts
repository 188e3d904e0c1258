// Gossip: keeps this peer in touch with the other members. It dials those that it knows an address of,
// says hello to whoever connects, again now and then, and soon when something new is known here; so a
// record that one member has reaches all. Addresses learned on the way are remembered over restarts.

import { toHex } from '../../store/block.ts'
import type { Clock } from '../../store/clock.ts'
import type { Random } from '../../store/random.ts'
import { DrystoneError, Malformed } from '../../store/errors.ts'
import { parsePeerId, peerIdText, type PeerKey } from '../../store/peer.ts'
import { Channel, converse } from '../../protocol/framing.ts'
import {
  HELLO_PROTOCOL,
  answerHello,
  sayHello,
  type Card,
  type HelloSide
} from '../../protocol/hello.ts'
import { CONTROL_FRAME_BYTES_MAX } from '../../protocol/limits.ts'
import type { Network } from '../../protocol/network.ts'
import { Backoff } from '../backoff.ts'
import type { Addresses, Home } from '../home.ts'
import type { Members } from './members.ts'

/** How often it is looked who is due for a round. */
export const DEFAULT_ROUND_MS = 60_000
/** From a round that went well to the next, where nobody has news. */
export const DEFAULT_CALM_MS = 10 * 60_000
/** From one telling of news to the next: who makes news without end does not make all talk without end. */
const DEFAULT_REST_MS = 500
/** How many are told of news. What all know after a few steps need not be told by each to all. */
const DEFAULT_FANOUT = 8
const DEFAULT_DIAL_MS = 5_000
/** Who is away for long is dialled at least so often. It dials by itself when it comes back. */
const DEFAULT_DIAL_MOST_MS = 60_000
const SOFTWARE = 'drystone/0.1.0'
const HINTS_MAX = 64
const ADDRESSES_MAX = 8

export interface GossipComponents {
  network: Network
  members: Members
  clock: Clock
  home: Home
  random: Random
  sets: HelloSide['sets']
}

export class Gossip {
  readonly #components: GossipComponents
  readonly #stopped = new AbortController()
  #known: Addresses = {}
  /** Peers in hex whose addresses are known. */
  readonly #knownKeys = new Set<string>()
  /** Of what is known, as it is told. */
  #hints: Card['hints'] | undefined
  readonly #lastSeen = new Map<string, number>()
  /** By peer in hex: the round that runs, and the one that follows it. */
  readonly #inRound = new Map<string, { turn: Promise<void>; next?: Promise<void> }>()
  /** By peer in hex: when the last round that this peer called for went well, by the monotonic clock. */
  readonly #metMs = new Map<string, number>()
  /** By peer in hex. */
  readonly #absences: Backoff
  #unwatch = (): void => {}
  #telling: Promise<void> | undefined
  #restsUntilMs = 0

  constructor(components: GossipComponents) {
    this.#components = components
    const pauses = { leastMs: DEFAULT_DIAL_MS, mostMs: DEFAULT_DIAL_MOST_MS }
    this.#absences = new Backoff(components.clock, pauses)
  }

  async start(): Promise<void> {
    const { network, home, clock } = this.#components
    this.#known = await remembered(home)
    for (const [id, addresses] of Object.entries(this.#known)) {
      const peer = parsePeerId(id)
      this.#knownKeys.add(toHex(peer))
      network.learn({ peer, addresses })
    }
    network.handle(HELLO_PROTOCOL, async (wire) => {
      if (!this.#components.members.isMember(wire.peer)) return wire.abort()
      const channel = new Channel(
        { wire, clock },
        { frameBytesMax: CONTROL_FRAME_BYTES_MAX, idleMs: DEFAULT_ROUND_MS * 3 }
      )
      await converse(channel, () =>
        answerHello(
          channel,
          () => this.#side(),
          (card) => this.#heard(wire.peer, card)
        )
      )
    })
    this.#unwatch = network.watch((event) => {
      if (event.type === 'connected') void this.#round(event.peer)
      if (event.type === 'seen' && this.#isMember(event.sighting.peer)) {
        network.learn(event.sighting)
        void this.#round(event.sighting.peer)
      }
    })
    void this.#loop(DEFAULT_DIAL_MS, () => this.#dialAll())
    void this.#loop(DEFAULT_ROUND_MS, () => this.#goRound())
  }

  async stop(): Promise<void> {
    this.#unwatch()
    this.#stopped.abort()
    const rounds = [...this.#inRound.values()]
    await Promise.allSettled(rounds.map(({ turn, next }) => next ?? turn))
  }

  /** Something new is known here: the others are told soon, and much that comes at once is told once. */
  tell(): void {
    this.#telling ??= this.#tell()
  }

  async #tell(): Promise<void> {
    const { clock } = this.#components
    const { signal } = this.#stopped
    const restMs = Math.max(0, this.#restsUntilMs - clock.monotonic())
    await clock.sleep(restMs, { signal }).catch(() => undefined)
    this.#telling = undefined
    this.#restsUntilMs = clock.monotonic() + DEFAULT_REST_MS
    if (signal.aborted) return
    await Promise.all(this.#some(this.#connected()).map((peer) => this.#round(peer)))
  }

  /** A few of many, by chance: they tell others in their turn. */
  #some(peers: PeerKey[]): PeerKey[] {
    const { random } = this.#components
    while (peers.length > DEFAULT_FANOUT) {
      peers.splice(Buffer.from(random.bytes(4)).readUInt32BE() % peers.length, 1)
    }
    return peers
  }

  /** Says hello to every member that is connected. */
  async nudge(): Promise<void> {
    await Promise.all(this.#connected().map((peer) => this.#round(peer)))
  }

  /**
   * What was not told is told in time: a round serves both sides, and the lower key calls for it. Whoever
   * has news tells it at once, so where the last round went well there is no hurry.
   */
  async #goRound(): Promise<void> {
    const { network, clock } = this.#components
    const self = toHex(network.self)
    const now = clock.monotonic()
    const due = this.#connected().filter((peer) => {
      const metMs = this.#metMs.get(toHex(peer))
      return self < toHex(peer) && (metMs === undefined || now - metMs >= DEFAULT_CALM_MS)
    })
    await Promise.all(due.map((peer) => this.#round(peer)))
  }

  #connected(): PeerKey[] {
    return this.#components.network.connected().filter((peer) => this.#isMember(peer))
  }

  /** When a member was last heard, in milliseconds since 1970; undefined if never since the start. */
  lastSeen(peer: PeerKey): number | undefined {
    return this.#lastSeen.get(toHex(peer))
  }

  /** Where a member is said to be. */
  addressesOf(peer: PeerKey): string[] {
    return this.#known[peerIdText(peer)] ?? []
  }

  #isMember(peer: PeerKey): boolean {
    return this.#components.members.isMember(peer)
  }

  /** One round with a peer; all that is asked for meanwhile is one more, after it. */
  #round(peer: PeerKey): Promise<void> {
    const id = toHex(peer)
    const running = this.#inRound.get(id)
    if (running !== undefined) {
      running.next ??= running.turn.then(() => this.#round(peer))
      return running.next
    }
    const turn = this.#sayHello(peer).finally(() => this.#inRound.delete(id))
    this.#inRound.set(id, { turn })
    return turn
  }

  async #sayHello(peer: PeerKey): Promise<void> {
    const { network, clock } = this.#components
    if (this.#stopped.signal.aborted || !this.#isMember(peer)) return
    this.#metMs.delete(toHex(peer))
    try {
      const wire = await network.dial(peer, HELLO_PROTOCOL, { signal: this.#stopped.signal })
      const channel = new Channel({ wire, clock }, { frameBytesMax: CONTROL_FRAME_BYTES_MAX })
      const card = await converse(channel, () => sayHello(channel, this.#side()))
      await channel.end()
      this.#metMs.set(toHex(peer), clock.monotonic())
      this.#heard(peer, card)
    } catch (error) {
      // Nobody waits for a round: the next one comes by itself.
      if (!(error instanceof DrystoneError) && !this.#stopped.signal.aborted) throw error
    }
  }

  #heard(peer: PeerKey, { addresses, hints }: Card): void {
    const { clock, network } = this.#components
    this.#lastSeen.set(toHex(peer), clock.now())
    void this.#learn(peer, addresses)
    const self = toHex(network.self)
    for (const [other, places] of hints) {
      const key = toHex(other)
      if (this.#knownKeys.has(key) || key === self || !this.#isMember(other)) continue
      void this.#learn(other, places)
    }
  }

  /** Learns where a member is, and remembers it. */
  async #learn(peer: PeerKey, addresses: readonly string[]): Promise<void> {
    const { network, home } = this.#components
    if (addresses.length === 0) return
    network.learn({ peer, addresses: [...addresses] })
    const id = peerIdText(peer)
    const kept = [...addresses].slice(0, ADDRESSES_MAX)
    if (JSON.stringify(this.#known[id]) === JSON.stringify(kept)) return
    this.#known = { ...this.#known, [id]: kept }
    this.#knownKeys.add(toHex(peer))
    this.#hints = undefined
    try {
      await home.saveAddresses(this.#known)
    } catch (error) {
      // They are hints; the disk's failure shows where it matters.
      if (!(error instanceof DrystoneError)) throw error
    }
  }

  /** Dials those that are apart; who stays away is tried less and less often. */
  async #dialAll(): Promise<void> {
    const { network, members } = this.#components
    const connected = this.#connected()
    // Nearly always: all are there.
    if (connected.length + 1 >= members.roster.members.size) return this.#absences.clear()
    const open = new Set(connected.map(toHex))
    for (const id of open) this.#absences.forget(id)
    const due: PeerKey[] = []
    const self = toHex(network.self)
    for (const [id, { peer }] of members.roster.members) {
      if (id === self || open.has(id) || this.#inRound.has(id)) continue
      if (!this.#absences.isDue(id)) continue
      this.#absences.pause(id)
      due.push(peer)
    }
    await Promise.all(due.map((peer) => this.#round(peer)))
  }

  #side(): HelloSide {
    const { network, members, sets } = this.#components
    this.#hints ??= Object.entries(this.#known)
      .slice(0, HINTS_MAX)
      .map(([id, addresses]): Card['hints'][number] => [parsePeerId(id), addresses])
    const card = {
      addresses: network.addresses().slice(0, ADDRESSES_MAX),
      software: SOFTWARE,
      hints: this.#hints
    }
    return { mesh: members.roster.mesh, card, sets }
  }

  async #loop(pauseMs: number, step: () => Promise<void>): Promise<void> {
    const { clock } = this.#components
    const { signal } = this.#stopped
    while (!signal.aborted) {
      await step()
      await clock.sleep(pauseMs, { signal }).catch(() => undefined)
    }
  }
}

/** Addresses of an earlier run. They are hints: what cannot be read is done without. */
async function remembered(home: Home): Promise<Addresses> {
  try {
    const addresses = await home.addresses()
    for (const id of Object.keys(addresses)) parsePeerId(id)
    return addresses
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    return {}
  }
}
