import test from 'ava'
import { DAG_CBOR, RAW, cidOf, hashOf, sha256, toHex, type CID } from '../../store/block.ts'
import {
  LIST_ITEMS_MAX,
  buildList,
  decodeList,
  listLength,
  listLinks,
  packChunks,
  unpackChunks,
  type Body
} from '../../store/chunk-list.ts'
import { encode } from '../../store/codec.ts'
import type { ChunkRef, Entry } from '../../store/entry.ts'
import { Malformed } from '../../store/errors.ts'
import { fileChunks } from '../../store/tree.ts'
import { all } from './_blocks.ts'
import { MemoryBlocks, fileOf } from './_states.ts'
import { noise } from './_noise.ts'

const somewhere = cidOf(DAG_CBOR, noise(1))

/** Chunks that all differ, `length` bytes each. */
function chunksOf(count: number, length = 512 * 1024): ChunkRef[] {
  return Array.from({ length: count }, (_, i) => {
    const hash = sha256(Buffer.from(`chunk ${i}`))
    return { cid: cidOf(RAW, hash), length, hash }
  })
}

class Lists extends MemoryBlocks {
  readonly bodies: Body[] = []
  readonly put1 = async (list: Body): Promise<CID> => {
    this.bodies.push(list)
    const cid = cidOf(DAG_CBOR, list.body)
    await this.put('base', cid, list.body)
    return cid
  }
}

async function readBack(lists: Lists, list: CID, size: number): Promise<ChunkRef[]> {
  const entry: Entry = { ...fileOf('large'), size, content: { list } }
  return all(fileChunks(lists.reader(), entry))
}

test('chunk references read back, in 72 bytes each', (t) => {
  const chunks = chunksOf(3, 1000)
  const packed = packChunks(chunks)
  t.is(packed.length, 3 * 72)
  t.deepEqual(unpackChunks(packed), chunks)
  t.throws(() => unpackChunks(packed.subarray(1)), { instanceOf: Malformed })
  for (const length of [0, (1 << 20) + 1, 0xffffffff]) {
    t.throws(() => unpackChunks(packChunks(chunksOf(1, length))), { instanceOf: Malformed })
  }
})

test('a file of 10 GB has six lists, and reads back chunk by chunk', async (t) => {
  const chunks = chunksOf(20_000)
  const lists = new Lists()
  const top = await buildList(chunks, lists.put1)
  const levels = lists.bodies.map(({ body }) => decodeList(body).level)
  t.deepEqual(levels, [0, 0, 0, 0, 0, 1])
  for (const { body, links } of lists.bodies) {
    t.true(body.length < 512 * 1024)
    t.deepEqual(
      listLinks(decodeList(body)).map((cid) => toHex(hashOf(cid))),
      links.map(toHex)
    )
  }
  const size = 20_000 * 512 * 1024
  t.is(listLength(decodeList(lists.bodies.at(-1)!.body)), size)
  const read = await readBack(lists, top, size)
  t.is(Buffer.compare(packChunks(read), packChunks(chunks)), 0)
  t.is(lists.asked.length, 6)
})

test('a file of few chunks has one list; of none, no list', async (t) => {
  const lists = new Lists()
  const chunks = chunksOf(65)
  const top = await buildList(chunks, lists.put1)
  t.is(lists.bodies.length, 1)
  t.deepEqual(await readBack(lists, top, 65 * 512 * 1024), chunks)
  await t.throwsAsync(buildList([], lists.put1), { instanceOf: TypeError })
})

test('an appended chunk leaves all full lists as they are', async (t) => {
  const lists = new Lists()
  const chunks = chunksOf(3 * LIST_ITEMS_MAX + 10)
  await buildList(chunks.slice(0, -1), lists.put1)
  const before = lists.blocks.size
  await buildList(chunks, lists.put1)
  t.is(lists.blocks.size - before, 2)
})

test('a list that is empty, too long, too deep or of another kind is refused', (t) => {
  const item = packChunks(chunksOf(1))
  t.notThrows(() => decodeList(encode(['list', 0, item])))
  for (const value of [
    ['list', 0, new Uint8Array()],
    ['list', 0, item.subarray(1)],
    ['list', 0, new Uint8Array(72 * (LIST_ITEMS_MAX + 1))],
    ['list', 1, item],
    ['list', 1, new Uint8Array(44)],
    ['list', 4, Buffer.concat([somewhere.bytes, Buffer.alloc(8, 1)])],
    ['list', -1, item],
    ['page', 0, item],
    ['list', 0],
    ['list', 0, item, 0],
    null
  ]) {
    t.throws(() => decodeList(encode(value)), { instanceOf: Malformed })
  }
})

test('a list that claims no bytes, or more than any file has, is refused', (t) => {
  for (const length of ['0000000000000000', '0020000000000000', 'ffffffffffffffff']) {
    const packed = Buffer.concat([somewhere.bytes, Buffer.from(length, 'hex')])
    t.throws(() => decodeList(encode(['list', 1, packed])), { instanceOf: Malformed })
  }
})

/** A list of lists with these lengths. */
function listOfLists(level: number, items: [CID, number][]): Body {
  const packed = items.map(([cid, length]) => {
    const bytes = Buffer.alloc(44)
    bytes.set(cid.bytes)
    bytes.writeBigUInt64BE(BigInt(length), 36)
    return bytes
  })
  return { body: encode(['list', level, Buffer.concat(packed)]), links: [] }
}

test('a list that does not add up, or stands at a wrong level, is not read', async (t) => {
  const lists = new Lists()
  const low = await buildList(chunksOf(2, 100), lists.put1)
  const good = await lists.put1(listOfLists(1, [[low, 200]]))
  t.is((await readBack(lists, good, 200)).length, 2)
  const refused: [CID, number][] = [
    [good, 199],
    [low, 100],
    [await lists.put1(listOfLists(1, [[low, 201]])), 201],
    [await lists.put1(listOfLists(2, [[low, 200]])), 200],
    [await lists.put1(listOfLists(1, [[good, 200]])), 200],
    [await lists.put1(listOfLists(3, [[good, 200]])), 200]
  ]
  for (const [cid, size] of refused) {
    await t.throwsAsync(readBack(lists, cid, size), { instanceOf: Malformed })
  }
})

test('a list that names one list many times stops where the file should end', async (t) => {
  const lists = new Lists()
  let top = await buildList(chunksOf(LIST_ITEMS_MAX, 1), lists.put1)
  let size = LIST_ITEMS_MAX
  for (const level of [1, 2, 3]) {
    top = await lists.put1(
      listOfLists(
        level,
        Array.from({ length: LIST_ITEMS_MAX }, (): [CID, number] => [top, size])
      )
    )
    size *= LIST_ITEMS_MAX
  }
  await t.throwsAsync(readBack(lists, top, 1_000_000), { instanceOf: Malformed })
  t.is(lists.asked.length, 1)
})
