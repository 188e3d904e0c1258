import test from 'ava'
import { BASE_SCOPE, toHex } from '../../store/block.ts'
import { Blockstore } from '../../store/blockstore.ts'
import { check } from '../../store/check.ts'
import { openIndex, type Index } from '../../store/index.ts'
import { SimDisk } from '../../sim/disk/disk.ts'
import { noiseBlock } from './_blocks.ts'

const ENDPOINT = 'cd'.repeat(16)
const SEGMENT_BYTES = 2000

async function build() {
  const disk = new SimDisk()
  const index = await openIndex({ location: undefined })
  const open = (using: Index = index) =>
    Blockstore.open({ disk, index: using }, { segmentBytes: SEGMENT_BYTES })
  const store = await open()
  const blocks = Array.from({ length: 10 }, () => noiseBlock(500))
  for (const { cid, bytes } of blocks) {
    await store.put(BASE_SCOPE, cid, bytes)
    await store.put(ENDPOINT, cid, bytes)
  }
  return { disk, index, open, store, blocks }
}

const FINE = {
  ...{ blocks: 20, bytes: 10_000, unindexed: 0 },
  ...{ damaged: [], missing: [], unreadable: [], footers: [] }
}

test('a sound store has nothing to report, open or closed, and check writes nothing', async (t) => {
  const { store, disk, open } = await build()
  await store.flush()
  const writing = new Set(['write', 'sync', 'rename', 'remove', 'makeDirectory', 'syncDirectory'])
  disk.fault = ({ operation }) => (writing.has(operation) ? 'EIO' : undefined)
  for (const deep of [false, true]) t.deepEqual(await check({ blockstore: store }, { deep }), FINE)
  disk.fault = undefined
  await store.close()
  const again = await open()
  for (const deep of [false, true]) t.deepEqual(await check({ blockstore: again }, { deep }), FINE)
  const one = await check({ blockstore: again }, { scopes: [ENDPOINT] })
  t.is(one.blocks, 10)
})

test('a deep check names every damaged block, and changes nothing', async (t) => {
  for (const isClosed of [false, true]) {
    const { store, disk, open, blocks } = await build()
    await (isClosed ? store.close() : store.flush())
    const blockstore = isClosed ? await open() : store
    // The second and the last: 53 bytes of header, 500 of body each; four to a segment.
    disk.flip('blocks/base/00000001.seg', 553 + 300)
    disk.flip('blocks/base/00000003.seg', 553 + 20)
    for (const time of ['first', 'second']) {
      const { damaged } = await check({ blockstore }, { deep: true })
      t.deepEqual(
        damaged.map(({ scope, hash }) => `${scope} ${toHex(hash)}`).sort(),
        [...[blocks[1], blocks[9]].map((each) => `base ${toHex(each!.hash)}`).sort()],
        time
      )
    }
    const shallow = await check({ blockstore })
    // Of the two only the second is hit in its header.
    t.is(shallow.damaged.length, 1)
  }
})

test('blocks that were found damaged are still named until they are put again', async (t) => {
  const { store, disk, blocks } = await build()
  await store.flush()
  disk.flip('blocks/base/00000001.seg', 300)
  const { cid, hash, bytes } = blocks[0]!
  t.is(await store.get(BASE_SCOPE, hash), undefined)
  const report = await check({ blockstore: store })
  t.deepEqual(report.damaged, [{ scope: BASE_SCOPE, hash }])
  t.is(report.blocks, 19)
  await store.put(BASE_SCOPE, cid, bytes)
  await store.flush()
  t.deepEqual(await check({ blockstore: store }, { deep: true }), FINE)
})

test('what the index lost is counted, and a rebuilt index has it again', async (t) => {
  const { store, index, open } = await build()
  await store.close()
  const space = index.space(`blocks/${BASE_SCOPE}`)
  const keys = []
  for await (const [key] of space.range()) if (key.length === 33) keys.push(key)
  await space.batch(keys.slice(0, 3).map((key) => ({ key, value: undefined })))
  const blockstore = await open()
  t.is(blockstore.rebuilt, 0)
  t.is((await check({ blockstore })).unindexed, 3)
  await blockstore.rebuildIndex()
  t.deepEqual(await check({ blockstore }), FINE)
})

test('what the index invents, and segments that cannot be read, are named', async (t) => {
  const { store, disk, open } = await build()
  await store.close()
  const blockstore = await open()
  const path = 'blocks/base/00000002.seg'
  disk.fault = (call) => (call.operation === 'read' && call.path === path ? 'EIO' : undefined)
  const report = await check({ blockstore })
  t.deepEqual(report.unreadable, [path])
  t.is(report.damaged.length, 4)
  disk.fault = undefined
  await disk.remove(path)
  t.is((await check({ blockstore: await open() })).blocks, 16)
})

test('a check tells its progress and ends when it is told to', async (t) => {
  const { store } = await build()
  await store.flush()
  let blocks = 0
  await check({ blockstore: store }, { onProgress: (seen) => (blocks += seen.blocks) })
  t.is(blocks, 20)
  const signal = AbortSignal.abort()
  await t.throwsAsync(check({ blockstore: store }, { signal }), { name: 'AbortError' })
})
