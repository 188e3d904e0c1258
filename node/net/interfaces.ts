// The network interfaces of this computer, as far as addresses on the LAN are judged by them: what is on
// the same link, what is private, and on which interfaces a peer that listens somewhere is found.

import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { isWildcard } from './address.ts'

/** One interface that has an IPv4 address: multicast goes out by that one. */
export interface Interface {
  name: string
  /** Its first IPv4 address. */
  ip: string
  /** All its addresses that others can dial: no IPv6 link-local ones, which need a zone to mean anything. */
  hosts: string[]
  internal: boolean
  /** What is on its link. */
  link: BlockList
}

const PRIVATE = subnets([
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['fc00::', 7]
])
const LOOPBACK = subnets([
  ['127.0.0.0', 8],
  ['::1', 128]
])
const LINK_LOCAL_4 = subnets([['169.254.0.0', 16]])
const LINK_LOCAL_6 = subnets([['fe80::', 10]])

/** The interfaces that are up and have an IPv4 address. */
export function listInterfaces(): Interface[] {
  return Object.entries(networkInterfaces()).flatMap(([name, entries = []]) => {
    const first = entries.find((entry) => entry.family === 'IPv4')
    if (first === undefined) return []
    const hosts = entries.map((entry) => entry.address).filter((host) => !isIn(LINK_LOCAL_6, host))
    const link = subnets(
      entries.flatMap(({ cidr }): [string, number][] => {
        const [network, prefix] = cidr?.split('/') ?? []
        return network === undefined || prefix === undefined ? [] : [[network, Number(prefix)]]
      })
    )
    return [{ name, ip: first.address, hosts, internal: first.internal, link }]
  })
}

/** Our own IPv4 addresses that hold only on their link. */
export function linkLocalHosts(interfaces = listInterfaces()): string[] {
  return interfaces.flatMap(({ hosts }) => hosts.filter((host) => isIn(LINK_LOCAL_4, host)))
}

/** Those of `interfaces` on which a peer with these listening hosts can be reached. */
export function interfacesOf(hosts: readonly string[], interfaces: Interface[]): Interface[] {
  return interfaces.filter(({ hosts: own, internal, link }) =>
    hosts.some(
      (host) =>
        isWildcard(host) || own.includes(host) || (internal && isLoopback(host) && isIn(link, host))
    )
  )
}

export function isLoopback(host: string): boolean {
  return isIn(LOOPBACK, host)
}

/** True if `host` is on a link of this computer, or the computer itself. */
export function isOnLink(host: string, interfaces = listInterfaces()): boolean {
  return isLoopback(host) || isIn(LINK_LOCAL_6, host) || interfaces.some((i) => isIn(i.link, host))
}

/** True for an address that an announcement on a LAN may name: private, or on one of our links. */
export function isLanAddress(host: string, interfaces = listInterfaces()): boolean {
  if (isLoopback(host) || isIn(LINK_LOCAL_6, host) || isWildcard(host)) return false
  return isIn(PRIVATE, host) || interfaces.some((i) => isIn(i.link, host))
}

/** True if `host` is an IP address in `list`; host names are in none. */
export function isIn(list: BlockList, host: string): boolean {
  if (isIPv4(host)) return list.check(host, 'ipv4')
  return isIPv6(host) && list.check(host, 'ipv6')
}

function subnets(all: [network: string, prefix: number][]): BlockList {
  const list = new BlockList()
  for (const [network, prefix] of all) {
    list.addSubnet(network, prefix, isIPv4(network) ? 'ipv4' : 'ipv6')
  }
  return list
}
