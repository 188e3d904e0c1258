import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, MultiaddrConnection, PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import test from 'ava'
import { Connections } from '../../../node/net/connections.ts'
import { Door, peerKeyOf } from '../../../node/net/door.ts'
import { SimClock } from '../../../sim/clock.ts'
import { Members } from '../../_net/conformance.ts'

// What cannot be had on loopback: strangers from many addresses, and from far away. The connections here
// have just the parts that are looked at.

const newId = async (): Promise<PeerId> => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))

class Incoming extends EventTarget {
  status = 'open'
  readonly remoteAddr

  constructor(host: string) {
    super()
    this.remoteAddr = multiaddr(`/ip${host.includes(':') ? 6 : 4}/${host}/tcp/40000`)
  }

  abort(): void {
    this.status = 'aborted'
    this.dispatchEvent(new Event('close'))
  }

  get asConnection(): MultiaddrConnection {
    return this as unknown as MultiaddrConnection
  }
}

test('four strangers at a time come in, each from its own address', async (t) => {
  const door = new Door({ gate: new Members(), clock: new SimClock() })
  const enter = async (host: string): Promise<Incoming | undefined> => {
    const incoming = new Incoming(host)
    const denied = door.denyInboundEncryptedConnection(await newId(), incoming.asConnection)
    return denied ? undefined : incoming
  }
  const first = await enter('127.0.0.1')
  t.truthy(first)
  t.falsy(await enter('127.0.0.1'))
  for (const host of ['127.0.0.2', '127.0.0.3', '::1']) t.truthy(await enter(host))
  t.falsy(await enter('127.0.0.5'))
  first?.abort()
  t.truthy(await enter('127.0.0.5'))
})

test('a stranger from far away stays outside, and a member does not', async (t) => {
  const members = new Members()
  const door = new Door({ gate: members, clock: new SimClock() })
  const [stranger, member] = [await newId(), await newId()]
  members.add(peerKeyOf(member)!)
  for (const host of ['8.8.8.8', '2001:4860:4860::8888']) {
    const { asConnection } = new Incoming(host)
    t.true(door.denyInboundEncryptedConnection(stranger, asConnection))
    t.false(door.denyInboundEncryptedConnection(member, asConnection))
  }
})

test('a key that is not Ed25519 is nobody', async (t) => {
  const door = new Door({ gate: { isMember: () => true }, clock: new SimClock() })
  const other = peerIdFromPrivateKey(await generateKeyPair('secp256k1'))
  const { asConnection } = new Incoming('127.0.0.1')
  t.true(door.denyInboundEncryptedConnection(other, asConnection))
  t.true(door.denyOutboundEncryptedConnection(other, asConnection))
})

test('a stranger is gone out to only where it is being met', async (t) => {
  const door = new Door({ gate: new Members(), clock: new SimClock() })
  const stranger = await newId()
  const outgoing = new Incoming('127.0.0.1')
  const address = outgoing.remoteAddr.toString()
  const isDenied = async (): Promise<boolean> =>
    door.denyOutboundEncryptedConnection(stranger, outgoing.asConnection)
  t.true(await isDenied())
  t.false(await door.meeting(address, isDenied))
  t.true(await door.meeting('/ip4/127.0.0.1/tcp/1', isDenied))
  t.true(await isDenied())
})

class Open extends EventTarget {
  status = 'open'
  streams: object[] = []
  readonly remotePeer: PeerId
  readonly direction: 'inbound' | 'outbound'
  readonly timeline: { open: number }

  constructor(remotePeer: PeerId, direction: 'inbound' | 'outbound', at: number) {
    super()
    this.remotePeer = remotePeer
    this.direction = direction
    this.timeline = { open: at }
  }

  async close(): Promise<void> {
    this.status = 'closed'
  }

  get asConnection(): Connection {
    return this as unknown as Connection
  }
}

test('of two connections the one that the lower key dialled is used and left', async (t) => {
  const id = await newId()
  const peer = peerKeyOf(id)!
  for (const [self, kept, closer] of [
    [new Uint8Array(32), 'outbound', true],
    [new Uint8Array(32).fill(255), 'inbound', false]
  ] as const) {
    const clock = new SimClock()
    const connections = new Connections({ self, clock }, () => undefined)
    const both = [new Open(id, 'outbound', 1), new Open(id, 'inbound', 2)]
    for (const each of both) connections.opened(each.asConnection)
    t.is(connections.best(peer)?.direction, kept)
    const surplus = both.find(({ direction }) => direction !== kept)!
    surplus.streams.push({})
    await clock.run(clock.sleep(20_000))
    t.is(surplus.status, 'open', 'something runs over it')
    surplus.streams.pop()
    await clock.run(clock.sleep(10_000))
    t.is(surplus.status, closer ? 'closed' : 'open')
    t.is(both.find(({ direction }) => direction === kept)?.status, 'open')
  }
})
