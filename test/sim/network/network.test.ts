import { createHash, randomBytes } from 'node:crypto'
import test from 'ava'
import { PeerUnreachable, WireCut } from '../../../protocol/errors.ts'
import type { NetworkEvent } from '../../../protocol/network.ts'
import { SimClock } from '../../../sim/clock.ts'
import { SimNetwork } from '../../../sim/network/network.ts'
import type { SimPeer } from '../../../sim/network/peer.ts'
import { toHex } from '../../../store/block.ts'
import { systemClock } from '../../../store/clock.ts'
import { conformance, readAll } from '../../_net/conformance.ts'
import { everybody, keyOf, nobody } from './_network.ts'

const real = new SimNetwork({ clock: systemClock })

conformance(test, async (t, gate) => {
  const network = real.attach(new Uint8Array(randomBytes(32)), gate, { mdns: false })
  t.teardown(() => network.stop())
  await network.start()
  return network
})

/** A hub in virtual time with `count` peers up. */
async function office(
  count: number,
  gate = everybody
): Promise<{ clock: SimClock; hub: SimNetwork; peers: SimPeer[] }> {
  const clock = new SimClock()
  const hub = new SimNetwork({ clock }, { latencyMs: 5 })
  const peers = Array.from({ length: count }, (_, i) => hub.attach(keyOf(i + 1), gate))
  for (const peer of peers) await peer.start()
  await clock.run(clock.sleep(10))
  return { clock, hub, peers }
}

test('peers on one LAN see each other, and those on another do not', async (t) => {
  const clock = new SimClock()
  const hub = new SimNetwork({ clock })
  const seen: string[] = []
  for (const [i, lan] of ['hq', 'hq', 'branch'].entries()) {
    const peer = hub.attach(keyOf(i), everybody, { site: lan })
    peer.watch((event) => {
      if (event.type === 'seen') seen.push(`${i} sees ${event.sighting.peer[0]}`)
    })
    await peer.start()
  }
  await clock.run(clock.sleep(10))
  t.deepEqual(seen.sort(), ['0 sees 1', '1 sees 0'])
})

test('bytes take the latency to arrive, in the order in which they were sent', async (t) => {
  const { clock, peers } = await office(2)
  const [a, b] = [peers[0]!, peers[1]!]
  const arrived: number[] = []
  b.handle('/x', async (wire) => {
    for (;;) {
      const piece = await wire.read()
      if (piece === undefined) return
      arrived.push(clock.monotonic())
    }
  })
  const startMs = clock.monotonic()
  const send = async (): Promise<void> => {
    const wire = await a.dial(b.self, '/x')
    // To connect and to open the wire are a round trip each.
    t.is(clock.monotonic() - startMs, 20)
    await wire.write(Buffer.from('1'))
    await clock.sleep(2)
    await wire.write(Buffer.from('2'))
    await wire.end()
    await readAll(wire)
  }
  await clock.run(send())
  t.deepEqual(
    arrived.map((ms) => ms - startMs),
    [25, 27]
  )
})

test('a cut link breaks what runs over it, and heals', async (t) => {
  const { clock, hub, peers } = await office(3)
  const [a, b, c] = [peers[0]!, peers[1]!, peers[2]!]
  const events: NetworkEvent['type'][] = []
  for (const peer of [b, c]) peer.handle('/x', async (wire) => void (await readAll(wire)))
  const [toB, toC] = await clock.run(Promise.all([a.dial(b.self, '/x'), a.dial(c.self, '/x')]))
  a.watch(({ type }) => events.push(type))
  hub.cut(a.self, b.self)
  await t.throwsAsync(clock.run(toB.read()), { instanceOf: WireCut })
  await t.throwsAsync(clock.run(a.dial(b.self, '/x')), { instanceOf: PeerUnreachable })
  t.deepEqual(a.connected(), [c.self])
  await toC.end()
  t.is((await clock.run(readAll(toC))).length, 0)
  hub.heal(a.self, b.self)
  await clock.run(a.dial(b.self, '/x'))
  t.deepEqual(events, ['gone', 'seen', 'connected'])
})

test('a peer that crashes cuts its wires and loses what was in flight', async (t) => {
  const { clock, hub, peers } = await office(2)
  const [a, b] = [peers[0]!, peers[1]!]
  const heard = Promise.withResolvers<unknown>()
  b.handle('/x', (wire) => readAll(wire).then(heard.resolve, heard.resolve))
  const wire = await clock.run(a.dial(b.self, '/x'))
  await wire.write(Buffer.from('lost'))
  await wire.end()
  hub.crash(a.self)
  t.true((await clock.run(heard.promise)) instanceof WireCut)
  t.deepEqual(b.connected(), [])
  const again = hub.attach(a.self, everybody)
  t.is(again.address, a.address)
  await again.start()
  await clock.run(clock.sleep(10))
  t.deepEqual((await clock.run(again.dial(b.self, '/x'))).peer, b.self)
})

test('a stranger is shown out after ten seconds', async (t) => {
  const { clock, peers } = await office(2, nobody)
  const [member, stranger] = [peers[0]!, peers[1]!]
  member.handle('/join', async (wire) => void (await readAll(wire)), { strangers: true })
  await clock.run(stranger.meet(member.address))
  const wire = await clock.run(stranger.dial(member.self, '/join'))
  const startMs = clock.monotonic()
  await t.throwsAsync(clock.run(wire.read()), { instanceOf: WireCut })
  t.true(clock.monotonic() - startMs > 9_900)
  t.deepEqual(member.connected(), [])
})

test('four strangers are let in at a time', async (t) => {
  const clock = new SimClock()
  const hub = new SimNetwork({ clock })
  const member = hub.attach(keyOf(0), nobody)
  await member.start()
  const outcomes: boolean[] = []
  for (let i = 1; i <= 5; i += 1) {
    const stranger = hub.attach(keyOf(i), nobody)
    await stranger.start()
    outcomes.push(
      await clock.run(
        stranger.meet(member.address).then(
          () => true,
          () => false
        )
      )
    )
  }
  t.deepEqual(outcomes, [true, true, true, true, false])
})

test('the same office gives the same events at the same times, again and again', async (t) => {
  const once = async (): Promise<string> => {
    const trace = createHash('sha256')
    const { clock, hub, peers } = await office(8)
    for (const peer of peers) {
      peer.watch((event) => {
        const other = event.type === 'seen' ? event.sighting.peer : event.peer
        trace.update(`${clock.monotonic()} ${toHex(peer.self)} ${event.type} ${toHex(other)}\n`)
      })
      peer.handle('/echo', async (wire) => wire.write(await readAll(wire)))
    }
    const talk = async (from: SimPeer, to: SimPeer, bytes: number): Promise<void> => {
      await clock.sleep(bytes % 97)
      try {
        const wire = await from.dial(to.self, '/echo')
        await wire.write(new Uint8Array(bytes))
        await wire.end()
        trace.update(`${clock.monotonic()} ${(await readAll(wire)).length}\n`)
      } catch (error) {
        trace.update(`${clock.monotonic()} ${(error as Error).name}\n`)
      }
    }
    const all = peers.flatMap((from, i) =>
      peers.filter((to) => to !== from).map((to, j) => talk(from, to, 1000 * i + 37 * j))
    )
    const partition = clock.sleep(40).then(() => hub.cut(peers[0]!.self, peers[1]!.self))
    await clock.run(Promise.all([...all, partition]))
    return trace.digest('hex')
  }
  const first = await once()
  t.is(await once(), first)
  t.is(await once(), first)
})
