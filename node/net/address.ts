// Addresses: from what people type to what libp2p dials. Only TCP over IP or a host name is legal; every
// text from outside passes parseAddress, so nothing else ever reaches the transport.

import { isIP, isIPv4, isIPv6 } from 'node:net'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { Address } from '../../protocol/network.ts'
import { Malformed } from '../../store/errors.ts'
import { parsePeerId, type PeerKey } from '../../store/peer.ts'

/** The TCP port of a peer, unless it was told another. */
export const DEFAULT_PORT = 7823

/** Every interface, IPv4 and IPv6. */
export const DEFAULT_LISTEN: readonly Address[] = [
  `/ip4/0.0.0.0/tcp/${DEFAULT_PORT}`,
  `/ip6/::/tcp/${DEFAULT_PORT}`
]

const ADDRESS_CHARACTERS_MAX = 400
const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i

/** An address taken apart. */
export interface Place {
  /** An IP address without brackets, or a host name. */
  host: string
  port: number
  /** Whom to find there, if the address says so. */
  peer: PeerKey | undefined
}

/**
 * Reads a multiaddr (`/ip4/192.168.1.5/tcp/7823`, `/dns/nas.lan/tcp/7823`, either with `/p2p/…`), or
 * `host[:port]` with IPv6 hosts in brackets when a port follows.
 *
 * @throws {Malformed}
 */
export function parseAddress(text: Address): Place {
  if (text.length > ADDRESS_CHARACTERS_MAX) throw malformed(text)
  return text.startsWith('/') ? parseMultiaddr(text) : parseHostPort(text)
}

/** The same, but undefined for what is no address. */
export function readAddress(text: Address): Place | undefined {
  try {
    return parseAddress(text)
  } catch {
    return undefined
  }
}

/** The multiaddr that libp2p dials, without the peer. */
export function placeText({ host, port }: Pick<Place, 'host' | 'port'>): Address {
  const kind = isIPv4(host) ? 'ip4' : isIPv6(host) ? 'ip6' : 'dns'
  return `/${kind}/${host}/tcp/${port}`
}

/** True for the addresses that stand for every interface. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

function parseHostPort(text: string): Place {
  if (isIPv6(text)) return place(text, undefined)
  const bracketed = /^\[([^\]]*)\](?::(\d{1,5}))?$/.exec(text)
  if (bracketed !== null) {
    const host = bracketed[1] ?? ''
    if (!isIPv6(host)) throw malformed(text)
    return place(host, bracketed[2])
  }
  const plain = /^([^:]+)(?::(\d{1,5}))?$/.exec(text)
  if (plain === null) throw malformed(text)
  return place(plain[1] ?? '', plain[2])

  function place(host: string, port: string | undefined): Place {
    // All digits and dots, but no IP address: a slip of the finger, and not a name to look up.
    const legal = isIP(host) !== 0 || (HOST_NAME.test(host) && !/^[\d.]+$/.test(host))
    const number = port === undefined ? DEFAULT_PORT : Number(port)
    if (!legal || host.includes('%') || number > 65_535) throw malformed(text)
    // An IPv6 address has many spellings: the multiaddr has the one that is compared.
    return parseMultiaddr(placeText({ host, port: number }))
  }
}

function parseMultiaddr(text: string): Place {
  let parsed: Multiaddr
  try {
    parsed = multiaddr(text)
  } catch (cause) {
    throw malformed(text, cause)
  }
  const [network, transport, identity, ...rest] = parsed.getComponents()
  const host = network?.value ?? ''
  const byNumber = network?.name === 'ip4' || network?.name === 'ip6'
  const byName = ['dns', 'dns4', 'dns6'].includes(network?.name ?? '') && HOST_NAME.test(host)
  const whole = transport?.name === 'tcp' && (identity?.name ?? 'p2p') === 'p2p'
  if (!(byNumber || byName) || !whole || rest.length > 0) throw malformed(text)
  const peer = identity === undefined ? undefined : parsePeerId(identity.value ?? '')
  return { host, port: Number(transport.value), peer }
}

function malformed(text: string, cause?: unknown): Malformed {
  return new Malformed(`${JSON.stringify(text.slice(0, 80))} is not an address`, {
    next: `Give host, host:port or a multiaddr such as /ip4/192.168.1.5/tcp/${DEFAULT_PORT}.`,
    cause
  })
}
