// The small files of a home: whichever of them rots, or is taken away, is named, comes back from wherever it
// is still known, and what was there is kept aside.

import test, { type ExecutionContext } from 'ava'
import { createBase } from '../../node/publisher.ts'
import type { Computer } from '../../sim/office/fleet.ts'
import { ROOT, join, office, type Office } from '../sim/_office.ts'

const MINUTES = 60_000
/** What a process makes anew at each start, holds no truth, or is looked at as blocks. */
const OTHERS = /^(blocks|control|quarantine)\/|^\.drystone-home$/

interface Kept {
  of: Office
  nas: Computer
  attic: Computer
}

async function keeping(seed: string): Promise<Kept> {
  const of = await office(seed)
  const { fleet, nas } = of
  nas.tree('/image').put('usr/tool', 'tool')
  await fleet.run(createBase(nas.node, { tree: nas.tree('/image'), name: 'system', label: '1' }))
  const attic = await join(of, 'attic')
  const desk = await join(of, 'desk', ROOT)
  desk.tree(ROOT).put('letter', 'dear reader')
  await fleet.run(desk.node.backUp({}))
  await fleet.run(desk.node.replicate())
  await fleet.run(fleet.clock.sleep(15 * MINUTES))
  return { of, nas, attic }
}

function filesOf({ disk }: Computer): string[] {
  return disk
    .files()
    .map(({ path }) => path)
    .filter((path) => !OTHERS.test(path))
}

async function check({ fleet }: Office, computer: Computer): Promise<string[]> {
  const args = { deep: false, rebuildIndex: false }
  return (await fleet.run(computer.ask('check', args)))?.damaged ?? ['no answer']
}

async function repair(t: ExecutionContext, { fleet }: Office, computer: Computer) {
  return (await fleet.run(computer.ask('repair', { fullSpeed: true }))) ?? t.fail('no answer')
}

test('every small file that rots while the peer runs is named, and repaired', async (t) => {
  const { of, attic } = await keeping('running')
  t.deepEqual(await check(of, attic), [])
  const paths = filesOf(attic)
  for (const folder of [
    'roster',
    'spare',
    'bases',
    'base-receipts',
    'marks',
    'receipts',
    'heads'
  ]) {
    t.true(
      paths.some((path) => path.startsWith(`${folder}/`)),
      folder
    )
  }
  for (const path of paths) {
    const before = Buffer.from(attic.disk.read(path))
    attic.disk.flip(path, before.length >> 1, 128)
    const rotten = Buffer.from(attic.disk.read(path))
    t.deepEqual(await check(of, attic), [path])
    const { repaired, unrepaired, quarantined } = await repair(t, of, attic)
    t.deepEqual([repaired, unrepaired], [[path], []], path)
    const aside = quarantined.find((each) => each.startsWith(`quarantine/${path}`)) ?? t.fail(path)
    t.deepEqual(Buffer.from(attic.disk.read(aside)), rotten)
    if (!path.endsWith('.json')) t.deepEqual(Buffer.from(attic.disk.read(path)), before, path)
  }
  await of.fleet.run(of.fleet.stop())
})

test('what rotted before the peer started comes back from others, or is worth nothing', async (t) => {
  const { of, nas, attic } = await keeping('restarted')
  const { fleet } = of
  await fleet.run(attic.down())
  const lost = filesOf(attic).filter((path) => /^(heads|bases|marks|receipts|base-r)/.test(path))
  for (const path of lost) attic.disk.flip(path, attic.disk.read(path).length >> 1)
  await fleet.run(attic.up())
  await fleet.run(fleet.clock.sleep(5 * MINUTES))
  const { unrepaired } = await repair(t, of, attic)
  t.deepEqual(unrepaired, [])
  t.deepEqual(await check(of, attic), [])
  const [scope = ''] = attic.node.heads.endpoints()
  const id = Buffer.from(scope, 'hex')
  t.is(attic.node.heads.last(id)?.head.seq, nas.node.heads.last(id)?.head.seq)
  await fleet.run(fleet.stop())
})

test('a head that nobody can give back stays where it is', async (t) => {
  const { of, nas, attic } = await keeping('alone')
  const { fleet } = of
  const path = filesOf(attic).find((each) => each.startsWith('heads/')) ?? t.fail()
  await fleet.run(attic.down())
  for (const each of [path, `spare/${path}`]) {
    attic.disk.flip(each, attic.disk.read(each).length >> 1)
  }
  const rotten = Buffer.from(attic.disk.read(path))
  for (const each of [nas, fleet.computer('desk')]) await fleet.run(each.down())
  await fleet.run(attic.up())
  const { unrepaired } = await repair(t, of, attic)
  t.true(unrepaired.includes(path))
  t.deepEqual(Buffer.from(attic.disk.read(path)), rotten)
  await fleet.run(nas.up())
  await fleet.run(fleet.clock.sleep(5 * MINUTES))
  t.deepEqual((await repair(t, of, attic)).unrepaired, [])
  await fleet.run(fleet.stop())
})
