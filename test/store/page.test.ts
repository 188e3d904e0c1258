import test from 'ava'
import fc from 'fast-check'
import { DAG_CBOR, RAW, cidOf, hashOf, sha256, toHex } from '../../store/block.ts'
import { decode, encode } from '../../store/codec.ts'
import { directoryDigest } from '../../store/digest.ts'
import type { Entry } from '../../store/entry.ts'
import { DrystoneError, Malformed } from '../../store/errors.ts'
import { PAGE_ENTRIES_MAX } from '../../store/page-columns.ts'
import { Page, encodePage, needsList, pageLinks } from '../../store/page.ts'
import { anyEntries, anyEntry, bytesOf, fileOf, linkOf, sorted } from './_states.ts'
import { noise } from './_noise.ts'

function page(...entries: Entry[]): Page {
  return new Page(encodePage(entries).body)
}

test('a page gives back the entries it was made of, and no others', (t) => {
  fc.assert(
    fc.property(anyEntries, anyEntry, (entries, other) => {
      const { body, links } = encodePage(entries)
      const read = new Page(body)
      t.deepEqual([...read], entries)
      t.deepEqual(directoryDigest(read), directoryDigest(entries))
      t.deepEqual(encodePage([...read]).body, body)
      entries.forEach(({ name }, i) => {
        t.is(read.find(name), i)
      })
      const known = entries.some(({ name }) => toHex(name) === toHex(other.name))
      if (!known) t.is(read.find(other.name), -1)
      const referred = links.map(toHex).sort()
      t.deepEqual([...read.addresses()].map((cid) => toHex(hashOf(cid))).sort(), referred)
      const { pages, lists, chunks } = pageLinks(read)
      t.deepEqual([...pages, ...lists, ...chunks].map((cid) => toHex(hashOf(cid))).sort(), referred)
    }),
    { numRuns: 300 }
  )
})

test('an empty page is a page', (t) => {
  t.deepEqual([...page()], [])
  t.is(page().find(bytesOf('a')), -1)
})

test('times before 1970 and beyond 2262 keep their nanoseconds', (t) => {
  for (const mtimeNs of [-1n, -1_000_000_000n, 0n, 2n ** 63n, 9_999_999_999_999_999_999n]) {
    t.is(page({ ...fileOf('a'), mtimeNs }).entry(0).mtimeNs, mtimeNs)
  }
})

test('an entry outlives its page without keeping its bytes', (t) => {
  const { body } = encodePage([fileOf('a')])
  const entry = new Page(body).entry(0)
  t.true(entry.name.buffer.byteLength < 100)
  t.true(entry.hash!.buffer.byteLength < 100)
})

const impossible: Record<string, Entry[]> = {
  'names out of order': [fileOf('b'), fileOf('a')],
  'a name twice': [fileOf('a'), fileOf('a')],
  'an empty name beside others': [fileOf(''), fileOf('a')],
  'a name with a slash': [fileOf('a/b')],
  'a name with a zero byte': [fileOf('a\0b')],
  'a name that is .': [fileOf('.')],
  'a name that is ..': [fileOf('..')],
  'a name of 4,097 bytes': [fileOf('a'.repeat(4097))],
  'a mode of 13 bits': [{ ...fileOf('a'), mode: 0o10000 }],
  'a link with a size': [{ ...linkOf('a', 'b'), size: 1 }],
  'a link without a target': [{ ...fileOf('a'), type: 'symlink', size: 0 }],
  'a link with an empty target': [linkOf('a', '')],
  'a file with a target': [{ ...fileOf('a'), target: bytesOf('b') }],
  'a file with device numbers': [{ ...fileOf('a'), device: [1, 2] }],
  'a device without numbers': [{ ...fileOf('a'), type: 'block', size: 0 }],
  'a device number of 33 bits': [{ ...fileOf('a'), type: 'block', size: 0, device: [2 ** 32, 0] }],
  'a link to a hard link': [{ ...linkOf('a', 'b'), linkTo: bytesOf('c') }],
  'attributes out of order': [
    {
      ...fileOf('a'),
      xattrs: [
        [bytesOf('user.b'), bytesOf('')],
        [bytesOf('user.a'), bytesOf('')]
      ]
    }
  ],
  'an attribute without a name': [{ ...fileOf('a'), xattrs: [[bytesOf(''), bytesOf('')]] }],
  'an attribute of 256 KiB and more': [
    { ...fileOf('a'), xattrs: [[bytesOf('user.a'), new Uint8Array(262_145)]] }
  ],
  'an empty file with a size': [{ ...fileOf('a', ''), size: 1 }],
  'a chunk larger than a block': [larger(1_048_577)],
  'a size of 2^53': [
    { ...fileOf('a'), size: 2 ** 53, content: { list: cidOf(DAG_CBOR, noise(1)) } }
  ],
  'sixty-five chunks': [manyChunks(65)],
  'too many entries': sorted(
    Array.from({ length: PAGE_ENTRIES_MAX + 1 }, (_, i) => fileOf(`name ${i}`))
  )
}

function larger(size: number): Entry {
  const hash = noise(32)
  const cid = cidOf(RAW, hash)
  return { ...fileOf('a'), size, hash, content: { chunks: [{ cid, length: size, hash }] } }
}

function manyChunks(count: number): Entry {
  const chunks = Array.from({ length: count }, (_, i) => {
    const hash = noise(32, i)
    return { cid: cidOf(DAG_CBOR, hash), length: 10, hash }
  })
  return { ...fileOf('a'), size: count * 10, content: { chunks } }
}

for (const [what, entries] of Object.entries(impossible)) {
  test(`no page is made of entries that it could not give back: ${what}`, (t) => {
    t.throws(() => encodePage(entries), { instanceOf: Malformed })
  })
}

test('a file whose only chunk is not the file is a bug, and is not stored', (t) => {
  const entry = fileOf('a')
  t.throws(() => encodePage([{ ...entry, size: entry.size + 1 }]), { instanceOf: TypeError })
  t.throws(() => encodePage([{ ...entry, hash: noise(32) }]), { instanceOf: TypeError })
})

test('sixty-four chunks stand in a page, more in a list', (t) => {
  const entry = manyChunks(64)
  t.deepEqual(page(entry).entry(0), entry)
  const chunks = 'chunks' in entry.content! ? entry.content.chunks : []
  t.false(needsList(chunks))
  t.true(needsList([...chunks, chunks[0]!]))
})

/** Columns of a page with a file, a file of two chunks, and a directory. */
function parts(): unknown[] {
  const cid = cidOf(DAG_CBOR, noise(9))
  const directory: Entry = {
    ...fileOf('c', ''),
    type: 'directory',
    hash: sha256(noise(1)),
    page: cid
  }
  delete directory.content
  const entries = [
    fileOf('a'),
    { ...manyChunks(2), name: bytesOf('b') },
    directory,
    linkOf('d', 'a')
  ]
  return decode(encodePage(entries).body) as unknown[]
}

test('a page with any column too short, too long, missing or of another kind is refused', (t) => {
  t.notThrows(() => new Page(encode(parts())))
  for (let i = 0; i < 13; i++) {
    const good = parts()[i]
    const bad: unknown[] = [null, 'text', 1.5, -1, {}, new Uint8Array(3)]
    if (good instanceof Uint8Array) {
      bad.push(good.subarray(1), Buffer.concat([good, Uint8Array.of(0)]))
      bad.push(Buffer.concat([good, good]), new Uint8Array(), new Uint8Array(1 << 19))
    }
    if (i === 1) bad.push(3, 5, 2 ** 40)
    for (const each of bad) {
      const columns = parts()
      columns[i] = each
      t.throws(() => new Page(encode(columns)), { instanceOf: Malformed }, `column ${i}`)
    }
    const fewer = parts()
    fewer.splice(i, 1)
    t.throws(() => new Page(encode(fewer)), { instanceOf: Malformed })
  }
})

test('a page with any bytes changed gives a page that can be read to the end, or is refused', (t) => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (where, mask) => {
      const body = encode(parts())
      body[where % body.length]! ^= mask
      try {
        const read = new Page(body)
        t.deepEqual(encodePage([...read]).body, body)
      } catch (error) {
        if (!(error instanceof DrystoneError) && !(error instanceof TypeError)) throw error
        t.true(error instanceof Malformed, String(error))
      }
    }),
    { numRuns: 3000 }
  )
})

test('extras that say nothing, stand twice, or belong to nobody are refused', (t) => {
  const target = bytesOf('a')
  for (const extras of [
    [],
    [[3, null, null, null, null]],
    [
      [3, target, null, null, null],
      [3, target, null, null, null]
    ],
    [
      [3, target, null, null, null],
      [0, null, null, null, target]
    ],
    [
      [3, target, null, null, null],
      [4, target, null, null, null]
    ],
    [[-1, target, null, null, null]],
    [[3, target, null, []]],
    [[3, target, null, [], null]]
  ]) {
    const columns = parts()
    columns[12] = extras
    t.throws(() => new Page(encode(columns)), { instanceOf: Malformed }, JSON.stringify(extras))
  }
})
