import test from 'ava'
import fc from 'fast-check'
import { BASE_SCOPE, toHex } from '../../store/block.ts'
import { Blockstore } from '../../store/blockstore.ts'
import { SimDisk } from '../../sim/disk/disk.ts'
import { SeededRandom } from '../../sim/random.ts'
import { SortedIndex } from '../../sim/disk/sorted-index.ts'
import { all, blockOf, noiseBlock, type TestBlock } from './_blocks.ts'

const SEGMENT_BYTES = 2000

/** A computer: its process can be killed, its disk can fail a sync or be full, its power can go. */
class Computer {
  readonly disk = new SimDisk()
  readonly index = new SortedIndex()

  open(): Promise<Blockstore> {
    const components = { disk: this.disk, index: this.index.open() }
    return Blockstore.open(components, { segmentBytes: SEGMENT_BYTES })
  }

  kill(): void {
    this.disk.kill()
    this.index.release()
  }

  crash(random?: SeededRandom): void {
    this.disk.crash(random)
    this.index.crash(random)
  }
}

async function put(store: Blockstore, { cid, bytes }: TestBlock): Promise<void> {
  await store.put(BASE_SCOPE, cid, bytes)
}

async function found(store: Blockstore, blocks: readonly TestBlock[]): Promise<boolean[]> {
  const answers = []
  for (const { hash } of blocks) answers.push((await store.get(BASE_SCOPE, hash)) !== undefined)
  return answers
}

function isDone(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false
  )
}

test('a block of a killed process is durable once a later one has put and flushed it', async (t) => {
  const computer = new Computer()
  const block = noiseBlock(500)
  await put(await computer.open(), block)
  computer.kill()
  const store = await computer.open()
  t.true(await store.has(BASE_SCOPE, block.hash))
  await put(store, block)
  await store.flush()
  computer.crash()
  t.deepEqual(await found(await computer.open(), [block]), [true])
})

test('what a failed fsync dropped is durable once a later process has flushed it', async (t) => {
  for (const isKilled of [true, false]) {
    const computer = new Computer()
    const block = noiseBlock(500)
    const poisoned = await computer.open()
    await put(poisoned, block)
    computer.disk.failNext({ error: 'EIO', calls: 1, operation: 'sync' })
    await t.throwsAsync(poisoned.flush(), { name: 'StorePoisoned' })
    if (isKilled) computer.kill()
    else {
      await poisoned.close()
      computer.index.release()
    }
    const store = await computer.open()
    await put(store, block)
    await store.flush()
    computer.crash()
    t.deepEqual(await found(await computer.open(), [block]), [true])
  }
})

test('what an earlier process put can be read while there is no space to make it durable', async (t) => {
  const computer = new Computer()
  const blocks = [noiseBlock(500), noiseBlock(600), noiseBlock(400)]
  const first = await computer.open()
  for (const block of blocks) await put(first, block)
  computer.kill()
  computer.disk.capacity = 2500
  const store = await computer.open()
  t.deepEqual(await found(store, blocks), [true, true, true])
  t.deepEqual(await store.usage(BASE_SCOPE), { blocks: 3, bytes: 1500 })
  t.deepEqual(
    (await all(store.hashes(BASE_SCOPE))).map(toHex),
    blocks.map(({ hash }) => toHex(hash)).sort()
  )
  await t.throwsAsync(store.flush(), { name: 'DiskFull' })
  await t.throwsAsync(put(store, noiseBlock(300)), { name: 'DiskFull' })
  computer.disk.capacity = 1 << 20
  await store.flush()
  computer.crash()
  t.deepEqual(await found(await computer.open(), blocks), [true, true, true])
})

test('what was written anew is not written again at the next opening', async (t) => {
  const computer = new Computer()
  const blocks = [noiseBlock(500), noiseBlock(600)]
  const first = await computer.open()
  for (const block of blocks) await put(first, block)
  computer.kill()
  const second = await computer.open()
  t.is(second.rebuilt, 1)
  await second.close()
  computer.index.release()
  const files = computer.disk.files()
  t.is(files.length, 2)
  const third = await computer.open()
  t.is(third.rebuilt, 0)
  await third.close()
  // Not even without the index: a segment with a footer has it.
  computer.index.forget()
  const fourth = await computer.open()
  t.deepEqual(await found(fourth, blocks), [true, true])
  await fourth.close()
  t.deepEqual(computer.disk.files(), files)
})

test('an inherited block that decays before it is written anew is missed, and noted', async (t) => {
  const computer = new Computer()
  const blocks = [noiseBlock(500), noiseBlock(600)]
  const first = await computer.open()
  for (const block of blocks) await put(first, block)
  computer.kill()
  computer.disk.capacity = 0
  const store = await computer.open()
  computer.disk.capacity = 1 << 20
  computer.disk.flip('blocks/base/00000001.seg', 100)
  await store.flush()
  t.deepEqual(await found(store, blocks), [false, true])
  t.false(await store.isWhole(BASE_SCOPE))
  await put(store, blocks[0]!)
  await store.flush()
  t.true(await store.isWhole(BASE_SCOPE))
  computer.crash()
  t.deepEqual(await found(await computer.open(), blocks), [true, true])
})

/** Four families of blocks of many sizes, in each of which every block is the parent of the one before. */
const FAMILIES = Array.from({ length: 4 }, (_, family) =>
  Array.from({ length: 12 }, (_, i) =>
    blockOf(new Uint8Array(Buffer.alloc([0, 150, 700, 3000][i % 4]! + 9, `${family} ${i} `)))
  )
)

const seed = fc.option(fc.nat(), { nil: undefined })
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('put' as const), family: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('kill' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('crash' as const), seed }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rebuild' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('free' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fail' as const),
      operation: fc.constantFrom('sync' as const, 'write' as const, 'syncDirectory' as const),
      error: fc.constantFrom('EIO' as const, 'ENOSPC' as const)
    })
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fill' as const), left: fc.nat(3000) }) }
)

test('what was acknowledged stays, and no parent is there without its child, whatever happens', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const computer = new Computer()
      const { disk } = computer
      let store = await computer.open()
      const acknowledged = new Set<TestBlock>()
      /** What the store says it has: with the next flush it promises all of this. */
      let here = new Set<TestBlock>()
      const promise = async (work: Promise<void>): Promise<void> => {
        const said = [...here]
        if (await isDone(work)) for (const block of said) acknowledged.add(block)
      }
      for (const each of steps) {
        if (each.do === 'put') {
          const family = FAMILIES[each.family] ?? []
          const block = family.find((one) => !here.has(one))
          if (block !== undefined && (await isDone(put(store, block)))) here.add(block)
        } else if (each.do === 'flush') await promise(store.flush())
        else if (each.do === 'rebuild') await isDone(store.rebuildIndex())
        else if (each.do === 'fail') disk.failNext({ ...each, calls: 1 })
        else if (each.do === 'fill') disk.capacity = bytesIn(disk) + each.left
        else if (each.do === 'free') disk.capacity = Infinity
        else {
          // A poisoned store can be closed, and promises nothing by that: the flush tells.
          if (each.do === 'close') await promise(store.close().then(() => store.flush()))
          if (each.do === 'crash') {
            computer.crash(each.seed === undefined ? undefined : new SeededRandom(`${each.seed}`))
          } else computer.kill()
          disk.failNext(undefined)
          store = await computer.open()
          here = new Set()
          for (const family of FAMILIES) {
            const answers = await found(store, family)
            t.false(answers.lastIndexOf(true) > answers.indexOf(false) && answers.includes(false))
            family.filter((_, i) => answers[i]).forEach((block) => here.add(block))
          }
          t.deepEqual([...acknowledged.difference(here)], [])
        }
      }
      computer.crash()
      t.false((await found(await computer.open(), [...acknowledged])).includes(false))
    }),
    { numRuns: 400 }
  )
  t.pass()
})

function bytesIn(disk: SimDisk): number {
  return disk.files().reduce((sum, { length }) => sum + length, 0)
}
