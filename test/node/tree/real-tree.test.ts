import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { Unreadable } from '../../../node/errors.ts'
import { loadNative } from '../../../node/tree/native.ts'
import { pathOf, ROOT } from '../../../node/tree/path.ts'
import { openTree } from '../../../node/tree/real-tree.ts'
import type { RealTreeInit } from '../../../node/tree/real-tree.ts'
import type { TreeStat } from '../../../node/tree/tree.ts'
import { conform, readAll } from './conformance.ts'
import { asNobody, isRoot, makeFolder, run } from './folder.ts'

const folders: string[] = []
test.after.always(() => folders.forEach((folder) => rmSync(folder, { recursive: true })))

function conformReal(name: string, timeStep: bigint, init: RealTreeInit): void {
  const make = async (): ReturnType<typeof openTree> => {
    const folder = run('mktemp', '-d', '--tmpdir', 'drystone-tree-XXXXXX').trim()
    folders.push(folder)
    return openTree(join(folder, 'root'), init)
  }
  conform({ name, make, timeStep, hasFifos: init.native !== false && init.descriptors !== false })
}

conformReal('on disk', 1n, {})
conformReal('on disk without native calls', 1000n, { native: false })
conformReal('on disk without descriptors', 1n, { descriptors: false })
conformReal('on disk with neither', 1000n, { native: false, descriptors: false })

async function statAt(
  tree: { stat: (path: Uint8Array) => Promise<TreeStat | undefined> },
  path: string
) {
  const stat = await tree.stat(pathOf(path))
  if (stat === undefined) throw new Error(`nothing at ${path}`)
  return stat
}

test('this system has the native calls', async (t) => {
  // Without this the tests above would quietly try one way of working twice.
  t.truthy(await loadNative())
})

test('both ways of looking see the same', async (t) => {
  const native = await openTree('/dev')
  const plain = await openTree('/dev', { native: false, descriptors: false })
  for (const path of ['null', 'tty', 'fd', 'shm', '']) {
    t.deepEqual(await native.stat(pathOf(path)), await plain.stat(pathOf(path)), path)
  }
  t.like(await native.stat(pathOf('null')), { type: 'character', major: 1, minor: 3, size: 0 })
})

test('a large directory is listed whole', async (t) => {
  const folder = makeFolder(t)
  for (let i = 0; i < 9000; i++) writeFileSync(join(folder, `f${i}`), '')
  t.is((await (await openTree(folder)).list(ROOT)).length, 9000)
})

test('a directory that was replaced is not confused with the one before it', async (t) => {
  const folder = makeFolder(t)
  const tree = await openTree(folder)
  mkdirSync(join(folder, 'a/b'), { recursive: true })
  writeFileSync(join(folder, 'a/b/f'), 'old')
  t.is((await tree.list(pathOf('a/b'))).length, 1)
  renameSync(join(folder, 'a'), join(folder, 'elsewhere'))
  mkdirSync(join(folder, 'a/b'), { recursive: true })
  t.deepEqual(await tree.list(pathOf('a/b')), [])
  rmSync(join(folder, 'a'), { recursive: true })
  await t.throwsAsync(tree.list(pathOf('a/b')), { instanceOf: Unreadable })
  symlinkSync('elsewhere', join(folder, 'a'))
  await t.throwsAsync(tree.list(pathOf('a/b')), { instanceOf: Unreadable })
  t.is(await tree.stat(pathOf('a/b')), undefined)
})

test('a root that goes away is an error, not an empty tree', async (t) => {
  const folder = makeFolder(t)
  const root = join(folder, 'root')
  mkdirSync(root)
  writeFileSync(join(root, 'f'), 'x')
  const tree = await openTree(root)
  t.is((await tree.list(ROOT)).length, 1)
  rmSync(root, { recursive: true })
  await t.throwsAsync(tree.list(ROOT), { instanceOf: Unreadable })
  writeFileSync(root, 'a file')
  await t.throwsAsync(tree.list(ROOT), { instanceOf: Unreadable })
})

test('a root may be a link, because its user named it', async (t) => {
  const folder = makeFolder(t)
  mkdirSync(join(folder, 'real'))
  writeFileSync(join(folder, 'real/f'), 'x')
  symlinkSync('real', join(folder, 'link'))
  t.is(await readAll(await openTree(join(folder, 'link')), 'f'), 'x')
})

test('large files are read whole, and a file that grows is read to its new end', async (t) => {
  const folder = makeFolder(t)
  const content = Buffer.alloc(300_000, 'abcdefg')
  writeFileSync(join(folder, 'f'), content)
  const tree = await openTree(folder)
  const file = await tree.open(pathOf('f'), await statAt(tree, 'f'))
  const pieces = [await file.read(200_000), await file.read(200_000)]
  writeFileSync(join(folder, 'f'), 'more', { flag: 'a' })
  for (let bytes = await file.read(10); bytes.length > 0; bytes = await file.read(10))
    pieces.push(bytes)
  t.is((await file.stat()).size, 300_004)
  await file.close()
  await file.close()
  t.true(Buffer.concat(pieces).equals(Buffer.concat([content, Buffer.from('more')])))
})

test('a file that shrinks while it is read ends early', async (t) => {
  const folder = makeFolder(t)
  writeFileSync(join(folder, 'f'), Buffer.alloc(1000))
  const tree = await openTree(folder)
  const file = await tree.open(pathOf('f'), await statAt(tree, 'f'))
  t.is((await file.read(10)).length, 10)
  truncateSync(join(folder, 'f'), 20)
  t.is((await file.read(1000)).length, 10)
  t.is((await file.read(1000)).length, 0)
  await file.close()
})

test('opening a fifo that took the place of a file does not wait for a writer', async (t) => {
  const folder = makeFolder(t)
  writeFileSync(join(folder, 'f'), 'x')
  const tree = await openTree(folder)
  const before = await statAt(tree, 'f')
  rmSync(join(folder, 'f'))
  run('mkfifo', join(folder, 'f'))
  await t.throwsAsync(tree.open(pathOf('f'), before), { instanceOf: Unreadable })
})

test('closing lets go of every descriptor, and the tree still works', async (t) => {
  const folder = makeFolder(t)
  mkdirSync(join(folder, 'a/b/c'), { recursive: true })
  const tree = await openTree(folder)
  await tree.list(pathOf('a/b/c'))
  t.not(heldBelow(folder), 0)
  tree.close()
  t.is(heldBelow(folder), 0)
  t.deepEqual(await tree.list(pathOf('a/b/c')), [])
  tree.close()
})

function heldBelow(folder: string): number {
  const held = readdirSync('/proc/self/fd').filter((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`).startsWith(folder)
    } catch {
      // Closed since it was listed.
      return false
    }
  })
  return held.length
}

test.serial('what may not be read is an error with its path', async (t) => {
  const folder = makeForNobody(t)
  const tree = await openTree(folder)
  await asNobody(async () => {
    await t.throwsAsync(tree.list(pathOf('closed')), {
      instanceOf: Unreadable,
      message: `${folder}/closed could not be read: permission denied`
    })
    const expected = await statAt(tree, 'secret')
    await t.throwsAsync(tree.open(pathOf('secret'), expected), { instanceOf: Unreadable })
    // Passing through a directory needs less than listing it.
    t.is(await readAll(tree, 'passage/f'), 'x')
    await t.throwsAsync(tree.list(pathOf('passage')), { instanceOf: Unreadable })
  })
})

function makeForNobody(t: ExecutionContext): string {
  const folder = makeFolder(t)
  for (const name of ['closed', 'passage']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'passage/f'), 'x')
  writeFileSync(join(folder, 'secret'), 'x')
  chmodSync(join(folder, 'secret'), 0)
  chmodSync(join(folder, 'closed'), 0)
  chmodSync(join(folder, 'passage'), isRoot ? 0o711 : 0o311)
  chmodSync(folder, 0o755)
  t.teardown(() => ['closed', 'passage'].forEach((name) => chmodSync(join(folder, name), 0o700)))
  t.is(statSync(join(folder, 'closed')).mode & 0o777, 0)
  return folder
}
