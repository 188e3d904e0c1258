import test from 'ava'
import type { CID } from '../../store/block.ts'
import type { Entry } from '../../store/entry.ts'
import { plainSink, type Sink } from '../../store/sink.ts'
import { findEntry, sameMetadata, walkEntries } from '../../store/tree.ts'
import { all } from './_blocks.ts'
import { MemoryBlocks, bytesOf, directoryOf, fileOf, linkOf, topOf } from './_states.ts'

/** `docs/{a,old/b}`, `docs-2`, `link`. */
async function build(sink: Sink): Promise<CID> {
  const old = await directoryOf(sink, 'old', [fileOf('b')])
  const docs = await directoryOf(sink, 'docs', [fileOf('a'), old])
  const entries: Entry[] = [docs, fileOf('docs-2'), linkOf('link', 'docs')]
  return topOf(sink, await directoryOf(sink, '', entries))
}

test('an entry is found by its path, and nothing where there is nothing', async (t) => {
  const store = new MemoryBlocks()
  const root = await build(plainSink(store))
  const find = async (path: string): Promise<string | undefined> => {
    const entry = await findEntry(store.reader(), root, bytesOf(path))
    return entry && `${entry.type} ${Buffer.from(entry.name).toString()}`
  }
  t.is(await find(''), 'directory ')
  t.is(await find('docs'), 'directory docs')
  t.is(await find('docs/old/b'), 'file b')
  t.is(await find('/docs//old/'), 'directory old')
  for (const none of ['x', 'docs/x', 'docs/a/b', 'link/a', 'docs/..', '.', 'doc', 'docs/old/b/c']) {
    t.is(await find(none), undefined, none)
  }
})

test('a walk goes through everything in tree order, a directory before what it holds', async (t) => {
  const store = new MemoryBlocks()
  const root = await build(plainSink(store))
  const reader = store.reader()
  const start = { path: bytesOf(''), entry: await reader.top(root) }
  const paths = (await all(walkEntries(reader, start))).map(({ path }) =>
    Buffer.from(path).toString()
  )
  t.deepEqual(paths, ['', 'docs', 'docs/a', 'docs/old', 'docs/old/b', 'docs-2', 'link'])
})

test('a walk can start anywhere, and keeps the path', async (t) => {
  const store = new MemoryBlocks()
  const root = await build(plainSink(store))
  const entry = await findEntry(store.reader(), root, bytesOf('docs/old'))
  const found = await all(walkEntries(store.reader(), { path: bytesOf('docs/old'), entry: entry! }))
  t.deepEqual(
    found.map(({ path }) => Buffer.from(path).toString()),
    ['docs/old', 'docs/old/b']
  )
})

test('metadata are the same when all that a user could see is', (t) => {
  const file = fileOf('a')
  t.true(sameMetadata(file, { ...file, content: { chunks: [] }, xattrs: [] }))
  const xattr = (name: string, value: string): Partial<Entry> => ({
    xattrs: [[bytesOf(name), bytesOf(value)]]
  })
  const changes: Partial<Entry>[] = [
    { type: 'fifo' },
    { mode: 0 },
    { uid: 1 },
    { gid: 1 },
    { mtimeNs: 0n },
    { size: 0 },
    { hash: new Uint8Array(32) },
    { target: bytesOf('x') },
    { linkTo: bytesOf('x') },
    { device: [0, 1] },
    xattr('a', '')
  ]
  for (const change of changes) t.false(sameMetadata(file, { ...file, ...change }))
  t.false(sameMetadata({ ...file, ...xattr('a', '1') }, { ...file, ...xattr('a', '2') }))
  t.false(sameMetadata({ ...file, ...xattr('a', '1') }, { ...file, ...xattr('b', '1') }))
  t.false(sameMetadata({ ...file, device: [1, 0] }, { ...file, device: [1, 1] }))
})
