// Change tracking with real processes: a peer that runs hears of what happens to its folder; one that was
// started anew, or never ran, looks at everything. Every point is held against a look of another command.

import { appendFileSync, linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { Office, type Fields } from '../_e2e/office.ts'
import { makeTree } from '../_e2e/tree.ts'

const office = new Office()
test.after.always(() => office.close())
const root = (path: string): string => office.path('desk-root', path)

test.before(async () => {
  makeTree(office.path('desk-root'))
  for (const path of ['a/b/c', 'a/d']) mkdirSync(root(path), { recursive: true })
  await office.found('desk', ['--root', office.path('desk-root')])
})

/** A backup, and whether it is what the tree is now. */
async function backUp(t: ExecutionContext, words: string[] = []): Promise<Fields> {
  const done = await office.ok('desk', ['backup', ...words])
  const { digest } = await office.ok('desk', ['digest', office.path('desk-root')])
  t.is(done['digest'], digest)
  return done
}

const onLinux = process.platform === 'linux' ? test.serial : test.serial.skip

onLinux('a running peer looks at everything once, and then where something changed', async (t) => {
  const first = await backUp(t)
  t.deepEqual([first['mode'], first['why']], ['scan', 'the first since the peer started'])
  writeFileSync(root('a/b/c/new'), 'new')
  mkdirSync(root('a/b/made/since'), { recursive: true })
  writeFileSync(root('a/b/made/since/file'), 'in a directory that was not heard of before')
  const next = await backUp(t)
  t.is(next['mode'], 'tracked')
  renameSync(root('a/b'), root('a/d/moved'))
  t.is((await backUp(t))['mode'], 'tracked')
  appendFileSync(root('a/d/moved/made/since/file'), ', and moved')
  rmSync(root('a/d/moved/c'), { recursive: true })
  const last = await backUp(t)
  t.is(last['mode'], 'tracked')
  t.is(last['deleted'], 2)
})

onLinux('it looks at everything when asked, and sees a write by another name', async (t) => {
  t.is((await backUp(t, ['--scan']))['why'], 'asked for')
  writeFileSync(root('a/single'), 'one name')
  t.is((await backUp(t))['mode'], 'tracked')
  linkSync(root('a/single'), root('a/d/second'))
  await backUp(t)
  writeFileSync(root('a/d/second'), 'written by the other name')
  t.is((await backUp(t))['mode'], 'tracked')
})

onLinux(
  'a peer that was killed knows nothing of what happened meanwhile, and says so',
  async (t) => {
    await office.peer('desk').kill()
    writeFileSync(root('a/single'), 'while nobody listened')
    const alone = await backUp(t)
    t.is(alone['why'], 'no peer was running that could have heard of changes')
    await office.up('desk')
    t.is((await backUp(t))['why'], 'the first since the peer started')
    t.is((await backUp(t))['mode'], 'tracked')
  }
)
