import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { isTemporary, openDisk, readFile, writeAll, writeFile } from '../../store/disk.ts'
import { DiskFailed, DiskFull, FileMissing, Malformed } from '../../store/errors.ts'
import { SimDisk } from '../../sim/disk/disk.ts'
import { temporary } from './_blocks.ts'

const OLD = Buffer.from('old')
const NEW = Buffer.from('something new')

test('a home, its directories and its files are private to the user', async (t) => {
  const location = join(await temporary(t), 'a', 'home')
  const disk = await openDisk(location)
  await disk.makeDirectory('blocks/base')
  await writeFile(disk, 'blocks/base/x', NEW)
  const modeOf = async (path: string) => (await fs.stat(join(location, path))).mode & 0o777
  t.is(await modeOf('.'), 0o700)
  t.is(await modeOf('blocks'), 0o700)
  t.is(await modeOf('blocks/base/x'), 0o600)
  t.deepEqual(await disk.list('blocks/base'), ['x'])
  t.deepEqual(new Uint8Array(NEW), await readFile(disk, 'blocks/base/x'))
})

test('a file that is not there is undefined to read, FileMissing to open, nothing to remove', async (t) => {
  for (const disk of [await openDisk(await temporary(t)), new SimDisk()]) {
    t.is(await readFile(disk, 'nothing'), undefined)
    await t.throwsAsync(disk.open('nothing', 'read'), { instanceOf: FileMissing })
    await t.throwsAsync(disk.open('nothing', 'update'), { instanceOf: FileMissing })
    await t.notThrowsAsync(disk.remove('nothing'))
    t.is(await disk.list('nothing'), undefined)
  }
})

test('create refuses a name that is taken', async (t) => {
  for (const disk of [await openDisk(await temporary(t)), new SimDisk()]) {
    await (await disk.open('x', 'create')).close()
    await t.throwsAsync(disk.open('x', 'create'), { instanceOf: DiskFailed })
  }
})

test('no path leads out of the home', async (t) => {
  const location = await temporary(t)
  await fs.symlink('/etc/passwd', join(location, 'link'))
  const disk = await openDisk(location)
  for (const path of ['../x', 'a/../../x', '/etc/passwd', './x', 'a//b', 'a\0b', 'C:x', 'a\\b']) {
    await t.throwsAsync(disk.open(path, 'read'), { instanceOf: Malformed }, path)
    await t.throwsAsync(disk.remove(path), { instanceOf: Malformed }, path)
  }
  await t.throwsAsync(disk.open('link', 'read'), { instanceOf: DiskFailed })
})

test('a read ends with the file, and a long file is refused before it is read', async (t) => {
  const disk = await openDisk(await temporary(t))
  await writeFile(disk, 'x', NEW)
  const file = await disk.open('x', 'read')
  t.deepEqual(Buffer.from(await file.read(10, 100)), NEW.subarray(10))
  t.is((await file.read(100, 10)).length, 0)
  await file.close()
  await t.throwsAsync(readFile(disk, 'x', { bytesMax: 5 }), { instanceOf: Malformed })
})

test('a write that takes a part of the bytes is carried on, one that takes none is a failure', async (t) => {
  const disk = new SimDisk({
    fault: ({ operation }) => (operation === 'write' ? 'short' : undefined)
  })
  const file = await disk.open('x', 'create')
  // Halves end at one byte, of which half is none.
  await t.throwsAsync(writeAll(file, NEW, 0), { instanceOf: DiskFailed })
  disk.fault = ({ operation, count }) => (operation === 'write' && count % 2 ? 'short' : undefined)
  await writeAll(file, NEW, 0)
  t.deepEqual(Buffer.from(await file.read(0, 100)), NEW)
})

test('whatever call fails while a file is written, the old file or the new one is there', async (t) => {
  const calls = ['open', 'write', 'sync', 'rename', 'syncDirectory', 'read'] as const
  for (const fault of ['EIO', 'ENOSPC'] as const) {
    for (const operation of calls) {
      const disk = new SimDisk()
      await writeFile(disk, 'x', OLD)
      disk.fault = (call) => (call.operation === operation ? fault : undefined)
      const instanceOf = fault === 'EIO' ? DiskFailed : DiskFull
      await t.throwsAsync(writeFile(disk, 'x', NEW), { instanceOf }, operation)
      disk.fault = undefined
      const found = Buffer.from((await readFile(disk, 'x')) ?? [])
      t.true(found.equals(OLD) || found.equals(NEW), operation)
      t.deepEqual(await disk.list(''), ['x'])
      disk.crash()
      const kept = Buffer.from((await readFile(disk, 'x')) ?? [])
      t.true(kept.equals(OLD) || kept.equals(NEW), `${operation}, then a crash`)
    }
  }
})

test('a written file outlives a crash, and what a crash left of writing is no obstacle', async (t) => {
  const disk = new SimDisk()
  await (await disk.open('x.1.new', 'create')).close()
  await disk.syncDirectory('')
  disk.crash()
  t.deepEqual(await disk.list(''), ['x.1.new'])
  t.true(isTemporary('x.1.new'))
  t.false(isTemporary('x.new'))
  await writeFile(disk, 'x', NEW)
  disk.crash()
  t.deepEqual(await readFile(disk, 'x'), new Uint8Array(NEW))
})

test('two writers of one path do not mix', async (t) => {
  const disk = await openDisk(await temporary(t))
  const texts = Array.from({ length: 20 }, (_, i) => Buffer.alloc(10_000, `${i} `))
  await Promise.allSettled(texts.map((text) => writeFile(disk, 'x', text)))
  const found = Buffer.from((await readFile(disk, 'x')) ?? [])
  t.true(texts.some((text) => text.equals(found)))
  t.deepEqual(await disk.list(''), ['x'])
})

test('a real disk tells its space', async (t) => {
  const { free, total } = await (await openDisk(await temporary(t))).space()
  t.true(free > 0 && total >= free)
})
