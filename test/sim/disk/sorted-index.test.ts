import test from 'ava'
import fc from 'fast-check'
import { DiskFailed, HomeBusy } from '../../../store/errors.ts'
import { openIndex, type Index, type IndexRange } from '../../../store/index.ts'
import { SeededRandom } from '../../../sim/random.ts'
import { SortedIndex } from '../../../sim/disk/sorted-index.ts'
import { all } from '../../store/_blocks.ts'

const NAMES = ['a', 'ab', 'b']

const name = fc.constantFrom(...NAMES)
/** Few enough to meet each other, and some from either end of the order. */
const key = fc
  .array(fc.constantFrom(0, 1, 2, 127, 128, 255), { maxLength: 2 })
  .map((bytes) => Uint8Array.from(bytes))
const value = fc.uint8Array({ maxLength: 3 })
const change = fc.record({ key, value: fc.option(value, { nil: undefined }) })
const range: fc.Arbitrary<IndexRange> = fc
  .record(
    { from: fc.constantFrom('gt', 'gte'), least: key, to: fc.constantFrom('lt', 'lte'), most: key },
    { requiredKeys: ['from', 'to'] }
  )
  .chain(({ from, least, to, most }) =>
    fc.record({ limit: fc.nat(4) }, { requiredKeys: [] }).map((limit) => ({
      ...limit,
      ...(least && { [from]: least }),
      ...(most && { [to]: most })
    }))
  )

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('batch' as const),
      name,
      changes: fc.array(change, { maxLength: 5 })
    })
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('range' as const), name, range }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('get' as const),
      name,
      keys: fc.array(key, { maxLength: 5 })
    })
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const), name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) }
)

const plain = (bytes: Uint8Array | undefined): number[] | undefined => bytes && [...bytes]

/** Everything in an index, in an order that says nothing. */
async function contents(index: Index): Promise<unknown[]> {
  const found = []
  for (const each of NAMES) {
    for (const [key, value] of await all(index.space(each).range())) {
      found.push([each, plain(key), plain(value)])
    }
  }
  return found
}

test('it answers as Level does', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const home = new SortedIndex()
      let index = home.open()
      const level = await openIndex({ location: undefined })
      for (const each of steps) {
        if (each.do === 'restart') {
          await index.close()
          index = home.open()
          continue
        }
        const [ours, theirs] = [index.space(each.name), level.space(each.name)]
        for (const space of [ours, theirs]) {
          if (each.do === 'batch') await space.batch(each.changes)
          if (each.do === 'clear') await space.clear()
        }
        if (each.do === 'get') {
          const [found, expected] = [await ours.getMany(each.keys), await theirs.getMany(each.keys)]
          t.deepEqual(found.map(plain), expected.map(plain))
          for (const [i, key] of each.keys.entries()) t.deepEqual(await ours.get(key), found[i])
        }
        if (each.do === 'range') {
          const [found, expected] = await Promise.all(
            [ours, theirs].map((space) => all(space.range(each.range)))
          )
          t.deepEqual(
            found!.map((pair) => pair.map(plain)),
            expected!.map((pair) => pair.map(plain))
          )
        }
      }
      t.deepEqual(await contents(index), await contents(level))
      await level.close()
    }),
    { numRuns: 300 }
  )
})

test('a walk sees the range as it stood when it began', async (t) => {
  const key = (n: number) => Uint8Array.of(n)
  for (const index of [new SortedIndex().open(), await openIndex({ location: undefined })]) {
    const space = index.space('a')
    for (const n of [1, 3, 5]) await space.put(key(n), key(n))
    const walk = space.range()
    const first = await walk.next()
    await space.put(key(2), key(2))
    await space.put(key(3), key(9))
    await space.batch([{ key: key(5), value: undefined }])
    t.deepEqual((first.value as Uint8Array[]).map(plain), [[1], [1]])
    t.deepEqual(
      (await all(walk)).map((pair) => pair.map(plain)),
      [
        [[3], [3]],
        [[5], [5]]
      ]
    )
    t.deepEqual(
      (await all(space.range())).map(([each]) => each[0]),
      [1, 2, 3]
    )
  }
})

test('a large space stays in order while keys come and go', async (t) => {
  const random = new SeededRandom('large')
  const space = new SortedIndex().open().space('a')
  const model = new Map<string, number>()
  for (let n = 0; n < 6000; n++) {
    const key = random.bytes(2)
    const isGone = n > 4000 && random.chance(0.8)
    await space.batch([{ key, value: isGone ? undefined : Uint8Array.of(n & 255) }])
    if (isGone) model.delete(Buffer.from(key).toString('hex'))
    else model.set(Buffer.from(key).toString('hex'), n & 255)
    if (n === 5000) {
      for (const hex of [...model.keys()].slice(0, 2500)) {
        await space.batch([{ key: Buffer.from(hex, 'hex'), value: undefined }])
        model.delete(hex)
      }
    }
    if (n % 97 !== 0) continue
    const found = (await all(space.range({ gte: Uint8Array.of(64), limit: 300 }))).map(
      ([key, value]) => [Buffer.from(key).toString('hex'), value[0]]
    )
    const expected = [...model].filter(([hex]) => hex >= '40').sort(([a], [b]) => (a < b ? -1 : 1))
    t.deepEqual(found, expected.slice(0, 300))
  }
})

test('what it was given and what it gives are its own', async (t) => {
  const space = new SortedIndex().open().space('a')
  const [key, value] = [Uint8Array.of(1), Uint8Array.of(7)]
  await space.put(key, value)
  key[0] = 2
  value[0] = 8
  const found = await space.get(Uint8Array.of(1))
  t.deepEqual(plain(found), [7])
  found?.fill(0)
  t.deepEqual(plain(await space.get(Uint8Array.of(1))), [7])
})

test('a power cut takes the latest batches whole, and in order from the end', async (t) => {
  const lost = new Set<number>()
  for (let seed = 0; seed < 60; seed++) {
    const home = new SortedIndex()
    const index = home.open()
    const states = [await contents(index)]
    for (let n = 0; n < 12; n++) {
      const space = index.space(NAMES[n % 3] ?? '')
      const key = (n: number) => Uint8Array.of(n % 5)
      if (n === 9) await space.clear()
      else
        await space.batch([
          { key: key(n), value: key(n) },
          { key: key(n + 2), value: undefined },
          { key: key(n), value: Uint8Array.of(n) }
        ])
      states.push(await contents(index))
    }
    home.crash(new SeededRandom(`${seed}`))
    await t.throwsAsync(index.space('a').get(Uint8Array.of(1)), { instanceOf: DiskFailed })
    const again = home.open()
    if (again.rebuilt) continue
    const left = JSON.stringify(await contents(again))
    const at = states.findLastIndex((state) => JSON.stringify(state) === left)
    t.true(at >= 0, `seed ${seed}`)
    lost.add(states.length - 1 - at)
    // What outlived one power cut is there for good.
    home.crash()
    t.is(JSON.stringify(await contents(home.open())), left)
  }
  t.true(lost.has(0) && lost.has(12) && lost.size > 4)
})

test('a power cut cannot take what is long past', async (t) => {
  const home = new SortedIndex()
  const space = home.open().space('a')
  for (let n = 0; n < 1000; n++) await space.put(Uint8Array.of(n >> 8, n & 255), Uint8Array.of(1))
  home.crash()
  const left = (await all(home.open().space('a').range())).length
  t.true(left > 0 && left < 1000)
})

test('now and then a power cut ruins it, and who opens it next is told, once', async (t) => {
  let ruined = 0
  for (let seed = 0; seed < 200; seed++) {
    const home = new SortedIndex()
    await home.open().space('a').put(Uint8Array.of(1), Uint8Array.of(1))
    home.crash(new SeededRandom(`${seed}`))
    const index = home.open()
    if (!index.rebuilt) continue
    ruined++
    t.deepEqual(await contents(index), [])
    home.release()
    t.false(home.open().rebuilt)
  }
  t.true(ruined > 0 && ruined < 50)
})

test('one process has it at a time, and one that is gone stands in nobody’s way', async (t) => {
  const home = new SortedIndex()
  const first = home.open()
  t.false(first.rebuilt)
  await first.space('a').put(Uint8Array.of(1), Uint8Array.of(2))
  t.throws(() => home.open(), { instanceOf: HomeBusy })
  const walk = first.space('a').range()
  home.release()
  const second = home.open()
  t.deepEqual(await contents(second), [['a', [1], [2]]])
  await t.throwsAsync(first.space('a').put(Uint8Array.of(1), Uint8Array.of(3)), {
    instanceOf: DiskFailed
  })
  await t.throwsAsync(walk.next(), { instanceOf: DiskFailed })
  await first.close()
  t.throws(() => home.open(), { instanceOf: HomeBusy })
  await second.close()
  await t.throwsAsync(second.space('a').clear(), { instanceOf: DiskFailed })
  await t.notThrowsAsync(contents(home.open()))
})

test('a copy goes its own way, and is lost in the same order', async (t) => {
  const home = new SortedIndex()
  const index = home.open()
  for (let n = 0; n < 8; n++) await index.space('a').put(Uint8Array.of(n), Uint8Array.of(n))
  const before = await contents(index)
  const copies = [home.copy(), home.copy()]
  for (const copy of copies) copy.crash(new SeededRandom('x'))
  const [first, second] = copies.map((copy) => copy.open())
  t.deepEqual(await contents(first!), await contents(second!))
  await first!.space('a').clear()
  t.deepEqual(await contents(index), before)
  await index.space('a').clear()
  t.deepEqual(await contents(home.copy().open()), [])
})
