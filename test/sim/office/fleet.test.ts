// Computers: what each way to end leaves of them, and what their people hear meanwhile.

import test from 'ava'
import { ROOT, join, office } from '../_office.ts'

test('who asks a peer that dies hears nothing more, and it comes back with what was saved', async (t) => {
  const place = await office('ends')
  const { fleet } = place
  await join(place, 'attic')
  const desk = await join(place, 'desk', ROOT)
  desk.tree(ROOT).put('letter', 'dear all')
  for (const how of ['crash', 'kill'] as const) {
    desk.afterPassages(30, () => desk[how]())
    t.is(await fleet.run(desk.ask('backup', {})), undefined)
    t.is(desk.state, 'down')
    t.is(await fleet.run(desk.ask('status', {})), undefined)
    await fleet.run(desk.up())
    t.is(desk.state, 'up')
  }
  const taken = await fleet.run(desk.ask('backup', { waitMs: 60_000 }))
  t.true(taken?.protected)
  desk.crash()
  await fleet.run(desk.up())
  const points = await fleet.run(desk.ask('points', {}))
  t.is(points?.points.at(-1)?.digest, taken?.digest)
  await fleet.run(fleet.stop())
})

test('a peer that dies while it starts can be started again', async (t) => {
  const place = await office('starts')
  const { fleet } = place
  const attic = await join(place, 'attic')
  for (const passages of [1, 5, 20, 60]) {
    attic.crash()
    const start = attic.up()
    attic.afterPassages(passages, () => attic.crash())
    t.is(await fleet.run(start), undefined)
  }
  await fleet.run(attic.up())
  t.is(attic.state, 'up')
  await fleet.run(fleet.stop())
})

test('a computer that sleeps is not there for the others, and goes on when it wakes', async (t) => {
  const place = await office('sleeps')
  const { fleet } = place
  const attic = await join(place, 'attic')
  const desk = await join(place, 'desk', ROOT)
  desk.tree(ROOT).put('letter', 'dear all')
  attic.sleep()
  t.is(attic.state, 'asleep')
  const alone = await fleet.run(desk.ask('backup', {}))
  t.deepEqual(alone?.copies, ['nas'])
  attic.wake()
  await fleet.run(fleet.clock.sleep(5 * 60_000))
  const status = await fleet.run(desk.ask('status', {}))
  t.deepEqual(status?.copies, ['attic', 'nas'])
  await fleet.run(fleet.stop())
})

test('what remains of a computer is what was durable, and it does not notice', async (t) => {
  const { fleet, nas } = await office('remains')
  await nas.disk.open('draft', 'create')
  const { disk } = nas.remains()
  t.false(disk.files().some(({ path }) => path === 'draft'))
  t.true(nas.disk.files().some(({ path }) => path === 'draft'))
  t.true(disk.files().some(({ path }) => path === 'settings.json'))
  await fleet.run(fleet.stop())
})
