import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { HomeBusy } from '../../store/errors.ts'
import { openIndex, type Index } from '../../store/index.ts'
import { all, temporary } from './_blocks.ts'

const key = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes)

async function both(t: ExecutionContext): Promise<Index[]> {
  const location = join(await temporary(t), 'index')
  return [await openIndex({ location }), await openIndex({ location: undefined })]
}

test('a space gives back what it was given, and knows nothing of its neighbours', async (t) => {
  for (const index of await both(t)) {
    const a = index.space('a')
    const ab = index.space('ab')
    await a.put(key(1), key(11))
    await ab.put(key(1), key(12))
    await a.batch([
      { key: key(2), value: key(22) },
      { key: key(255, 255), value: key() },
      { key: key(1), value: undefined }
    ])
    t.is(await a.get(key(1)), undefined)
    t.deepEqual([...((await a.get(key(2))) ?? [])], [22])
    t.deepEqual(
      (await a.getMany([key(2), key(9), key(255, 255)])).map((each) => each && [...each]),
      [[22], undefined, []]
    )
    await a.clear()
    t.deepEqual(await all(a.range()), [])
    t.deepEqual([...((await ab.get(key(1))) ?? [])], [12])
    await index.close()
  }
})

test('a range is in byte order and stays between its bounds', async (t) => {
  for (const index of await both(t)) {
    const space = index.space('numbers')
    await index.space('numberr').put(key(7), key())
    await index.space('numbert').put(key(7), key())
    await space.batch([200, 3, 100, 0, 255].map((n) => ({ key: key(n), value: key(n) })))
    const keys = async (range: Parameters<typeof space.range>[0]) =>
      (await all(space.range(range))).map(([each]) => each[0])
    t.deepEqual(await keys(undefined), [0, 3, 100, 200, 255])
    t.deepEqual(await keys({ gt: key(3), lt: key(255) }), [100, 200])
    t.deepEqual(await keys({ gte: key(3), lte: key(200) }), [3, 100, 200])
    t.deepEqual(await keys({ gt: key(3), limit: 2 }), [100, 200])
    await index.close()
  }
})

test('a range of many steps misses nothing, also when the walk is left early', async (t) => {
  for (const index of await both(t)) {
    const space = index.space('many')
    const bytes = (n: number) => key(n >> 8, n & 255)
    await space.batch(Array.from({ length: 2500 }, (_, n) => ({ key: bytes(n), value: bytes(n) })))
    t.is((await all(space.range())).length, 2500)
    for await (const [each] of space.range()) if (each[1] === 9) break
    await t.notThrowsAsync(index.close())
  }
})

test('an index on disk is there again after closing', async (t) => {
  const location = join(await temporary(t), 'index')
  const first = await openIndex({ location })
  await first.space('a').put(key(1), key(2))
  await first.close()
  const second = await openIndex({ location })
  t.false(second.rebuilt)
  t.deepEqual([...((await second.space('a').get(key(1))) ?? [])], [2])
  await second.close()
  const fresh = await openIndex({ location, fresh: true })
  t.true(fresh.rebuilt)
  t.is(await fresh.space('a').get(key(1)), undefined)
  await fresh.close()
})

test('an index that cannot be opened is made anew, and says so', async (t) => {
  const location = join(await temporary(t), 'index')
  for (const damaged of ['CURRENT', 'MANIFEST']) {
    const index = await openIndex({ location })
    await index.space('a').put(key(1), key(2))
    await index.close()
    const name = (await fs.readdir(location)).find((each) => each.startsWith(damaged))
    await fs.writeFile(join(location, name ?? ''), 'garbage')
    const again = await openIndex({ location })
    t.true(again.rebuilt, damaged)
    t.is(await again.space('a').get(key(1)), undefined)
    await again.space('a').put(key(1), key(2))
    await again.close()
  }
})

test('a second owner is told that the home is busy, and takes nothing away', async (t) => {
  const location = join(await temporary(t), 'index')
  const index = await openIndex({ location })
  await index.space('a').put(key(1), key(2))
  await t.throwsAsync(openIndex({ location }), { instanceOf: HomeBusy })
  await t.throwsAsync(openIndex({ location, fresh: true }), { instanceOf: HomeBusy })
  t.deepEqual([...((await index.space('a').get(key(1))) ?? [])], [2])
  await index.close()
})

test('a call on a closed index fails under a name of ours', async (t) => {
  for (const index of await both(t)) {
    await index.close()
    await t.throwsAsync(index.space('a').get(key(1)), { name: 'DiskFailed' })
    for (const time of ['first', 'second']) {
      const put = index.space('a').put(key(1), key(1))
      await t.throwsAsync(put, { name: 'DiskFailed' }, time)
    }
  }
})
