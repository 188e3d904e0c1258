// Where peers may be, as one peer knows it: few addresses of each, the one that worked before the newest.
// It is the address book of the real network, without the look at this machine's interfaces.

import type { Address, Sighting } from '../../protocol/network.ts'
import { placeText, readAddress } from '../../node/net/address.ts'
import { ADDRESSES_MAX } from '../../node/net/address-book.ts'
import { toHex } from '../../store/block.ts'
import type { PeerKey } from '../../store/peer.ts'

interface Page {
  /** The newest first. */
  addresses: Address[]
  worked: Address | undefined
}

export class KnownAddresses {
  readonly #pages = new Map<string, Page>()

  /** Adds addresses that parse and do not name another peer. */
  learn({ peer, addresses }: Sighting): void {
    const key = toHex(peer)
    const page = this.#pages.get(key) ?? { addresses: [], worked: undefined }
    for (const text of addresses.slice(0, ADDRESSES_MAX)) {
      // To read one takes long, and most are known.
      const address = page.addresses.includes(text) ? text : textOf(text, peer)
      if (address === undefined || page.addresses[0] === address) continue
      page.addresses = [address, ...page.addresses.filter((each) => each !== address)]
    }
    while (page.addresses.length > ADDRESSES_MAX) {
      page.addresses.splice(
        page.addresses.findLastIndex((each) => each !== page.worked),
        1
      )
    }
    this.#pages.set(key, page)
  }

  /** Notes that `peer` was found at `address`. */
  found(peer: PeerKey, address: Address): void {
    this.learn({ peer, addresses: [address] })
    const page = this.#pages.get(toHex(peer))
    if (page !== undefined) page.worked = address
  }

  /** The likeliest first. */
  of(peer: PeerKey): Address[] {
    const { addresses = [], worked } = this.#pages.get(toHex(peer)) ?? {}
    return worked === undefined
      ? addresses
      : [worked, ...addresses.filter((each) => each !== worked)]
  }
}

function textOf(text: Address, peer: PeerKey): Address | undefined {
  const place = readAddress(text)
  if (place === undefined || place.port === 0) return undefined
  if (place.peer !== undefined && Buffer.compare(place.peer, peer) !== 0) return undefined
  return placeText(place)
}
