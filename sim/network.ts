// A network in memory: peers on LANs, connections that can be cut, and the rules of the real door. A
// peer's address is made up by the hub; whoever was not seen, learned or met cannot be dialled, as on a
// real network. Everything takes its time from the clock, so virtual time makes it deterministic.

import { PeerUnreachable } from '../protocol/errors.ts'
import type { Address, Gate } from '../protocol/network.ts'
import { parseAddress, placeText } from '../node/net/address.ts'
import { DEFAULT_MET_MS, DEFAULT_STRANGER_MS } from '../node/net/door.ts'
import { toHex } from '../store/block.ts'
import type { Clock } from '../store/clock.ts'
import { peerIdText, type PeerKey } from '../store/peer.ts'
import { type AttachInit, type Connection, type Hub, SimPeer } from './peer.ts'
import type { SimWire, SimWireInit } from './wire.ts'

export const DEFAULT_LATENCY_MS = 1
export const DEFAULT_WINDOW_BYTES = 1 << 20

export class SimNetwork implements Hub {
  readonly clock: Clock
  readonly wireInit: SimWireInit
  readonly #peers = new Map<string, SimPeer>()
  readonly #byAddress = new Map<Address, SimPeer>()
  readonly #cuts = new Set<string>()
  readonly #connections = new Set<Connection>()

  constructor(components: { clock: Clock }, init: Partial<SimWireInit> = {}) {
    this.clock = components.clock
    this.wireInit = {
      latencyMs: init.latencyMs ?? DEFAULT_LATENCY_MS,
      windowBytes: init.windowBytes ?? DEFAULT_WINDOW_BYTES
    }
  }

  /** The network of one peer. A peer that is attached again takes the place of what it was. */
  attach(peer: PeerKey, gate: Gate, init: AttachInit = {}): SimPeer {
    const key = toHex(peer)
    const address = this.#peers.get(key)?.address ?? this.#newAddress()
    this.crash(peer)
    const attached = new SimPeer(this, { self: peer, address, gate, ...init })
    this.#peers.set(key, attached)
    this.#byAddress.set(address, attached)
    return attached
  }

  /** Cuts the link between two peers: their connections break, and none can be made. */
  cut(a: PeerKey, b: PeerKey): void {
    this.#cuts.add(linkOf(a, b))
    for (const connection of this.#connections) {
      if (linkOf(connection.one.self, connection.other.self) === linkOf(a, b)) {
        this.#break(connection)
      }
    }
  }

  heal(a: PeerKey, b: PeerKey): void {
    this.#cuts.delete(linkOf(a, b))
    const [one, other] = [this.#peers.get(toHex(a)), this.#peers.get(toHex(b))]
    if (one !== undefined && other !== undefined) this.#introduce(one, other)
  }

  /** The peer's process dies: nothing is said, what was in flight is lost. */
  crash(peer: PeerKey): void {
    this.#peers.get(toHex(peer))?.die()
  }

  started(peer: SimPeer): void {
    for (const other of this.#peers.values()) this.#introduce(peer, other)
  }

  at(address: Address, from: SimPeer): SimPeer | undefined {
    const peer = this.#byAddress.get(address)
    const isThere = peer?.isUp === true && peer !== from && !this.#isCut(peer, from)
    return isThere ? peer : undefined
  }

  between(a: SimPeer, b: SimPeer): Connection | undefined {
    return this.connectionsOf(a).find(({ one, other }) => one === b || other === b)
  }

  connectionsOf(peer: SimPeer): Connection[] {
    return [...this.#connections].filter(({ one, other }) => one === peer || other === peer)
  }

  connect(from: SimPeer, to: SimPeer): Connection {
    const known = this.between(from, to)
    if (known !== undefined) return known
    if (!to.admits(from)) throw new PeerUnreachable(peerIdText(to.self))
    const connection = {
      one: from,
      other: to,
      over: new AbortController(),
      wires: new Set<SimWire>(),
      spent: new Map()
    }
    this.#connections.add(connection)
    from.emit({ type: 'connected', peer: to.self })
    to.emit({ type: 'connected', peer: from.self })
    this.#showOut(connection, from, to, DEFAULT_STRANGER_MS)
    this.#showOut(connection, to, from, DEFAULT_MET_MS)
    return connection
  }

  close(connection: Connection, by: SimPeer): void {
    for (const wire of [...connection.wires]) {
      if (toHex(wire.peer) !== toHex(by.self)) wire.abort(new Error('hung up'))
    }
    this.#forget(connection)
  }

  #break(connection: Connection): void {
    for (const wire of [...connection.wires]) wire.lose(new Error('the link was cut'))
    this.#forget(connection)
  }

  breakAll(peer: SimPeer): void {
    for (const connection of this.connectionsOf(peer)) this.#break(connection)
  }

  #forget(connection: Connection): void {
    if (!this.#connections.delete(connection)) return
    connection.over.abort()
    connection.one.emit({ type: 'gone', peer: connection.other.self })
    connection.other.emit({ type: 'gone', peer: connection.one.self })
  }

  /** `host` drops its guest after `ms` milliseconds unless it has become a member. */
  #showOut(connection: Connection, guest: SimPeer, host: SimPeer, ms: number): void {
    if (host.gate.isMember(guest.self)) return
    const wait = async (): Promise<void> => {
      await this.clock.sleep(ms, { signal: connection.over.signal })
      if (!host.gate.isMember(guest.self)) this.#break(connection)
    }
    // Given up when the connection ends by itself.
    wait().catch(() => undefined)
  }

  #introduce(a: SimPeer, b: SimPeer): void {
    if (a === b || a.lan !== b.lan || !a.mdns || !b.mdns) return
    const tell = async (): Promise<void> => {
      await this.clock.sleep(this.wireInit.latencyMs)
      if (!a.isUp || !b.isUp || this.#isCut(a, b)) return
      a.see({ peer: b.self, addresses: b.addresses() })
      b.see({ peer: a.self, addresses: a.addresses() })
    }
    void tell()
  }

  #isCut(a: SimPeer, b: SimPeer): boolean {
    return this.#cuts.has(linkOf(a.self, b.self))
  }

  #newAddress(): Address {
    const number = this.#byAddress.size + 1
    return placeText(parseAddress(`10.0.${number >> 8}.${number & 255}`))
  }
}

function linkOf(a: PeerKey, b: PeerKey): string {
  return [toHex(a), toHex(b)].sort().join(' ')
}
