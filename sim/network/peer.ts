// One peer's network in memory: the port as the hub lets it be. The rules that others see are those of the
// real network: members by learned addresses, strangers only where they were met, few wires at a time, and
// the same patience with whoever does not answer.

import { OverLimit, PeerUnreachable, Refused, WireCut } from '../../protocol/errors.ts'
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
} from '../../protocol/network.ts'
import { parseAddress, placeText } from '../../node/net/address.ts'
import { DEFAULT_STRANGERS_MAX } from '../../node/net/door.ts'
import { STRANGER_BYTES_MAX } from '../../protocol/limits.ts'
import { DIAL_MS, WIRES_MAX } from '../../node/net/settings.ts'
import type { Clock } from '../../store/clock.ts'
import { peerIdText, type PeerKey } from '../../store/peer.ts'
import type { Host, Link } from './link.ts'
import { Acquaintances } from './acquaintances.ts'
import { KnownAddresses } from './addresses.ts'
import { isAnswered, type Patience } from './call.ts'
import type { Connection, End, Party } from './connection.ts'
import type { SimWire } from './wire.ts'

/** How long a wire whose handler has returned waits for the other side to end it too. */
const LINGER_MS = 10_000

/** What a peer asks of the network around it. */
export interface Hub {
  readonly clock: Clock
  /** The peer is up from now on, or no more. */
  started(peer: SimPeer): void
  stopped(peer: SimPeer): void
  hostAt(address: Address): Host | undefined
  link(one: Host, other: Host): Link
  /** Who is up on a computer. */
  peerOn(host: Host): SimPeer | undefined
  /** Joins two peers; the other side's door has the last word. @throws {PeerUnreachable} */
  connect(from: SimPeer, to: SimPeer): Connection
}

/** Its public methods beyond the port are for the hub. */
export class SimPeer implements Network, Party {
  readonly self: PeerKey
  readonly host: Host
  readonly gate: Gate
  readonly mdns: boolean
  readonly #hub: Hub
  #isUp = false
  #isDead = false
  readonly #handlers = new Map<string, { handler: Handler; strangers: boolean }>()
  readonly #known = new KnownAddresses()
  readonly acquaintances = new Acquaintances(this)
  readonly #listeners = new Set<(event: NetworkEvent) => void>()

  constructor(hub: Hub, own: { self: PeerKey; host: Host; gate: Gate; mdns: boolean }) {
    this.#hub = hub
    this.self = own.self
    this.host = own.host
    this.gate = own.gate
    this.mdns = own.mdns
  }

  get address(): Address {
    return this.host.address
  }

  get isUp(): boolean {
    return this.#isUp
  }

  addresses(): Address[] {
    return this.#isUp ? [this.address] : []
  }

  async start({ signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    if (this.#isDead) throw new Error('this process has ended: attach another')
    if (this.#isUp) return
    this.#isUp = true
    this.#hub.started(this)
  }

  async stop(): Promise<void> {
    if (!this.#isUp) return
    this.#isUp = false
    this.#hub.stopped(this)
    for (const connection of this.acquaintances.connections())
      connection.leave(connection.endOf(this))
  }

  /** The process has ended: it says and hears nothing any more. */
  die(): void {
    this.#isDead = true
    this.#listeners.clear()
    if (this.#isUp) this.#hub.stopped(this)
    this.#isUp = false
    const cause = new Error('the process has ended')
    for (const connection of this.acquaintances.connections())
      connection.fail(connection.endOf(this), cause)
  }

  handle(protocol: string, handler: Handler, { strangers = false }: HandleOptions = {}): void {
    this.#handlers.set(protocol, { handler, strangers })
  }

  async dial(peer: PeerKey, protocol: string, { signal }: CallOptions = {}): Promise<Wire> {
    signal?.throwIfAborted()
    const patience = { signal, untilMs: this.#now() + DIAL_MS }
    const known = this.acquaintances.best(peer)
    if (known !== undefined) {
      try {
        return await this.#open(known, protocol, patience)
      } catch (error) {
        // It had died without our knowing: one new connection is worth a try.
        const isOver = !known.endOf(this).isOpen && error instanceof WireCut
        if (!isOver || !this.gate.isMember(peer)) throw error
      }
    }
    return await this.#open(await this.#reach(peer, patience), protocol, patience)
  }

  async meet(address: Address, { signal }: CallOptions = {}): Promise<PeerKey> {
    signal?.throwIfAborted()
    const place = parseAddress(address)
    const found = await this.#call(placeText(place), { signal, untilMs: this.#now() + DIAL_MS })
    const isRight =
      place.peer === undefined || Buffer.compare(place.peer, found?.self ?? this.self) === 0
    if (found === undefined || !isRight || !this.#isUp) throw new PeerUnreachable(address)
    this.#hub.connect(this, found)
    this.#known.found(found.self, placeText(place))
    return found.self
  }

  learn(sighting: Sighting): void {
    this.#known.learn(sighting)
  }

  connected(): PeerKey[] {
    return this.acquaintances.peers()
  }

  async hangUp(peer: PeerKey): Promise<void> {
    for (const each of this.acquaintances.connectionsWith(peer)) each.leave(each.endOf(this))
  }

  watch(listener: (event: NetworkEvent) => void): () => void {
    const own = (event: NetworkEvent): void => listener(event)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  see(sighting: Sighting): void {
    this.learn(sighting)
    this.#emit({ type: 'seen', sighting })
  }

  /** A connection is open, for this side. */
  joined(connection: Connection): void {
    const { self: peer } = connection.otherThan(this)
    if (this.acquaintances.add(connection)) this.#emit({ type: 'connected', peer })
  }

  lost(connection: Connection): void {
    const { self: peer } = connection.otherThan(this)
    if (this.acquaintances.remove(connection)) this.#emit({ type: 'gone', peer })
  }

  /** The door: members, and few strangers at a time. */
  admits(from: Party): boolean {
    if (this.gate.isMember(from.self)) return true
    const strangers = this.connected().filter((peer) => !this.gate.isMember(peer))
    return strangers.length < DEFAULT_STRANGERS_MAX
  }

  accept(wire: SimWire, protocol: string, end: End): void {
    const answer = this.#handlers.get(protocol)
    const isMember = (): boolean => this.gate.isMember(wire.peer)
    if (answer === undefined || !(answer.strangers || isMember())) return wire.answer('refused')
    wire.mayReceive = (bytes) => {
      if (isMember()) return true
      end.spent += bytes
      return end.spent <= STRANGER_BYTES_MAX
    }
    wire.answer('welcome')
    void this.#serve(answer.handler, wire)
  }

  #emit(event: NetworkEvent): void {
    for (const listener of this.#listeners) listener(event)
  }

  #now(): number {
    return this.#hub.clock.monotonic()
  }

  async #serve(handler: Handler, wire: SimWire): Promise<void> {
    try {
      await handler(wire)
      await wire.end()
      if (!wire.isClosed) await this.#linger(wire)
      wire.abort()
    } catch (error) {
      wire.abort(error instanceof Error ? error : new Error('the handler failed', { cause: error }))
    }
  }

  async #linger(wire: SimWire): Promise<void> {
    const timeout = this.#hub.clock.timeout(LINGER_MS)
    await wire.whenClosed(timeout).finally(timeout.cancel)
  }

  async #open(connection: Connection, protocol: string, patience: Patience): Promise<Wire> {
    const { signal, untilMs } = patience
    const end = connection.endOf(this)
    if (!end.isOpen) throw new WireCut()
    const open = [...end.wires].filter((each) => each.isOpener && !each.isClosed)
    if (open.length >= WIRES_MAX) throw new OverLimit('too many wires to one peer are open')
    const wire = connection.wire(this, protocol)
    const timeout = this.#hub.clock.timeout(untilMs - this.#now())
    timeout.signal.addEventListener('abort', () => wire.abort(), { once: true })
    try {
      await wire.open({ signal })
      return wire
    } catch (error) {
      wire.abort()
      if (error instanceof Refused || !timeout.signal.aborted) throw error
      throw new PeerUnreachable(peerIdText(wire.peer), { cause: error })
    } finally {
      timeout.cancel()
    }
  }

  /** A new connection to a member, at one of the addresses that were learned. @throws {PeerUnreachable} */
  async #reach(peer: PeerKey, patience: Patience): Promise<Connection> {
    // A stranger is only met, never dialled: an address in an announcement proves nothing.
    const addresses = this.gate.isMember(peer) ? this.#known.of(peer) : []
    for (const address of addresses) {
      if (this.#now() >= patience.untilMs) break
      const found = await this.#call(address, patience)
      if (found === undefined || Buffer.compare(found.self, peer) !== 0 || !this.#isUp) continue
      this.#known.found(peer, address)
      return this.#hub.connect(this, found)
    }
    throw new PeerUnreachable(peerIdText(peer))
  }

  /** Who answers at `address`: undefined if nobody does, which may take a while to find out. */
  async #call(address: Address, patience: Patience): Promise<SimPeer | undefined> {
    const host = this.#hub.hostAt(address)
    if (host === this.host) return undefined
    const link = host && this.#hub.link(this.host, host)
    const own = { clock: this.#hub.clock, from: this.host, link }
    return (await isAnswered(own, patience)) && host ? this.#hub.peerOn(host) : undefined
  }
}
