// How peers of one site see each other: when one starts, and then every so often, as on a real LAN. Who is
// connected already is not told again of the other: that would cost most of the time of a large office,
// and say nothing new.

import { DEFAULT_INTERVAL_MS } from '../../node/net/discovery.ts'
import type { Host, Wiring } from './link.ts'
import type { Moments } from './moments.ts'
import type { SimPeer } from './peer.ts'
import type { SeededRandom } from '../random.ts'

type Site = Host['site']

export interface DiscoveryComponents {
  wiring: Wiring
  moments: Moments
  random?: SeededRandom | undefined
}

export class SimDiscovery {
  readonly #components: DiscoveryComponents
  /** Those that are up and look around, by site. */
  readonly #peers = new Map<Site, Set<SimPeer>>()
  readonly #asking = new Set<Site>()

  constructor(components: DiscoveryComponents) {
    this.#components = components
  }

  started(peer: SimPeer): void {
    if (!peer.mdns) return
    const { site } = peer.host
    const peers = this.#peers.get(site) ?? new Set()
    this.#peers.set(site, peers)
    for (const other of peers) this.introduce(peer, other)
    peers.add(peer)
    this.#askLater(site)
  }

  stopped(peer: SimPeer): void {
    this.#peers.get(peer.host.site)?.delete(peer)
  }

  /** Two peers hear each other's announcement, if they can. */
  introduce(a: SimPeer, b: SimPeer): void {
    if (a === b || !a.mdns || !b.mdns || a.host.site !== b.host.site) return
    const { wiring, moments } = this.#components
    const lane = wiring.link(a.host, b.host).laneFrom(a.host)
    moments.at(lane.arrivalMs(0), () => {
      this.#show(a, b)
      this.#show(b, a)
    })
  }

  /** Introduces a peer to all of its site. */
  introduceAll(peer: SimPeer): void {
    for (const other of this.#peers.get(peer.host.site) ?? []) this.introduce(peer, other)
  }

  #show(peer: SimPeer, to: SimPeer): void {
    if (!peer.isUp || !to.isUp) return
    const { wiring } = this.#components
    if (!wiring.link(peer.host, to.host).laneFrom(peer.host).isClear) return
    to.see({ peer: peer.self, addresses: peer.addresses() })
  }

  #askLater(site: Site): void {
    if (this.#asking.has(site)) return
    this.#asking.add(site)
    const { wiring, moments, random } = this.#components
    // A peer asks every 60 to 80 s. One question in that time, for all of a site, does as well.
    const pauseMs = DEFAULT_INTERVAL_MS * (1 + (random?.fraction() ?? 0.5) / 3)
    moments.at(wiring.tick(wiring.clock.monotonic() + pauseMs), () => {
      this.#asking.delete(site)
      const peers = this.#peers.get(site) ?? new Set()
      for (const peer of peers)
        if (peer.acquaintances.neighbours < peers.size - 1) this.#ask(peer, peers)
      if (peers.size > 0) this.#askLater(site)
    })
  }

  #ask(peer: SimPeer, peers: ReadonlySet<SimPeer>): void {
    for (const other of peers) {
      if (other !== peer && !peer.acquaintances.has(other.self)) this.#show(other, peer)
    }
  }
}
