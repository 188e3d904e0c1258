import test from 'ava'
import fc from 'fast-check'
import type { Entry } from '../../store/entry.ts'
import { sealKeys } from '../../store/seal.ts'
import { plainSink, sealedSink, type Sink } from '../../store/sink.ts'
import { differences } from '../../store/step.ts'
import { sameMetadata } from '../../store/tree.ts'
import { all } from './_blocks.ts'
import { MemoryBlocks, bytesOf, directoryOf, fileOf, linkOf } from './_states.ts'

/** A tree in words: a file by its content, a directory by what it holds. */
interface Words {
  [name: string]: string | Words
}

async function build(sink: Sink, words: Words, name = ''): Promise<Entry> {
  const entries: Entry[] = []
  for (const [each, what] of Object.entries(words)) {
    if (typeof what !== 'string') entries.push(await build(sink, what, each))
    else entries.push(what.startsWith('→') ? linkOf(each, what.slice(1)) : fileOf(each, what))
  }
  return directoryOf(sink, name, entries)
}

/** `+ path`, `- path`, `~ path`, in the order they come. */
async function step(
  store: MemoryBlocks,
  before: Entry | undefined,
  after: Entry | undefined,
  otherReader = store.reader()
): Promise<string[]> {
  const found = await all(
    differences(
      bytesOf(''),
      { reader: store.reader(), entry: before },
      { reader: otherReader, entry: after }
    )
  )
  return found.map((each) => {
    const sign = each.before === undefined ? '+' : each.after === undefined ? '-' : '~'
    return `${sign} ${Buffer.from(each.path).toString()}`
  })
}

async function stepOf(before: Words, after: Words): Promise<string[]> {
  const store = new MemoryBlocks()
  const sink = plainSink(store)
  return step(store, await build(sink, before), await build(sink, after))
}

test('what is new, gone or changed is told in tree order', async (t) => {
  t.deepEqual(await stepOf({}, {}), [])
  t.deepEqual(
    await stepOf(
      { a: '1', b: { c: '1', d: '1' }, e: '→x' },
      { a: '2', b: { d: '1', f: '1' }, e: '→y' }
    ),
    ['~ a', '- b/c', '+ b/f', '~ e']
  )
  t.deepEqual(await stepOf({}, { d: { e: { f: '1' } } }), ['+ d', '+ d/e', '+ d/e/f'])
  t.deepEqual(await stepOf({ d: { e: { f: '1' } }, g: '1' }, { g: '1' }), [
    '- d',
    '- d/e',
    '- d/e/f'
  ])
})

test('a change of type is one change, and all that was below is gone', async (t) => {
  t.deepEqual(await stepOf({ a: { b: '1' } }, { a: 'x' }), ['~ a', '- a/b'])
  t.deepEqual(await stepOf({ a: 'x' }, { a: { b: '1' } }), ['~ a', '+ a/b'])
  t.deepEqual(await stepOf({ a: '→b' }, { a: { b: '1' } }), ['~ a', '+ a/b'])
  t.deepEqual(await stepOf({ a: '→b' }, { a: 'b' }), ['~ a'])
})

test('a whole tree is gone or new where one side has nothing', async (t) => {
  const store = new MemoryBlocks()
  const tree = await build(plainSink(store), { a: '1', b: { c: '1' } })
  t.deepEqual(await step(store, tree, undefined), ['- ', '- a', '- b', '- b/c'])
  t.deepEqual(await step(store, undefined, tree), ['+ ', '+ a', '+ b', '+ b/c'])
  t.deepEqual(await step(store, undefined, undefined), [])
})

test('a directory whose own mode changed is told without its content', async (t) => {
  const store = new MemoryBlocks()
  const tree = await build(plainSink(store), { a: '1' })
  t.deepEqual(await step(store, tree, { ...tree, mode: 0o700 }), ['~ '])
  t.deepEqual(store.asked, [])
})

test('only directories that differ are opened', async (t) => {
  const store = new MemoryBlocks()
  const sink = plainSink(store)
  const same = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`d${i}`, { x: `${i}` }]))
  const before = await build(sink, { ...same, e: { f: { g: '1' }, h: { i: '1' } } })
  const after = await build(sink, { ...same, e: { f: { g: '2' }, h: { i: '1' } } })
  t.deepEqual(await step(store, before, after), ['~ e/f/g'])
  t.is(store.asked.length, 6)
  store.asked.length = 0
  t.deepEqual(await step(store, before, before), [])
  t.is(store.asked.length, 0)
})

test('of a large directory, only the pages that differ are opened', async (t) => {
  const store = new MemoryBlocks()
  const sink = plainSink(store)
  const words: Words = Object.fromEntries(
    Array.from({ length: 40_000 }, (_, i) => [`file ${i}`, 'x'])
  )
  const before = await build(sink, words)
  const after = await build(sink, { ...words, 'file 20000': 'y', 'file 333a': 'new' })
  t.deepEqual(await step(store, before, after), ['~ file 20000', '+ file 333a'])
  t.true(store.asked.length <= 24, `${store.asked.length} of ${store.blocks.size} blocks`)
})

test('states of two readers are compared, sealed with plain', async (t) => {
  const store = new MemoryBlocks()
  const keys = sealKeys(new Uint8Array(32))
  const base = await build(plainSink(store), { a: '1', b: { c: '1' }, d: { e: '1' } })
  const own = await build(sealedSink(store, 'ab', keys), { a: '1', b: { c: '2' }, d: { e: '1' } })
  const found = await step(store, base, own, store.reader(new Map([[0, keys]])))
  t.deepEqual(found, ['~ b/c'])
  store.asked.length = 0
  const same = await build(sealedSink(store, 'ab', keys), { a: '1', b: { c: '1' }, d: { e: '1' } })
  t.false(same.page?.equals(base.page))
  t.deepEqual(await step(store, base, same), [])
  t.deepEqual(store.asked, [])
})

const name = fc.stringMatching(/^[a-d]{1,2}$/)
const words: fc.Arbitrary<Words> = fc.letrec<{ words: Words; what: string | Words }>((tie) => ({
  words: fc.dictionary(name, tie('what'), { maxKeys: 5, noNullPrototype: true }),
  what: fc.oneof({ maxDepth: 3 }, fc.constantFrom('1', '2', '→a', '→b'), tie('words'))
})).words

function flat(tree: Words, prefix = ''): Map<string, Entry> {
  const found = new Map<string, Entry>()
  for (const [each, what] of Object.entries(tree)) {
    const entry =
      typeof what !== 'string'
        ? { ...linkOf(each, ''), type: 'directory' as const }
        : what.startsWith('→')
          ? linkOf(each, what)
          : fileOf(each, what)
    found.set(prefix + each, entry)
    if (typeof what !== 'string') {
      for (const [path, inner] of flat(what, `${prefix}${each}/`)) found.set(path, inner)
    }
  }
  return found
}

test('a step is what a comparison path by path would find', async (t) => {
  await fc.assert(
    fc.asyncProperty(words, words, async (before, after) => {
      const [a, b] = [flat(before), flat(after)]
      const expected: string[] = []
      for (const path of new Set([...a.keys(), ...b.keys()])) {
        const [x, y] = [a.get(path), b.get(path)]
        if (x === undefined) expected.push(`+ ${path}`)
        else if (y === undefined) expected.push(`- ${path}`)
        else if (!sameMetadata(x, y)) expected.push(`~ ${path}`)
      }
      t.deepEqual((await stepOf(before, after)).sort(), expected.sort())
    }),
    { numRuns: 200 }
  )
})
