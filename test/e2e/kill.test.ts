// Kill -9 in the middle of each step. Whoever was killed is started again, the same command is run again,
// and it carries on: nothing that was acknowledged is lost, and every block that is there is whole.

import { mkdirSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { LOCAL, Office, type Fields, type RunInit } from '../_e2e/office.ts'
import { factsOf, makeTree } from '../_e2e/tree.ts'

const office = new Office()
const WAIT = ['backup', '--wait', 'protected=40s']
const image = office.path('image')
const root = office.path('desk-root')
test.after.always(() => office.close())

test.before(async () => {
  await office.found('nas')
  await office.enter('attic', 'storage')
  makeTree(image, { bytes: 10 << 20, more: 3 })
  makeTree(root, { bytes: 10 << 20, more: 3 })
  await office.enter('desk', 'endpoint')
})

/**
 * Runs a command and kills a peer, or the command itself, at the `nth` line that it prints. Returns 1 if it
 * was cut, and 0 if it was done already.
 */
async function killAt(
  nth: number,
  victim: string | undefined,
  [name, ...words]: [string, ...string[]]
): Promise<number> {
  let seen = 0
  let killing: Promise<void> | undefined
  const init: RunInit = {
    onLine: (_, child) => {
      if (++seen !== nth) return
      if (victim === undefined) child.kill('SIGKILL')
      else killing = office.peer(victim).kill()
    }
  }
  const { code, error } = await office.run(name, words, init)
  await killing
  if (code === 0) return 0
  if (victim !== undefined && error.name !== 'WireCut') throw new Error(`it says ${error.name}`)
  return 1
}

/** Kills what a command started with a delay, or finds it done already. */
async function killAfter(ms: number, [name, ...words]: [string, ...string[]]): Promise<void> {
  const child = office.spawn(name, [...words, '--json'])
  child.stdin?.end()
  child.stdout?.resume()
  child.stderr?.resume()
  const gone = new Promise((resolve) => child.once('close', resolve))
  const timer = setTimeout(() => child.kill('SIGKILL'), ms)
  await gone
  clearTimeout(timer)
}

/** Waits until a peer has heard that the base is ready. */
async function isReady(name: string): Promise<void> {
  for (let tries = 0; tries < 40; tries++) {
    const { bases } = await office.ok(name, ['base', 'list'])
    if ((bases as Fields[])[0]?.['ready'] === true) return
  }
  throw new Error(`${name} never heard of the base`)
}

async function isIntact(t: ExecutionContext, ...names: string[]): Promise<void> {
  for (const name of names) {
    const report = await office.ok(name, ['check', '--deep'])
    t.deepEqual([report['damaged'], report['quarantined']], [[], []])
  }
}

test.serial('an endpoint is killed while it backs up', async (t) => {
  let cuts = 0
  for (const nth of [2, 4]) {
    cuts += await killAt(nth, 'desk', ['desk', ...WAIT])
    await office.peer('desk').kill()
    await office.up('desk')
  }
  t.true(cuts > 0)
  const done = await office.ok('desk', WAIT)
  t.deepEqual(done['copies'], ['attic', 'nas'])
  await isIntact(t, 'desk', 'nas', 'attic')
})

test.serial('a keeper is killed while it is offered a head', async (t) => {
  makeTree(office.path('desk-root', 'more'), { bytes: 10 << 20, more: 3 })
  let killing: Promise<void> | undefined
  const again = office.run('desk', WAIT, {
    onLine: ({ saved }) => {
      if (saved !== true) return
      setTimeout(() => void (killing = office.peer('attic').kill()), 60)
    }
  })
  while (killing === undefined) await new Promise((resolve) => setTimeout(resolve, 20))
  await killing
  await office.up('attic')
  t.is((await again).code, 0, 'the very backup that was cut ends protected')
  await isIntact(t, 'attic')
  const to = office.path('back')
  await office.ok('desk', ['restore', '--to', to])
  t.deepEqual(factsOf(to), factsOf(root))
})

test.serial('a publisher is killed while it makes a base', async (t) => {
  const create = ['base', 'create', 'office@1', '--from', image]
  let cuts = 0
  for (const nth of [1, 3]) {
    cuts += await killAt(nth, 'nas', ['nas', ...create])
    await office.peer('nas').kill()
    await office.up('nas')
  }
  t.true(cuts > 0)
  await office.ok('nas', create)
  const { bases } = await office.ok('nas', ['base', 'list'])
  t.is((bases as Fields[]).length, 1, 'it is signed once')
  t.is((await office.ok('nas', ['base', 'verify', 'office@1']))['ok'], true)
  await isIntact(t, 'nas', 'attic')
})

test.serial('a storage peer is killed while it fetches a base', async (t) => {
  await office.enter('shed', 'storage')
  const fetch = ['base', 'fetch', 'office@1']
  await isReady('shed')
  // A keeper begins to fetch it by itself: that may be as far as the command, or further.
  await killAt(1, 'shed', ['shed', ...fetch])
  await office.peer('shed').kill()
  await office.up('shed')
  await office.ok('shed', fetch)
  t.is((await office.ok('shed', ['base', 'verify', 'office@1']))['ok'], true)
  await isIntact(t, 'shed')
})

test.serial('the command that deploys is killed, and the peer that serves it', async (t) => {
  mkdirSync(office.path('lab-root'))
  await office.enter('lab', 'endpoint')
  const deploy = ['base', 'deploy', 'office@1', '--to', office.path('lab-root')]
  const cuts = await killAt(1, undefined, ['lab', ...deploy])
  const again = await killAt(1, 'lab', ['lab', ...deploy])
  await office.peer('lab').kill()
  await office.up('lab')
  t.is(cuts, 1)
  if (again === 1) await office.ok('lab', deploy)
  t.deepEqual(factsOf(office.path('lab-root')), factsOf(image))
  t.is((await office.ok('lab', ['backup']))['baseHashedBytes'], 0)
})

test.serial('a restore is killed, and goes on with what it has written', async (t) => {
  const restore = ['restore', '--to', office.path('again')]
  t.is(await killAt(4, undefined, ['desk', ...restore]), 1)
  await office.ok('desk', restore)
  t.deepEqual(factsOf(office.path('again')), factsOf(root))
})

test.serial('join is killed in the middle, and setup too', async (t) => {
  const { code } = await office.ok('nas', ['invite', '--uses', '1'])
  const where = ['--addr', office.addressOf('nas')]
  const join = ['join', String(code), '--name', 'late', ...where, ...LOCAL]
  for (const ms of [300, 600, 900]) await killAfter(ms, ['late', ...join])
  const joined = await office.run('late', join)
  if (joined.code !== 0) t.is(joined.error.name, 'AlreadyInMesh')
  await office.up('late')
  const { peers } = await office.ok('late', ['peers'])
  t.is((peers as Fields[]).filter(({ name }) => String(name).startsWith('late')).length, 1)

  const setup = ['setup', '--name', 'lone', ...LOCAL]
  for (const ms of [250, 400, 550]) await killAfter(ms, ['lone', ...setup])
  const set = await office.run('lone', setup)
  if (set.code !== 0) t.is(set.error.name, 'AlreadyInMesh')
  t.is((await office.ok('lone', ['peers']))['ok'], true)
})

test.serial('after all of it everything that was acknowledged is there', async (t) => {
  const { points } = await office.ok('desk', ['points'])
  t.true((points as Fields[]).length >= 2)
  for (const { point } of points as Fields[]) {
    const proof = await office.ok('desk', ['verify', String(point), '--deep'])
    t.deepEqual([proof['damaged'], proof['missing']], [[], []])
  }
})
