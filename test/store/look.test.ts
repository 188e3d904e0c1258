// Looking around: what is found, and how few blocks are opened for it.

import test from 'ava'
import type { CID } from '../../store/block.ts'
import type { Entry } from '../../store/entry.ts'
import { Finder, kindOf, versionsOf, type Pattern } from '../../store/look.ts'
import { encodePage } from '../../store/page.ts'
import { plainSink, type Sink } from '../../store/sink.ts'
import { MemoryBlocks, bytesOf, directoryOf, fileOf, linkOf } from './_states.ts'

const COMPANY = { groups: 100, folders: 10, files: 100 }

/** The root of a state with this top directory. */
async function rootOf(sink: Sink, top: Entry): Promise<CID> {
  const { body, links } = encodePage([top])
  return sink.put('top', body, links)
}

async function group(sink: Sink, g: number, extra: Entry[] = []): Promise<Entry> {
  const folders: Entry[] = []
  for (let f = 0; f < COMPANY.folders; f++) {
    const files = Array.from({ length: COMPANY.files }, (_, n) => {
      return fileOf(`file-${String(n).padStart(3, '0')}`, `${g} ${f} ${n}`)
    })
    folders.push(await directoryOf(sink, `folder-${f}`, f === 0 ? [...extra, ...files] : files))
  }
  return directoryOf(sink, `group-${String(g).padStart(3, '0')}`, folders)
}

/** A path with exactly these names; `*` for any. */
function exactly(...names: string[]): Pattern<number[]> {
  return {
    start: [0],
    after: ([at = 0], name) => {
      const isLike = names[at] === '*' || names[at] === Buffer.from(name).toString()
      return isLike ? [at + 1] : []
    },
    isWhole: ([at]) => at === names.length,
    only: ([at = 0]) => (names[at] === '*' || !names[at] ? undefined : bytesOf(names[at]))
  }
}

const text = (path: Uint8Array): string => Buffer.from(path).toString()

test('among 100,000 entries, a path of names opens only what is on its way', async (t) => {
  const store = new MemoryBlocks()
  const sink = plainSink(store)
  const groups: Entry[] = []
  for (let g = 0; g < COMPANY.groups; g++) groups.push(await group(sink, g))
  const root = await rootOf(sink, await directoryOf(sink, '', groups))
  const finder = new Finder(store.reader(), exactly('group-042', 'folder-7', 'file-055'))
  t.deepEqual(
    (await finder.in(root)).map(({ path }) => text(path)),
    ['group-042/folder-7/file-055']
  )
  // The top, and of each of three directories a page, with a node above it where it has several.
  t.true(store.asked.length <= 7, `${store.asked.length} blocks`)
  store.asked.length = 0
  const versions = await versionsOf(
    store.reader(),
    [
      { root, point: 1 },
      { root, point: 2 }
    ],
    bytesOf('group-042/folder-7/file-055')
  )
  t.is(versions.length, 1)
  t.true(store.asked.length <= 7, `${store.asked.length} blocks`)
})

test('what states share is looked into once', async (t) => {
  const store = new MemoryBlocks()
  const sink = plainSink(store)
  const [one, other] = [await group(sink, 1), await group(sink, 2)]
  const changed = await group(sink, 2, [fileOf('a-new-one', 'new')])
  const before = await rootOf(sink, await directoryOf(sink, '', [one, other]))
  const after = await rootOf(sink, await directoryOf(sink, '', [one, changed]))
  const finder = new Finder(store.reader(), exactly('*', '*', '*'))
  const each = COMPANY.folders * COMPANY.files
  t.is((await finder.in(before)).length, 2 * each)
  const first = store.asked.length
  store.asked.length = 0
  t.is((await finder.in(after)).length, 2 * each + 1)
  // The top, the root's page, the group that differs, and its one folder that does.
  t.true(store.asked.length <= 6 && store.asked.length * 2 < first, `${store.asked.length} blocks`)
})

test('versions begin and end where a path changes, goes or comes back', async (t) => {
  const store = new MemoryBlocks()
  const sink = plainSink(store)
  const contents = ['a', 'a', 'b', undefined, undefined, 'a']
  const states = []
  for (const [i, content] of contents.entries()) {
    // Something else changes all the time.
    const entries = [fileOf('other', `${i}`), ...(content ? [fileOf('path', content)] : [])]
    states.push({ root: await rootOf(sink, await directoryOf(sink, '', entries)), point: i + 1 })
  }
  const versions = await versionsOf(store.reader(), states, bytesOf('path'))
  t.deepEqual(
    versions.map(({ from, to, entry }) => [from.point, to.point, entry?.size]),
    [
      [1, 2, 1],
      [3, 3, 1],
      [4, 5, undefined],
      [6, 6, 1]
    ]
  )
})

test('of two entries the gravest difference is named', (t) => {
  const file = fileOf('a', 'content')
  t.is(kindOf({ after: file }), 'added')
  t.is(kindOf({ before: file }), 'removed')
  t.is(kindOf({ before: linkOf('a', 'x'), after: file }), 'type')
  t.is(kindOf({ before: fileOf('a', 'other'), after: { ...file, mode: 0 } }), 'content')
  t.is(kindOf({ before: linkOf('a', 'x'), after: linkOf('a', 'y') }), 'content')
  t.is(kindOf({ before: file, after: { ...file, mode: 0 } }), 'metadata')
})
