// A network in memory: computers at sites, the peers that run on them, and all that befalls them on the way
// to one another. A peer's address is made up here; whoever was not seen, learned or met cannot be dialled,
// as on a real network. All time is the clock's and all chance the seed's, so it is deterministic.

import { PeerUnreachable } from '../../protocol/errors.ts'
import type { Address, Gate } from '../../protocol/network.ts'
import { DEFAULT_MET_MS, DEFAULT_STRANGER_MS } from '../../node/net/door.ts'
import type { Clock } from '../../store/clock.ts'
import { peerIdText, type PeerKey } from '../../store/peer.ts'
import {
  DEFAULT_LATENCY_MS,
  DEFAULT_LINK_LATENCY_MS,
  type Host,
  type Link,
  type Power,
  type SiteInit,
  type Slowness,
  Wiring
} from './link.ts'
import { Connection } from './connection.ts'
import { SimDiscovery } from './discovery.ts'
import { Moments } from './moments.ts'
import { type Hub, SimPeer } from './peer.ts'
import type { SeededRandom } from '../random.ts'

export const DEFAULT_WINDOW_BYTES = 1 << 20

export interface SimNetworkInit {
  /** Within a site, and from one to another, where nothing else was set. */
  latencyMs?: number
  linkLatencyMs?: number
  /** Bytes that may be on their way or unread before a writer waits. */
  windowBytes?: number
}

export interface AttachInit {
  /** The peers of a site are one LAN. By default the site that it was at, or the one without a name. */
  site?: string | undefined
  /** False to see nobody and be seen by nobody. */
  mdns?: boolean | undefined
}

export class SimNetwork implements Hub {
  readonly clock: Clock
  readonly #moments: Moments
  readonly #wiring: Wiring
  readonly #discovery: SimDiscovery
  readonly #windowBytes: number
  /** What runs on each computer. */
  readonly #processes = new Map<Host, SimPeer>()

  /** Without `random` nothing is left to chance: what takes 5 ms always does. */
  constructor(
    components: { clock: Clock; random?: SeededRandom | undefined },
    init: SimNetworkInit = {}
  ) {
    const { clock, random } = components
    this.clock = clock
    this.#moments = new Moments(clock)
    this.#wiring = new Wiring(
      { clock, random: random?.fork('jitter') },
      {
        latencyMs: init.latencyMs ?? DEFAULT_LATENCY_MS,
        linkLatencyMs: init.linkLatencyMs ?? DEFAULT_LINK_LATENCY_MS
      }
    )
    this.#discovery = new SimDiscovery({
      wiring: this.#wiring,
      moments: this.#moments,
      random: random?.fork('discovery')
    })
    this.#windowBytes = init.windowBytes ?? DEFAULT_WINDOW_BYTES
  }

  /**
   * The network of a process that starts on the computer of `peer`, whose power is on from now. A process
   * that still ran there is killed. The computer keeps its address, its rate, and what cuts it off.
   */
  attach(peer: PeerKey, gate: Gate, { site, mdns = true }: AttachInit = {}): SimPeer {
    const host = this.#wiring.host(peer)
    this.kill(peer)
    if (site !== undefined) host.site = this.#wiring.site(site)
    const attached = new SimPeer(this, { self: peer, host, gate, mdns })
    this.#processes.set(host, attached)
    this.#setPower(host, 'on')
    return attached
  }

  setSite(name: string, init: SiteInit): void {
    checkRates(init.rate, init.uplinkRate)
    this.#wiring.site(name).init = init
  }

  setLink(siteA: string, siteB: string, { latencyMs }: { latencyMs: number }): void {
    const [a, b] = [this.#wiring.site(siteA), this.#wiring.site(siteB)]
    a.latencies.set(b, latencyMs)
    b.latencies.set(a, latencyMs)
  }

  /** The computer's own link carries so many bytes a second each way; undefined: what its site gives. */
  setRate(peer: PeerKey, rate: number | undefined): void {
    checkRates(rate)
    this.#wiring.host(peer).rate = rate
  }

  /**
   * Slows what passes between two peers, or between one and everybody. It adds to what sites, links and
   * rates say; call it again with `{}` to end it.
   */
  slow(a: PeerKey, b: PeerKey | undefined, slowness: Slowness): void {
    checkRates(slowness.rate)
    const slowed = b === undefined ? this.#wiring.host(a) : this.#linkOf(a, b)
    slowed.slowness = slowness
  }

  /** The connections of two peers break, and none can be made. */
  cut(a: PeerKey, b: PeerKey): void {
    const link = this.#linkOf(a, b)
    link.isCut = true
    link.break(new Error('the link was cut'))
  }

  heal(a: PeerKey, b: PeerKey): void {
    const link = this.#linkOf(a, b)
    link.isCut = false
    link.changed()
    this.#introduce(a, b)
  }

  /**
   * Nothing gets through from one peer to the other any more, and nobody is told: it is held until the way
   * is clear, or until a side that hears nothing gives the connection up (SILENCE_MS).
   */
  blackhole(from: PeerKey, to: PeerKey): void {
    this.#setBlocked(from, to, true)
  }

  /** Ends a blackhole. */
  clear(from: PeerKey, to: PeerKey): void {
    this.#setBlocked(from, to, false)
    this.#introduce(from, to)
  }

  /** As if the peer's cable were pulled: a blackhole from and to everybody. */
  isolate(peer: PeerKey): void {
    this.#setIsolated(peer, true)
  }

  rejoin(peer: PeerKey): void {
    this.#setIsolated(peer, false)
    const process = this.#processes.get(this.#wiring.host(peer))
    if (process?.isUp === true) this.#discovery.introduceAll(process)
  }

  /** The connections of two peers, or all of one, break. They can be made again at once. */
  drop(a: PeerKey, b?: PeerKey): void {
    const links = b === undefined ? this.#wiring.host(a).links.values() : [this.#linkOf(a, b)]
    for (const link of [...links]) link.break(new Error('the connection was lost'))
  }

  /** The peer's process ends, and its computer says so: the others notice at once. */
  kill(peer: PeerKey): void {
    const host = this.#wiring.host(peer)
    if (host.power === 'asleep') this.vanish(peer)
    else this.#end(host)
  }

  /** The same. */
  crash(peer: PeerKey): void {
    this.kill(peer)
  }

  /** The power goes: nobody is told. */
  vanish(peer: PeerKey): void {
    const host = this.#wiring.host(peer)
    this.#setPower(host, 'off')
    this.#end(host)
  }

  /** The computer falls asleep: nobody is told, and it may go on later. */
  freeze(peer: PeerKey): void {
    const host = this.#wiring.host(peer)
    if (host.power === 'on') this.#setPower(host, 'asleep')
  }

  thaw(peer: PeerKey): void {
    const host = this.#wiring.host(peer)
    if (host.power === 'asleep') this.#setPower(host, 'on')
  }

  /** Bytes that one peer has sent to the other, arrived or not. */
  traffic(from: PeerKey, to: PeerKey): number {
    return this.#linkOf(from, to).laneFrom(this.#wiring.host(from)).bytes
  }

  started(peer: SimPeer): void {
    this.#discovery.started(peer)
  }

  stopped(peer: SimPeer): void {
    this.#discovery.stopped(peer)
  }

  hostAt(address: Address): Host | undefined {
    return this.#wiring.at(address)
  }

  link(one: Host, other: Host): Link {
    return this.#wiring.link(one, other)
  }

  peerOn(host: Host): SimPeer | undefined {
    const process = this.#processes.get(host)
    return process?.isUp === true ? process : undefined
  }

  connect(from: SimPeer, to: SimPeer): Connection {
    const known = from.acquaintances.connectionsWith(to.self).find(({ isOpen }) => isOpen)
    if (known !== undefined) return known
    if (!to.admits(from)) throw new PeerUnreachable(peerIdText(to.self))
    const link = this.#wiring.link(from.host, to.host)
    const init = { moments: this.#moments, windowBytes: this.#windowBytes }
    const connection = new Connection({ near: from, far: to }, link, init)
    from.joined(connection)
    to.joined(connection)
    this.#showOut(connection, to, DEFAULT_STRANGER_MS)
    this.#showOut(connection, from, DEFAULT_MET_MS)
    return connection
  }

  /** `owner` drops its guest after `ms` milliseconds unless it has become a member. */
  #showOut(connection: Connection, owner: SimPeer, ms: number): void {
    const guest = connection.otherThan(owner).self
    const end = connection.endOf(owner)
    if (owner.gate.isMember(guest) || !end.isOpen) return
    const wait = async (): Promise<void> => {
      await this.clock.sleep(ms, { signal: end.over })
      if (owner.gate.isMember(guest)) return
      connection.fail(end, new Error('a stranger stayed too long'))
    }
    // Given up when the connection ends by itself.
    wait().catch(() => undefined)
  }

  #introduce(a: PeerKey, b: PeerKey): void {
    const [one, other] = [a, b].map((peer) => this.peerOn(this.#wiring.host(peer)))
    if (one !== undefined && other !== undefined) this.#discovery.introduce(one, other)
  }

  #linkOf(a: PeerKey, b: PeerKey): Link {
    return this.#wiring.link(this.#wiring.host(a), this.#wiring.host(b))
  }

  #setBlocked(from: PeerKey, to: PeerKey, isBlocked: boolean): void {
    const link = this.#linkOf(from, to)
    link.laneFrom(this.#wiring.host(from)).isBlocked = isBlocked
    link.changed()
  }

  #setIsolated(peer: PeerKey, isIsolated: boolean): void {
    const host = this.#wiring.host(peer)
    host.isIsolated = isIsolated
    for (const link of host.links.values()) link.changed()
  }

  #setPower(host: Host, power: Power): void {
    host.power = power
    for (const link of host.links.values()) link.changed()
  }

  #end(host: Host): void {
    this.#processes.get(host)?.die()
    this.#processes.delete(host)
  }
}

/** @throws {RangeError} */
function checkRates(...rates: (number | undefined)[]): void {
  for (const rate of rates) {
    if (rate !== undefined && !(rate > 0)) throw new RangeError(`${rate} bytes a second is no rate`)
  }
}
