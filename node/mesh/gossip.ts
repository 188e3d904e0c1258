// Gossip: keeps this peer in touch with the other members. It dials those that it knows an address of,
// says hello to whoever connects, again every minute, and at once when something new is known here; so a
// record that one member has reaches all. Addresses learned on the way are remembered over restarts.

import { toHex } from '../../store/block.ts'
import type { Clock } from '../../store/clock.ts'
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
import type { Addresses, Home } from '../home.ts'
import type { Members } from './members.ts'

export const DEFAULT_ROUND_MS = 60_000
const DEFAULT_DIAL_MS = 5_000
const SOFTWARE = 'drystone/0.1.0'
const HINTS_MAX = 64
const ADDRESSES_MAX = 8

export interface GossipComponents {
  network: Network
  members: Members
  clock: Clock
  home: Home
  sets: HelloSide['sets']
}

export class Gossip {
  readonly #components: GossipComponents
  readonly #stopped = new AbortController()
  #known: Addresses = {}
  readonly #lastSeen = new Map<string, number>()
  /** By peer in hex: the round that runs, and the one that follows it. */
  readonly #inRound = new Map<string, { turn: Promise<void>; next?: Promise<void> }>()
  #unwatch = (): void => {}

  constructor(components: GossipComponents) {
    this.#components = components
  }

  async start(): Promise<void> {
    const { network, home, clock } = this.#components
    this.#known = await remembered(home)
    for (const [id, addresses] of Object.entries(this.#known)) {
      network.learn({ peer: parsePeerId(id), addresses })
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
    void this.#loop(DEFAULT_ROUND_MS, () => this.nudge())
  }

  async stop(): Promise<void> {
    this.#unwatch()
    this.#stopped.abort()
    const rounds = [...this.#inRound.values()]
    await Promise.allSettled(rounds.map(({ turn, next }) => next ?? turn))
  }

  /** Says hello to every member that is connected. */
  async nudge(): Promise<void> {
    const peers = this.#components.network.connected().filter((peer) => this.#isMember(peer))
    await Promise.all(peers.map((peer) => this.#round(peer)))
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
    try {
      const wire = await network.dial(peer, HELLO_PROTOCOL, { signal: this.#stopped.signal })
      const channel = new Channel({ wire, clock }, { frameBytesMax: CONTROL_FRAME_BYTES_MAX })
      const card = await converse(channel, () => sayHello(channel, this.#side()))
      await channel.end()
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
    for (const [other, places] of hints) {
      if (!this.#isMember(other) || toHex(other) === toHex(network.self)) continue
      if (this.#known[peerIdText(other)] === undefined) void this.#learn(other, places)
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
    try {
      await home.saveAddresses(this.#known)
    } catch (error) {
      // They are hints; the disk's failure shows where it matters.
      if (!(error instanceof DrystoneError)) throw error
    }
  }

  async #dialAll(): Promise<void> {
    const { network, members } = this.#components
    const open = new Set(network.connected().map(toHex))
    const absent = [...members.roster.members.values()].filter(({ peer }) => {
      const id = toHex(peer)
      return id !== toHex(network.self) && !open.has(id) && !this.#inRound.has(id)
    })
    await Promise.all(absent.map(({ peer }) => this.#round(peer)))
  }

  #side(): HelloSide {
    const { network, members, sets } = this.#components
    const hints = Object.entries(this.#known)
      .slice(0, HINTS_MAX)
      .map(([id, addresses]): Card['hints'][number] => [parsePeerId(id), addresses])
    const card = {
      addresses: network.addresses().slice(0, ADDRESSES_MAX),
      software: SOFTWARE,
      hints
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
