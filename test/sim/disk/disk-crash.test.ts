import test from 'ava'
import fc from 'fast-check'
import { writeFile } from '../../../store/disk.ts'
import { DiskFailed } from '../../../store/errors.ts'
import { SimDisk } from '../../../sim/disk/disk.ts'
import { SeededRandom } from '../../../sim/random.ts'
import { A, B, apply, contents, put, result, step, text } from './_disk.ts'

test('a crash takes what was not synced, and leaves what was', async (t) => {
  const disk = new SimDisk()
  const file = await disk.open('x', 'create')
  await file.write(A, 0)
  await file.sync()
  await disk.syncDirectory('')
  await file.write(B, 2)
  t.is(text(await file.read(0, 10)), 'aabbbb')
  disk.crash()
  for (const call of [file.read(0, 10), file.write(A, 0), file.size(), file.sync()]) {
    await t.throwsAsync(call, { instanceOf: DiskFailed })
  }
  await t.notThrowsAsync(file.close())
  const again = await disk.open('x', 'read')
  t.is(text(await again.read(0, 10)), 'aaaa')
})

test('a crash takes names that were made, moved or removed in a directory that was not synced', async (t) => {
  const disk = new SimDisk()
  await disk.makeDirectory('a/b')
  for (const name of ['a/b/kept', 'a/b/moved', 'a/b/removed']) await put(disk, name)
  await disk.syncDirectory('a/b')
  await put(disk, 'a/b/made')
  await disk.rename('a/b/moved', 'a/b/elsewhere')
  await disk.remove('a/b/removed')
  t.deepEqual(await disk.list('a/b'), ['elsewhere', 'kept', 'made'])
  await disk.syncDirectory('a')
  disk.crash()
  t.deepEqual(await disk.list('a/b'), ['kept', 'moved', 'removed'])
  t.deepEqual(await disk.list('a'), ['b'])
  await disk.rename('a/b/moved', 'a/b/kept')
  await disk.syncDirectory('a/b')
  disk.crash()
  t.deepEqual(await disk.list('a/b'), ['kept', 'removed'])
})

test('of an unsynced write a crash keeps nothing, all, or any sectors or pages', async (t) => {
  const seen = { nothing: 0, all: 0, zeros: 0, sectors: 0, pages: 0, tail: 0, short: 0 }
  const [offset, length] = [300, 20_000]
  for (let seed = 0; seed < 400; seed++) {
    const disk = new SimDisk()
    await put(disk, 'x', Buffer.alloc(offset, 'd'))
    await disk.syncDirectory('')
    await (await disk.open('x', 'update')).write(Buffer.alloc(length, 'w'), offset)
    disk.crash(new SeededRandom(`${seed}`))
    const found = text(disk.read('x'))
    t.true(/^d{300}[w\0]*$/.test(found) && found.length <= offset + length)
    const rest = found.slice(offset)
    const borders = [...rest.matchAll(/w\0|\0w/g)].map(({ index }) => offset + index + 1)
    t.true(borders.every((each) => each % 512 === 0))
    if (rest === '') seen.nothing++
    else if (rest === 'w'.repeat(length)) seen.all++
    else if (!rest.includes('w')) seen.zeros++
    else if (borders.some((each) => each % 4096 !== 0)) seen.sectors++
    else if (borders.length > 0) seen.pages++
    if (rest.startsWith('\0') && rest.includes('w')) seen.tail++
    if (rest !== '' && rest.length < length) seen.short++
  }
  for (const [what, count] of Object.entries(seen)) t.true(count > 1, what)
})

test('of many unsynced writes any may outlive a crash without the others', async (t) => {
  const seen = new Set<string>()
  for (let seed = 0; seed < 300; seed++) {
    const disk = new SimDisk()
    await put(disk, 'x', Buffer.from('dddd'))
    await disk.syncDirectory('')
    const file = await disk.open('x', 'update')
    for (const [offset, letter] of ['p', 'q', 'r'].entries()) {
      await file.write(Buffer.from(letter.repeat(2)), offset)
    }
    disk.crash(new SeededRandom(`${seed}`))
    seen.add(text(disk.read('x')))
  }
  t.deepEqual(
    [...seen].sort(),
    ['dddd', 'ppdd', 'dqqd', 'ddrr', 'pqqd', 'pprr', 'dqrr', 'pqrr'].sort()
  )
})

test('a crash leaves what is durable, and of the changes of names a part without gaps', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.nat(), async (steps, seed) => {
      const disk = new SimDisk()
      await apply(disk, [{ do: 'makeDirectory', path: 'd/e' }, ...steps.slice(0, 10)])
      for (const path of ['d/e', 'd', '']) await disk.syncDirectory(path)
      // From here on no directory is synced, so what is left is how the names stood at one moment.
      const moments = [disk.files().map(({ path }) => path)]
      for (const [count, each] of steps.slice(10).entries()) {
        if (each.do === 'syncDirectory') continue
        await result(disk, each, count)
        moments.push(disk.files().map(({ path }) => path))
      }
      disk.crash(new SeededRandom(`${seed}`))
      const left = disk.files().map(({ path }) => path)
      t.true(moments.some((names) => names.join() === left.join()))
      t.deepEqual(contents(disk.durable()), contents(disk))
    }),
    { numRuns: 200 }
  )
})

test('what is durable does not change with what survives beside it', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.nat(), async (steps, seed) => {
      const disk = new SimDisk()
      await apply(disk, steps)
      const now = contents(disk)
      const [left, again, worst] = [disk.copy(), disk.copy(), disk.copy()]
      left.crash(new SeededRandom(`${seed}`))
      again.crash(new SeededRandom(`${seed}`))
      t.deepEqual(contents(left), contents(again))
      worst.crash()
      t.deepEqual(contents(worst), contents(disk.durable()))
      t.deepEqual(contents(disk), now)
      const used = left.files().reduce((sum, { length }) => sum + length, 0)
      t.is((await left.space()).free, left.capacity - used)
      for (const each of disk.files()) await (await disk.open(each.path, 'update')).sync()
      for (const each of ['', 'd', 'd/e', 'x'])
        await result(disk, { do: 'syncDirectory', path: each }, 0)
      disk.crash(new SeededRandom(`${seed}`))
      t.deepEqual(contents(disk), now)
    }),
    { numRuns: 200 }
  )
})

test('a file that moves between directories has one of its names after a crash', async (t) => {
  const seen = new Set<string>()
  for (const synced of [undefined, 'from', 'to']) {
    for (let seed = 0; seed < 20; seed++) {
      const disk = new SimDisk()
      await disk.makeDirectory('from')
      await disk.makeDirectory('to')
      await put(disk, 'from/x')
      await put(disk, 'from/y', B)
      if (synced === undefined) await disk.syncDirectory('from')
      await disk.rename('from/x', 'to/x')
      await disk.rename('from/y', 'from/z')
      if (synced !== undefined) await disk.syncDirectory(synced)
      disk.crash(new SeededRandom(`${seed}`))
      const left = contents(disk)
      t.is(left[synced === undefined && left['from/x'] !== undefined ? 'from/x' : 'to/x'], 'aaaa')
      t.is(Object.keys(left).filter((path) => path.endsWith('/x')).length, 1)
      t.is(left['from/y'] ?? left['from/z'], 'bbbb')
      seen.add(`${synced}: ${Object.keys(left).join()}`)
    }
  }
  t.deepEqual([...seen].sort(), [
    'from: from/z,to/x',
    'to: from/y,to/x',
    'to: from/z,to/x',
    'undefined: from/x,from/y',
    'undefined: from/y,to/x',
    'undefined: from/z,to/x'
  ])
})

test('whenever the power goes while a file is written, the old file or the new one is there', async (t) => {
  const [old, now] = [Buffer.alloc(9000, 'old '), Buffer.alloc(12_000, 'new ')]
  const seen = new Set<string>()
  for (let seed = 0; seed < 100; seed++) {
    const random = new SeededRandom(`${seed}`)
    const disk = new SimDisk()
    await writeFile(disk, 'x', old)
    let left = 1 + (seed % 8)
    const dead = new Promise<void>((resolve) => {
      disk.fault = () => {
        if (--left > 0) return undefined
        resolve()
        disk.crash(random)
        return 'EIO'
      }
    })
    await Promise.race([dead, writeFile(disk, 'x', now).catch(() => undefined)])
    const found = disk.read('x')
    t.true(old.equals(found) || now.equals(found))
    seen.add(text(found.slice(0, 3)))
  }
  t.is(seen.size, 2)
})

test('after a failed sync the next one succeeds, but what was written before is never durable', async (t) => {
  const disk = new SimDisk()
  const file = await disk.open('x', 'create')
  await file.write(A, 0)
  await file.sync()
  await disk.syncDirectory('')
  await file.write(B, 2)
  disk.failNext({ error: 'EIO', calls: 1, operation: 'sync' })
  await t.throwsAsync(file.sync(), { instanceOf: DiskFailed })
  await t.notThrowsAsync(file.sync())
  t.is(text(await file.read(0, 10)), 'aabbbb')
  await file.write(Buffer.from('c'), 8)
  await file.sync()
  await file.write(Buffer.from('d'), 9)
  disk.kill()
  t.is(text(disk.read('x')), 'aabbbb\0\0cd')
  t.is(text(disk.durable().read('x')), 'aaaa\0\0\0\0c')
  for (let seed = 0; seed < 20; seed++) {
    const copy = disk.copy()
    copy.crash(new SeededRandom(`${seed}`))
    t.regex(text(copy.read('x')), /^aaaa\0\0\0\0c(d|\0)?$/)
  }
})

test('when only the process dies nothing is lost, until the power goes', async (t) => {
  const disk = new SimDisk()
  const file = await disk.open('x', 'create')
  await disk.syncDirectory('')
  await file.write(A, 0)
  await put(disk, 'y', B, false)
  disk.kill()
  await t.throwsAsync(file.write(B, 0), { instanceOf: DiskFailed })
  t.deepEqual(contents(disk), { x: 'aaaa', y: 'bbbb' })
  await (await disk.open('y', 'read')).sync()
  t.deepEqual(contents(disk), { x: 'aaaa', y: 'bbbb' })
  disk.crash()
  t.deepEqual(contents(disk), { x: '' })
})
