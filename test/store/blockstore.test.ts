import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import test from 'ava'
import { BASE_SCOPE, sha256, toHex } from '../../store/block.ts'
import { Blockstore } from '../../store/blockstore.ts'
import { openDisk } from '../../store/disk.ts'
import { openIndex } from '../../store/index.ts'
import { METHOD_RAW, METHOD_ZSTD } from '../../store/stored.ts'
import { SimDisk } from '../../sim/disk/disk.ts'
import { all, blockOf, noiseBlock, temporary, textBlock } from './_blocks.ts'

const ENDPOINT = 'ab'.repeat(16)

async function openSim(disk = new SimDisk(), init = {}) {
  const index = await openIndex({ location: undefined })
  return { disk, index, store: await Blockstore.open({ disk, index }, init) }
}

test('a block that was put is there before and after the flush, in its scope alone', async (t) => {
  const { store } = await openSim()
  const { cid, hash, bytes } = textBlock(1)
  t.false(await store.has(BASE_SCOPE, hash))
  t.is(await store.get(BASE_SCOPE, hash), undefined)
  await store.put(BASE_SCOPE, cid, bytes)
  for (const moment of ['before', 'after']) {
    t.true(await store.has(BASE_SCOPE, hash), moment)
    t.deepEqual(Buffer.from((await store.get(BASE_SCOPE, hash)) ?? []), Buffer.from(bytes), moment)
    t.deepEqual(await store.source(BASE_SCOPE).get(cid), await store.get(BASE_SCOPE, hash))
    t.false(await store.has(ENDPOINT, hash), moment)
    t.is(await store.source(ENDPOINT).get(cid), undefined, moment)
    await store.flush()
  }
  t.deepEqual(await store.scopes(), [BASE_SCOPE])
  await t.throwsAsync(store.has('../base', hash), { name: 'Malformed' })
})

test('bytes that are not the block are refused', async (t) => {
  const { store } = await openSim()
  const { cid, bytes } = textBlock(1)
  const other = textBlock(2)
  await t.throwsAsync(store.put(BASE_SCOPE, cid, other.bytes), { name: 'BlockDamaged' })
  const raw = { method: METHOD_RAW, plainLength: bytes.length, body: other.bytes } as const
  await t.throwsAsync(store.putStored(BASE_SCOPE, cid, raw), { name: 'BlockDamaged' })
  const false_ = { method: METHOD_RAW, plainLength: 7, body: bytes } as const
  await t.throwsAsync(store.putStored(BASE_SCOPE, cid, false_), { name: 'Malformed' })
  const garbage = { method: METHOD_ZSTD, plainLength: bytes.length, body: bytes.subarray(0, 30) }
  await t.throwsAsync(store.putStored(BASE_SCOPE, cid, { ...garbage, method: METHOD_ZSTD }), {
    name: 'BlockDamaged'
  })
  t.deepEqual(await store.scopes(), [])
})

test('a bomb is refused at the length that it promised, as is a window larger than a block', async (t) => {
  const { store } = await openSim()
  const zeros = new Uint8Array(64 << 20)
  const { cid } = blockOf(new Uint8Array(1000))
  const bomb = { method: METHOD_ZSTD, plainLength: 1000, body: zstdCompressSync(zeros) } as const
  t.true(bomb.body.length < 10_000)
  await t.throwsAsync(store.putStored(BASE_SCOPE, cid, { ...bomb, plainLength: 1 << 30 }), {
    name: 'Malformed'
  })
  await t.throwsAsync(store.putStored(BASE_SCOPE, cid, { ...bomb, plainLength: 1 << 20 }), {
    name: 'BlockDamaged'
  })
  // RFC 8878: magic, no content size, window 2^(10 + high five bits), one last RLE block of 1000 zeros.
  const frame = (windowLog: number) =>
    Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, (windowLog - 10) << 3, 0x43, 0x1f, 0, 0)
  const stored = { method: METHOD_ZSTD, plainLength: 1000, body: frame(21) } as const
  await t.throwsAsync(store.putStored(BASE_SCOPE, cid, stored), { name: 'BlockDamaged' })
  await t.notThrowsAsync(store.putStored(BASE_SCOPE, cid, { ...stored, body: frame(20) }))
})

test('base blocks are packed when that pays, sealed ones never', async (t) => {
  const { store } = await openSim()
  const text = textBlock(1, 10_000)
  const noise = noiseBlock(10_000)
  for (const { cid, bytes } of [text, noise]) {
    await store.put(BASE_SCOPE, cid, bytes)
    await store.put(ENDPOINT, cid, bytes)
  }
  t.is((await store.getStored(BASE_SCOPE, text.hash))?.method, METHOD_ZSTD)
  t.is((await store.getStored(BASE_SCOPE, noise.hash))?.method, METHOD_RAW)
  t.is((await store.getStored(ENDPOINT, text.hash))?.method, METHOD_RAW)
  t.deepEqual(await store.usage(ENDPOINT), { blocks: 2, bytes: 20_000 })
  const { blocks, bytes } = await store.usage(BASE_SCOPE)
  t.is(blocks, 2)
  t.true(bytes > 10_000 && bytes < 10_500)
  await store.flush()
  t.deepEqual(await store.usage(BASE_SCOPE), { blocks, bytes })
})

test('a block travels as it lies', async (t) => {
  const { store: from } = await openSim()
  const { store: to } = await openSim()
  for (const block of [textBlock(1), noiseBlock(300), blockOf(new Uint8Array(0))]) {
    await from.put(BASE_SCOPE, block.cid, block.bytes)
    const stored = (await from.getStored(BASE_SCOPE, block.hash))!
    await to.putStored(BASE_SCOPE, block.cid, stored)
    t.deepEqual(await to.getStored(BASE_SCOPE, block.hash), stored)
    t.deepEqual(toHex((await to.get(BASE_SCOPE, block.hash))!), toHex(block.bytes))
  }
})

test('putting a block again, at once or later, stores it once', async (t) => {
  const { store, disk } = await openSim()
  const { cid, bytes } = noiseBlock(1000)
  await Promise.all(Array.from({ length: 10 }, () => store.put(BASE_SCOPE, cid, bytes)))
  await store.put(BASE_SCOPE, cid, bytes)
  await store.flush()
  await store.put(BASE_SCOPE, cid, bytes)
  await store.flush()
  t.deepEqual(await store.usage(BASE_SCOPE), { blocks: 1, bytes: 1000 })
  t.is(disk.files()[0]?.length, 1053)
})

test('flushes that wait together share one fsync, and each covers what was put before it', async (t) => {
  let syncs = 0
  const { store, disk } = await openSim()
  disk.fault = ({ operation }) => {
    if (operation === 'sync') syncs++
    return undefined
  }
  const blocks = Array.from({ length: 20 }, (_, i) => textBlock(i))
  await Promise.all(
    blocks.map(async ({ cid, bytes }) => {
      await store.put(BASE_SCOPE, cid, bytes)
      await store.flush()
    })
  )
  t.true(syncs <= 3, `${syncs} syncs`)
  disk.crash()
  disk.fault = undefined
  const again = await openSim(disk)
  for (const { hash } of blocks) t.true(await again.store.has(BASE_SCOPE, hash))
})

test('hashes come in order with what is not yet flushed, and missing names the rest', async (t) => {
  const { store } = await openSim()
  const blocks = Array.from({ length: 300 }, (_, i) => textBlock(i))
  for (const [i, { cid, bytes }] of blocks.entries()) {
    if (i % 3 !== 0) await store.put(BASE_SCOPE, cid, bytes)
    if (i === 150) await store.flush()
  }
  const sorted = blocks.map(({ hash }) => toHex(hash)).sort()
  const there = blocks.filter((_, i) => i % 3 !== 0).map(({ hash }) => toHex(hash))
  t.deepEqual((await all(store.hashes(BASE_SCOPE))).map(toHex), there.toSorted())
  const asked = sorted.map((hex) => new Uint8Array(Buffer.from(hex, 'hex')))
  const missing = (await all(store.missing(BASE_SCOPE, asked))).map(toHex)
  t.deepEqual(
    missing,
    sorted.filter((hex) => !there.includes(hex))
  )
  t.is((await all(store.missing(ENDPOINT, asked))).length, 300)
})

test('a damaged block is reported, counts as missing, and can be put again', async (t) => {
  const damages: string[] = []
  const onDamage = ({ scope, hash }: { scope: string; hash: Uint8Array }) =>
    damages.push(`${scope} ${toHex(hash)}`)
  const { store, disk, index } = await openSim(undefined, { onDamage })
  const { cid, hash, bytes } = noiseBlock(1000)
  await store.put(ENDPOINT, cid, bytes)
  await store.flush()
  disk.flip(`blocks/${ENDPOINT}/00000001.seg`, 500)
  t.is(await store.get(ENDPOINT, hash), undefined)
  t.deepEqual(damages, [`${ENDPOINT} ${toHex(hash)}`])
  t.false(await store.has(ENDPOINT, hash))
  await store.put(ENDPOINT, cid, bytes)
  await store.flush()
  t.deepEqual(await store.usage(ENDPOINT), { blocks: 1, bytes: 1000 })
  await store.close()
  // The healed copy wins over the damaged one, with the index and without it.
  for (const kept of [index, await openIndex({ location: undefined })]) {
    const again = await Blockstore.open({ disk, index: kept })
    t.deepEqual(toHex((await again.get(ENDPOINT, hash))!), toHex(bytes))
    t.deepEqual(await again.usage(ENDPOINT), { blocks: 1, bytes: 1000 })
  }
})

test('a disk that does not answer is no proof that a block is gone', async (t) => {
  let damages = 0
  const { store, disk } = await openSim(undefined, { onDamage: () => damages++ })
  const { cid, hash, bytes } = textBlock(1)
  await store.put(BASE_SCOPE, cid, bytes)
  await store.flush()
  disk.fault = ({ operation }) => (operation === 'read' ? 'EIO' : undefined)
  t.is(await store.get(BASE_SCOPE, hash), undefined)
  t.is(damages, 1)
  disk.fault = undefined
  t.truthy(await store.get(BASE_SCOPE, hash))
})

test('segments roll at their size, and a clean close leaves nothing to be read again', async (t) => {
  const location = await temporary(t)
  const disk = await openDisk(location)
  const blocks = Array.from({ length: 30 }, () => noiseBlock(1000))
  const open = async () => {
    const index = await openIndex({ location: join(location, 'index') })
    return { index, store: await Blockstore.open({ disk, index }, { segmentBytes: 5000 }) }
  }
  const first = await open()
  for (const { cid, bytes } of blocks) await first.store.put(BASE_SCOPE, cid, bytes)
  await first.store.close()
  await first.index.close()
  t.is((await disk.list('blocks/base'))?.length, 6)

  const second = await open()
  t.is(second.store.rebuilt, 0)
  t.deepEqual(await second.store.usage(BASE_SCOPE), { blocks: 30, bytes: 30_000 })
  await second.store.put(BASE_SCOPE, textBlock(1).cid, textBlock(1).bytes)
  await second.store.close()
  await second.index.close()
  t.deepEqual((await disk.list('blocks/base'))?.at(-1), '00000007.seg')

  await fs.rm(join(location, 'index'), { recursive: true })
  const third = await open()
  t.is(third.store.rebuilt, 7)
  t.is((await third.store.usage(BASE_SCOPE)).blocks, 31)
  for (const { hash, bytes } of blocks) {
    t.is(toHex(sha256((await third.store.get(BASE_SCOPE, hash))!)), toHex(sha256(bytes)))
  }
  await third.store.close()
  await third.index.close()
})
