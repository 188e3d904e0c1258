// Those that one peer is connected with, found by key without a look at all the others: in an office of
// two hundred there are twenty thousand connections, and each peer asks often.

import { toHex } from '../../store/block.ts'
import type { PeerKey } from '../../store/peer.ts'
import type { Connection, Party } from './connection.ts'

interface Acquaintance {
  peer: PeerKey
  /** The oldest first. More than one only while the other knows nothing of the older. */
  open: Connection[]
  /** mDNS would show it. */
  isNeighbour: boolean
}

export class Acquaintances {
  readonly #own: Party
  /** By peer in hex. */
  readonly #all = new Map<string, Acquaintance>()
  /** How many of those that mDNS shows are among them. */
  neighbours = 0

  constructor(own: Party) {
    this.#own = own
  }

  peers(): PeerKey[] {
    return [...this.#all.values()].map(({ peer }) => peer)
  }

  has(peer: PeerKey): boolean {
    return this.#all.has(toHex(peer))
  }

  connections(): Connection[] {
    return [...this.#all.values()].flatMap(({ open }) => open)
  }

  connectionsWith(peer: PeerKey): readonly Connection[] {
    return this.#all.get(toHex(peer))?.open ?? []
  }

  /** The connection that new wires use: both sides agree on the one that the lower key dialled. */
  best(peer: PeerKey): Connection | undefined {
    const open = this.connectionsWith(peer)
    if (open.length <= 1) return open[0]
    const lower = Buffer.compare(this.#own.self, peer) < 0 ? this.#own.self : peer
    return open.find(({ near }) => Buffer.compare(near.self, lower) === 0) ?? open[0]
  }

  /** True if there was no connection with that peer before. */
  add(connection: Connection): boolean {
    const { self: peer, host, mdns } = connection.otherThan(this.#own)
    const key = toHex(peer)
    const known = this.#all.get(key)
    if (known !== undefined) {
      known.open = [...known.open, connection]
      return false
    }
    const isNeighbour = mdns && host.site === this.#own.host.site
    this.#all.set(key, { peer, open: [connection], isNeighbour })
    if (isNeighbour) this.neighbours += 1
    return true
  }

  /** True if there is none any more. */
  remove(connection: Connection): boolean {
    const key = toHex(connection.otherThan(this.#own).self)
    const known = this.#all.get(key)
    if (known === undefined) return false
    known.open = known.open.filter((each) => each !== connection)
    if (known.open.length > 0) return false
    this.#all.delete(key)
    if (known.isNeighbour) this.neighbours -= 1
    return true
  }
}
