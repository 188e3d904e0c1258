import test from 'ava'
import fc from 'fast-check'
import { BASE_SCOPE, toHex } from '../../store/block.ts'
import { Blockstore } from '../../store/blockstore.ts'
import { openIndex } from '../../store/index.ts'
import { encodeRecord } from '../../store/segment.ts'
import { packBlock } from '../../store/stored.ts'
import { SimDisk } from '../../sim/disk/disk.ts'
import type { DiskFault, DiskOperation } from '../../sim/disk/faults.ts'
import { SeededRandom } from '../../sim/random.ts'
import { all, blockOf, noiseBlock, textBlock, type TestBlock } from './_blocks.ts'

const SEGMENT_BYTES = 2000
const memory = () => openIndex({ location: undefined })

/** Blocks of many sizes; the same number gives the same block. */
function stone(number: number): TestBlock {
  const length = [0, 20, 150, 700, 3000][number % 5] ?? 0
  return blockOf(
    new Uint8Array(Buffer.alloc(length, number % 2 ? `${number} ` : `stone ${number}`))
  )
}

/** What a store answers for these blocks: the bytes, in hex, or undefined. */
async function answers(store: Blockstore, blocks: readonly TestBlock[]) {
  const found = []
  for (const { hash } of blocks) {
    const bytes = await store.get(BASE_SCOPE, hash)
    found.push(bytes && toHex(bytes))
  }
  return found
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), number: fc.nat(40) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('crash' as const, 'close' as const),
      /** Of what survives that was not synced; undefined if nothing does. */
      seed: fc.option(fc.nat(), { nil: undefined }),
      forgetIndex: fc.boolean()
    })
  }
)

test('what was flushed outlives crashes, and of the rest a prefix, with the index and without', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const disk = new SimDisk()
      let index = await memory()
      let store = await Blockstore.open({ disk, index }, { segmentBytes: SEGMENT_BYTES })
      const flushed = new Map<string, TestBlock>()
      /** New blocks since the flush, in the order of their puts. */
      let fresh: TestBlock[] = []
      const settle = () => {
        for (const block of fresh) flushed.set(toHex(block.hash), block)
        fresh = []
      }
      for (const each of steps) {
        if (each.do === 'put') {
          const block = stone(each.number)
          if (!(await store.has(BASE_SCOPE, block.hash))) fresh.push(block)
          await store.put(BASE_SCOPE, block.cid, block.bytes)
        } else if (each.do === 'flush') {
          await store.flush()
          settle()
        } else {
          if (each.do === 'close') {
            await store.close()
            settle()
          }
          disk.crash(each.seed === undefined ? undefined : new SeededRandom(`${each.seed}`))
          if (each.forgetIndex) index = await memory()
          store = await Blockstore.open({ disk, index }, { segmentBytes: SEGMENT_BYTES })
          const blocks = [...flushed.values()]
          t.deepEqual(
            await answers(store, blocks),
            blocks.map(({ bytes }) => toHex(bytes))
          )
          const rest = await answers(store, fresh)
          const lost = rest.indexOf(undefined)
          const kept = lost < 0 ? fresh.length : lost
          t.deepEqual(
            rest,
            fresh.map(({ bytes }, i) => (i < kept ? toHex(bytes) : undefined))
          )
          fresh = fresh.slice(0, kept)
          settle()
          t.is((await store.usage(BASE_SCOPE)).blocks, flushed.size)
          t.deepEqual((await all(store.hashes(BASE_SCOPE))).map(toHex), [...flushed.keys()].sort())
        }
      }
    }),
    { numRuns: 150 }
  )
  t.pass()
})

test('a byte changed anywhere in a segment gives the right block or none, never an error', async (t) => {
  const blocks = [textBlock(1), noiseBlock(40), textBlock(2, 900), noiseBlock(1)]
  for (const isClosed of [true, false]) {
    const disk = new SimDisk()
    const index = await memory()
    const store = await Blockstore.open({ disk, index })
    for (const { cid, bytes } of blocks) await store.put(BASE_SCOPE, cid, bytes)
    await (isClosed ? store.close() : store.flush())
    const [file] = disk.files()
    for (let at = 0; at < file!.length; at++) {
      disk.flip(file!.path, at, 1 << (at % 8))
      // What has no footer is written anew, so each looks at a copy.
      const opened = await Blockstore.open({ disk: disk.copy(), index: await memory() })
      const found = await answers(opened, blocks)
      found.forEach((each, i) => t.true(each === undefined || each === toHex(blocks[i]!.bytes)))
      // What the index knows already does not hang on the bytes before it.
      const index = await copyOf(blocks, isClosed)
      const known = await Blockstore.open({ disk: disk.copy(), index })
      const kept = (await answers(known, blocks)).filter((each) => each !== undefined)
      t.true(kept.length >= blocks.length - 1, `changed at ${at}`)
      disk.flip(file!.path, at, 1 << (at % 8))
    }
  }
})

/** An index as it stands after these blocks were put and flushed. */
async function copyOf(blocks: readonly TestBlock[], isClosed: boolean) {
  const index = await memory()
  const store = await Blockstore.open({ disk: new SimDisk(), index })
  for (const { cid, bytes } of blocks) await store.put(BASE_SCOPE, cid, bytes)
  await (isClosed ? store.close() : store.flush())
  return index
}

test('segments cut, emptied, swapped or gone never keep a store from opening', async (t) => {
  const blocks = Array.from({ length: 12 }, () => noiseBlock(500))
  const damages: [string, (disk: SimDisk, paths: string[]) => Promise<void>][] = [
    ['gone', async (disk, [first]) => disk.remove(first!)],
    [
      'swapped',
      async (disk, [first, second]) => {
        await disk.rename(first!, 'x')
        await disk.rename(second!, first!)
        await disk.rename('x', second!)
      }
    ],
    [
      'emptied',
      async (disk, [first]) => {
        await disk.remove(first!)
        await (await disk.open(first!, 'create')).close()
      }
    ],
    [
      'strange',
      async (disk) => {
        await (await disk.open('blocks/base/notes.txt', 'create')).close()
        await (await disk.open('blocks/UPPER', 'create')).close()
      }
    ]
  ]
  for (const [name, damage] of damages) {
    const disk = new SimDisk()
    const index = await memory()
    const store = await Blockstore.open({ disk, index }, { segmentBytes: SEGMENT_BYTES })
    for (const { cid, bytes } of blocks) await store.put(BASE_SCOPE, cid, bytes)
    await store.close()
    await damage(
      disk,
      disk.files().map(({ path }) => path)
    )
    const again = await Blockstore.open({ disk, index }, { segmentBytes: SEGMENT_BYTES })
    const found = await answers(again, blocks)
    found.forEach((each, i) => t.true(each === undefined || each === toHex(blocks[i]!.bytes), name))
    // Of equal sizes, swapped segments are seen only when they are read, or rebuilt.
    if (name === 'swapped') await again.rebuildIndex()
    const lost = (await answers(again, blocks)).filter((each) => each === undefined).length
    t.is(lost, /gone|emptied/.test(name) ? 4 : 0, name)
    for (const { cid, bytes } of blocks) await again.put(BASE_SCOPE, cid, bytes)
    await again.flush()
    t.false((await answers(again, blocks)).includes(undefined), name)
  }
})

test('an index older than the segments is brought up to date', async (t) => {
  const disk = new SimDisk()
  const blocks = Array.from({ length: 12 }, () => noiseBlock(500))
  const [old, now] = [await memory(), await memory()]
  for (const [i, { cid, bytes }] of blocks.entries()) {
    const index = i < 6 ? old : now
    const store = await Blockstore.open({ disk, index }, { segmentBytes: SEGMENT_BYTES })
    await store.put(BASE_SCOPE, cid, bytes)
    await store.flush()
    disk.crash()
  }
  const store = await Blockstore.open({ disk, index: old })
  t.true(store.rebuilt >= 6)
  t.false((await answers(store, blocks)).includes(undefined))
  t.deepEqual(await store.usage(BASE_SCOPE), { blocks: 12, bytes: 6000 })
  await store.rebuildIndex()
  t.deepEqual(await store.usage(BASE_SCOPE), { blocks: 12, bytes: 6000 })
  t.false((await answers(store, blocks)).includes(undefined))
})

test('a full disk refuses, and the store goes on when there is space again', async (t) => {
  const disk = new SimDisk({ capacity: 2500 })
  const index = await memory()
  const store = await Blockstore.open({ disk, index }, { segmentBytes: SEGMENT_BYTES })
  const blocks = Array.from({ length: 10 }, () => noiseBlock(600))
  const put: TestBlock[] = []
  for (const block of blocks) {
    const { cid, bytes } = block
    const isPut = await store.put(BASE_SCOPE, cid, bytes).then(
      () => true,
      (error: unknown) => {
        t.is((error as Error).name, 'DiskFull')
        return false
      }
    )
    if (isPut) put.push(block)
  }
  t.true(put.length > 0 && put.length < 5)
  await store.flush()
  disk.capacity = 1 << 20
  for (const { cid, bytes } of blocks) await store.put(BASE_SCOPE, cid, bytes)
  await store.flush()
  disk.crash()
  const again = await Blockstore.open({ disk, index: await memory() })
  t.false((await answers(again, blocks)).includes(undefined))
})

test('writes that fall short or fail now and then lose nothing that was acknowledged', async (t) => {
  const fault = fc.constantFrom<DiskFault>('short', 'ENOSPC', 'EIO')
  const operation = fc.constantFrom<DiskOperation>('write', 'write', 'open', 'sync', 'read')
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(operation, fc.nat(12), fault), { maxLength: 4 }),
      async (faults) => {
        const disk = new SimDisk()
        const index = await memory()
        const store = await Blockstore.open({ disk, index }, { segmentBytes: SEGMENT_BYTES })
        disk.fault = ({ operation, count }) =>
          faults.find(([each, number]) => each === operation && number === count)?.[2]
        const acknowledged: TestBlock[] = []
        let fresh: TestBlock[] = []
        for (let i = 0; i < 24; i++) {
          const block = stone(i)
          const put = store.put(BASE_SCOPE, block.cid, block.bytes)
          if (
            await put.then(
              () => true,
              () => false
            )
          )
            fresh.push(block)
          if (i % 4 !== 3) continue
          if (
            await store.flush().then(
              () => true,
              () => false
            )
          ) {
            acknowledged.push(...fresh)
            fresh = []
          }
        }
        disk.crash()
        disk.fault = undefined
        for (const kept of [index, await memory()]) {
          const again = await Blockstore.open({ disk, index: kept })
          t.deepEqual(
            await answers(again, acknowledged),
            acknowledged.map(({ bytes }) => toHex(bytes))
          )
        }
      }
    ),
    { numRuns: 150 }
  )
  t.pass()
})

test('after a failed fsync nothing is acknowledged, and what was durable can be read', async (t) => {
  for (const operation of ['sync', 'syncDirectory', 'read'] as const) {
    const disk = new SimDisk()
    const store = await Blockstore.open({ disk, index: await memory() })
    const [first, second, third] = [noiseBlock(50), noiseBlock(60), noiseBlock(70)]
    if (operation !== 'syncDirectory') {
      await store.put(BASE_SCOPE, first.cid, first.bytes)
      await store.flush()
    }
    await store.put(BASE_SCOPE, second.cid, second.bytes)
    disk.fault = (call) => (call.operation === operation ? 'EIO' : undefined)
    await t.throwsAsync(store.flush(), { name: 'StorePoisoned' }, operation)
    disk.fault = undefined
    await t.throwsAsync(store.flush(), { name: 'StorePoisoned' }, operation)
    await t.throwsAsync(store.put(BASE_SCOPE, third.cid, third.bytes), { name: 'StorePoisoned' })
    if (operation !== 'syncDirectory') t.truthy(await store.get(BASE_SCOPE, first.hash))
    await t.notThrowsAsync(store.close())
  }
})

test('bytes that the disk mangled under the fsync are found before they are acknowledged', async (t) => {
  const disk = new SimDisk()
  const store = await Blockstore.open({ disk, index: await memory() })
  const { cid, bytes } = noiseBlock(500)
  await store.put(BASE_SCOPE, cid, bytes)
  disk.flip('blocks/base/00000001.seg', 200)
  await t.throwsAsync(store.flush(), { name: 'StorePoisoned' })
})

test('what a failed write left behind is never read as a block', async (t) => {
  const hidden = noiseBlock(20)
  const short = noiseBlock(10)
  const record = encodeRecord(hidden.hash, packBlock(hidden.bytes, { compress: false }))
  // Its first half, written where the short block goes next, has a whole record right behind that one.
  const carrier = blockOf(Buffer.concat([new Uint8Array(10), record, new Uint8Array(500)]))
  const disk = new SimDisk()
  const store = await Blockstore.open({ disk, index: await memory() })
  disk.fault = ({ operation, count }) =>
    operation === 'write' ? ([undefined, 'short', 'EIO'] as const)[count] : undefined
  const put = store.put(BASE_SCOPE, carrier.cid, carrier.bytes, { compress: false })
  await t.throwsAsync(put, { name: 'DiskFailed' })
  await store.put(BASE_SCOPE, short.cid, short.bytes)
  await store.flush()
  disk.crash()
  const again = await Blockstore.open({ disk, index: await memory() })
  t.deepEqual((await all(again.hashes(BASE_SCOPE))).map(toHex), [toHex(short.hash)])
})
