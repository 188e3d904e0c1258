// Sites, and what their lines carry: who sees whom, how long bytes take, and what was sent.

import test from 'ava'
import type { Wire } from '../../../protocol/network.ts'
import type { SimClock } from '../../../sim/clock.ts'
import type { SimPeer } from '../../../sim/network/peer.ts'
import { DEFAULT_LINK_LATENCY_MS } from '../../../sim/network/link.ts'
import { couple, eventsOf, LATENCY_MS, pass, wire, world } from './_network.ts'

const MIB = 1 << 20

/** In how many milliseconds so many bytes are written at one end and read at the other, each way at once. */
async function send(
  clock: SimClock,
  ways: readonly [SimPeer, SimPeer][],
  bytes: number
): Promise<number> {
  const wires: [Wire, Wire][] = []
  for (const [from, to] of ways) wires.push(await wire(clock, from, to))
  const startMs = clock.monotonic()
  await clock.run(Promise.all(wires.map((ends) => carry(ends, bytes))))
  for (const [near] of wires) near.abort()
  return clock.monotonic() - startMs
}

async function carry([near, far]: [Wire, Wire], bytes: number): Promise<void> {
  const writing = async (): Promise<void> => {
    for (let left = bytes; left > 0; left -= 65_536) {
      await near.write(new Uint8Array(Math.min(left, 65_536)))
    }
  }
  const reading = async (): Promise<void> => {
    for (let left = bytes; left > 0;) left -= (await far.read())?.length ?? 0
  }
  await Promise.all([reading(), writing()])
}

function isAbout(ms: number, expectedMs: number): boolean {
  return Math.abs(ms - expectedMs) < expectedMs / 10
}

test('peers of one site see each other, again and again until they are connected', async (t) => {
  const { clock, peers } = await world(['hq', 'hq', 'branch'], { mdns: true })
  const [a, b, c] = [peers[0]!, peers[1]!, peers[2]!]
  const events = [a, b, c].map((peer) => eventsOf(t, peer))
  await pass(clock, 85_000)
  t.deepEqual(events, [['seen 2'], ['seen 1'], []])
  await clock.run(a.meet(b.address))
  await pass(clock, 300_000)
  t.deepEqual(events, [['seen 2', 'connected 2'], ['seen 1', 'connected 1'], []])
})

test('who is not to be seen neither sees nor is seen', async (t) => {
  const { clock, hub, peers } = await world(['hq', 'hq'], { mdns: true })
  const hidden = hub.attach(peers[0]!.self, { isMember: () => true }, { mdns: false })
  const events = [hidden, peers[1]!].map((peer) => eventsOf(t, peer))
  await hidden.start()
  await pass(clock, 200_000)
  t.deepEqual(events, [[], []])
  t.is(hidden.host.site, peers[1]!.host.site)
})

test('within a site, between sites, and over a slow link bytes take their latency', async (t) => {
  const { clock, hub, peers } = await world(['hq', 'hq', 'branch', 'attic'])
  const [a, b, c, d] = [peers[0]!, peers[1]!, peers[2]!, peers[3]!]
  hub.setSite('hq', { latencyMs: 2 })
  hub.setLink('branch', 'hq', { latencyMs: 40 })
  t.is(await send(clock, [[a, b]], 10), 2)
  t.is(await send(clock, [[c, a]], 10), 40)
  t.is(await send(clock, [[a, c]], 10), 40)
  t.is(await send(clock, [[a, d]], 10), DEFAULT_LINK_LATENCY_MS)
  hub.slow(a.self, c.self, { latencyMs: 100 })
  t.is(await send(clock, [[a, c]], 10), 140)
  t.is(await send(clock, [[a, b]], 10), 2)
  hub.slow(a.self, undefined, { latencyMs: 1000 })
  t.is(await send(clock, [[a, b]], 10), 1002)
  hub.slow(a.self, c.self, {})
  hub.slow(a.self, undefined, {})
  t.is(await send(clock, [[a, c]], 10), 40)
})

test('without a rate nothing but latency takes time', async (t) => {
  const { clock, a, b } = await couple()
  // What waits for the window waits for a latency each time.
  t.true((await send(clock, [[a, b]], 8 * MIB)) <= 9 * LATENCY_MS)
})

test('a link carries its rate, whoever has the slow one', async (t) => {
  for (const slow of [0, 1]) {
    const { clock, hub, a, b } = await couple()
    hub.setRate([a, b][slow]!.self, MIB)
    t.true(isAbout(await send(clock, [[a, b]], 4 * MIB), 4_000))
    t.true(isAbout(await send(clock, [[b, a]], 4 * MIB), 4_000))
    hub.setRate([a, b][slow]!.self, undefined)
    t.true((await send(clock, [[a, b]], MIB)) < 50)
  }
})

test('a slow link between two does not slow them towards others', async (t) => {
  const { clock, hub, peers } = await world(['', '', ''])
  const [a, b, c] = [peers[0]!, peers[1]!, peers[2]!]
  hub.slow(a.self, b.self, { rate: MIB })
  t.true(isAbout(await send(clock, [[a, b]], 2 * MIB), 2_000))
  t.true((await send(clock, [[a, c]], 2 * MIB)) < 50)
})

test('those who send at a time share a link', async (t) => {
  const { clock, hub, peers } = await world(['', '', ''])
  const [a, b, c] = [peers[0]!, peers[1]!, peers[2]!]
  hub.setSite('', { latencyMs: 1, rate: MIB })
  t.true(
    isAbout(
      await send(
        clock,
        [
          [a, c],
          [b, c]
        ],
        2 * MIB
      ),
      4_000
    )
  )
  t.true(
    isAbout(
      await send(
        clock,
        [
          [a, c],
          [c, b]
        ],
        2 * MIB
      ),
      2_000
    )
  )
})

test('a slow sender does not hold up a fast one at the same receiver', async (t) => {
  const { clock, hub, peers } = await world(['', '', ''])
  const [slow, fast, c] = [peers[0]!, peers[1]!, peers[2]!]
  hub.setSite('', { rate: 100 * MIB })
  hub.setRate(slow.self, 100_000)
  const [trickle] = await wire(clock, slow, c)
  const blocked = trickle.write(new Uint8Array(MIB))
  t.true((await send(clock, [[fast, c]], MIB)) < 100)
  await clock.run(blocked)
})

test('all of a site share its line to the others, and not their own LAN', async (t) => {
  const { clock, hub, peers } = await world(['hq', 'hq', 'branch', 'branch'])
  const [a, b, c, d] = [peers[0]!, peers[1]!, peers[2]!, peers[3]!]
  hub.setSite('branch', { uplinkRate: MIB })
  t.true(
    isAbout(
      await send(
        clock,
        [
          [a, c],
          [b, d]
        ],
        2 * MIB
      ),
      4_000
    )
  )
  t.true((await send(clock, [[c, d]], 2 * MIB)) < 100)
})

test('a dial over a link that is full for long is given up', async (t) => {
  const { clock, hub, a, b } = await couple()
  const [near] = await wire(clock, a, b)
  hub.setRate(a.self, 10_000)
  await clock.run(near.write(new Uint8Array(500_000)))
  await t.throwsAsync(clock.run(a.dial(b.self, '/wire')), { name: 'PeerUnreachable' })
})

test('a rate is more than nothing', async (t) => {
  const { hub, a } = await couple()
  for (const rate of [0, -1, NaN]) t.throws(() => hub.setRate(a.self, rate), { name: 'RangeError' })
  t.throws(() => hub.setSite('x', { uplinkRate: 0 }), { name: 'RangeError' })
})

test('what one peer sent to another is counted, by direction', async (t) => {
  const { clock, hub, a, b } = await couple()
  await send(clock, [[a, b]], 70_000)
  t.deepEqual([hub.traffic(a.self, b.self), hub.traffic(b.self, a.self)], [70_000, 0])
  hub.drop(a.self)
  await send(clock, [[b, a]], 5)
  t.deepEqual([hub.traffic(a.self, b.self), hub.traffic(b.self, a.self)], [70_000, 5])
})

test('chance makes bytes later, never out of order, and the same for the same seed', async (t) => {
  const run = async (seed: string): Promise<number[]> => {
    const { clock, hub, peers } = await world(['', ''], { seed })
    hub.setSite('', { latencyMs: 100 })
    const [near, far] = await wire(clock, peers[0]!, peers[1]!)
    const times: number[] = []
    const sent: number[] = []
    const reading = (async () => {
      for (let next = 0; next < 200;) {
        const piece = (await far.read()) ?? new Uint8Array()
        for (const byte of piece) {
          t.is(byte, next++)
          times.push(clock.monotonic() - (sent[byte] ?? 0))
        }
      }
    })()
    for (let i = 0; i < 200; i += 1) {
      sent.push(clock.monotonic())
      await near.write(Uint8Array.of(i))
      await pass(clock, 3)
    }
    await clock.run(reading)
    return times
  }
  const times = await run('seed')
  t.true(times.every((ms) => ms >= 100 && ms <= 125))
  t.true(new Set(times).size > 10)
  t.deepEqual(await run('seed'), times)
  t.notDeepEqual(await run('another'), times)
})
