// What peers say on the LAN, in DNS records as @libp2p/mdns speaks them: a PTR from the service tag to an
// instance, and a TXT of that instance with `dnsaddr=` multiaddrs. Nothing in a packet is trusted: what
// does not parse, or names no address on a LAN, is dropped, and a packet can name only so much.

import type multicastDns from 'multicast-dns'
import type { Address, Sighting } from '../../protocol/network.ts'
import { toHex } from '../../store/block.ts'
import { peerIdText, type PeerKey } from '../../store/peer.ts'
import { ADDRESSES_MAX } from './address-book.ts'
import { placeText, readAddress } from './address.ts'

export type Packet = Pick<
  multicastDns.ResponseOutgoingPacket,
  'questions' | 'answers' | 'additionals'
>
export type Answer = Packet['answers'][number]

/** Seconds for which an announcement may be remembered. */
const TTL_SECONDS = 120
/** A string in a TXT record is at most this long (RFC 6763, 6.1). */
const TXT_BYTES_MAX = 255
/** Peers believed of one packet, and strings of it that are looked at. */
const SIGHTINGS_MAX = 16
const CLAIMS_MAX = 64
const PREFIX = 'dnsaddr='

/** The question that peers answer. */
export function question(tag: string): { name: string; type: 'PTR' }[] {
  return [{ name: tag, type: 'PTR' }]
}

/** True if a packet asks for peers with this tag. */
export function asksFor(tag: string, { questions = [] }: Packet): boolean {
  return questions.some(({ name, type }) => name === tag && type === 'PTR')
}

/** The records that say where this peer is; with `gone`, that it is there no more. */
export function announcement(
  tag: string,
  { peer, addresses }: Sighting,
  { gone = false } = {}
): Answer[] {
  const id = peerIdText(peer)
  const name = `${id}.${tag}`
  const ttl = gone ? 0 : TTL_SECONDS
  const data = addresses
    .map((address) => `${PREFIX}${address}/p2p/${id}`)
    .filter((text) => text.length <= TXT_BYTES_MAX)
  return [
    { name: tag, type: 'PTR', class: 'IN', ttl, data: name },
    // One record for each address, as @libp2p/mdns does.
    ...data.map((text): Answer => ({ name, type: 'TXT', class: 'IN', ttl, data: text }))
  ]
}

/** Who a packet says is where, as far as `isPlausible` allows the host; goodbyes say nothing. */
export function sightingsOf(
  tag: string,
  { answers, additionals = [] }: Packet,
  isPlausible: (host: string) => boolean
): Sighting[] {
  const texts = [...answers, ...additionals].flatMap((record) => {
    if (record.type !== 'TXT' || !record.name.endsWith(`.${tag}`) || record.ttl === 0) return []
    return [record.data].flat().map((data) => data.toString())
  })
  const found = new Map<string, Sighting>()
  for (const text of texts.slice(0, CLAIMS_MAX)) {
    const claim = readClaim(text, isPlausible)
    if (claim === undefined) continue
    const key = toHex(claim.peer)
    const sighting = found.get(key) ?? { peer: claim.peer, addresses: [] }
    if (sighting.addresses.length < ADDRESSES_MAX) sighting.addresses.push(claim.address)
    if (found.has(key) || found.size < SIGHTINGS_MAX) found.set(key, sighting)
  }
  return [...found.values()]
}

/** What @libp2p/mdns found, judged in the same way; undefined if nothing of it can be believed. */
export function sightingOf(
  id: string,
  addresses: string[],
  isPlausible: (host: string) => boolean
): Sighting | undefined {
  const claims = addresses
    .slice(0, ADDRESSES_MAX)
    .flatMap((address) => readClaim(`${PREFIX}${address}/p2p/${id}`, isPlausible) ?? [])
  const peer = claims[0]?.peer
  return peer && { peer, addresses: claims.map(({ address }) => address) }
}

function readClaim(
  text: string,
  isPlausible: (host: string) => boolean
): { peer: PeerKey; address: Address } | undefined {
  if (!text.startsWith(PREFIX)) return undefined
  const place = readAddress(text.slice(PREFIX.length))
  if (place?.peer === undefined || place.port === 0 || !isPlausible(place.host)) return undefined
  return { peer: place.peer, address: placeText(place) }
}
