import test from 'ava'
import fc from 'fast-check'
import { openDisk, readFile } from '../../../store/disk.ts'
import { DiskFailed, DiskFull, FileMissing, Malformed } from '../../../store/errors.ts'
import { codeOf } from '../../../node/tree/failures.ts'
import { SimDisk } from '../../../sim/disk/disk.ts'
import type { DiskFault } from '../../../sim/disk/faults.ts'
import { SeededRandom } from '../../../sim/random.ts'
import { temporary } from '../../store/_blocks.ts'
import { A, B, contents, put, result, step, text } from './_disk.ts'

test('until the power goes it answers as the real disk does', async (t) => {
  const location = await temporary(t)
  let run = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const [real, sim] = [await openDisk(`${location}/${run++}`), new SimDisk()]
      for (const [count, each] of steps.entries()) {
        const done = JSON.stringify({ ...each, count })
        // A directory that is moved is beyond the port.
        if (each.do === 'rename' && (await sim.list(each.path).catch(() => undefined))) continue
        t.deepEqual(await result(sim, each, count), await result(real, each, count), done)
      }
      let used = 0
      for (const { path, length } of sim.files()) {
        t.deepEqual(sim.read(path), await readFile(real, path))
        used += length
      }
      t.is((await sim.space()).free, Number.MAX_SAFE_INTEGER - used)
    }),
    { numRuns: 100 }
  )
})

test('a copy and what it was made of go their own ways', async (t) => {
  const disk = new SimDisk({ capacity: 100 })
  disk.latencyMs = 3
  await put(disk, 'x')
  await disk.syncDirectory('')
  const [copy, durable] = [disk.copy(), disk.durable()]
  t.deepEqual([copy.capacity, copy.latencyMs], [100, 3])
  const [a, b] = [await disk.open('x', 'update'), await copy.open('x', 'update')]
  await a.write(Buffer.from('1'), 0)
  await b.write(Buffer.from('22222'), 1)
  await b.sync()
  durable.flip('x', 3)
  await copy.remove('x')
  t.deepEqual(contents(disk), { x: '1aaa' })
  t.deepEqual(contents(copy), {})
  t.deepEqual(contents(durable), { x: 'aaa`' })
  copy.crash()
  t.deepEqual(contents(copy), { x: 'a22222' })
})

test('a full disk takes what fits, and more when there is space again', async (t) => {
  const disk = new SimDisk({ capacity: 6 })
  const file = await disk.open('x', 'create')
  t.is(await file.write(A, 0), 4)
  t.is(await file.write(B, 4), 2)
  await t.throwsAsync(file.write(B, 6), { instanceOf: DiskFull })
  t.deepEqual(await disk.space(), { free: 0, total: 6 })
  t.is(await file.write(B, 0), 4)
  disk.capacity = 8
  t.is(await file.write(B, 6), 2)
  disk.capacity = 3
  t.is(await file.write(A, 2), 4)
  await disk.remove('x')
  await file.write(B, 6)
  t.deepEqual(await disk.space(), { free: 3, total: 3 })
  disk.crash()
  t.deepEqual(await disk.space(), { free: 3, total: 3 })
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

test('the next calls fail as planned, one plan after the other', async (t) => {
  const disk = new SimDisk()
  disk.failNext({ error: 'short', calls: 1 })
  disk.failNext({ error: 'EMFILE', calls: 2, operation: 'open' })
  disk.failNext({ error: 'ENOSPC', calls: 1 })
  const failed = await t.throwsAsync(disk.open('x', 'create'), { instanceOf: DiskFailed })
  t.is(codeOf(failed.cause), 'EMFILE')
  await t.throwsAsync(disk.list(''), { instanceOf: DiskFull })
  await t.throwsAsync(disk.open('x', 'create'), { instanceOf: DiskFailed })
  const file = await disk.open('x', 'create')
  t.is(await file.write(A, 0), 2)
  t.is(await file.write(A, 0), 4)
  disk.failNext({ error: 'EIO', calls: 0 })
  t.is(await file.write(A, 0), 4)
  disk.failNext({ error: 'EIO', calls: 9, operation: 'read' })
  await t.throwsAsync(file.read(0, 1), { instanceOf: DiskFailed })
  disk.failNext(undefined)
  t.is((await file.read(0, 1)).length, 1)
})

test('a refused call changes nothing', async (t) => {
  for (const fault of ['EIO', 'ENOSPC', 'EMFILE'] as const satisfies DiskFault[]) {
    const disk = new SimDisk()
    await put(disk, 'x')
    await disk.syncDirectory('')
    await put(disk, 'y', B)
    const before = contents(disk)
    disk.fault = () => fault
    const calls = [
      disk.open('z', 'create'),
      disk.rename('x', 'y'),
      disk.remove('x'),
      disk.makeDirectory('d'),
      disk.syncDirectory('')
    ]
    for (const call of calls) await t.throwsAsync(call)
    disk.fault = undefined
    t.deepEqual(contents(disk), before)
    t.is(await disk.list('d'), undefined)
    disk.crash()
    t.deepEqual(contents(disk), { x: 'aaaa' })
  }
})

test('rot flips one bit, in long files more often than in short ones', async (t) => {
  const hits = new Map<string, number>()
  for (let seed = 0; seed < 100; seed++) {
    const disk = new SimDisk()
    t.is(disk.rot(new SeededRandom(`${seed}`)), undefined)
    await put(disk, 'long', new Uint8Array(900))
    await put(disk, 'short', new Uint8Array(100))
    await put(disk, 'x.1.new', new Uint8Array(100_000))
    const where = disk.rot(new SeededRandom(`${seed}`))
    hits.set(where!.path, (hits.get(where!.path) ?? 0) + 1)
    const bits = [...disk.read(where!.path)].map((byte) => byte.toString(2).replaceAll('0', ''))
    t.is(bits.join(''), '1')
    t.is(bits[where!.offset], '1')
  }
  t.true(hits.get('long')! > 75 && hits.get('short')! > 2 && hits.size === 2)
})

test('a checker reads without a call, a file needs its directory, and no path leads out', async (t) => {
  const disk = new SimDisk()
  await put(disk, 'x')
  disk.fault = () => 'EIO'
  t.is(text(disk.read('x')), 'aaaa')
  t.throws(() => disk.read('y'), { instanceOf: FileMissing })
  disk.fault = undefined
  await t.throwsAsync(disk.open('a/x', 'create'), { instanceOf: FileMissing })
  await t.throwsAsync(disk.rename('../x', 'y'), { instanceOf: Malformed })
  await t.throwsAsync(disk.syncDirectory('..'), { instanceOf: Malformed })
  const file = await disk.open('x', 'read')
  await t.throwsAsync(file.write(B, 0), { instanceOf: DiskFailed })
})
