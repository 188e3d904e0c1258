import test from 'ava'
import { DAG_CBOR, RAW, cidOf, hashOf, sha256, type CID } from '../../store/block.ts'
import { buildList } from '../../store/chunk-list.ts'
import type { ChunkRef } from '../../store/entry.ts'
import { BlockDamaged, BlockMissing, Malformed, NotOpened } from '../../store/errors.ts'
import { encodePage } from '../../store/page.ts'
import { references } from '../../store/reader.ts'
import { seal, sealKeys, type BlockType } from '../../store/seal.ts'
import { plainSink, sealedSink, type Sink } from '../../store/sink.ts'
import { MemoryBlocks, bytesOf, directoryOf, fileOf, topOf } from './_states.ts'
import { noise } from './_noise.ts'

const keys = sealKeys(noise(32))
const later = sealKeys(noise(32, 1), 1)
const keyring = new Map([[0, keys]])

/** One block of each type, put through the same sink. */
async function blocksOf(sink: Sink): Promise<Record<BlockType, CID>> {
  const chunk = bytesOf('some content')
  const stored = await sink.put('chunk', chunk, [])
  const ref: ChunkRef = { cid: stored, length: chunk.length, hash: sha256(chunk) }
  const list = await buildList([ref], ({ body, links }) => sink.put('list', body, links))
  const directory = await directoryOf(sink, '', [fileOf('a'), fileOf('b')])
  return { chunk: stored, list, page: directory.page!, top: await topOf(sink, directory) }
}

/** Reads a block as a type, in the way that walks do. */
function readAs(store: MemoryBlocks, type: BlockType, cid: CID, ring = keyring): Promise<unknown> {
  const reader = store.reader(ring)
  const chunk = bytesOf('some content')
  if (type === 'chunk') return reader.chunk({ cid, length: chunk.length, hash: sha256(chunk) })
  if (type === 'list') return reader.list(cid)
  return type === 'page' ? reader.directory(cid) : reader.top(cid)
}

for (const kind of ['plain', 'sealed']) {
  test(`a ${kind} block is read as the type that its parent says, and as no other`, async (t) => {
    const store = new MemoryBlocks()
    const sink = kind === 'plain' ? plainSink(store) : sealedSink(store, 'ab', keys)
    const blocks = await blocksOf(sink)
    for (const stored of ['chunk', 'list', 'page', 'top'] as const) {
      for (const wanted of ['chunk', 'list', 'page', 'top'] as const) {
        const read = readAs(store, wanted, blocks[stored])
        if (stored === wanted) await t.notThrowsAsync(read, stored)
        else {
          const error = await t.throwsAsync(read, undefined, `a ${stored} as a ${wanted}`)
          t.true(error instanceof Malformed || error instanceof NotOpened, String(error))
        }
      }
    }
  })
}

test('a sealed block whose links are not its references is refused', async (t) => {
  const store = new MemoryBlocks()
  const { body, links } = encodePage([fileOf('a'), fileOf('b')])
  const put = async (refers: Uint8Array[]): Promise<CID> => {
    const block = seal(keys, 'page', body, refers)
    await store.put('ab', block.cid, block.bytes)
    return block.cid
  }
  t.is(links.length, 2)
  await t.notThrowsAsync(readAs(store, 'page', await put(links)))
  for (const other of [[], links.slice(1), [...links, noise(32)], [links[0]!, noise(32)]]) {
    const cid = await put(other)
    await t.throwsAsync(readAs(store, 'page', cid), { instanceOf: NotOpened })
  }
  const chunk = seal(keys, 'chunk', bytesOf('some content'), [noise(32)])
  await store.put('ab', chunk.cid, chunk.bytes)
  await t.throwsAsync(readAs(store, 'chunk', chunk.cid), { instanceOf: NotOpened })
})

test('two files with the same content make one link', async (t) => {
  const store = new MemoryBlocks()
  const twice = [fileOf('a', 'same'), fileOf('b', 'same')]
  const directory = await directoryOf(sealedSink(store, 'ab', keys), '', twice)
  await t.notThrowsAsync(readAs(store, 'page', directory.page!))
})

test('a chunk whose length or hash is not the promised one is refused', async (t) => {
  const store = new MemoryBlocks()
  const bytes = bytesOf('some content')
  const [length, hash] = [bytes.length, sha256(bytes)]
  for (const sink of [plainSink(store), sealedSink(store, 'ab', keys)]) {
    const cid = await sink.put('chunk', bytes, [])
    const read = (change: Partial<ChunkRef>): Promise<Uint8Array> =>
      store.reader(keyring).chunk({ cid, length, hash, ...change })
    t.deepEqual(new Uint8Array(await read({})), bytes)
    await t.throwsAsync(read({ length: length - 1 }), { instanceOf: BlockDamaged })
    await t.throwsAsync(read({ length: length + 1 }), { instanceOf: BlockDamaged })
    await t.throwsAsync(read({ hash: noise(32) }), { instanceOf: BlockDamaged })
  }
})

test('every epoch is opened with its own keys', async (t) => {
  const store = new MemoryBlocks()
  const old = await blocksOf(sealedSink(store, 'ab', keys))
  const fresh = await blocksOf(sealedSink(store, 'ab', later))
  const both = new Map([...keyring, [1, later] as const])
  await t.notThrowsAsync(readAs(store, 'top', old.top, both))
  await t.notThrowsAsync(readAs(store, 'top', fresh.top, both))
  await t.throwsAsync(readAs(store, 'top', fresh.top), { instanceOf: NotOpened })
  await t.throwsAsync(readAs(store, 'top', old.top, new Map()), { instanceOf: NotOpened })
  await t.throwsAsync(readAs(store, 'top', old.top, new Map([[0, later]])), {
    instanceOf: NotOpened
  })
})

test('a block that nobody has is named', async (t) => {
  const cid = cidOf(DAG_CBOR, noise(1))
  const error = await t.throwsAsync(readAs(new MemoryBlocks(), 'page', cid), {
    instanceOf: BlockMissing
  })
  t.is(error.cid, cid.toString())
})

test('a top has one entry, which is a directory without a name', async (t) => {
  const store = new MemoryBlocks()
  const sink = plainSink(store)
  const directory = await directoryOf(sink, '', [])
  const put = (...entries: Parameters<typeof encodePage>[0]): Promise<CID> =>
    sink.put('top', encodePage(entries).body, [])
  t.deepEqual(await store.reader().top(await put(directory)), directory)
  const refused = [
    await put(),
    await put(fileOf('')),
    await put({ ...directory, name: bytesOf('a') }),
    await put({ ...directory, name: bytesOf('a') }, { ...directory, name: bytesOf('b') })
  ]
  for (const cid of refused) {
    await t.throwsAsync(store.reader().top(cid), { instanceOf: Malformed })
  }
})

test('the references of a block are the addresses in its body', async (t) => {
  const store = new MemoryBlocks()
  const sink = plainSink(store)
  const directory = await directoryOf(sink, 'd', [fileOf('a')])
  const { body } = encodePage([directory, fileOf('x'), fileOf('y', '')])
  const x = cidOf(RAW, bytesOf('content of x'))
  t.deepEqual(references('page', body).map(String), [String(directory.page), String(x)])
  t.deepEqual(references('chunk', body), [])
  t.deepEqual(hashOf(references('top', body)[1]!), hashOf(x))
})
