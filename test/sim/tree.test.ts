import test from 'ava'
import type { Clock } from '../../store/clock.ts'
import { DiskFull } from '../../store/errors.ts'
import { Unreadable } from '../../node/errors.ts'
import { pathOf, ROOT } from '../../node/tree/path.ts'
import { MemoryTree } from '../../sim/tree.ts'
import { conform, metadataOf, putFile, readAll } from '../node/tree/conformance.ts'

/** Stands still until it is told to move. */
function handClock(): Clock & { at: number } {
  const refuse = (): never => {
    throw new Error('a tree does not wait')
  }
  return {
    at: 1000,
    now() {
      return this.at
    },
    monotonic: refuse,
    sleep: refuse,
    timeout: refuse
  }
}

conform({
  name: 'in memory',
  make: async () => new MemoryTree(handClock()),
  timeStep: 1n,
  hasFifos: true
})

test('every change moves ctime by the clock, and only a new file gets a new inode', async (t) => {
  const clock = handClock()
  const tree = new MemoryTree(clock)
  tree.put('a/b/f', 'one')
  const first = await tree.stat(pathOf('a/b/f'))
  t.like(first, { ctimeNs: 1_000_000_000n, mtimeNs: 1_000_000_000n, mode: 0o644, size: 3 })
  clock.at = 2000
  tree.put('a/b/f', 'two', { mtimeNs: 5n })
  t.like(await tree.stat(pathOf('a/b/f')), {
    ctimeNs: 2_000_000_000n,
    mtimeNs: 5n,
    inode: first?.inode ?? 0n
  })
  clock.at = 3000
  tree.chmod('a/b/f', 0o600)
  t.like(await tree.stat(pathOf('a/b/f')), { ctimeNs: 3_000_000_000n, mtimeNs: 5n, mode: 0o600 })
  tree.remove('a/b/f')
  tree.put('a/b/f', 'two')
  t.not((await tree.stat(pathOf('a/b/f')))?.inode, first?.inode)
})

test('names of one file share its content, and moving keeps it', async (t) => {
  const tree = new MemoryTree(handClock())
  tree.put('f', 'one')
  tree.link('d/g', 'f')
  tree.put('f', 'two')
  tree.rename('d', 'e')
  t.is(await readAll(tree, 'e/g'), 'two')
  t.like(await tree.stat(pathOf('f')), { links: 2 })
  tree.remove('f')
  t.like(await tree.stat(pathOf('e/g')), { links: 1 })
})

test('a directory that is refused cannot be listed, and can be again', async (t) => {
  const tree = new MemoryTree(handClock(), { where: 'desk' })
  tree.put('d/f', 'one')
  tree.refuse('d')
  await t.throwsAsync(tree.list(pathOf('d')), { instanceOf: Unreadable, message: /^desk\/d could/ })
  t.is((await tree.list(ROOT)).length, 1)
  tree.refuse('d', false)
  t.is((await tree.list(pathOf('d'))).length, 1)
})

test('a full disk says so, and what was discarded is free again', async (t) => {
  const tree = new MemoryTree(handClock(), { capacity: 10 })
  const writer = await tree.writer()
  await putFile(writer, 'f', { text: '123456' })
  t.is(await writer.free(), 4)
  const file = await writer.createFile(pathOf('g'))
  await file.write(Buffer.from('1234'))
  await t.throwsAsync(file.write(Buffer.from('5')), { instanceOf: DiskFull })
  await file.discard()
  t.is(await writer.free(), 4)
  t.is(await tree.stat(pathOf('g')), undefined)
})

test('owners and rights are set when asked', async (t) => {
  const tree = new MemoryTree(handClock(), { owners: true, privileges: true })
  const writer = await tree.writer()
  t.deepEqual(await putFile(writer, 'f', { uid: 5, gid: 6, mode: 0o4755 }), [])
  t.deepEqual(await writer.special(pathOf('c'), metadataOf('character'), 1, 3), [])
  t.like(await tree.stat(pathOf('f')), { uid: 5, gid: 6, mode: 0o4755 })
  t.like(await tree.stat(pathOf('c')), { type: 'character', major: 1, minor: 3 })
})
