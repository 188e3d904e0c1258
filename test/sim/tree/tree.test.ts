import test from 'ava'
import type { Clock } from '../../../store/clock.ts'
import { DiskFull } from '../../../store/errors.ts'
import { Unreadable } from '../../../node/errors.ts'
import { pathOf, ROOT } from '../../../node/tree/path.ts'
import { MemoryTree } from '../../../sim/tree/tree.ts'
import { conform, metadataOf, putFile, readAll } from '../../node/tree/conformance.ts'

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

test('a file that is refused while it is read fails there', async (t) => {
  const tree = new MemoryTree(handClock())
  tree.put('f', 'one')
  const stat = (await tree.stat(pathOf('f'))) ?? t.fail()
  const file = await tree.open(pathOf('f'), stat)
  t.is((await file.read(2)).length, 2)
  tree.refuse('f')
  await t.throwsAsync(file.read(2), { instanceOf: Unreadable })
  await t.throwsAsync(tree.open(pathOf('f'), stat), { instanceOf: Unreadable })
})

test('an open file shows what is written to it, and outlives its name', async (t) => {
  const tree = new MemoryTree(handClock())
  tree.put('f', 'aaaa')
  const stat = (await tree.stat(pathOf('f'))) ?? t.fail()
  const file = await tree.open(pathOf('f'), stat)
  t.is(Buffer.from(await file.read(2)).toString(), 'aa')
  tree.put('f', 'bbbb')
  t.is(Buffer.from(await file.read(1)).toString(), 'b')
  tree.put('g', 'cccc')
  tree.rename('g', 'f')
  t.is(Buffer.from(await file.read(1)).toString(), 'b')
  t.like(await file.stat(), { links: 0, inode: stat.inode })
  await t.throwsAsync(tree.open(pathOf('f'), stat), { instanceOf: Unreadable })
})

test('a directory goes with what it holds, and its files with other names have one less', async (t) => {
  const clock = handClock()
  const tree = new MemoryTree(clock)
  tree.put('d/e/f', 'one')
  tree.link('g', 'd/e/f')
  clock.at = 2000
  tree.remove('d')
  t.like(await tree.stat(pathOf('g')), { links: 1, ctimeNs: 2_000_000_000n })
})

test('a file system that goes away leaves an empty directory of another, and comes back whole', async (t) => {
  const tree = new MemoryTree(handClock())
  tree.put('d/disk/f', 'one')
  t.throws(() => tree.vanish('d/disk'), { message: /nothing is mounted/ })
  tree.mount('d/disk')
  const at = pathOf('d/disk')
  const [above, mounted] = [await tree.stat(pathOf('d')), await tree.stat(at)]
  t.not(mounted?.device, above?.device)
  t.is((await tree.stat(pathOf('d/disk/f')))?.device, mounted?.device)
  tree.vanish('d/disk')
  const bare = await tree.stat(at)
  t.deepEqual([bare?.device, bare?.type], [above?.device, 'directory'])
  t.not(bare?.inode, mounted?.inode)
  t.deepEqual(await tree.list(at), [])
  t.deepEqual(await tree.stat(pathOf('d')), above)
  tree.put('d/disk/beneath', 'two')
  tree.vanish('d/disk', false)
  t.deepEqual(await tree.stat(at), mounted)
  t.is(await readAll(tree, 'd/disk/f'), 'one')
  t.false(tree.has('d/disk/beneath'))
})

test('changes of one millisecond have one time, never met again if the clock is set back', async (t) => {
  const clock = handClock()
  const tree = new MemoryTree(clock)
  const changed = async (): Promise<bigint | undefined> => {
    tree.put('f', 'one')
    return (await tree.stat(pathOf('f')))?.ctimeNs
  }
  const first = await changed()
  t.is(await changed(), first)
  clock.at = 500
  const back = await changed()
  t.true(back !== undefined && first !== undefined && back < first)
  clock.at = 1000
  t.not(await changed(), first)
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
  t.throws(() => tree.put('f', '12345678901'), { code: 'ENOSPC' })
  tree.put('f', '1234567890')
  t.is(await writer.free(), 0)
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
