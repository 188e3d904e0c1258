// Presence: a keeper that is lost is replaced by another, and one that comes back counts again.

import test from 'ava'
import { DEFAULT_ABSENT_MS } from '../../../node/mesh/presence.ts'
import { ROOT, join, office } from '../../sim/_office.ts'

test('a copy on a lost computer does not count, and another keeper takes its place', async (t) => {
  const place = await office('presence')
  const { fleet } = place
  const attic = await join(place, 'attic')
  const desk = await join(place, 'desk', ROOT)
  desk.tree(ROOT).put('letter', 'dear all')
  const taken = await fleet.run(desk.ask('backup', { waitMs: 60_000 }))
  t.deepEqual(taken?.copies, ['attic', 'nas'])
  const cellar = await join(place, 'cellar')
  const { scope } = await desk.node.endpoint()
  t.deepEqual(await cellar.node.store.usage(scope), { blocks: 0, bytes: 0 })

  attic.crash()
  await fleet.run(fleet.clock.sleep(DEFAULT_ABSENT_MS / 2))
  const before = await fleet.run(desk.ask('status', {}))
  t.deepEqual(before?.copies, ['attic', 'nas'])
  t.true(before?.isProtected)

  await fleet.run(fleet.clock.sleep(DEFAULT_ABSENT_MS))
  const after = await fleet.run(desk.ask('status', {}))
  t.deepEqual(after?.copies, ['cellar', 'nas'])
  t.true(after?.isProtected)
  t.true(
    after?.problems.some(({ name, message }) => {
      return name === 'KeeperAbsent' && message.startsWith('attic ')
    })
  )
  t.true((await cellar.node.store.usage(scope)).blocks > 0)

  await fleet.run(attic.up())
  await fleet.run(fleet.clock.sleep(60_000))
  const back = await fleet.run(desk.ask('status', {}))
  t.deepEqual(back?.copies, ['attic', 'cellar', 'nas'])
  t.deepEqual(back?.problems, [])
  await fleet.run(fleet.stop())
})
