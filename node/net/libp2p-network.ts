// The network of a real peer: libp2p over TCP, Noise and Yamux. Only this folder knows libp2p; its
// errors end here, as PeerUnreachable, Refused, WireCut or OverLimit. Nothing is dialled that nobody
// asked for: addresses are hints, the key is proven by Noise, and the door decides who may stay.

import { createPrivateKey, createPublicKey } from 'node:crypto'
import { isIP } from 'node:net'
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
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
import type { Clock } from '../../store/clock.ts'
import { Malformed } from '../../store/errors.ts'
import { peerIdText, type PeerKey } from '../../store/peer.ts'
import { CannotListen } from '../errors.ts'
import { AddressBook } from './address-book.ts'
import { DEFAULT_LISTEN, isWildcard, parseAddress, placeText, readAddress } from './address.ts'
import { Connections } from './connections.ts'
import { LanDiscovery } from './discovery.ts'
import { linkLocalHosts } from './interfaces.ts'
import { Door, type DoorInit, peerKeyOf } from './door.ts'
import { libraryDiscovery } from './library-discovery.ts'
import { Reception, welcomed } from './reception.ts'
import { DIAL_MS, type Libp2pLimits, libp2pSettings } from './settings.ts'
import { Libp2pWire } from './wire.ts'

export interface Libp2pNetworkInit extends DoorInit, Libp2pLimits {
  /** Where to listen: IP addresses, `host[:port]` or multiaddr; port 0 is any. Empty: nowhere. */
  listen?: readonly Address[]
  /** False to neither look for peers on the LAN nor be found there. */
  mdns?: boolean
  /** Which interfaces discovery uses, by their addresses; by default those of `listen`, or all if empty. */
  lookOn?: readonly string[]
}

export class Libp2pNetwork implements Network {
  readonly self: PeerKey
  readonly #key: Uint8Array
  readonly #gate: Gate
  readonly #clock: Clock
  readonly #init: Libp2pNetworkInit
  readonly #listen: Address[]
  readonly #book: AddressBook
  readonly #door: Door
  #connections: Connections
  readonly #reception: Reception
  readonly #listeners = new Set<(event: NetworkEvent) => void>()
  #libp2p: Libp2p | undefined
  #discovery: LanDiscovery | undefined

  /**
   * @param components `seed` is the 32-byte Ed25519 seed of this peer.
   * @throws {Malformed} if `listen` has what is no IP address.
   */
  constructor(
    components: { seed: Uint8Array; gate: Gate; clock: Clock },
    init: Libp2pNetworkInit = {}
  ) {
    this.self = publicKeyOf(components.seed)
    this.#key = Buffer.concat([components.seed, this.self])
    this.#gate = components.gate
    this.#clock = components.clock
    this.#init = init
    this.#listen = (init.listen ?? DEFAULT_LISTEN).map(listenAddress)
    this.#book = new AddressBook(components.gate)
    this.#door = new Door(components, init)
    this.#reception = new Reception(components)
    this.#connections = this.#newConnections()
  }

  addresses(): Address[] {
    const places = (this.#libp2p?.getMultiaddrs() ?? []).flatMap(
      (each) => readAddress(each.toString()) ?? []
    )
    // A wildcard means these too, though libp2p leaves them out: two computers on one cable have no other.
    const ports = this.#listen.some((text) => readAddress(text)?.host === '0.0.0.0')
      ? places.filter(({ host }) => isIP(host) === 4).map(({ port }) => port)
      : []
    const linkLocal = linkLocalHosts().flatMap((host) => ports.map((port) => ({ host, port })))
    return [...new Set([...places, ...linkLocal].map(placeText))]
  }

  /** @throws {CannotListen} */
  async start({ signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    if (this.#libp2p !== undefined) return
    const own = { key: this.#key, listen: this.#listen, gater: this.#door }
    const services = this.#lookOn().some(isWildcard)
      ? { mdns: libraryDiscovery((id, addresses) => this.#discovery?.heard(id, addresses)) }
      : {}
    const libp2p = await createLibp2p({ ...libp2pSettings(own, this.#init), services })
    this.#connections = this.#newConnections()
    libp2p.addEventListener('connection:open', ({ detail }) => this.#connections.opened(detail))
    libp2p.addEventListener('connection:close', ({ detail }) => {
      this.#connections.closed(detail)
      // Else it would keep a record of every stranger that ever came.
      libp2p.peerStore.delete(detail.remotePeer).catch(() => undefined)
    })
    try {
      await libp2p.start()
    } catch (cause) {
      throw new CannotListen(this.#listen.join(' and '), { cause })
    }
    this.#libp2p = libp2p
    this.#reception.open(libp2p)
    if (this.#lookOn().length > 0) await this.#look()
  }

  async stop(): Promise<void> {
    const libp2p = this.#libp2p
    if (libp2p === undefined) return
    this.#libp2p = undefined
    this.#reception.close()
    await this.#discovery?.stop()
    this.#discovery = undefined
    this.#connections.stop()
    await libp2p.stop()
  }

  handle(protocol: string, handler: Handler, options: HandleOptions = {}): void {
    this.#reception.handle(protocol, handler, options)
  }

  async dial(peer: PeerKey, protocol: string, { signal }: CallOptions = {}): Promise<Wire> {
    return await this.#within(peerIdText(peer), signal, async (patience) => {
      const open = this.#connections.best(peer)
      if (open === undefined) return await this.#openWire(peer, protocol, patience)
      try {
        return await this.#openWire(peer, protocol, patience, open)
      } catch (error) {
        // It had died without our knowing: one new connection is worth a try.
        if (open.status === 'open' || !this.#gate.isMember(peer)) throw error
        return await this.#openWire(peer, protocol, patience)
      }
    })
  }

  async meet(address: Address, { signal }: CallOptions = {}): Promise<PeerKey> {
    const place = parseAddress(address)
    const expected = place.peer === undefined ? '' : `/p2p/${peerIdText(place.peer)}`
    const target = `${placeText(place)}${expected}`
    const libp2p = this.#running()
    return await this.#within(address, signal, async (patience) => {
      const connection = await this.#door.meeting(target, () =>
        libp2p.dial(multiaddr(target), { signal: patience })
      )
      const peer = peerKeyOf(connection.remotePeer)
      if (peer === undefined) throw new PeerUnreachable(address)
      // It may have given us a connection that was there: then nothing is proven about the address.
      if (connection.direction === 'outbound') this.#book.found(peer, target)
      return peer
    })
  }

  learn(sighting: Sighting): void {
    if (Buffer.compare(sighting.peer, this.self) !== 0) this.#book.learn(sighting)
  }

  connected(): PeerKey[] {
    return this.#connections.peers()
  }

  async hangUp(peer: PeerKey): Promise<void> {
    for (const connection of this.#connections.all(peer)) connection.abort(new Error('hung up'))
  }

  watch(listener: (event: NetworkEvent) => void): () => void {
    // A function of its own for each call, so that one listener may watch twice.
    const own = (event: NetworkEvent): void => listener(event)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  #emit(event: NetworkEvent): void {
    for (const listener of this.#listeners) listener(event)
  }

  #newConnections(): Connections {
    const components = { self: this.self, clock: this.#clock }
    return new Connections(components, (type, peer) => this.#emit({ type, peer }))
  }

  /** The addresses of the interfaces that discovery uses. */
  #lookOn(): readonly string[] {
    if (this.#init.mdns === false) return []
    const listening = this.#listen.map((text) => readAddress(text)?.host ?? '')
    return this.#init.lookOn ?? (listening.length === 0 ? ['0.0.0.0'] : listening)
  }

  async #look(): Promise<void> {
    this.#discovery = new LanDiscovery(
      { self: this.self, clock: this.#clock, addresses: () => this.addresses() },
      {
        lookOn: this.#lookOn(),
        onSighting: (sighting) => {
          this.#book.learn(sighting)
          this.#emit({ type: 'seen', sighting })
        }
      }
    )
    await this.#discovery.start()
  }

  #running(): Libp2p {
    if (this.#libp2p === undefined) throw new Error('the network is not started')
    return this.#libp2p
  }

  /** Runs `work` with a signal of at most DIAL_MS, and turns what libp2p throws into our own errors. */
  async #within<T>(
    whom: string,
    signal: AbortSignal | undefined,
    work: (patience: AbortSignal) => Promise<T>
  ): Promise<T> {
    signal?.throwIfAborted()
    const timeout = this.#clock.timeout(DIAL_MS)
    const patience =
      signal === undefined ? timeout.signal : AbortSignal.any([signal, timeout.signal])
    try {
      return await work(patience)
    } catch (cause) {
      signal?.throwIfAborted()
      const own = [Refused, WireCut, OverLimit, PeerUnreachable].some(
        (kind) => cause instanceof kind
      )
      if (own) throw cause
      throw new PeerUnreachable(whom, { cause })
    } finally {
      timeout.cancel()
    }
  }

  async #connect(peer: PeerKey, signal: AbortSignal): Promise<Connection> {
    const addresses = this.#book.addressesOf(peer)
    // A stranger is only met, never dialled: an address in an announcement proves nothing.
    if (addresses.length === 0 || !this.#gate.isMember(peer)) {
      throw new PeerUnreachable(peerIdText(peer))
    }
    const connection = await this.#running().dial(addresses.map(multiaddr), { signal })
    if (connection.direction === 'outbound') {
      this.#book.found(peer, connection.remoteAddr.toString())
    }
    return connection
  }

  async #openWire(
    peer: PeerKey,
    protocol: string,
    signal: AbortSignal,
    open?: Connection
  ): Promise<Wire> {
    const connection = open ?? (await this.#connect(peer, signal))
    let wire: Libp2pWire
    try {
      wire = new Libp2pWire(peer, await connection.newStream(protocol, { signal }))
    } catch (cause) {
      const name = cause instanceof Error ? cause.name : ''
      if (name === 'TooManyOutboundProtocolStreamsError') {
        throw new OverLimit('too many wires to one peer are open', { cause })
      }
      if (name === 'UnsupportedProtocolError') throw new Refused({ cause })
      signal.throwIfAborted()
      throw new WireCut({ cause })
    }
    try {
      await welcomed(wire, { signal })
      return wire
    } catch (error) {
      wire.abort()
      throw error
    }
  }
}

function listenAddress(text: Address): Address {
  const place = parseAddress(text)
  if (isIP(place.host) === 0) throw new Malformed(`${place.host} is not an IP address to listen on`)
  return placeText(place)
}

/** PKCS #8 around an Ed25519 seed (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

function publicKeyOf(seed: Uint8Array): PeerKey {
  const der = Buffer.concat([PKCS8_PREFIX, seed])
  const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
  return new Uint8Array(key.export({ format: 'der', type: 'spki' }).subarray(-32))
}
