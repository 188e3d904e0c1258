import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import test from 'ava'
import fc from 'fast-check'
import {
  announcement,
  asksFor,
  type Packet,
  question,
  sightingsOf
} from '../../../node/net/records.ts'
import { isLanAddress } from '../../../node/net/interfaces.ts'
import type { Sighting } from '../../../protocol/network.ts'
import { peerIdText } from '../../../store/peer.ts'

// The very codec that multicast-dns uses, which does not say what it depends on to others.
const codec = createRequire(import.meta.resolve('multicast-dns'))('dns-packet') as {
  encode: (packet: object) => Uint8Array
  decode: (bytes: Uint8Array) => Packet
}

const TAG = '_drystone._udp.local'
const anywhere = (): boolean => true
const peer = new Uint8Array(randomBytes(32))

function packetOf(sighting: Sighting, options = {}): Packet {
  const answers = announcement(TAG, sighting, options)
  return codec.decode(codec.encode({ type: 'response', answers }))
}

test('what is announced is what is seen', (t) => {
  const sighting = { peer, addresses: ['/ip4/10.0.0.1/tcp/7823', '/ip6/fd00::1/tcp/7823'] }
  t.deepEqual(sightingsOf(TAG, packetOf(sighting), anywhere), [sighting])
})

test('a goodbye and a foreign tag are no sightings', (t) => {
  const sighting = { peer, addresses: ['/ip4/10.0.0.1/tcp/7823'] }
  t.deepEqual(sightingsOf(TAG, packetOf(sighting, { gone: true }), anywhere), [])
  t.deepEqual(sightingsOf('_p2p._udp.local', packetOf(sighting), anywhere), [])
})

test('only a question for our tag is one for us', (t) => {
  const ask = (tag: string): Packet =>
    codec.decode(codec.encode({ type: 'query', questions: question(tag) }))
  t.true(asksFor(TAG, ask(TAG)))
  t.false(asksFor(TAG, ask('_p2p._udp.local')))
})

test('addresses that no LAN has are not believed', (t) => {
  const addresses = [
    '/ip4/8.8.8.8/tcp/53',
    '/ip4/127.0.0.1/tcp/22',
    '/ip4/0.0.0.0/tcp/22',
    '/ip4/224.0.0.251/tcp/22',
    '/ip6/2001:4860:4860::8888/tcp/53',
    '/ip6/::1/tcp/22',
    '/ip6/fe80::1/tcp/22',
    '/dns/evil.example/tcp/22',
    '/ip4/10.1.1.1/udp/22',
    '/ip4/10.1.1.1/tcp/0',
    '/ip4/10.1.1.1/tcp/22'
  ]
  const [sighting] = addresses.flatMap((address) =>
    sightingsOf(TAG, packetOf({ peer, addresses: [address] }), (host) => isLanAddress(host, []))
  )
  t.deepEqual(sighting, { peer, addresses: ['/ip4/10.1.1.1/tcp/22'] })
})

test('one packet names so many peers, and a peer so many addresses', (t) => {
  const answers = Array.from({ length: 60 }, (_, i) =>
    announcement(TAG, { peer: new Uint8Array(32).fill(i + 1), addresses: ['/ip4/10.0.0.1/tcp/1'] })
  ).flat()
  const many = sightingsOf(TAG, { answers, additionals: [] }, anywhere)
  t.is(many.length, 16)
  const addresses = Array.from({ length: 60 }, (_, i) => `/ip4/10.0.0.${i}/tcp/1`)
  t.is(sightingsOf(TAG, packetOf({ peer, addresses }), anywhere)[0]?.addresses.length, 8)
})

test('a packet that was tampered with gives sightings in legal form or none', (t) => {
  const sighting = { peer, addresses: ['/ip4/10.0.0.1/tcp/7823', '/ip6/fd00::1/tcp/7823'] }
  const good = codec.encode({ type: 'response', answers: announcement(TAG, sighting) })
  const change = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 })
  fc.assert(
    fc.property(change, fc.nat(good.length), (changes, length) => {
      const bytes = Buffer.from(good.slice(0, length || good.length))
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
      let packet: Packet
      try {
        packet = codec.decode(bytes)
      } catch {
        return true
      }
      return sightingsOf(TAG, packet, anywhere).every(
        (each) =>
          each.peer.length === 32 &&
          peerIdText(each.peer).startsWith('12D3') &&
          each.addresses.every((address) => /^\/(ip4|ip6|dns)\/[^/]+\/tcp\/\d+$/.test(address))
      )
    }),
    { numRuns: 2000 }
  )
  t.pass()
})
