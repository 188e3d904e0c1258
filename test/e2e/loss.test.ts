// The loss that all of this is for: a desk and a storage peer are gone, process and home, nobody of rank is
// alive, and a blank computer with the words on a sheet of paper brings everything back and goes on.

import { appendFileSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { LOCAL, Office, type Fields } from '../_e2e/office.ts'
import { factsOf, makeTree } from '../_e2e/tree.ts'

const office = new Office()
const lost = office.path('lost')
const words = ['--recovery-file', office.path('sheet')]
test.after.always(() => office.close())

test.before(async () => {
  await office.found('nas')
  await office.enter('attic', 'storage')
  makeTree(office.path('desk-root'))
  await office.enter('desk', 'endpoint')
})

test.serial('without any base the first backup starts from nothing', async (t) => {
  const { bases } = await office.ok('desk', ['base', 'list'])
  t.deepEqual(bases, [])
  const done = await office.ok('desk', ['backup', '--wait', 'protected=40s'])
  t.like(done, { point: 1, copies: ['attic', 'nas'], baseHashedBytes: 0 })
  appendFileSync(office.path('desk-root', 'script.sh'), 'true\n')
  t.like(await office.ok('desk', ['backup', '--wait', 'protected=40s']), { point: 2 })
})

test.serial(
  'a computer with the words reads another one without taking over its history',
  async (t) => {
    await office.ok('reader', ['recover', '--name', 'reader', ...words, ...LOCAL])
    await office.up('reader')
    const to = office.path('read')
    const restore = ['restore', '--endpoint', 'desk', '--to', to]
    const refused = await office.run('reader', restore)
    t.is(refused.error.name, 'NoKeys')
    await office.ok('reader', [...restore, ...words])
    t.deepEqual(factsOf(to), factsOf(office.path('desk-root')))
    const older = office.path('older')
    await office.ok('reader', ['restore', '--at', 'desk/1', '--to', older, ...words])
    t.notDeepEqual(factsOf(older), factsOf(to))
    const { points } = await office.ok('reader', ['points', '--endpoint', 'desk', ...words])
    t.is((points as Fields[]).length, 2)
    const { entries } = await office.ok('reader', ['ls', 'desk/2', 'letters/old', ...words])
    t.is((entries as Fields[]).length, 1)
    t.like(await office.ok('desk', ['backup', '--wait', 'protected=40s']), { point: 3 })
  }
)

test.serial(
  'desk and nas are lost; a blank computer with the words alone has all of it back',
  async (t) => {
    renameSync(office.path('desk-root'), lost)
    await office.destroy('desk')
    await office.destroy('nas')

    const root = office.path('desk-2-root')
    mkdirSync(root)
    const flags = ['--name', 'desk-2', '--root', root, '--replaces', 'desk', ...LOCAL]
    const back = await office.ok('desk-2', ['recover', ...words, ...flags])
    t.true(['attic', 'reader'].includes(String(back['via'])))
    t.true((back['endpoints'] as string[]).length >= 1)
    await office.up('desk-2')
    const restored = await office.ok('desk-2', ['restore', '--in-place'])
    t.deepEqual(factsOf(root), factsOf(lost))
    t.is((await office.ok('desk-2', ['digest', root]))['digest'], restored['digest'])
  }
)

test.serial('its history goes on from there, reading nothing twice', async (t) => {
  const done = await office.ok('desk-2', ['backup'])
  t.like(done, { point: 4, changed: 0, hashedBytes: 0 })
  appendFileSync(join(office.path('desk-2-root'), 'script.sh'), 'false\n')
  t.like(await office.ok('desk-2', ['backup']), { point: 5 })
  const { points } = await office.ok('desk-2', ['points'])
  t.deepEqual(
    (points as Fields[]).map(({ point }) => point),
    [1, 2, 3, 4, 5]
  )
})

test.serial(
  'one copy is fewer than policy asks, and status says so until another computer keeps it',
  async (t) => {
    const before = await office.run('desk-2', ['status'])
    t.is(before.code, 4)
    t.deepEqual(before.result['copies'], ['attic'])
    await office.ok('shed', ['recover', '--name', 'shed', '--role', 'storage', ...words, ...LOCAL])
    await office.up('shed')
    const done = await office.ok('desk-2', ['backup', '--wait', 'protected=40s'])
    t.deepEqual(done['copies'], ['attic', 'shed'])
    t.is((await office.ok('shed', ['check', '--deep']))['ok'], true)
  }
)
