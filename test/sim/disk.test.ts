import test from 'ava'
import { DiskFailed, DiskFull, FileMissing } from '../../store/errors.ts'
import { SimDisk } from '../../sim/disk.ts'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
const A = Buffer.from('aaaa')
const B = Buffer.from('bbbb')

test('a crash takes what was not synced, and leaves what was', async (t) => {
  const disk = new SimDisk()
  const file = await disk.open('x', 'create')
  await file.write(A, 0)
  await file.sync()
  await disk.syncDirectory('')
  await file.write(B, 2)
  t.is(text(await file.read(0, 10)), 'aabbbb')
  disk.crash()
  await t.throwsAsync(file.read(0, 10), { instanceOf: DiskFailed })
  const again = await disk.open('x', 'read')
  t.is(text(await again.read(0, 10)), 'aaaa')
})

test('a crash takes names that were made, moved or removed in a directory that was not synced', async (t) => {
  const disk = new SimDisk()
  await disk.makeDirectory('a/b')
  for (const name of ['a/b/kept', 'a/b/moved', 'a/b/removed']) {
    const file = await disk.open(name, 'create')
    await file.write(A, 0)
    await file.sync()
  }
  await disk.syncDirectory('a/b')
  await (await disk.open('a/b/made', 'create')).sync()
  await disk.rename('a/b/moved', 'a/b/elsewhere')
  await disk.remove('a/b/removed')
  t.deepEqual(await disk.list('a/b'), ['elsewhere', 'kept', 'made'])
  disk.crash()
  t.deepEqual(await disk.list('a/b'), ['kept', 'moved', 'removed'])
  t.deepEqual(await disk.list('a'), ['b'])
  await disk.rename('a/b/moved', 'a/b/kept')
  await disk.syncDirectory('a/b')
  disk.crash()
  t.deepEqual(await disk.list('a/b'), ['kept', 'removed'])
})

test('single unsynced writes may outlive a crash, in any choice', async (t) => {
  const disk = new SimDisk()
  const file = await disk.open('x', 'create')
  await disk.syncDirectory('')
  await file.write(A, 0)
  await file.write(B, 4)
  await file.write(A, 8)
  disk.crash((path, index) => path === 'x' && index === 1)
  const again = await disk.open('x', 'read')
  t.is(text(await again.read(0, 20)), '\0\0\0\0bbbb')
})

test('a full disk takes what fits, and more when there is space again', async (t) => {
  const disk = new SimDisk({ capacity: 6 })
  const file = await disk.open('x', 'create')
  await file.write(A, 0)
  await t.throwsAsync(file.write(B, 4), { instanceOf: DiskFull })
  t.deepEqual(await disk.space(), { free: 2, total: 6 })
  await file.write(B, 0)
  disk.capacity = 8
  t.is(await file.write(B, 4), 4)
})

test('the n-th call of an operation fails as it is told to', async (t) => {
  const disk = new SimDisk({
    fault: ({ operation, count }) =>
      operation !== 'write'
        ? undefined
        : ([undefined, 'EIO', 'ENOSPC', 'short'] as const)[count - 1]
  })
  const file = await disk.open('x', 'create')
  t.is(await file.write(A, 0), 4)
  await t.throwsAsync(file.write(A, 4), { instanceOf: DiskFailed })
  await t.throwsAsync(file.write(A, 4), { instanceOf: DiskFull })
  t.is(await file.write(A, 4), 2)
  t.is(await file.size(), 6)
})

test('a file needs its directory', async (t) => {
  const disk = new SimDisk()
  await t.throwsAsync(disk.open('a/x', 'create'), { instanceOf: FileMissing })
})
