import { randomBytes } from 'node:crypto'
import test from 'ava'
import { LanDiscovery } from '../../../node/net/discovery.ts'
import { toHex } from '../../../store/block.ts'
import { systemClock } from '../../../store/clock.ts'
import { until } from '../../_net/conformance.ts'
import { PeerProcess } from '../../_net/processes.ts'

// Multicast stays on the loopback interface in all of these: that is what listening there means.
const listen = ['127.0.0.1:0']
const newSeed = (): string => randomBytes(32).toString('hex')

test('two processes that listen on loopback find each other there', async (t) => {
  const [one, other] = [newSeed(), newSeed()].map((seed) => PeerProcess.start(t, { seed, listen }))
  const [a, b] = [await one!.ready(), await other!.ready()]
  t.deepEqual((await one!.seen(b.peer)).addresses, b.addresses)
  t.deepEqual((await other!.seen(a.peer)).addresses, a.addresses)
})

test('one that starts later is found at once, and finds those that were there', async (t) => {
  const early = PeerProcess.start(t, { seed: newSeed(), listen })
  const { peer } = await early.ready()
  const late = PeerProcess.start(t, { seed: newSeed(), listen })
  await late.seen(peer)
  await early.seen((await late.ready()).peer)
  t.pass()
})

test('one that listens nowhere finds others, and is found by nobody', async (t) => {
  const listener = PeerProcess.start(t, { seed: newSeed(), listen })
  const looker = PeerProcess.start(t, { seed: newSeed(), listen: [], lookOn: ['127.0.0.1'] })
  const [{ peer }, lookers] = [await listener.ready(), await looker.ready()]
  await looker.seen(peer)
  // Whoever is announced later than it was is heard later.
  const third = PeerProcess.start(t, { seed: newSeed(), listen })
  await listener.seen((await third.ready()).peer)
  t.false(listener.hasSeen(lookers.peer))
})

test('every sighting is told, also of a peer that was seen before', async (t) => {
  const seen: string[] = []
  const looker = new LanDiscovery(
    { self: randomBytes(32), clock: systemClock, addresses: () => [] },
    { lookOn: ['127.0.0.1'], onSighting: ({ peer }) => seen.push(toHex(peer)), intervalMs: 200 }
  )
  t.teardown(() => looker.stop())
  const { peer } = await PeerProcess.start(t, { seed: newSeed(), listen }).ready()
  await looker.start()
  await until(() => seen.filter((each) => each === peer).length >= 3)
  t.pass()
})

test('what another source heard is believed no more than what we hear', (t) => {
  const seen: string[][] = []
  const discovery = new LanDiscovery(
    { self: randomBytes(32), clock: systemClock, addresses: () => [] },
    { lookOn: [], onSighting: ({ addresses }) => seen.push(addresses) }
  )
  const id = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'
  discovery.heard(id, ['/ip4/8.8.8.8/tcp/7823', '/ip4/127.0.0.1/tcp/7823', '/dns/evil/tcp/1'])
  discovery.heard('no id', ['/ip4/10.0.0.7/tcp/7823'])
  t.deepEqual(seen, [])
  discovery.heard(id, ['/ip4/8.8.8.8/tcp/7823', '/ip4/10.0.0.7/tcp/7823'])
  t.deepEqual(seen, [['/ip4/10.0.0.7/tcp/7823']])
})

test('a flood of sightings is heeded only so far', (t) => {
  let seen = 0
  const discovery = new LanDiscovery(
    { self: randomBytes(32), clock: { ...systemClock, monotonic: () => 1 }, addresses: () => [] },
    { lookOn: [], onSighting: () => (seen += 1) }
  )
  const id = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'
  for (let i = 0; i < 5000; i += 1) discovery.heard(id, ['/ip4/10.0.0.7/tcp/7823'])
  t.is(seen, 100)
})
