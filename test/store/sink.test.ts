import test from 'ava'
import {
  BLOCK_BYTES_MAX,
  BASE_SCOPE,
  DAG_CBOR,
  RAW,
  hashOf,
  sha256,
  type CID
} from '../../store/block.ts'
import { Malformed } from '../../store/errors.ts'
import { isSealed, sealKeys, unseal } from '../../store/seal.ts'
import { plainSink, sealedSink } from '../../store/sink.ts'
import { MemoryBlocks, bytesOf } from './_states.ts'
import { noise } from './_noise.ts'

const keys = sealKeys(noise(32))

test('a plain sink stores a body as it is, a chunk under its own hash', async (t) => {
  const store = new MemoryBlocks()
  const sink = plainSink(store)
  t.is(sink.scope, BASE_SCOPE)
  const bytes = bytesOf('content')
  const chunk = await sink.put('chunk', bytes, [])
  t.is(chunk.code, RAW)
  t.deepEqual(hashOf(chunk), sha256(bytes))
  t.deepEqual(await store.get(chunk), bytes)
  for (const type of ['page', 'list', 'top'] as const) {
    t.is((await sink.put(type, bytesOf(type), [])).code, DAG_CBOR)
  }
})

test('a sealed sink stores nothing in the clear but links', async (t) => {
  const store = new MemoryBlocks()
  const sink = sealedSink(store, 'ab', keys)
  const link = noise(32)
  const secret = bytesOf('nobody may read this')
  for (const type of ['chunk', 'page', 'list', 'top'] as const) {
    const cid = await sink.put(type, secret, [link])
    const bytes = (await store.get(cid))!
    t.is(cid.code, DAG_CBOR)
    t.true(isSealed(bytes))
    t.false(Buffer.from(bytes).includes(Buffer.from(secret)))
    t.deepEqual(Buffer.from(unseal(new Map([[0, keys]]), type, bytes).body), Buffer.from(secret))
  }
})

test('a block that is there already is counted, and not stored again', async (t) => {
  for (const make of [plainSink, (store: MemoryBlocks) => sealedSink(store, 'ab', keys)]) {
    const store = new MemoryBlocks()
    const bytes = bytesOf('content')
    const first = make(store)
    const cid: CID = await first.put('chunk', bytes, [])
    t.true((await first.put('chunk', bytes, [])).equals(cid))
    const { length } = (await store.get(cid))!
    t.deepEqual(first.count, { blocks: 2, newBlocks: 1, newBytes: length })
    const second = make(store)
    t.true((await second.put('chunk', bytes, [])).equals(cid))
    t.deepEqual(second.count, { blocks: 1, newBlocks: 0, newBytes: 0 })
  }
})

test('no sink stores more than a block', async (t) => {
  const store = new MemoryBlocks()
  const large = Buffer.alloc(BLOCK_BYTES_MAX + 1)
  for (const sink of [plainSink(store), sealedSink(store, 'ab', keys)]) {
    await t.throwsAsync(sink.put('chunk', large, []), { instanceOf: Malformed })
    await t.notThrowsAsync(sink.put('chunk', large.subarray(1), []))
  }
  t.is(store.blocks.size, 2)
})
