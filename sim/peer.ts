// One peer's network in memory: the port as the hub lets it be. The rules that others see are those of the
// real network: members by learned addresses, strangers only where they were met, few wires at a time.

import { OverLimit, PeerUnreachable, Refused, WireCut } from '../protocol/errors.ts'
import type {
  Address,
  CallOptions,
  Gate,
  HandleOptions,
  Handler,
  Network,
  NetworkEvent,
  Sighting,
  Wire
} from '../protocol/network.ts'
import { parseAddress, placeText, readAddress } from '../node/net/address.ts'
import { DEFAULT_STRANGERS_MAX } from '../node/net/door.ts'
import { STRANGER_BYTES_MAX } from '../protocol/limits.ts'
import { WIRES_MAX } from '../node/net/settings.ts'
import { toHex } from '../store/block.ts'
import type { Clock } from '../store/clock.ts'
import { peerIdText, type PeerKey } from '../store/peer.ts'
import { SimWire, type SimWireInit } from './wire.ts'

export interface AttachInit {
  /** Peers on one LAN see each other when they start. */
  lan?: string
  /** False to see nobody and be seen by nobody. */
  mdns?: boolean
}

/** What the hub and its peers know of one another; nobody else sees it. */
export interface Connection {
  one: SimPeer
  other: SimPeer
  /** Aborted when it is over. */
  over: AbortController
  wires: Set<SimWire>
  /** What the other sides sent over it while they were strangers. */
  spent: Map<SimPeer, number>
}

/** What a peer asks of the network around it. */
export interface Hub {
  readonly clock: Clock
  readonly wireInit: SimWireInit
  /** The peer is up from now on. */
  started(peer: SimPeer): void
  /** Who is up at `address`, as seen from `from`. */
  at(address: Address, from: SimPeer): SimPeer | undefined
  connectionsOf(peer: SimPeer): Connection[]
  /** Joins two peers; the other side's door has the last word. @throws {PeerUnreachable} */
  connect(from: SimPeer, to: SimPeer): Connection
  /** Ends a connection in order: what was sent still arrives. */
  close(connection: Connection, by: SimPeer): void
  /** Ends all connections of a peer, with what is in flight. */
  breakAll(peer: SimPeer): void
}

/** Its public methods beyond the port are for the hub. */
export class SimPeer implements Network {
  readonly self: PeerKey
  readonly address: Address
  readonly gate: Gate
  readonly lan: string
  readonly mdns: boolean
  readonly #hub: Hub
  #isUp = false
  readonly #handlers = new Map<string, { handler: Handler; strangers: boolean }>()
  readonly #known = new Map<string, Set<Address>>()
  readonly #listeners = new Set<(event: NetworkEvent) => void>()

  constructor(hub: Hub, own: { self: PeerKey; address: Address; gate: Gate } & AttachInit) {
    this.#hub = hub
    this.self = own.self
    this.address = own.address
    this.gate = own.gate
    this.lan = own.lan ?? 'lan'
    this.mdns = own.mdns ?? true
  }

  get isUp(): boolean {
    return this.#isUp
  }

  addresses(): Address[] {
    return this.#isUp ? [this.address] : []
  }

  async start({ signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    if (this.#isUp) return
    this.#isUp = true
    this.#hub.started(this)
  }

  async stop(): Promise<void> {
    if (!this.#isUp) return
    this.#isUp = false
    for (const connection of this.#hub.connectionsOf(this)) this.#hub.close(connection, this)
  }

  die(): void {
    this.#isUp = false
    this.#hub.breakAll(this)
  }

  handle(protocol: string, handler: Handler, { strangers = false }: HandleOptions = {}): void {
    this.#handlers.set(protocol, { handler, strangers })
  }

  async dial(peer: PeerKey, protocol: string, { signal }: CallOptions = {}): Promise<Wire> {
    const connection = await this.#reach(peer, signal)
    await this.#roundTrip(signal)
    if (connection.over.signal.aborted) throw new WireCut()
    const to = this.#otherOf(connection)
    const open = [...connection.wires].filter((wire) => wire.dialledBy === this)
    if (open.length >= WIRES_MAX) throw new OverLimit('too many wires to one peer are open')
    return to.accept(this, protocol, connection)
  }

  async meet(address: Address, { signal }: CallOptions = {}): Promise<PeerKey> {
    const place = parseAddress(address)
    await this.#roundTrip(signal)
    const found = this.#isUp ? this.#hub.at(placeText(place), this) : undefined
    const isRight =
      place.peer === undefined || toHex(place.peer) === toHex(found?.self ?? this.self)
    if (found === undefined || !isRight) throw new PeerUnreachable(address)
    this.#hub.connect(this, found)
    this.learn({ peer: found.self, addresses: [placeText(place)] })
    return found.self
  }

  learn({ peer, addresses }: Sighting): void {
    const key = toHex(peer)
    const known = this.#known.get(key) ?? new Set()
    for (const address of addresses) {
      const place = readAddress(address)
      if (place !== undefined) known.add(placeText(place))
    }
    this.#known.set(key, known)
  }

  connected(): PeerKey[] {
    return this.#hub.connectionsOf(this).map((connection) => this.#otherOf(connection).self)
  }

  async hangUp(peer: PeerKey): Promise<void> {
    const connection = this.#connectionTo(peer)
    if (connection !== undefined) this.#hub.close(connection, this)
  }

  watch(listener: (event: NetworkEvent) => void): () => void {
    const own = (event: NetworkEvent): void => listener(event)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  emit(event: NetworkEvent): void {
    for (const listener of this.#listeners) listener(event)
  }

  see(sighting: Sighting): void {
    this.learn(sighting)
    this.emit({ type: 'seen', sighting })
  }

  /** The door: members, and few strangers at a time. */
  admits(from: SimPeer): boolean {
    if (this.gate.isMember(from.self)) return true
    const strangers = this.connected().filter((peer) => !this.gate.isMember(peer))
    return strangers.length < DEFAULT_STRANGERS_MAX
  }

  /** Opens a wire that `from` dialled, and runs the handler on this end. @throws {Refused} */
  accept(from: SimPeer, protocol: string, connection: Connection): SimWire {
    const answer = this.#handlers.get(protocol)
    const isMember = (): boolean => this.gate.isMember(from.self)
    if (answer === undefined || !(answer.strangers || isMember())) throw new Refused()
    const ends = { one: from.self, other: this.self }
    const [near, far] = SimWire.pair(this.#hub.clock, ends, this.#hub.wireInit)
    near.dialledBy = from
    for (const wire of [near, far]) {
      connection.wires.add(wire)
      wire.onClose = () => connection.wires.delete(wire)
    }
    far.mayReceive = (bytes) => {
      if (isMember()) return true
      const spent = (connection.spent.get(from) ?? 0) + bytes
      connection.spent.set(from, spent)
      return spent <= STRANGER_BYTES_MAX
    }
    void this.#serve(answer.handler, far)
    return near
  }

  async #serve(handler: Handler, wire: SimWire): Promise<void> {
    try {
      await handler(wire)
      await wire.end()
      wire.abort()
    } catch (error) {
      wire.abort(error instanceof Error ? error : new Error('the handler failed', { cause: error }))
    }
  }

  async #reach(peer: PeerKey, signal: AbortSignal | undefined): Promise<Connection> {
    signal?.throwIfAborted()
    const open = this.#connectionTo(peer)
    if (open !== undefined) return open
    await this.#roundTrip(signal)
    const found = [...(this.#known.get(toHex(peer)) ?? [])]
      .map((address) => this.#hub.at(address, this))
      .find((each) => each !== undefined && toHex(each.self) === toHex(peer))
    if (found === undefined || !this.#isUp || !this.gate.isMember(peer)) {
      throw new PeerUnreachable(peerIdText(peer))
    }
    return this.#hub.connect(this, found)
  }

  #connectionTo(peer: PeerKey): Connection | undefined {
    const key = toHex(peer)
    const all = this.#hub.connectionsOf(this)
    return all.find((connection) => toHex(this.#otherOf(connection).self) === key)
  }

  #otherOf({ one, other }: Connection): SimPeer {
    return one === this ? other : one
  }

  #roundTrip(signal: AbortSignal | undefined): Promise<void> {
    return this.#hub.clock.sleep(2 * this.#hub.wireInit.latencyMs, { signal })
  }
}
