import { createHash } from 'node:crypto'
import test from 'ava'
import fc from 'fast-check'
import { DAG_CBOR, cidOf, toHex } from '../../store/block.ts'
import { canonicalEntry, directoryDigest, stateDigest } from '../../store/digest.ts'
import type { Entry } from '../../store/entry.ts'
import { anyEntries, anyEntry, bytesOf, fileOf, linkOf } from './_states.ts'
import { noise } from './_noise.ts'

function digest(...entries: Entry[]): string {
  return toHex(directoryDigest(entries))
}

test('an entry has exactly the canonical bytes of the format', (t) => {
  const entry: Entry = {
    ...fileOf('name', 'x'),
    mtimeNs: -1n,
    xattrs: [[bytesOf('user.a'), bytesOf('1')]],
    linkTo: bytesOf('a/b')
  }
  const expected = [
    ['00', '01a4', '000003e8', '000003e8', 'ffffffffffffffff', '3b9ac9ff', '0000000000000001'],
    ['00000001', '00000004', '6e616d65', '00000020', toHex(entry.hash!)],
    ['00000000', '00000000', '00000003', '612f62'],
    ['00000006', '757365722e61', '00000001', '31']
  ]
  t.is(toHex(canonicalEntry(entry)), expected.flat().join(''))
})

test('an empty directory has the digest of the label alone', (t) => {
  const label = createHash('sha256').update('drystone/1/dir\0').digest('hex')
  t.is(digest(), label)
})

/** Reckoned by another program from the words of FORMAT.md. */
const GOLDEN = '51be1574002a3b41163eff1081f924a910a5ddb7c12820bb1389d2cfb51ce2db'

test('these entries have this digest for ever', (t) => {
  const device: Entry = { ...linkOf('d', 'x'), type: 'character', device: [5, 1] }
  delete device.target
  t.is(digest(fileOf('a'), linkOf('b', 'a'), fileOf('c', ''), device), GOLDEN)
})

test('any change that a user could see changes the digest', (t) => {
  const file = fileOf('a')
  const link = linkOf('a', 'b')
  const device: Entry = { ...link, type: 'block', device: [1, 2] }
  const changes: [Entry, Partial<Entry>][] = [
    [file, { name: bytesOf('b') }],
    [file, { type: 'fifo' }],
    [file, { mode: 0o600 }],
    [file, { uid: 0 }],
    [file, { gid: 0 }],
    [file, { mtimeNs: file.mtimeNs + 1n }],
    [file, { mtimeNs: -file.mtimeNs }],
    [file, { size: file.size + 1 }],
    [file, { hash: noise(32) }],
    [file, { linkTo: bytesOf('first') }],
    [file, { xattrs: [[bytesOf('a'), bytesOf('')]] }],
    [link, { target: bytesOf('c') }],
    [device, { device: [2, 1] }],
    [device, { type: 'character' }]
  ]
  const seen = new Set([digest(file), digest(link), digest(device)])
  for (const [entry, change] of changes) {
    const changed = digest({ ...entry, ...change })
    t.false(seen.has(changed), JSON.stringify(Object.keys(change)))
    seen.add(changed)
  }
})

test('bytes cannot move from one property to the next', (t) => {
  const pairs = (...xattrs: [string, string][]): Entry => ({
    ...fileOf('a'),
    xattrs: xattrs.map(([name, value]) => [bytesOf(name), bytesOf(value)])
  })
  const all = [
    pairs(['ab', 'c']),
    pairs(['a', 'bc']),
    pairs(['a', ''], ['bc', '']),
    pairs(['ab', ''], ['c', '']),
    { ...fileOf('a'), linkTo: bytesOf('abc') },
    { ...fileOf('a'), target: bytesOf('abc') }
  ]
  t.is(new Set(all.map((entry) => digest(entry))).size, all.length)
  t.not(digest(fileOf('a'), fileOf('b')), digest(fileOf('b'), fileOf('a')))
})

test('where content is stored does not change the digest', (t) => {
  const cid = cidOf(DAG_CBOR, noise(5))
  const entry = fileOf('a')
  const elsewhere: Entry[] = [
    { ...entry, content: { list: cid } },
    { ...entry, content: { chunks: [] } },
    { ...entry, page: cid },
    { ...entry, xattrs: [] }
  ]
  for (const each of elsewhere) t.is(digest(each), digest(entry))
})

test('different entries have different canonical bytes', (t) => {
  fc.assert(
    fc.property(anyEntry, anyEntry, (a, b) => {
      const visible = (entry: Entry): string =>
        JSON.stringify({ ...entry, content: 0, page: 0 }, (_, value: unknown) =>
          typeof value === 'bigint' ? value.toString() : value
        )
      t.is(visible(a) === visible(b), digest(a) === digest(b))
    })
  )
})

test('a state has the digest of its root entry, so that its own metadata count', (t) => {
  fc.assert(
    fc.property(anyEntries, (entries) => {
      const root: Entry = {
        ...linkOf('', 'x'),
        type: 'directory',
        hash: directoryDigest(entries)
      }
      delete root.target
      t.deepEqual(stateDigest(root), directoryDigest([root]))
      t.notDeepEqual(stateDigest(root), stateDigest({ ...root, mode: 0o700 }))
    }),
    { numRuns: 20 }
  )
})
