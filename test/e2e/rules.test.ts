// What is left out, by the real commands: rules of the computer, ignore files in the tree; and a deletion
// that is so large that it is told.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import test from 'ava'
import { Office } from '../_e2e/office.ts'

const office = new Office()
test.after.always(() => office.close())
const root = (path = ''): string => office.path('desk-root', path)

test.before(async () => {
  for (const path of ['src', 'cache', 'many']) mkdirSync(root(path), { recursive: true })
  for (const path of ['src/a.c', 'src/a.o', 'a.tmp', 'cache/big']) writeFileSync(root(path), path)
  for (let i = 0; i < 150; i++) writeFileSync(root(`many/${i}`), `${i}`)
  writeFileSync(root('cache/CACHEDIR.TAG'), 'Signature: 8a477f597d28d172789f06886806bc55')
  writeFileSync(root('src/.drystoneignore'), '*.o\n')
  await office.found('desk', ['--root', root()])
})

async function names(path = ''): Promise<string[]> {
  const { entries } = await office.ok('desk', ['ls', 'latest', ...(path === '' ? [] : [path])])
  return (entries as { path: string }[]).map((entry) => entry.path).sort()
}

test.serial(
  'rules and ignore files leave out what they name, from the next backup on',
  async (t) => {
    await office.ok('desk', ['backup'])
    const before = await names()
    t.true(before.some((path) => path.endsWith('a.tmp')))
    t.false((await names(root('src'))).some((path) => path.endsWith('a.o')))
    const words = [
      '--exclude',
      '*.tmp',
      '--exclude-caches',
      '--exclude',
      '/many/1*',
      '--include',
      '15'
    ]
    const rules = await office.ok('desk', ['rules', ...words])
    t.deepEqual(rules['ignore'], ['*.tmp', '/many/1*', '!15'])
    t.deepEqual([rules['excludeCaches'], rules['oneFileSystem']], [true, false])
    const done = await office.ok('desk', ['backup'])
    t.is(done['why'], 'what is left out has changed')
    t.false((await names()).some((path) => path.endsWith('a.tmp')))
    t.deepEqual(
      (await names(root('cache'))).map((path) => path.split('/').at(-1)),
      ['CACHEDIR.TAG']
    )
    t.true((await names(root('many'))).some((path) => path.endsWith('/15')))
    t.false((await names(root('many'))).some((path) => path.endsWith('/16')))
    const shown = await office.run('desk', ['rules'], { plain: true })
    t.regex(shown.stdout, /\*\.tmp/)
  }
)

test.serial('rules last over a restart, and go when they are cleared', async (t) => {
  await office.peer('desk').stop()
  const kept = await office.ok('desk', ['rules'])
  t.deepEqual([kept['changed'], (kept['ignore'] as string[]).length], [false, 3])
  await office.up('desk')
  await office.ok('desk', ['rules', '--clear'])
  await office.ok('desk', ['backup'])
  t.true((await names()).some((path) => path.endsWith('a.tmp')))
})

test.serial('a deletion of much of the tree is told, and the point is taken', async (t) => {
  rmSync(root('many'), { recursive: true })
  const { result } = await office.run('desk', ['backup'])
  t.deepEqual(result['loss'], { gone: 151, of: 159 })
  const { points } = await office.ok('desk', ['points'])
  t.deepEqual((points as Record<string, unknown>[]).at(-1)?.['loss'], { gone: 151, of: 159 })
})
