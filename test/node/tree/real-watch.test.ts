// Hearing of changes on a real disk: every kind of change is told, once; what is not told is said.

import test from 'ava'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync
} from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathOf } from '../../../node/tree/path.ts'
import { openTree } from '../../../node/tree/real-tree.ts'
import type { TreeWatch } from '../../../node/tree/watch.ts'

interface Scene {
  folder: string
  watch: TreeWatch
  at: (path: string) => string
}

const onLinux = process.platform === 'linux' ? test : test.skip

async function scene(t: { teardown: (work: () => unknown) => void }): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'drystone-watch-'))
  mkdirSync(join(folder, 'a/b'), { recursive: true })
  writeFileSync(join(folder, 'a/file'), 'some')
  const watch = await (await openTree(folder)).watch()
  t.teardown(async () => {
    watch.close()
    await rm(folder, { recursive: true })
  })
  return { folder, watch, at: (path) => join(folder, path) }
}

const CHANGES: Record<string, (at: (path: string) => string) => void> = {
  'a write': (at) => writeFileSync(at('a/file'), 'other'),
  'a new file': (at) => writeFileSync(at('a/new'), ''),
  'a new directory': (at) => mkdirSync(at('a/new')),
  'a name that goes': (at) => rmSync(at('a/file')),
  'a name that comes from elsewhere': (at) => renameSync(at('elsewhere'), at('a/moved')),
  'a name that leaves': (at) => renameSync(at('a/file'), at('moved')),
  'a new mode': (at) => chmodSync(at('a/file'), 0o600),
  'a new time': (at) => utimesSync(at('a/file'), 1, 1),
  'a new name of a file': (at) => linkSync(at('elsewhere'), at('a/link')),
  'a new mode of the directory itself': (at) => chmodSync(at('a'), 0o700),
  'the directory itself moving away': (at) => renameSync(at('a'), at('away'))
}

for (const [what, change] of Object.entries(CHANGES)) {
  onLinux(`${what} is told of its directory, once`, async (t) => {
    const { watch, at } = await scene(t)
    writeFileSync(at('elsewhere'), '')
    const { id } = watch.attend(pathOf('a')) ?? t.fail()
    t.deepEqual(watch.heard(), { ids: [], isLost: false })
    change(at)
    t.deepEqual(watch.heard(), { ids: [id], isLost: false })
    writeFileSync(at('elsewhere'), 'x')
    t.deepEqual(watch.heard().ids, [])
  })
}

onLinux('a directory that told is heard of again when it is attended again', async (t) => {
  const { watch, at } = await scene(t)
  for (const content of ['first', 'second']) {
    const { id } = watch.attend(pathOf('a')) ?? t.fail()
    writeFileSync(at('a/file'), content)
    t.deepEqual(watch.heard().ids, [id])
  }
})

onLinux('one directory is one, under whatever path it is attended', async (t) => {
  const { watch, at } = await scene(t)
  const first = watch.attend(pathOf('a/b')) ?? t.fail()
  mkdirSync(at('c'))
  const other = watch.attend(pathOf('c')) ?? t.fail()
  t.not(first.id, other.id)
  t.deepEqual(watch.attend(pathOf('a/b')), first)
})

onLinux('what is no directory, or is gone, is not heard of', async (t) => {
  const { watch } = await scene(t)
  t.is(watch.attend(pathOf('a/file')), undefined)
  t.is(watch.attend(pathOf('none')), undefined)
})

onLinux('more events than the queue holds are said to be lost', async (t) => {
  const { watch, at } = await scene(t)
  const count = 9000
  for (let i = 0; i < count; i++) {
    mkdirSync(at(`d${i}`))
    t.truthy(watch.attend(pathOf(`d${i}`)))
  }
  // A watch that ends is an event as well: two a directory, and the queue holds 16,384.
  for (let i = 0; i < count; i++) writeFileSync(at(`d${i}/f`), '')
  t.true(watch.heard().isLost)
  t.deepEqual(watch.heard(), { ids: [], isLost: false })
})

const STORES = `
import mmap, sys
f = open(sys.argv[1], 'r+b')
m = mmap.mmap(f.fileno(), 0)
m[0:1] = b'Z'
if sys.argv[2] == 'open':
    sys.stdout.write('stored')
    sys.stdout.flush()
    sys.stdin.read()
`
const hasPython = spawnSync('python3', ['--version']).status === 0
if (!hasPython) process.stdout.write('# python3 is missing: stores through memory are not tried\n')
const withPython = hasPython ? onLinux : test.skip

withPython('a store through memory is told when the file is closed', async (t) => {
  const { watch, at } = await scene(t)
  const { id } = watch.attend(pathOf('a')) ?? t.fail()
  t.is(spawnSync('python3', ['-c', STORES, at('a/file'), 'close']).status, 0)
  t.deepEqual(watch.heard().ids, [id])
})
