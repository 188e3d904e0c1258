// A history moves: to a new computer by an invite, while the old one may come back; and a home that was set
// back, or copied, is told so, loses nothing, and accuses nobody who did no wrong.

import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import test from 'ava'
import { failsIn } from '../_e2e/fails.ts'
import { LOCAL, Office, type Fields } from '../_e2e/office.ts'
import { factsOf } from '../_e2e/tree.ts'

const office = new Office()
const fails = failsIn(office)
const words = ['--recovery-file', office.path('sheet')]
/** A second is long for news on loopback. */
const LOOKS = 60
test.after.always(() => office.close())

async function backUp(name: string, text: string): Promise<Fields> {
  writeFileSync(office.path(`${name}-root`, 'note.txt'), text)
  return office.ok(name, ['backup', '--wait', 'protected=60s'])
}

async function pointsOf(name: string, flags: string[] = []): Promise<number[]> {
  const { points } = await office.ok(name, ['points', ...flags])
  return (points as { point: number }[]).map(({ point }) => point)
}

async function problemsOf(name: string): Promise<string[]> {
  const { problems } = (await office.run(name, ['status'])).result
  return (problems as { name: string }[]).map((problem) => problem.name)
}

async function untilProblem(name: string, problem: string): Promise<void> {
  for (let look = 0; look < LOOKS; look++) {
    if ((await problemsOf(name)).includes(problem)) return
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  throw new Error(`${name} never told of ${problem}`)
}

async function joinReplacing(name: string, endpoint: string): Promise<void> {
  const { code } = await office.ok('nas', ['invite', '--replaces', endpoint])
  const where = ['--addr', office.addressOf('nas'), '--root', office.path(`${name}-root`), ...LOCAL]
  await office.ok(name, ['join', String(code), '--name', name, ...where])
}

test.before(async () => {
  for (const name of ['desk', 'fresh', 'laptop', 'laptop-2']) mkdirSync(office.path(`${name}-root`))
  await office.found('nas')
  await office.ok('nas', ['policy', 'set', 'copies=1', ...words])
  await office.enter('desk', 'endpoint')
  await office.enter('laptop', 'endpoint')
  await backUp('desk', 'one')
  await backUp('desk', 'two')
})

test.serial('an invite hands a history to a new computer, and it goes on there', async (t) => {
  await office.peer('desk').stop()
  await joinReplacing('fresh', 'desk')
  const needed = { code: 1, name: 'KeysNeeded', says: /keys of desk/, next: /recover/ }
  await fails(t, ['fresh', 'backup'], needed)
  await office.ok('fresh', ['recover', ...words])
  t.deepEqual(await pointsOf('fresh'), [1, 2])
  await office.ok('fresh', ['restore', '--in-place', '--yes'])
  t.deepEqual(factsOf(office.path('fresh-root')), factsOf(office.path('desk-root')))
  await office.up('fresh')
  t.is((await backUp('fresh', 'three'))['point'], 3)
  t.deepEqual(await pointsOf('nas', ['--endpoint', 'desk', ...words]), [1, 2, 3])
})

test.serial(
  'the old computer is told when it comes back, and still restores its own',
  async (t) => {
    await office.up('desk')
    await untilProblem('desk', 'HistoryMoved')
    const moved = { code: 1, name: 'HistoryMoved', says: /goes on on fresh/, next: /new home/ }
    await fails(t, ['desk', 'backup'], moved)
    await fails(t, ['desk', 'retention', 'apply', '--keep-last', '1'], moved)
    const to = office.path('desk-back')
    await office.ok('desk', ['restore', '--at', '2', '--to', to])
    t.deepEqual(factsOf(to), factsOf(office.path('desk-root')))
    t.is((await backUp('fresh', 'four'))['point'], 4)
    await office.peer('desk').stop()
  }
)

test.serial(
  'an invite that replaces is for one computer, and for an endpoint there is',
  async (t) => {
    const usage = { code: 2, name: 'WrongUsage', says: /one computer/ }
    await fails(t, ['nas', 'invite', '--replaces', 'desk', '--uses', '2'], usage)
    await fails(t, ['nas', 'invite', '--replaces', 'desk', '--role', 'storage'], usage)
    const unknown = { code: 1, name: 'EndpointUnknown', says: /no endpoint is called nobody/ }
    await fails(t, ['nas', 'invite', '--replaces', 'nobody'], unknown)
  }
)

test.serial('a copy of a home is told, and the computer it was copied from goes on', async (t) => {
  await backUp('laptop', 'one')
  await office.peer('laptop').stop()
  cpSync(office.home('laptop'), office.home('copy'), { recursive: true })
  cpSync(office.home('laptop'), office.home('saved'), { recursive: true })
  await office.up('laptop')
  await backUp('laptop', 'two')
  await office.peer('laptop').stop()
  await office.up('copy')
  await untilProblem('copy', 'HeadForked')
  await fails(t, ['copy', 'backup'], { code: 1, name: 'HeadForked', says: /keepers know head 2/ })
  t.deepEqual(await pointsOf('copy'), [1])
  await office.peer('copy').stop()
  await office.up('laptop')
  t.is((await backUp('laptop', 'three'))['point'], 3)
  t.false((await problemsOf('laptop')).includes('HeadForked'))
  await office.peer('laptop').stop()
})

test.serial(
  'a home that was set back is told, and goes on under a new key with all points',
  async (t) => {
    rmSync(office.home('laptop'), { recursive: true })
    cpSync(office.home('saved'), office.home('laptop'), { recursive: true })
    await office.up('laptop')
    await untilProblem('laptop', 'HeadForked')
    await fails(t, ['laptop', 'backup'], { code: 1, name: 'HeadForked', says: /keepers know head/ })
    await office.peer('laptop').stop()
    const where = ['--addr', office.addressOf('nas'), ...LOCAL]
    const on = [
      '--root',
      office.path('laptop-2-root'),
      '--replaces',
      'laptop',
      '--name',
      'laptop-2'
    ]
    await office.ok('laptop-2', ['recover', ...on, ...where, ...words])
    t.deepEqual(await pointsOf('laptop-2'), [1, 2, 3])
    await office.up('laptop-2')
    t.is((await backUp('laptop-2', 'four'))['point'], 4)
  }
)
