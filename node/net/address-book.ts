// Where peers may be: addresses that were learned, in memory, and none of them proven until a dial found
// the right key there. Bounded, so that a flood of forged announcements costs some kilobytes and never
// the addresses of members, nor an address that has worked.

import type { Address, Gate, Sighting } from '../../protocol/network.ts'
import { toHex } from '../../store/block.ts'
import { peerIdText, type PeerKey } from '../../store/peer.ts'
import { placeText, readAddress } from './address.ts'
import { isLoopback, isOnLink, listInterfaces } from './interfaces.ts'

/** Peers that are no members, remembered at a time. */
export const STRANGERS_REMEMBERED_MAX = 256
/** Addresses kept for one peer. */
export const ADDRESSES_MAX = 8

interface Page {
  peer: PeerKey
  /** Oldest first; `worked` where a dial last found the peer. */
  addresses: Set<Address>
  worked: Address | undefined
}

export class AddressBook {
  readonly #gate: Gate
  /** By peer in hex, least recently seen first. */
  readonly #pages = new Map<string, Page>()

  constructor(gate: Gate) {
    this.#gate = gate
  }

  /** Adds addresses that parse and do not name another peer. */
  learn({ peer, addresses }: Sighting): void {
    const page = this.#page(peer)
    for (const text of addresses.slice(0, ADDRESSES_MAX)) {
      const place = readAddress(text)
      if (place === undefined || place.port === 0) continue
      if (place.peer !== undefined && Buffer.compare(place.peer, peer) !== 0) continue
      const address = placeText(place)
      page.addresses.delete(address)
      page.addresses.add(address)
    }
    for (const address of page.addresses) {
      if (page.addresses.size <= ADDRESSES_MAX) break
      if (address !== page.worked) page.addresses.delete(address)
    }
    this.#forgetStrangers()
  }

  /** Notes that `peer` was found at `address`. */
  found(peer: PeerKey, address: Address): void {
    this.learn({ peer, addresses: [address] })
    const place = readAddress(address)
    if (place !== undefined) this.#page(peer).worked = placeText(place)
  }

  /** What is known of `peer`, the likeliest first: multiaddrs that name it. */
  addressesOf(peer: PeerKey): Address[] {
    const page = this.#pages.get(toHex(peer))
    if (page === undefined) return []
    const interfaces = listInterfaces()
    const rank = (address: Address): number => {
      const host = readAddress(address)?.host ?? ''
      if (address === page.worked) return 0
      if (isLoopback(host)) return 2
      return isOnLink(host, interfaces) ? 1 : 3
    }
    return [...page.addresses]
      .reverse()
      .sort((a, b) => rank(a) - rank(b))
      .map((address) => `${address}/p2p/${peerIdText(peer)}`)
  }

  /** The page of `peer`, now the most recently seen. */
  #page(peer: PeerKey): Page {
    const key = toHex(peer)
    const page = this.#pages.get(key) ?? { peer, addresses: new Set(), worked: undefined }
    this.#pages.delete(key)
    this.#pages.set(key, page)
    return page
  }

  #forgetStrangers(): void {
    if (this.#pages.size <= STRANGERS_REMEMBERED_MAX) return
    const strangers = [...this.#pages].filter(([, { peer }]) => !this.#gate.isMember(peer))
    for (const [key] of strangers.slice(0, -STRANGERS_REMEMBERED_MAX)) this.#pages.delete(key)
  }
}
