// Which restore points stay, with the real commands: plan, apply, rules of the mesh, pins and collapse.

import { writeFileSync, mkdirSync } from 'node:fs'
import test from 'ava'
import { failsIn } from '../_e2e/fails.ts'
import { Office, missingOf, type Fields } from '../_e2e/office.ts'

const office = new Office()
const fails = failsIn(office)
test.after.always(() => office.close())
const words = ['--recovery-file', office.path('sheet')]
const root = (path = ''): string => office.path('desk-root', path)

async function backUp(text: string): Promise<Fields> {
  writeFileSync(root('note.txt'), text)
  return office.ok('desk', ['backup'])
}

async function points(): Promise<number[]> {
  const { points: listed } = await office.ok('desk', ['points'])
  return (listed as { point: number }[]).map(({ point }) => point)
}

const numbersOf = (rows: unknown): number[] =>
  (rows as { point: number }[]).map(({ point }) => point)

test.before(async () => {
  mkdirSync(root(), { recursive: true })
  await office.found('nas')
  await office.ok('nas', ['policy', 'set', 'copies=1', ...words])
  await office.enter('desk', 'endpoint')
  for (const text of ['one', 'two', 'three', 'four', 'five']) await backUp(text)
})

test.serial('a plan says what would go and why, and changes nothing', async (t) => {
  const plan = await office.ok('desk', [
    'retention',
    'plan',
    '--keep-last',
    '2',
    '--keep-daily',
    '1'
  ])
  t.deepEqual(missingOf(plan, 'dropped kept before after rules applied'), [])
  t.deepEqual(numbersOf(plan['dropped']), [1, 2, 3])
  t.deepEqual([plan['before'], plan['after'], plan['applied']], [5, 2, false])
  t.like((plan['dropped'] as Fields[])[0], { instead: { rule: 'daily', point: 5 } })
  t.deepEqual((plan['kept'] as Fields[])[1]?.['why'], ['latest', 'last', 'daily'])
  const within = await office.ok('desk', ['retention', 'plan', '--keep-within', '1h'])
  t.deepEqual(within['dropped'], [])
  t.deepEqual(await points(), [1, 2, 3, 4, 5])
  const shown = await office.run('desk', ['retention', 'plan', '--keep-last', '2'], { plain: true })
  t.regex(shown.stdout, /3 of 5 restore points would go, 2 stay\./)
})

test.serial('without rules everything stays, and the next thing to do is named', async (t) => {
  const plan = await office.run('desk', ['retention', 'plan'], { plain: true })
  t.regex(plan.stdout, /The mesh has no rules/)
  t.regex(plan.stdout, /Next: `drystone policy set keep-/)
})

test.serial('pins hold while rules and a collapse let go of the others', async (t) => {
  t.like(await office.ok('desk', ['pin', '2']), { point: 2, pinned: true, before: 5, after: 5 })
  const collapsed = await office.ok('desk', ['collapse', '--from', '1', '--to', '4'])
  t.deepEqual(numbersOf(collapsed['dropped']), [3])
  const applied = await office.ok('desk', ['retention', 'apply', '--keep-last', '1'])
  t.deepEqual(numbersOf(applied['dropped']), [1, 4])
  t.deepEqual(await points(), [2, 5])
  await office.ok('desk', ['unpin', '2'])
  const wanted = { code: 1, name: 'PointUnknown', says: /no such restore point/ }
  await fails(t, ['desk', 'pin', '99'], wanted)
})

test.serial('by the rules of the mesh a backup lets go of old points by itself', async (t) => {
  const set = await office.ok('nas', ['policy', 'set', 'keep-last=2'])
  t.deepEqual(missingOf(set, 'version policy'), [])
  for (let rules; rules === undefined;) {
    const { policy } = await office.ok('desk', ['policy', 'show'])
    rules = (policy as Fields)['keep']
  }
  const { dropped } = await backUp('six')
  t.deepEqual(dropped, [2])
  t.deepEqual(await points(), [5, 6])
  const restored = await office.ok('desk', ['restore', '--at', '5', '--to', office.path('five')])
  t.is(restored['point'], 5)
})

test.serial('an admin asks for more, and for less only with the recovery words', async (t) => {
  const less = { code: 1, name: 'NotSafer', says: /less safe/, next: /--recovery-file/ }
  await fails(t, ['nas', 'policy', 'set', 'keep-last=1'], less)
  await fails(t, ['nas', 'policy', 'set', 'undo=7d'], less)
  const notAdmin = { code: 1, name: 'NotAdmin', says: /no admin/ }
  await fails(t, ['desk', 'policy', 'set', 'keep-last=9'], notAdmin)
  const whole = { code: 2, name: 'WrongUsage', says: /an endpoint’s own/ }
  await fails(t, ['nas', 'policy', 'set', 'copies=2', '--endpoint', 'desk'], whole)
  const { policy } = await office.ok('nas', ['policy', 'set', 'keep-last=1', 'undo=14d', ...words])
  t.like(policy, { keep: { last: 1 }, undoDays: 14 })
  const own = ['policy', 'set', 'keep-daily=7', '--endpoint', 'desk']
  t.like((await office.ok('nas', own))['policy'], {
    endpoints: { desk: { last: 1, daily: 7 } }
  })
})

test.serial('what cannot be read as a rule or a point is wrong usage', async (t) => {
  for (const line of [
    ['retention', 'plan', '--keep-last', 'x'],
    ['retention', 'plan', '--keep-within', '3'],
    ['policy', 'set', 'nothing=1'],
    ['policy', 'set', 'copies=99'],
    ['collapse', '--from', 'tomorrowish', '--to', '2']
  ]) {
    await fails(t, ['desk', ...line], { code: 2, name: 'WrongUsage', says: /./ })
  }
})
