// What a sweep leaves alone and what it drops, told by whole nodes in virtual time: heads that were replaced,
// unfinished offers, clocks that jump, heads that do not verify.

import test from 'ava'
import { z } from 'zod'
import { BASE_SCOPE, hashOf, toHex } from '../../store/block.ts'
import { writeFile } from '../../store/disk.ts'
import { SweepIncomplete } from '../../store/errors.ts'
import { HEADER_BYTES } from '../../store/segment.ts'
import { seal, sealKeys } from '../../store/seal.ts'
import { DAY_MS } from '../../node/ages.ts'
import { createBase } from '../../node/publisher.ts'
import { reportStatus } from '../../node/reporter.ts'
import type { Computer } from '../../sim/office/fleet.ts'
import { ROOT, join, office, type Office } from '../sim/_office.ts'

const agesSchema = z.looseObject({ nowMs: z.number() })
const KEYS = sealKeys(new Uint8Array(32).fill(9))

interface Scene extends Office {
  desk: Computer
  /** The scope of its endpoint. */
  scope: string
}

async function scene(seed: string): Promise<Scene> {
  const of = await office(seed)
  const desk = await join(of, 'desk', ROOT)
  const scope = toHex((await of.fleet.run(desk.node.endpoint())).id)
  return { ...of, desk, scope }
}

/** A point, kept by nas. */
async function backUp({ fleet, desk }: Scene, content: string): Promise<void> {
  desk.tree(ROOT).put('a.txt', content)
  await fleet.run(fleet.clock.sleep(120_000))
  await fleet.run(desk.node.backUp({}))
  await fleet.run(desk.node.replicate())
}

/** Something that an offer left that never came to its end. @returns its hash */
async function leaveUnfinished({ fleet, nas, scope }: Scene): Promise<Uint8Array> {
  const { cid, bytes } = seal(KEYS, 'chunk', Buffer.from('half an offer'), [])
  await fleet.run(nas.node.store.put(scope, cid, bytes))
  await fleet.run(nas.node.store.flush())
  // What was written to last is swept once another run of the peer has closed it.
  await fleet.run(nas.down())
  await fleet.run(nas.up())
  return hashOf(cid)
}

/** As if nas had run for so long: its ages are what they would be. */
async function daysPass({ fleet, nas }: Scene, days: number): Promise<void> {
  await fleet.run(nas.down())
  const { disk } = nas
  const kept = agesSchema.parse(JSON.parse(Buffer.from(disk.read('ages.json')).toString()))
  const later = { ...kept, nowMs: kept.nowMs + days * DAY_MS }
  await writeFile(disk, 'ages.json', Buffer.from(JSON.stringify(later)))
  await fleet.run(nas.up())
  await fleet.run(fleet.clock.sleep(30 * 60_000))
}

test('what an unfinished offer left stays a week, and is dropped then by itself', async (t) => {
  const of = await scene('unfinished')
  const { fleet, nas, scope } = of
  await backUp(of, 'content')
  const hash = await leaveUnfinished(of)
  const { blocks } = await fleet.run(nas.node.store.usage(scope))
  const first = await fleet.run(nas.node.sweeper.sweep())
  t.deepEqual([first.blocks, first.young], [0, 1])
  await daysPass(of, 5)
  t.true(await fleet.run(nas.node.store.has(scope, hash)))
  await daysPass(of, 4)
  t.false(await fleet.run(nas.node.store.has(scope, hash)))
  t.is((await fleet.run(nas.node.store.usage(scope))).blocks, blocks - 1)
  await fleet.run(fleet.stop())
})

test('whoever needs the space has unfinished work dropped at once', async (t) => {
  const of = await scene('at once')
  const { fleet, nas, scope } = of
  await backUp(of, 'content')
  const hash = await leaveUnfinished(of)
  const dry = await fleet.run(nas.node.sweeper.sweep({ unfinished: true, isDryRun: true }))
  t.is(dry.blocks, 1)
  t.true(await fleet.run(nas.node.store.has(scope, hash)))
  t.is((await fleet.run(nas.node.sweeper.sweep({ unfinished: true }))).blocks, 1)
  t.false(await fleet.run(nas.node.store.has(scope, hash)))
  await fleet.run(fleet.stop())
})

test('a head that was replaced stays for its undo time, by ages and not by the clock', async (t) => {
  const of = await scene('undo')
  const { fleet, nas, desk, scope } = of
  await backUp(of, 'first')
  await backUp(of, 'second')
  const count = async (): Promise<number> =>
    (await fleet.run(nas.node.heads.all(scope))).flat().length
  await fleet.run(nas.node.sweeper.sweep())
  t.is(await count(), 2)
  // The keeper's clock jumps a year ahead, with and without a start.
  nas.wall.jump(365 * DAY_MS)
  await fleet.run(nas.node.sweeper.sweep())
  t.is(await count(), 2)
  await fleet.run(nas.down())
  await fleet.run(nas.up())
  await fleet.run(nas.node.sweeper.sweep())
  t.is(await count(), 2)
  await daysPass(of, 31)
  await fleet.run(nas.node.sweeper.sweep())
  t.is(await count(), 1)
  // Nor does it come back with a power cut: its blocks are gone.
  const durable = nas.disk.durable().files()
  t.is(durable.filter(({ path }) => path.startsWith(`heads/${scope}/`)).length, 1)
  t.is(nas.node.heads.last((await fleet.run(desk.node.endpoint())).id)?.head.seq, 2)
  await fleet.run(fleet.stop())
})

test('a base whose root is damaged is not taken for one that never came', async (t) => {
  const of = await scene('base root')
  const { fleet, nas } = of
  const tree = nas.tree('/image')
  for (const name of ['a', 'b', 'c']) tree.put(name, `content of ${name}`)
  const { base } = await fleet.run(createBase(nas.node, { tree, name: 'system', label: '1' }))
  await fleet.run(nas.down())
  await fleet.run(nas.up())
  const { store } = nas.node
  const { blocks } = await fleet.run(store.usage(BASE_SCOPE))
  const place = await fleet.run((await store.shelf(BASE_SCOPE)).locate(hashOf(base.root)))
  nas.disk.flip('blocks/base/00000001.seg', (place?.offset ?? 0) + HEADER_BYTES)
  await fleet.run(store.get(BASE_SCOPE, hashOf(base.root)))
  await t.throwsAsync(fleet.run(nas.node.sweeper.sweep({ unfinished: true })), {
    instanceOf: SweepIncomplete
  })
  t.is((await fleet.run(store.usage(BASE_SCOPE))).blocks, blocks - 1)
  await fleet.run(fleet.stop())
})

test('a head that cannot be read keeps sweeps from touching its endpoint, and status says so', async (t) => {
  const of = await scene('rot')
  const { fleet, nas, scope } = of
  await backUp(of, 'first')
  await backUp(of, 'second')
  const hash = await leaveUnfinished(of)
  const { path } =
    nas.disk
      .files()
      .find((each) => each.path.startsWith(`heads/${scope}/`) && each.path.endsWith('/1')) ??
    t.fail()
  nas.disk.flip(path, 200)
  await t.throwsAsync(fleet.run(nas.node.sweeper.sweep({ unfinished: true })))
  t.true(await fleet.run(nas.node.store.has(scope, hash)))
  const { problems } = await reportStatus(nas.node)
  t.true(problems.some(({ name }) => name === 'Malformed' || name === 'NotSigned'))
  await fleet.run(fleet.stop())
})
