// The placer: whether a thread writes a file or this one, and wherever its chunks come from, what gets a name
// is what was promised, and the rest gets none and leaves nothing behind.

import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { HASH_BYTES } from '../../store/block.ts'
import type { ChunkRef, Entry } from '../../store/entry.ts'
import { BlockMissing } from '../../store/errors.ts'
import { BodyStateReader, openBodies } from '../../store/reader.ts'
import { packBlock, type StoredBlock, type StoredPlace } from '../../store/stored.ts'
import { plainSink } from '../../store/sink.ts'
import { packBytes } from '../../node/packer.ts'
import { Placer, type OpenHands } from '../../node/placer.ts'
import { placingHands } from '../../node/threads/placing-hand.ts'
import { openTree } from '../../node/tree/real-tree.ts'
import { pathOf } from '../../node/tree/path.ts'
import type { TreeWriter } from '../../node/tree/tree.ts'
import { noise } from '../store/_noise.ts'
import { MemoryBlocks } from './_scene.ts'

const CRASHING = new URL('./threads/_crashing.ts', import.meta.url)

/** Chunks of files in memory, in a file of packed ones, or nowhere. */
class Shop extends BodyStateReader {
  readonly blocks: MemoryBlocks
  readonly #packed: string
  /** Chunks that were asked for one by one. */
  asked = 0
  spoil: (place: StoredPlace) => StoredPlace = (place) => place

  constructor(blocks: MemoryBlocks, packed: string) {
    super(openBodies(blocks))
    this.blocks = blocks
    this.#packed = packed
  }

  override chunk(ref: ChunkRef): Promise<Uint8Array> {
    this.asked++
    return super.chunk(ref)
  }

  async places(refs: readonly ChunkRef[]): Promise<(StoredBlock | StoredPlace)[]> {
    const blocks = await this.stored(refs)
    return blocks.map(({ body: bytes }, i) => {
      const { method, plainLength, body } = packBlock(bytes, { compress: true })
      // One in three comes as bytes, as it does from another peer.
      if (i % 3 === 2) return { method, plainLength, body }
      const { size: offset } = statSync(this.#packed)
      writeFileSync(this.#packed, body, { flag: 'a' })
      const { length: storedLength } = body
      return this.spoil({ method, plainLength, path: this.#packed, offset, storedLength })
    })
  }
}

interface Setting {
  shop: Shop
  folder: string
  writer: TreeWriter
  files: [name: string, bytes: Uint8Array, entry: Entry][]
  placer(openHands?: OpenHands): Placer
  hands(thread?: URL): OpenHands
}

const CONTENTS: Record<string, () => Uint8Array> = {
  empty: () => new Uint8Array(),
  small: () => Buffer.from('a word'),
  zeros: () => Buffer.alloc(3_000_000),
  text: () => Buffer.alloc(2_500_000, 'stone upon stone, '),
  noise: () => noise(5_000_000),
  '.drystone-0123456789abcdef': () => Buffer.from('only looks unfinished')
}

async function setting(t: ExecutionContext): Promise<Setting> {
  const folder = mkdtempSync(join(tmpdir(), 'drystone-placer-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const [root, packed] = [join(folder, 'root'), join(folder, 'packed')]
  writeFileSync(packed, '')
  const blocks = new MemoryBlocks()
  const files: Setting['files'] = []
  const more = Array.from({ length: 60 }, (_, i) => [`many-${i}`, noise(1000 + i)] as const)
  const given = [
    ...Object.entries(CONTENTS).map(([name, make]) => [name, make()] as const),
    ...more
  ]
  for (const [name, bytes] of given) {
    const { fingerprint, size, content } = await packBytes(
      one(bytes),
      plainSink(blocks),
      () => undefined
    )
    const about = { mode: 0o640, uid: 0, gid: 0, mtimeNs: 1_234_567_891n }
    const entry: Entry = {
      ...about,
      name: pathOf(name),
      type: 'file',
      size,
      content,
      hash: fingerprint
    }
    files.push([name, bytes, entry])
  }
  const shop = new Shop(blocks, packed)
  const writer = await (await openTree(root)).writer()
  t.teardown(() => writer.close())
  const parts = { reader: shop, writer, littleBytes: -1 }
  return {
    ...{ shop, folder: root, writer, files },
    placer: (openHands) => new Placer({ ...parts, openHands }),
    hands: (thread) => placingHands({ root, owners: false, privileges: false }, thread)
  }
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** Places all; the names of those that failed, and why. */
async function placeAll({ files }: Setting, placer: Placer): Promise<Record<string, string>> {
  const failed: Record<string, string> = {}
  const work = files.map(async ([name, , entry]) => {
    try {
      await placer.place(entry, pathOf(name))
    } catch (error) {
      failed[name] = (error as Error).name
    }
  })
  await Promise.all(work)
  await placer.close()
  return failed
}

function areThere(t: ExecutionContext, { folder, files }: Setting, but: readonly string[] = []) {
  const right = files.filter(([name]) => !but.includes(name))
  t.deepEqual(readdirSync(folder).sort(), right.map(([name]) => name).sort())
  for (const [name, bytes] of right) {
    const path = join(folder, name)
    t.true(Buffer.compare(readFileSync(path), bytes) === 0, name)
    const { mode, mtimeNs } = statSync(path, { bigint: true })
    t.deepEqual([mode & 0o777n, mtimeNs], [0o640n, 1_234_567_891n])
  }
}

test('files are the same, written here or by threads', async (t) => {
  for (const isThreaded of [false, true]) {
    const given = await setting(t)
    const placer = given.placer(isThreaded ? given.hands() : undefined)
    t.deepEqual(await placeAll(given, placer), {})
    areThere(t, given)
    t.is(given.shop.asked, 0)
    // A name like that of an unfinished file stays, since its writer knows it.
    const about = { mode: 0o755, uid: 0, gid: 0, mtimeNs: 5n, xattrs: [] }
    await given.writer.finishDirectory(pathOf(''), { ...about, type: 'directory' })
    areThere(t, given)
  }
})

test('what does not lie where it was said to, is asked for again, and comes', async (t) => {
  const spoilings: ((place: StoredPlace) => StoredPlace)[] = [
    (place) => ({ ...place, path: `${place.path}.gone` }),
    (place) => ({ ...place, offset: place.offset + 1 }),
    (place) => ({ ...place, plainLength: place.plainLength + 1 }),
    (place) => ({ ...place, offset: 2 ** 40 })
  ]
  for (const spoil of spoilings) {
    const given = await setting(t)
    given.shop.spoil = spoil
    t.deepEqual(await placeAll(given, given.placer(given.hands())), {})
    areThere(t, given)
  }
})

test('a missing chunk is named, its file gets no name, and all others come', async (t) => {
  for (const isThreaded of [false, true]) {
    const given = await setting(t)
    const [, , entry] = given.files.find(([name]) => name === 'noise') ?? t.fail()
    const lost =
      entry.content !== undefined && 'chunks' in entry.content ? entry.content.chunks[1] : undefined
    if (lost === undefined) return t.fail('it has no second chunk')
    given.shop.blocks.blocks.delete(Buffer.from(lost.hash).toString('hex'))
    const placer = given.placer(isThreaded ? given.hands() : undefined)
    t.deepEqual(await placeAll(given, placer), { noise: BlockMissing.name })
    areThere(t, given, ['noise'])
  }
})

test('chunks that are right, but not the promised file, get no name', async (t) => {
  for (const isThreaded of [false, true]) {
    const given = await setting(t)
    for (const [name, , entry] of given.files) {
      if (name === 'text' || name === 'small') entry.hash = new Uint8Array(HASH_BYTES)
    }
    const placer = given.placer(isThreaded ? given.hands() : undefined)
    const wanted = { text: 'BlockDamaged', small: 'BlockDamaged' }
    t.deepEqual(await placeAll(given, placer), wanted)
    areThere(t, given, Object.keys(wanted))
  }
})

test('a right chunk of another length than its reference says gives no file', async (t) => {
  for (const isThreaded of [false, true]) {
    const given = await setting(t)
    const [, , entry] = given.files.find(([name]) => name === 'small') ?? t.fail()
    for (const chunk of 'chunks' in entry.content! ? entry.content.chunks : []) chunk.length++
    const placer = given.placer(isThreaded ? given.hands() : undefined)
    t.deepEqual(await placeAll(given, placer), { small: 'BlockDamaged' })
    areThere(t, given, ['small'])
  }
})

test('threads that end before their work did leave it to this one', async (t) => {
  const given = await setting(t)
  t.deepEqual(await placeAll(given, given.placer(given.hands(CRASHING))), {})
  areThere(t, given)
})

test('what a thread may not write is refused under its name', async (t) => {
  const given = await setting(t)
  await given.writer.makeDirectory(pathOf('text'))
  t.deepEqual(await placeAll(given, given.placer(given.hands())), { text: 'NotWritable' })
})
