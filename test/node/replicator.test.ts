// The replicator beside a keeper that takes all the time there is: the others are asked meanwhile, and
// newer heads go out. And beside one that refuses: it is not asked again every few seconds.

import test from 'ava'
import { hashOf, toHex } from '../../store/block.ts'
import { decodeHead } from '../../store/head.ts'
import type { Network } from '../../protocol/network.ts'
import { Channel, converse } from '../../protocol/framing.ts'
import { OFFER_PROTOCOL, answerOffer } from '../../protocol/offer.ts'
import { rank } from '../../node/placement.ts'
import { DEFAULT_PATIENCE_MS } from '../../node/replicator.ts'
import { SimClock } from '../../sim/clock.ts'
import type { Computer } from '../../sim/office/fleet.ts'
import { ROOT, join, office, type Office } from '../sim/_office.ts'

/** An office with a keeper that asks for the same block before each time that it would be given up. */
async function slowOffice(seed: string): Promise<{ of: Office; slow: Computer; asked: number[] }> {
  const clock = new SimClock()
  const asked: number[] = []
  const wrapNetwork = (network: Network, { name }: { name: string }): Network => {
    if (name !== 'slow') return network
    const handle = network.handle.bind(network)
    network.handle = (protocol, handler, options) => {
      if (protocol !== OFFER_PROTOCOL) return handle(protocol, handler, options)
      handle(protocol, (wire) => {
        const channel = new Channel({ wire, clock })
        return converse(channel, (on) =>
          answerOffer(on, async ({ body }, pull) => {
            const { endpoint, roots } = decodeHead(body)
            for (;;) {
              asked.push(clock.monotonic())
              const given = pull(toHex(endpoint), roots.map(hashOf))
              while ((await given.next()).done !== true);
              await clock.sleep(50_000)
            }
          })
        )
      })
    }
    return network
  }
  const of = await office(seed, { clock, wrapNetwork })
  return { of, slow: await join(of, 'slow'), asked }
}

/** A seed with which the slow keeper is the first that the desk asks. */
async function slowFirst(): Promise<{
  of: Office
  slow: Computer
  desk: Computer
  asked: number[]
}> {
  for (let i = 0; ; i++) {
    const { of, slow, asked } = await slowOffice(`slow ${i}`)
    await join(of, 'attic')
    const desk = await join(of, 'desk', ROOT)
    const { id } = desk.node.members.endpoint('desk')
    const [first] = rank(id, desk.node.members.withRole('storage'), 1)
    if (first !== undefined && toHex(first.peer) === toHex(slow.node.network.self)) {
      return { of, slow, desk, asked }
    }
    await of.fleet.run(of.fleet.stop())
  }
}

test('a keeper that never has enough holds up neither the others nor newer heads', async (t) => {
  const { of, slow, desk, asked } = await slowFirst()
  const { fleet } = of
  for (const content of ['first', 'second', 'third']) {
    desk.tree(ROOT).put('a.txt', content)
    const before = asked.length
    const { head } = await fleet.run(desk.node.backUp({}))
    const startedMs = fleet.clock.monotonic()
    const done = await fleet.run(desk.node.replicate())
    t.true(done?.isProtected)
    t.false(done?.copies.some((copy) => toHex(copy) === toHex(slow.node.network.self)))
    t.true(desk.node.replicator.isProtected(head))
    t.true(fleet.clock.monotonic() - startedMs < DEFAULT_PATIENCE_MS + 60_000)
    t.true(asked.length > before)
  }
  await fleet.run(fleet.stop())
})

test('a keeper that asks for the same again and again is cut off, and named', async (t) => {
  const { of, slow, desk, asked } = await slowFirst()
  const { fleet, nas } = of
  // Nobody else to be protected by: every keeper is asked until it fails.
  fleet.destroy('attic')
  desk.tree(ROOT).put('a.txt', 'content')
  await fleet.run(desk.node.backUp({}))
  const done = await fleet.run(desk.node.replicate())
  t.false(done?.isProtected)
  t.deepEqual(done?.copies.map(toHex), [toHex(nas.node.network.self)])
  t.regex(Object.values(done?.failures ?? {}).join(), /asks for more than the head reaches/)
  t.true(asked.length > 1)
  t.truthy(slow)
  await fleet.run(fleet.stop())
})

test('who refuses a head is asked less and less often, and at once for a newer one', async (t) => {
  const clock = new SimClock()
  const askedMs: number[] = []
  const wrapNetwork = (network: Network, { name }: { name: string }): Network => {
    const handle = network.handle.bind(network)
    network.handle = (protocol, handler, options) => {
      if (name !== 'nas' || protocol !== OFFER_PROTOCOL) return handle(protocol, handler, options)
      handle(protocol, (wire) =>
        converse(new Channel({ wire, clock }), (on) => {
          askedMs.push(clock.monotonic())
          return on.send(['refused'])
        })
      )
    }
    return network
  }
  const { fleet, ...of } = await office('refused', { clock, wrapNetwork })
  const desk = await join({ fleet, ...of }, 'desk', ROOT)
  const countIn = async (ms: number): Promise<number> => {
    const before = askedMs.length
    await fleet.run(clock.sleep(ms))
    return askedMs.length - before
  }
  desk.tree(ROOT).put('a.txt', 'first')
  await fleet.run(desk.node.backUp({}))
  const hourMs = 3_600_000
  t.true((await countIn(hourMs)) > 5)
  const gaps = askedMs.slice(1).map((atMs, i) => atMs - (askedMs[i] ?? 0))
  t.true(gaps.slice(0, 4).every((gap, i) => i === 0 || gap > (gaps[i - 1] ?? 0)))
  t.true((await countIn(hourMs)) <= 6)
  const done = await fleet.run(desk.node.replicate())
  t.regex(Object.values(done?.failures ?? {}).join(), /refused/)
  desk.tree(ROOT).put('a.txt', 'second')
  await fleet.run(desk.node.backUp({}))
  t.true((await countIn(60_000)) >= 1)
  await fleet.run(fleet.stop())
})
