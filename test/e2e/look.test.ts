// Looking around in history with the real commands: find, versions, diff and drift.

import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import test from 'ava'
import { Office, missingOf, type Fields } from '../_e2e/office.ts'

const office = new Office()
test.after.always(() => office.close())
const root = (path = ''): string => office.path('desk-root', path)

const pathsOf = (result: Fields): string[] =>
  (result['entries'] as { path: string }[]).map(({ path }) => path)

test.before(async () => {
  for (const path of ['docs/2025', 'docs/2026', 'system'])
    mkdirSync(root(path), { recursive: true })
  for (const path of ['docs/2025/a.odt', 'docs/2026/b.odt', 'docs/.hidden.odt', 'system/tool']) {
    writeFileSync(root(path), `${path}\n`)
  }
  await office.found('desk', ['--root', root()])
  await office.ok('desk', ['base', 'create', 'office@1', '--from', root()])
  await office.ok('desk', ['base', 'adopt', 'office@1'])
  await office.ok('desk', ['backup'])
  appendFileSync(root('docs/2026/b.odt'), 'more\n')
  chmodSync(root('system/tool'), 0o700)
  writeFileSync(root('docs/2026/\u001b[31mred.odt'), 'a name that would colour a terminal')
  await office.ok('desk', ['backup'])
  renameSync(root('docs/2025/a.odt'), root('docs/2026/a.odt'))
  rmSync(root('docs/.hidden.odt'))
  await office.ok('desk', ['backup'])
})

test('find names what fits, in the last point, in an older one, or in all', async (t) => {
  const last = await office.ok('desk', ['find', '*.odt'])
  t.deepEqual(
    pathsOf(last).map((path) => path.replaceAll(/\\x../g, '?')),
    ['docs/2026/?[31mred.odt', 'docs/2026/a.odt', 'docs/2026/b.odt']
  )
  const first = await office.ok('desk', ['find', 'docs/*/*.odt', '--at', '1'])
  t.deepEqual(pathsOf(first), ['docs/2025/a.odt', 'docs/2026/b.odt'])
  const all = await office.ok('desk', ['find', 'b.odt', '--all'])
  const versions = all['entries'] as { points: number[]; size: number }[]
  t.deepEqual(
    versions.map(({ points }) => points),
    [[1], [2, 3]]
  )
  t.deepEqual(pathsOf(await office.ok('desk', ['find', root('docs/20*')])), [
    'docs/2025',
    'docs/2026'
  ])
  const none = await office.run('desk', ['find', 'nothing'], { plain: true })
  t.is(none.code, 0)
  t.regex(none.stdout, /Nothing is called nothing/)
})

test('no name reaches the terminal as it is', async (t) => {
  for (const words of [
    ['find', '*.odt'],
    ['diff', '1', 'latest'],
    ['drift', '--list']
  ]) {
    const { stdout } = await office.run('desk', words, { plain: true })
    t.false(stdout.includes('\u001b'), words.join(' '))
    t.true(stdout.includes('\\x1b[31mred.odt'))
  }
})

test('versions tells since when a path is what it is, and when it was not there', async (t) => {
  const changed = await office.ok('desk', ['versions', root('docs/2026/b.odt')])
  const rows = changed['versions'] as { point: number; to: number; isThere: boolean }[]
  t.deepEqual(
    rows.map(({ point, to, isThere }) => [point, to, isThere]),
    [
      [1, 1, true],
      [2, 3, true]
    ]
  )
  const moved = await office.ok('desk', ['versions', 'docs/2026/a.odt'])
  t.deepEqual(
    (moved['versions'] as { isThere: boolean }[]).map(({ isThere }) => isThere),
    [false, true]
  )
  t.is((await office.run('desk', ['versions', 'docs/never'])).error.name, 'WrongUsage')
})

test('diff names what differs, and what was only moved', async (t) => {
  const found = await office.ok('desk', ['diff', '1', 'latest'])
  t.deepEqual(missingOf(found, 'from to added changed removed bytes entries'), [])
  const rows = found['entries'] as { path: string; kind: string; movedFrom?: string }[]
  const of = (path: string): Fields => ({ ...rows.find((row) => row.path === path) })
  t.is(of('docs/2026/a.odt')['movedFrom'], 'docs/2025/a.odt')
  t.is(of('docs/2026/b.odt')['kind'], 'content')
  t.is(of('system/tool')['kind'], 'metadata')
  t.is(of('docs/.hidden.odt')['kind'], 'removed')
  const same = await office.ok('desk', ['diff', 'latest', '3'])
  t.deepEqual([same['added'], same['changed'], same['removed']], [0, 0, 0])
})

test('restore brings back what fits a pattern, as it lies below its folder', async (t) => {
  const to = office.path('back')
  const done = await office.ok('desk', ['restore', 'docs/**/*.odt', '--at', '1', '--to', to])
  t.is(done['files'], 3)
  t.deepEqual(readdirSync(to, { recursive: true }).sort(), [
    '.hidden.odt',
    '2025',
    '2025/a.odt',
    '2026',
    '2026/b.odt'
  ])
  await office.ok('desk', ['restore', 'docs/20*', '--at', '1', '--to', office.path('folders')])
  t.deepEqual(readdirSync(office.path('folders')).sort(), ['2025', '2026'])
  rmSync(root('docs'), { recursive: true })
  await office.ok('desk', ['restore', 'docs/2026/b.odt', '--in-place'])
  t.deepEqual(readdirSync(root('docs'), { recursive: true }).sort(), ['2026', '2026/b.odt'])
  const none = await office.run('desk', ['restore', '*.none', '--to', to])
  t.is(none.error.name, 'WrongUsage')
})

test('drift tells what differs from the base, with sizes', async (t) => {
  const found = await office.ok('desk', ['drift'])
  t.deepEqual(missingOf(found, 'added changed removed bytes base point'), [])
  t.deepEqual([found['base'], found['added'], found['removed']], ['office@1', 2, 2])
  const at1 = await office.ok('desk', ['drift', '--base', 'office@1', '--at', '1'])
  t.deepEqual([at1['added'], at1['changed'], at1['removed'], at1['bytes']], [0, 0, 0, 0])
  t.is((await office.run('desk', ['drift', '--base', 'office@9'])).error.name, 'BaseUnknown')
})
