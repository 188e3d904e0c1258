// Finding peers on the LAN: multicast DNS on every interface on which this peer listens, and on no other.
// A sighting is a hint: it names a key and where it may be, and only a dial proves it. What strangers on
// the LAN can do here is bounded: how often we answer, how much of a packet and how many of them we heed.

import type { Address, Sighting } from '../../protocol/network.ts'
import type { Clock } from '../../store/clock.ts'
import type { PeerKey } from '../../store/peer.ts'
import { readAddress } from './address.ts'
import {
  type Interface,
  interfacesOf,
  isIn,
  isLanAddress,
  isLoopback,
  listInterfaces
} from './interfaces.ts'
import { LanSocket } from './lan-socket.ts'
import { announcement, asksFor, type Packet, sightingOf, sightingsOf } from './records.ts'

export const SERVICE_TAG = '_drystone._udp.local'
/** How often interfaces that came or went are looked for. */
export const RESCAN_MS = 5_000
/** How often peers are asked for once we have run a while; each peer adds up to a third of its own. */
export const DEFAULT_INTERVAL_MS = 60_000
/** Between one question and the next on a new interface, before that. */
const FIRST_PAUSES_MS = [1_000, 3_000, 9_000]
/** At most one answer in this time on an interface, however many ask. */
const ANSWER_PAUSE_MS = 1_000
/** Sightings heeded in a second. */
const SIGHTINGS_A_SECOND = 100
/** The largest legal packet (RFC 6762, 17). */
const PACKET_BYTES_MAX = 9_000

export interface LanDiscoveryComponents {
  self: PeerKey
  clock: Clock
  /** Where this peer listens, as multiaddrs with wildcards spelled out. */
  addresses: () => Address[]
}

export interface LanDiscoveryInit {
  /** Addresses of the interfaces to use; a wildcard means all. */
  lookOn: readonly string[]
  /** Called for every sighting, also of a peer that was seen before. */
  onSighting: (sighting: Sighting) => void
  intervalMs?: number
}

/** One interface in use. */
interface Ear {
  socket: LanSocket
  interface: Interface
  closed: AbortController
  answering: boolean
  answeredAt: number
}

export class LanDiscovery {
  readonly #components: LanDiscoveryComponents
  readonly #clock: Clock
  readonly #init: LanDiscoveryInit
  readonly #intervalMs: number
  /** By interface name and address. */
  readonly #ears = new Map<string, Ear>()
  #stopped = new AbortController()
  #heeded = { since: 0, count: 0 }

  constructor(components: LanDiscoveryComponents, init: LanDiscoveryInit) {
    this.#components = components
    this.#clock = components.clock
    this.#init = init
    const intervalMs = init.intervalMs ?? DEFAULT_INTERVAL_MS
    // Peers that started together must not ask together for ever. Keys differ, which is all it takes.
    this.#intervalMs = intervalMs * (1 + (components.self[31] ?? 0) / 768)
  }

  async start(): Promise<void> {
    this.#stopped = new AbortController()
    await this.#rescan()
    this.#forever(
      () => RESCAN_MS,
      () => this.#rescan(),
      this.#stopped.signal
    )
  }

  /** Says goodbye on every interface. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    for (const ear of this.#ears.values()) await this.#answer(ear, { gone: true })
    await Promise.all([...this.#ears.keys()].map((key) => this.#close(key)))
  }

  /** Takes in what another source saw, as far as it can be believed. */
  heard(id: string, addresses: string[]): void {
    const sighting = sightingOf(id, addresses, (host) => isLanAddress(host))
    if (sighting !== undefined) this.#heed(sighting)
  }

  /** Opens an ear on each interface that came, closes those of interfaces that went. */
  async #rescan(): Promise<void> {
    const wanted = new Map(
      interfacesOf(this.#init.lookOn, listInterfaces()).map((each) => [
        `${each.name} ${each.ip}`,
        each
      ])
    )
    for (const [key, ear] of this.#ears) {
      if (!wanted.has(key) || ear.socket.failed) await this.#close(key)
    }
    for (const [key, each] of wanted) {
      const ear = this.#ears.get(key)
      if (ear === undefined) await this.#open(key, each)
      else ear.interface = each
    }
  }

  async #open(key: string, on: Interface): Promise<void> {
    const socket = await LanSocket.open(on.ip)
    if (socket === undefined) return
    if (this.#stopped.signal.aborted) return await socket.close()
    const closed = new AbortController()
    const ear: Ear = { socket, interface: on, closed, answering: false, answeredAt: -Infinity }
    this.#ears.set(key, ear)
    socket.listen((packet, from) => {
      // Every socket on the port gets what any of them joined for: each heeds only its own link.
      if (from.size <= PACKET_BYTES_MAX && isIn(ear.interface.link, from.address)) {
        this.#hear(ear, packet)
      }
    })
    await socket.ask(SERVICE_TAG)
    await this.#answer(ear)
    const pauses = [...FIRST_PAUSES_MS]
    this.#forever(
      () => pauses.shift() ?? this.#intervalMs,
      () => socket.ask(SERVICE_TAG),
      closed.signal
    )
  }

  async #close(key: string): Promise<void> {
    const ear = this.#ears.get(key)
    this.#ears.delete(key)
    ear?.closed.abort()
    await ear?.socket.close()
  }

  #hear(ear: Ear, packet: Packet & { type?: string | undefined }): void {
    if (packet.type === 'query') {
      if (asksFor(SERVICE_TAG, packet)) this.#answerSoon(ear)
      return
    }
    const { internal } = ear.interface
    const interfaces = listInterfaces()
    const isPlausible = (host: string): boolean =>
      isLanAddress(host, interfaces) || (internal && isLoopback(host))
    for (const sighting of sightingsOf(SERVICE_TAG, packet, isPlausible)) this.#heed(sighting)
  }

  #heed(sighting: Sighting): void {
    if (Buffer.compare(sighting.peer, this.#components.self) === 0) return
    const now = this.#clock.monotonic()
    if (now - this.#heeded.since > 1_000) this.#heeded = { since: now, count: 0 }
    this.#heeded.count += 1
    if (this.#heeded.count <= SIGHTINGS_A_SECOND) this.#init.onSighting(sighting)
  }

  /** Answers once for all who ask within the pause. */
  #answerSoon(ear: Ear): void {
    if (ear.answering) return
    ear.answering = true
    const wait = async (): Promise<void> => {
      const since = this.#clock.monotonic() - ear.answeredAt
      if (since < ANSWER_PAUSE_MS) {
        await this.#clock.sleep(ANSWER_PAUSE_MS - since, { signal: ear.closed.signal })
      }
      ear.answering = false
      await this.#answer(ear)
    }
    // Given up when the ear closes.
    wait().catch(() => undefined)
  }

  async #answer(ear: Ear, { gone = false } = {}): Promise<void> {
    ear.answeredAt = this.#clock.monotonic()
    const addresses = this.#addressesOn(ear.interface)
    if (addresses.length === 0) return
    const sighting = { peer: this.#components.self, addresses }
    await ear.socket.say(announcement(SERVICE_TAG, sighting, { gone }))
  }

  /** Where this peer can be reached by that interface. */
  #addressesOn({ hosts }: Interface): Address[] {
    return this.#components.addresses().filter((address) => {
      const host = readAddress(address)?.host
      return host !== undefined && hosts.includes(host)
    })
  }

  /** Runs `work` after each pause until `signal` aborts. */
  #forever(pauseMs: () => number, work: () => Promise<void>, signal: AbortSignal): void {
    const loop = async (): Promise<void> => {
      for (;;) {
        await this.#clock.sleep(pauseMs(), { signal })
        await work()
      }
    }
    loop().catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  }
}
