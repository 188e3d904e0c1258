// The door: who may connect, decided as soon as Noise has proven the other side's key and before any
// protocol opens. Members may. A stranger may come in from this LAN, few at a time and shortly, since a
// computer that joins is one; and one may be gone out to, where `meet` was asked for.

import type { ConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface'
import { STRANGER_MS } from '../../protocol/limits.ts'
import type { Gate } from '../../protocol/network.ts'
import type { Clock } from '../../store/clock.ts'
import { PEER_KEY_BYTES, type PeerKey } from '../../store/peer.ts'
import { readAddress } from './address.ts'
import { isOnLink } from './interfaces.ts'

export interface DoorInit {
  /** Strangers that came in and are connected at a time. */
  strangersMax?: number | undefined
  /** How long one that came in may stay, and one that we went to. */
  strangerMs?: number | undefined
  metMs?: number | undefined
}

export const DEFAULT_STRANGERS_MAX = 4
export const DEFAULT_STRANGER_MS = STRANGER_MS
export const DEFAULT_MET_MS = 60_000

/** A stranger that is inside. */
interface Guest {
  peer: PeerKey
  host: string
}

export class Door implements ConnectionGater {
  readonly #gate: Gate
  readonly #clock: Clock
  readonly #init: Required<{ [K in keyof DoorInit]: number }>
  readonly #guests = new Set<Guest>()
  /** Multiaddrs that `meet` is dialling now, and how many calls of it. */
  readonly #meeting = new Map<string, number>()

  constructor(components: { gate: Gate; clock: Clock }, init: DoorInit = {}) {
    this.#gate = components.gate
    this.#clock = components.clock
    this.#init = {
      strangersMax: init.strangersMax ?? DEFAULT_STRANGERS_MAX,
      strangerMs: init.strangerMs ?? DEFAULT_STRANGER_MS,
      metMs: init.metMs ?? DEFAULT_MET_MS
    }
  }

  /** While `work` runs, whoever answers at the multiaddr `address` may be a stranger. */
  async meeting<T>(address: string, work: () => Promise<T>): Promise<T> {
    this.#meeting.set(address, (this.#meeting.get(address) ?? 0) + 1)
    try {
      return await work()
    } finally {
      const left = (this.#meeting.get(address) ?? 1) - 1
      if (left === 0) this.#meeting.delete(address)
      else this.#meeting.set(address, left)
    }
  }

  denyInboundEncryptedConnection = (id: PeerId, connection: MultiaddrConnection): boolean => {
    const peer = peerKeyOf(id)
    if (peer === undefined || connection.status !== 'open') return true
    if (this.#gate.isMember(peer)) return false
    const host = readAddress(connection.remoteAddr.toString())?.host
    if (host === undefined || !isOnLink(host)) return true
    // Whoever has become a member since is no stranger any more.
    const guests = [...this.#guests].filter((guest) => !this.#gate.isMember(guest.peer))
    if (guests.length >= this.#init.strangersMax) return true
    if (guests.some((guest) => guest.host === host)) return true
    const guest: Guest = { peer, host }
    this.#guests.add(guest)
    connection.addEventListener('close', () => this.#guests.delete(guest))
    this.#showOut(peer, connection, this.#init.strangerMs)
    return false
  }

  denyOutboundEncryptedConnection = (id: PeerId, connection: MultiaddrConnection): boolean => {
    const peer = peerKeyOf(id)
    if (peer === undefined) return true
    if (this.#gate.isMember(peer)) return false
    if (!this.#meeting.has(connection.remoteAddr.toString())) return true
    this.#showOut(peer, connection, this.#init.metMs)
    return false
  }

  /** Ends the connection of a peer that has not become a member after `ms` milliseconds. */
  #showOut(peer: PeerKey, connection: MultiaddrConnection, ms: number): void {
    const gone = new AbortController()
    connection.addEventListener('close', () => gone.abort())
    const wait = async (): Promise<void> => {
      await this.#clock.sleep(ms, { signal: gone.signal })
      if (!this.#gate.isMember(peer)) connection.abort(new Error('a stranger stayed too long'))
    }
    // A sleep that is given up means that the connection went away by itself.
    wait().catch(() => undefined)
  }
}

/** The key in a libp2p id; undefined unless it is an Ed25519 key. */
export function peerKeyOf(id: PeerId): PeerKey | undefined {
  const raw = id.type === 'Ed25519' ? id.publicKey.raw : undefined
  return raw?.length === PEER_KEY_BYTES ? new Uint8Array(raw) : undefined
}
