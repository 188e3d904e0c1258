// Bets in an office in memory: files change and nothing shows it, as on a disk that rots or in a tree that
// was adopted on trust. The audit finds them, names them, and has them saved; and it accuses nobody wrongly.

import test from 'ava'
import { DAY_MS } from '../../node/ages.ts'
import { DEFAULT_SAMPLE_FILES } from '../../node/bets.ts'
import { reportStatus } from '../../node/reporter.ts'
import { showPath } from '../../node/tree/path.ts'
import type { Computer } from '../../sim/office/fleet.ts'
import { ROOT, join, office, type Office } from '../sim/_office.ts'

const { signal } = new AbortController()
const MINUTES_MS = 60_000

interface Scene extends Office {
  desk: Computer
}

async function scene(seed: string, files = 40): Promise<Scene> {
  const of = await office(seed)
  const desk = await join(of, 'desk', ROOT)
  for (let i = 0; i < files; i++) desk.tree(ROOT).put(`many/${i % 4}/${i}.txt`, `file ${i}`)
  // Until nothing counts as changed just now.
  await of.fleet.run(of.fleet.clock.sleep(2 * MINUTES_MS))
  await of.fleet.run(desk.node.backUp({}))
  return { ...of, desk }
}

async function audit({ fleet, desk }: Scene, isAll = true): Promise<[number, string[]]> {
  const found = await fleet.run(desk.node.bets.audit({ isAll, signal }))
  return [found?.files ?? -1, (found?.differing ?? []).map(showPath)]
}

test('a file that changed without a trace is found, named and saved by the next backup', async (t) => {
  const of = await scene('a lie')
  const { fleet, desk } = of
  t.deepEqual(await audit(of), [40, []])
  desk.tree(ROOT).rot('many/3/7.txt', 'FILE 7')
  const unseen = await fleet.run(desk.node.backUp({ isScan: true }))
  t.is(unseen.count.changed, 0, 'nothing shows it')
  t.deepEqual(await audit(of), [40, ['many/3/7.txt']])
  const { problems } = await reportStatus(desk.node)
  const [problem] = problems.filter(({ name }) => name === 'ChangedUnnoticed')
  t.regex(problem?.message ?? '', /many\/3\/7\.txt/)
  const seen = await fleet.run(desk.node.backUp({}))
  t.is(seen.mode, 'tracked', 'only its directory is looked at')
  t.is(seen.count.changed > 0, true)
  t.is(seen.count.hashedBytes, 'FILE 7'.length)
  await fleet.run(fleet.clock.sleep(2 * MINUTES_MS))
  await fleet.run(desk.node.backUp({}))
  t.deepEqual(await audit(of), [40, []], 'and it is believed again')
  await fleet.run(fleet.stop())
})

test('a sample is read once a day by itself; a lie widens it, a day without narrows it', async (t) => {
  const of = await scene('daily', 10)
  const { fleet, desk } = of
  const day = async (): Promise<void> => {
    for (let i = 0; i < 25; i++) await fleet.run(fleet.clock.sleep(DAY_MS / 24))
  }
  await day()
  const first = await fleet.run(desk.node.bets.state())
  t.is(first.width, DEFAULT_SAMPLE_FILES)
  t.not(first.auditedAt, undefined)
  for (let i = 0; i < 10; i++) desk.tree(ROOT).rot(`many/${i % 4}/${i}.txt`, `FILE ${i}`)
  await day()
  const lied = await fleet.run(desk.node.bets.lies())
  t.true(lied.length > 5, `${lied.length} of 10 were drawn`)
  t.is((await fleet.run(desk.node.bets.state())).width, 4 * DEFAULT_SAMPLE_FILES)
  await fleet.run(desk.node.backUp({}))
  await day()
  await fleet.run(desk.node.backUp({}))
  const { width } = await fleet.run(desk.node.bets.state())
  t.is(width, DEFAULT_SAMPLE_FILES)
  await fleet.run(desk.down())
  await fleet.run(of.nas.down())
  for (let i = 0; i < 31; i++) await day()
  await fleet.run(of.nas.up())
  await fleet.run(desk.up())
  t.deepEqual(await fleet.run(desk.node.bets.lies()), [], 'told for a month')
  await fleet.run(fleet.stop())
})

test('what is edited is no lie, before and after it is saved', async (t) => {
  const of = await scene('edits')
  const { fleet, desk } = of
  const tree = desk.tree(ROOT)
  const { mtimeNs } = [...tree.each()].find(([path]) => path === 'many/0/0.txt')?.[1] ?? {}
  tree.put('many/0/0.txt', 'FILE 0', mtimeNs === undefined ? {} : { mtimeNs })
  tree.put('many/0/4.txt', 'longer than before')
  tree.remove('many/0/8.txt')
  tree.refuse('many/1/1.txt')
  t.deepEqual(await audit(of), [36, []])
  await fleet.run(fleet.clock.sleep(2 * MINUTES_MS))
  await fleet.run(desk.node.backUp({}))
  t.deepEqual(await audit(of), [38, []])
  await fleet.run(fleet.stop())
})

test('a backup that becomes the last while a file is read makes no lie of it', async (t) => {
  const of = await scene('overtaken')
  const { fleet, desk } = of
  const ground = await fleet.run(desk.node.tree.betGround(await fleet.run(desk.node.endpoint())))
  desk.tree(ROOT).put('many/0/0.txt', 'newer')
  await fleet.run(desk.node.backUp({}))
  t.false(await fleet.run(ground?.doubt(Buffer.from('many/0/4.txt')) ?? Promise.resolve(true)))
  t.deepEqual(await fleet.run(desk.node.bets.lies()), [])
  await fleet.run(fleet.stop())
})

test('all that adopt took on trust is read when there is time, over restarts', async (t) => {
  const of = await scene('a pass')
  const { fleet, desk } = of
  await fleet.run(desk.node.bets.proveAll())
  t.true((await fleet.run(reportStatus(desk.node))).unproven)
  desk.tree(ROOT).rot('many/2/6.txt', 'FILE 6')
  await fleet.run(desk.down())
  await fleet.run(desk.up())
  t.true((await fleet.run(reportStatus(desk.node))).unproven, 'it is not forgotten')
  await fleet.run(fleet.clock.sleep(30 * MINUTES_MS))
  const { unproven, auditedAt } = await fleet.run(reportStatus(desk.node))
  t.false(unproven)
  t.not(auditedAt, undefined)
  const lied = await fleet.run(desk.node.bets.lies())
  t.deepEqual(
    lied.map(({ path }) => showPath(path)),
    ['many/2/6.txt']
  )
  await fleet.run(fleet.stop())
})

test('where it was, if nobody can read that any more, it begins anew', async (t) => {
  const of = await scene('unreadable')
  const { fleet, desk } = of
  t.deepEqual(await audit(of), [40, []])
  desk.disk.flip('bets.json', 3, 128)
  t.like(await fleet.run(desk.node.bets.state()), { width: DEFAULT_SAMPLE_FILES, lies: [] })
  t.deepEqual(await audit(of), [40, []])
  await fleet.run(fleet.stop())
})
