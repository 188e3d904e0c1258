// Retention in an office in memory: rules of the mesh thin the history by the next head, once what is there
// is safe elsewhere; what storage peers' clocks say makes nothing old; pins, losses and forks are respected.

import test from 'ava'
import { meshKeys } from '../../store/key.ts'
import { keepRulesOf, type KeepRules } from '../../store/retention.ts'
import { wordsToPhrase } from '../../store/words.ts'
import type { Computer } from '../../sim/office/fleet.ts'
import { ROOT, join, office, type Office } from '../sim/_office.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const MANY = 200

interface Scene extends Office {
  desk: Computer
}

async function scene(seed: string): Promise<Scene> {
  const of = await office(seed)
  const { authority } = meshKeys(wordsToPhrase(of.words))
  await of.fleet.run(of.nas.node.members.issue('policy', { field: 'copies', value: 1 }, authority))
  const desk = await join(of, 'desk', ROOT)
  for (let i = 0; i < MANY; i++) desk.tree(ROOT).put(`many/${i}`, `${i}`)
  return { ...of, desk }
}

async function rule({ fleet, nas, desk }: Scene, rules: Partial<KeepRules>): Promise<void> {
  const said = { endpoint: new Uint8Array(0), rules: keepRulesOf(rules) }
  await fleet.run(nas.node.members.issue('keep', said))
  await fleet.run(fleet.clock.sleep(60_000))
  if (desk.node.members.roster.keep.rules.size === 0) throw new Error('the rules did not come')
}

/** A point, and where nas signed for it the receipt. */
async function backUp({ fleet, desk }: Scene, { sent = true } = {}): Promise<number[]> {
  desk.tree(ROOT).put('a.txt', `${fleet.clock.now()}`)
  const { dropped } = await fleet.run(desk.node.backUp({}))
  if (sent) await fleet.run(desk.node.replicate())
  return dropped
}

async function numbers({ fleet, desk }: Scene): Promise<number[]> {
  const listed = await fleet.run(desk.ask('points', {}))
  return listed?.points.map(({ point }) => point) ?? []
}

function pass({ fleet }: Scene, ms: number): Promise<void> {
  return fleet.run(fleet.clock.sleep(ms))
}

test('a backup lets go of what the rules of the mesh do not keep', async (t) => {
  const of = await scene('automatic')
  await rule(of, { last: 2 })
  const dropped: number[][] = []
  for (let i = 0; i < 4; i++) dropped.push(await backUp(of))
  t.deepEqual(dropped, [[], [], [1], [2]])
  t.deepEqual(await numbers(of), [3, 4])
  await of.fleet.run(of.fleet.stop())
})

test('nothing goes while what there is has no copy elsewhere', async (t) => {
  const of = await scene('unsent')
  await rule(of, { last: 1 })
  of.desk.node.replicator.isProtected = () => false
  for (let i = 0; i < 3; i++) t.deepEqual(await backUp(of, { sent: false }), [])
  t.deepEqual(await numbers(of), [1, 2, 3])
  await of.fleet.run(of.fleet.stop())
})

test('within keeps by receipts, though the clock of the computer jumps ahead', async (t) => {
  const of = await scene('ahead')
  await rule(of, { withinHours: 60 })
  for (let i = 0; i < 3; i++) {
    await backUp(of)
    await pass(of, DAY_MS)
  }
  of.desk.wall.jump(3650 * DAY_MS)
  const plan = await of.fleet.run(of.desk.ask('retention', { apply: false }))
  t.deepEqual(
    plan?.dropped.map(({ point }) => point),
    []
  )
  of.desk.wall.jump(-3650 * DAY_MS)
  t.deepEqual(await backUp(of), [])
  await pass(of, DAY_MS)
  t.deepEqual(await backUp(of), [1])
  await of.fleet.run(of.fleet.stop())
})

test('within keeps, though the clock of a storage peer jumps ahead', async (t) => {
  const of = await scene('keeper-ahead')
  await rule(of, { withinHours: 48 })
  await backUp(of)
  await pass(of, HOUR_MS)
  of.nas.wall.jump(3650 * DAY_MS)
  t.deepEqual(await backUp(of), [])
  t.deepEqual(await backUp(of), [])
  t.deepEqual(await numbers(of), [1, 2, 3])
  await of.fleet.run(of.fleet.stop())
})

test('what is remembered may be lost: then points stay longer', async (t) => {
  const of = await scene('forgotten')
  await rule(of, { withinHours: 48 })
  await backUp(of)
  for (let day = 0; day < 3; day++) await pass(of, DAY_MS - HOUR_MS)
  await backUp(of)
  await of.desk.node.home.saveTaken({})
  await pass(of, HOUR_MS)
  t.deepEqual(await backUp(of), [])
  await of.fleet.run(of.fleet.stop())
})

test('the point before a mass deletion stays until somebody collapses it', async (t) => {
  const of = await scene('loss')
  await rule(of, { last: 1 })
  await backUp(of)
  for (let i = 0; i < MANY; i++) of.desk.tree(ROOT).remove(`many/${i}`)
  const { loss, dropped } = await of.fleet.run(of.desk.node.backUp({}))
  t.deepEqual([loss?.gone, dropped], [MANY, []])
  await of.fleet.run(of.desk.node.replicate())
  for (let i = 0; i < 3; i++) await backUp(of)
  t.deepEqual(await numbers(of), [1, 5])
  await of.fleet.run(of.desk.ask('pin', { which: 1, pinned: false }))
  const plan = await of.fleet.run(of.desk.ask('retention', { apply: false }))
  t.deepEqual(plan?.kept[0]?.why, ['beforeLoss'])
  await backUp(of)
  await of.fleet.run(of.desk.ask('collapse', { from: 1, to: 'latest', dryRun: false }))
  t.deepEqual(await numbers(of), [1, 6])
  await of.fleet.run(of.fleet.stop())
})

test('a pin holds against rules and collapse, and ends when it is let go of', async (t) => {
  const of = await scene('pin')
  for (let i = 0; i < 4; i++) await backUp(of)
  await of.fleet.run(of.desk.ask('pin', { which: 2, pinned: true }))
  const { head } = of.desk.node.heads.last((await of.desk.node.endpoint()).id) ?? {}
  await of.fleet.run(of.desk.ask('pin', { which: 2, pinned: true }))
  const again = of.desk.node.heads.last((await of.desk.node.endpoint()).id)
  t.is(again?.head.seq, head?.seq, 'nothing changes, so no head is written')
  await of.fleet.run(of.desk.ask('collapse', { from: 1, to: 4, dryRun: false }))
  t.deepEqual(await numbers(of), [1, 2, 4])
  await of.fleet.run(of.desk.ask('retention', { apply: true, rules: { last: 1 } }))
  t.deepEqual(await numbers(of), [2, 4])
  await of.fleet.run(of.desk.ask('pin', { which: 2, pinned: false }))
  await of.fleet.run(of.desk.ask('retention', { apply: true, rules: { last: 1 } }))
  t.deepEqual(await numbers(of), [4])
  await of.fleet.run(of.fleet.stop())
})

test('what a head dropped is still kept for its undo time, and its space comes back after', async (t) => {
  const of = await scene('undo')
  await backUp(of)
  await backUp(of)
  const { scope, id } = await of.desk.node.endpoint()
  const before = await of.nas.node.store.usage(scope)
  await of.fleet.run(of.desk.ask('retention', { apply: true, rules: { last: 1 } }))
  t.is(of.nas.node.heads.last(id)?.head.roots.length, 1)
  const swept = await of.fleet.run(of.nas.node.sweeper.sweep({ unfinished: true }))
  t.is(swept.blocks, 0)
  t.true(swept.keptByUndo > 0)
  t.is((await of.nas.node.store.usage(scope)).blocks >= before.blocks, true)
  await of.fleet.run(of.fleet.stop())
})
