// What the wires in the walls do: computers at sites, the link between any two, how long bytes take over it
// and whether they get through at all. Nothing is sent from here; the rooms above ask when something
// arrives. What is not limited costs nothing, and who never spoke to one another have no link yet.

import { type Address } from '../../protocol/network.ts'
import { placeText } from '../../node/net/address.ts'
import { toHex } from '../../store/block.ts'
import type { Clock } from '../../store/clock.ts'
import type { PeerKey } from '../../store/peer.ts'
import type { SeededRandom } from '../random.ts'

/** From a computer to another of its site, and of another site. */
export const DEFAULT_LATENCY_MS = 1
export const DEFAULT_LINK_LATENCY_MS = 10

/** Arrivals fall on multiples of this, so that virtual time stops less often. */
const TICK_MS = 0.25
/** How much longer than the latency something may take by chance: a quarter of it. */
const JITTER = 0.25

export interface SiteInit {
  latencyMs?: number | undefined
  /** Bytes a second of each computer's own link, each way. */
  rate?: number | undefined
  /** Bytes a second that all its computers together exchange with other sites, each way. */
  uplinkRate?: number | undefined
}

/** What a link, or a computer's own link, is slowed by. */
export interface Slowness {
  /** Bytes a second, each way. */
  rate?: number | undefined
  /** Each way, on top of the latency there is. */
  latencyMs?: number | undefined
}

/** Off: the power is gone. Asleep: all stands still, to go on later. */
export type Power = 'on' | 'asleep' | 'off'

/** What runs over a link. */
export interface Traveller {
  /** What gets through may have changed. */
  changed(): void
  /** Everything that runs over it breaks now. */
  break(cause: Error): void
}

/** Passes bytes in the order in which they come, at a rate that may be none. */
class Pipe {
  #freeAt = 0

  /** When `bytes` that come at `now` are through. */
  pass(bytes: number, rate: number | undefined, now: number): number {
    if (rate === undefined) return now
    this.#freeAt = Math.max(now, this.#freeAt) + (bytes * 1000) / rate
    return this.#freeAt
  }
}

class Site {
  init: SiteInit = {}
  readonly up = new Pipe()
  readonly down = new Pipe()
  /** To other sites, where it is not the default. */
  readonly latencies = new Map<Site, number>()
}

/** A computer, whatever runs on it. */
export class Host {
  readonly key: PeerKey
  readonly address: Address
  site: Site
  power: Power = 'on'
  isIsolated = false
  rate: number | undefined
  slowness: Slowness = {}
  readonly up = new Pipe()
  readonly down = new Pipe()
  readonly links = new Map<Host, Link>()

  constructor(key: PeerKey, address: Address, site: Site) {
    this.key = key
    this.address = address
    this.site = site
  }

  /** Bytes a second of its own link; undefined for no bound. */
  get bound(): number | undefined {
    return least(this.rate ?? this.site.init.rate, this.slowness.rate)
  }

  get isReachable(): boolean {
    return this.power === 'on' && !this.isIsolated
  }
}

/** One direction of a link. */
export class Lane {
  readonly from: Host
  readonly to: Host
  readonly link: Link
  isBlocked = false
  /** Sent into it so far. */
  bytes = 0
  readonly #pipe = new Pipe()
  readonly #wiring: Wiring

  constructor(wiring: Wiring, { from, to, link }: { from: Host; to: Host; link: Link }) {
    this.#wiring = wiring
    this.from = from
    this.to = to
    this.link = link
  }

  /** True if what is sent now gets through. */
  get isClear(): boolean {
    const isOpen = !this.isBlocked && !this.link.isCut
    return isOpen && this.from.isReachable && this.to.isReachable
  }

  get latencyMs(): number {
    const { from, to, link } = this
    const extraMs = [from, to, link].reduce(
      (sum, { slowness }) => sum + (slowness.latencyMs ?? 0),
      0
    )
    return this.#wiring.latencyMs(from.site, to.site) + extraMs
  }

  /** When something that is sent now is there. */
  arrivalMs(bytes: number): number {
    const { from, to, link } = this
    const now = this.#wiring.clock.monotonic()
    this.bytes += bytes
    // Every pipe takes the bytes at once, and the slowest says when they are through. If each waited for
    // the one before, what crawls out of a slow computer would hold up the others at a fast one.
    let freeAt = Math.max(
      from.up.pass(bytes, from.bound, now),
      this.#pipe.pass(bytes, link.slowness.rate, now),
      to.down.pass(bytes, to.bound, now)
    )
    if (from.site !== to.site) {
      freeAt = Math.max(
        freeAt,
        from.site.up.pass(bytes, from.site.init.uplinkRate, now),
        to.site.down.pass(bytes, to.site.init.uplinkRate, now)
      )
    }
    return this.#wiring.tick(freeAt + this.#wiring.jittered(this.latencyMs))
  }
}

/** The link between two computers. */
export class Link {
  isCut = false
  slowness: Slowness = {}
  readonly travellers = new Set<Traveller>()
  readonly lanes: readonly [Lane, Lane]

  constructor(wiring: Wiring, one: Host, other: Host) {
    this.lanes = [
      new Lane(wiring, { from: one, to: other, link: this }),
      new Lane(wiring, { from: other, to: one, link: this })
    ]
  }

  laneFrom(host: Host): Lane {
    const [there, back] = this.lanes
    return there.from === host ? there : back
  }

  /** True if both directions are. */
  get isClear(): boolean {
    return this.lanes.every(({ isClear }) => isClear)
  }

  changed(): void {
    for (const each of [...this.travellers]) each.changed()
  }

  break(cause: Error): void {
    for (const each of [...this.travellers]) each.break(cause)
  }
}

export interface WiringInit {
  latencyMs: number
  linkLatencyMs: number
}

/** All computers and the links between them. */
export class Wiring {
  readonly clock: Clock
  readonly #random: SeededRandom | undefined
  readonly #init: WiringInit
  readonly #sites = new Map<string, Site>()
  readonly #hosts = new Map<string, Host>()
  readonly #byAddress = new Map<Address, Host>()

  constructor(components: { clock: Clock; random?: SeededRandom | undefined }, init: WiringInit) {
    this.clock = components.clock
    this.#random = components.random
    this.#init = init
  }

  site(name: string): Site {
    const site = this.#sites.get(name) ?? new Site()
    this.#sites.set(name, site)
    return site
  }

  /** The computer of a peer; a new one, with an address of its own, if there was none. */
  host(key: PeerKey): Host {
    const id = toHex(key)
    const known = this.#hosts.get(id)
    if (known !== undefined) return known
    const number = this.#hosts.size + 1
    const place = { host: `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`, port: PORT }
    const host = new Host(key, placeText(place), this.site(''))
    this.#hosts.set(id, host)
    this.#byAddress.set(host.address, host)
    return host
  }

  at(address: Address): Host | undefined {
    return this.#byAddress.get(address)
  }

  link(one: Host, other: Host): Link {
    const known = one.links.get(other)
    if (known !== undefined) return known
    const link = new Link(this, one, other)
    one.links.set(other, link)
    other.links.set(one, link)
    return link
  }

  latencyMs(from: Site, to: Site): number {
    if (from === to) return from.init.latencyMs ?? this.#init.latencyMs
    return from.latencies.get(to) ?? this.#init.linkLatencyMs
  }

  jittered(latencyMs: number): number {
    const steps = Math.floor((latencyMs * JITTER) / TICK_MS)
    if (this.#random === undefined || steps === 0) return latencyMs
    return latencyMs + this.#random.below(steps + 1) * TICK_MS
  }

  tick(ms: number): number {
    return Math.ceil(ms / TICK_MS) * TICK_MS
  }
}

const PORT = 7823

function least(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return Math.min(one, other)
}
