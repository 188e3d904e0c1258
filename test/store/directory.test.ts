import test from 'ava'
import fc from 'fast-check'
import { DAG_CBOR, cidOf, sha256, toHex, type CID } from '../../store/block.ts'
import { encode } from '../../store/codec.ts'
import { decodeDirectory, writeDirectory } from '../../store/directory.ts'
import type { Entry } from '../../store/entry.ts'
import { Malformed } from '../../store/errors.ts'
import { encodePage } from '../../store/page.ts'
import { plainSink } from '../../store/sink.ts'
import { directoryEntries, directoryEntry } from '../../store/tree.ts'
import { all } from './_blocks.ts'
import { MemoryBlocks, bytesOf, fileOf, pagesOf, sorted } from './_states.ts'

async function write(store: MemoryBlocks, entries: readonly Entry[]): Promise<CID> {
  return writeDirectory(sorted(entries), pagesOf(plainSink(store)))
}

function named(count: number, name = (i: number): string => `file ${i}.txt`): Entry[] {
  return sorted(Array.from({ length: count }, (_, i) => fileOf(name(i))))
}

/** Names whose hash cuts at every level that `levels` names. */
function cutting(count: number, levels: readonly number[]): Entry[] {
  const entries: Entry[] = []
  for (let i = 0; entries.length < count; i++) {
    const name = `n${i}`
    const hash = sha256(bytesOf(name))
    if (levels.every((level) => (hash[level]! & 127) === 0)) entries.push(fileOf(name))
  }
  return sorted(entries)
}

test('a directory gives back its entries in order, whatever its size', async (t) => {
  for (const count of [0, 1, 2, 127, 600, 2000]) {
    const store = new MemoryBlocks()
    const entries = named(count)
    const cid = await write(store, entries)
    t.deepEqual(await all(directoryEntries(store.reader(), cid)), entries)
  }
})

test('100,000 entries are read back in order, and one is found by opening three blocks', async (t) => {
  const store = new MemoryBlocks()
  const entries = named(100_000)
  const cid = await write(store, entries)
  t.true(store.blocks.size > 600 && store.blocks.size < 1000, `${store.blocks.size} blocks`)
  t.true([...store.blocks.values()].every(({ length }) => length < 300 * 1024))
  let i = 0
  for await (const { name } of directoryEntries(store.reader(), cid)) {
    if (Buffer.compare(name, entries[i++]!.name) !== 0) t.fail(`entry ${i - 1}`)
  }
  t.is(i, 100_000)
  store.asked.length = 0
  const name = entries[54_321]!.name
  t.deepEqual(await directoryEntry(store.reader(), cid, name), entries[54_321])
  t.true(store.asked.length <= 4, `${store.asked.length} blocks`)
  for (const none of ['', 'file', 'file 5x', 'zzz', '\xff']) {
    t.is(await directoryEntry(store.reader(), cid, bytesOf(none)), undefined)
  }
})

test('an insertion, a change and a removal rewrite one page and the nodes above it', async (t) => {
  const entries = named(6000)
  const store = new MemoryBlocks()
  await write(store, entries)
  const edits: Entry[][] = [
    [...entries, fileOf('file 777.txt.new')],
    [...entries.slice(0, 3000), { ...entries[3000]!, mode: 0o600 }, ...entries.slice(3001)],
    [...entries.slice(0, 4321), ...entries.slice(4322)],
    [...entries, fileOf('zzz')],
    [...entries, fileOf('aaa')]
  ]
  for (const edited of edits) {
    const before = store.blocks.size
    await write(store, edited)
    const fresh = store.blocks.size - before
    t.true(fresh >= 2 && fresh <= 6, `${fresh} blocks are new`)
  }
})

test('the same entries have the same address, whatever was there before', async (t) => {
  const entries = named(1000)
  const address = (await write(new MemoryBlocks(), entries)).toString()
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(999), { maxLength: 5 }), async (removed) => {
      const store = new MemoryBlocks()
      const some = entries.filter((_, i) => !removed.includes(i))
      const read = await all(directoryEntries(store.reader(), await write(store, some)))
      const whole = [...read, ...removed.map((i) => entries[i]!)]
      const once = new Map(whole.map((entry) => [toHex(entry.name), entry]))
      t.is((await write(store, [...once.values()])).toString(), address)
    }),
    { numRuns: 5 }
  )
})

test('names made to cut always, or at two levels, still make a directory', async (t) => {
  for (const entries of [cutting(700, [0]), cutting(30, [0, 1])]) {
    const store = new MemoryBlocks()
    const cid = await write(store, entries)
    t.deepEqual(await all(directoryEntries(store.reader(), cid)), entries)
    for (const entry of entries) {
      t.deepEqual(await directoryEntry(store.reader(), cid, entry.name), entry)
    }
    t.true(store.blocks.size <= entries.length * 2)
  }
})

test('names made to cut never still make pages within bounds', async (t) => {
  const entries: Entry[] = []
  for (let i = 0; entries.length < 2000; i++) {
    const name = `n${i}`
    if ((sha256(bytesOf(name))[0]! & 127) !== 0) entries.push(fileOf(name))
  }
  const store = new MemoryBlocks()
  const cid = await write(store, entries)
  t.is(store.blocks.size, 5)
  t.deepEqual(await all(directoryEntries(store.reader(), cid)), sorted(entries))
})

test('long names and large attributes make small pages, not large ones', async (t) => {
  const value = new Uint8Array(60_000)
  const entries = named(40).map((entry): Entry => {
    return { ...entry, xattrs: [[bytesOf('user.large'), value]] }
  })
  const names = named(500, (i) => `${i}`.padEnd(4000, 'x'))
  for (const each of [sorted(entries), names]) {
    const store = new MemoryBlocks()
    const cid = await write(store, each)
    t.true([...store.blocks.values()].every(({ length }) => length < 300 * 1024))
    t.deepEqual(await all(directoryEntries(store.reader(), cid)), each)
  }
})

const cid = cidOf(DAG_CBOR, new Uint8Array())
const item = (name: string): [Uint8Array, Uint8Array] => [bytesOf(name), cid.bytes]

test('a node of one, of too many, out of order or with a strange address is refused', (t) => {
  t.notThrows(() => decodeDirectory(encode(['node', [item('a'), item('b')]])))
  for (const value of [
    ['node', []],
    ['node', [item('a')]],
    ['node', Array.from({ length: 1025 }, (_, i) => item(`${10_000 + i}`))],
    ['node', [item('b'), item('a')]],
    ['node', [item('a'), item('a')]],
    ['node', [item(''), item('a')]],
    ['node', [item('a/b'), item('b')]],
    ['node', [item('a'), [bytesOf('b'), cid.bytes.subarray(1)]]],
    ['node', [item('a'), [bytesOf('b'), new Uint8Array(36)]]],
    ['node', [item('a'), [bytesOf('b')]]],
    ['page', [item('a'), item('b')]],
    ['node', null],
    ['node'],
    []
  ]) {
    t.throws(() => decodeDirectory(encode(value)), { instanceOf: Malformed })
  }
})

test('a directory whose blocks do not follow from one another is not read', async (t) => {
  const store = new MemoryBlocks()
  const put = (body: Uint8Array): Promise<CID> => plainSink(store).put('page', body, [])
  const page = (...names: string[]): Promise<CID> =>
    put(encodePage(names.map((name) => fileOf(name))).body)
  const node = (...items: [string, CID][]): Promise<CID> =>
    put(encode(['node', items.map(([last, to]) => [bytesOf(last), to.bytes])]))
  const read = async (root: CID): Promise<string[]> => {
    const entries = await all(directoryEntries(store.reader(), root))
    return entries.map(({ name }) => Buffer.from(name).toString())
  }
  const [ab, cd, bc] = [await page('a', 'b'), await page('c', 'd'), await page('b', 'c')]
  t.deepEqual(await read(await node(['b', ab], ['d', cd])), ['a', 'b', 'c', 'd'])
  const refused = {
    'a name in two pages': await node(['b', ab], ['c', bc]),
    'pages in the wrong order': await node(['b', cd], ['d', ab]),
    'a page that ends earlier': await node(['b', ab], ['e', cd]),
    'a page that ends later': await node(['a', ab], ['d', cd]),
    'an empty page': await node(['b', ab], ['d', await page()]),
    'the same page twice': await node(['b', ab], ['c', ab]),
    'a node that ends elsewhere': await node(['b', ab], ['e', await node(['c', cd], ['d', cd])])
  }
  for (const [what, root] of Object.entries(refused)) {
    await t.throwsAsync(read(root), { instanceOf: Malformed }, what)
  }
})

test('nodes above nodes without end are not followed', async (t) => {
  const store = new MemoryBlocks()
  const sink = plainSink(store)
  let top = await sink.put('page', encodePage([fileOf('z')]).body, [])
  for (let level = 20; level > 0; level--) {
    // Each node holds smaller names than the one below it, so that only the depth is wrong.
    const name = `a${10 + level}`
    const first = await sink.put('page', encodePage([fileOf(name)]).body, [])
    const items = [
      [bytesOf(name), first.bytes],
      [bytesOf('z'), top.bytes]
    ]
    top = await sink.put('page', encode(['node', items]), [])
  }
  await t.throwsAsync(all(directoryEntries(store.reader(), top)), { message: /endless/ })
  await t.throwsAsync(directoryEntry(store.reader(), top, bytesOf('z')), { instanceOf: Malformed })
})
