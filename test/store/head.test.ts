import test from 'ava'
import fc from 'fast-check'
import { DAG_CBOR, RAW, cidOf, sha256 } from '../../store/block.ts'
import { decode, encode } from '../../store/codec.ts'
import { Malformed, NotOpened, NotSigned } from '../../store/errors.ts'
import {
  HEAD_BYTES_MAX,
  PINNED,
  decodeHead,
  encodeHead,
  headId,
  openPoints,
  type Point
} from '../../store/head.ts'
import { markedHead, openMark, signMark } from '../../store/mark.ts'
import { isRung } from '../../store/seal.ts'
import { isBadRecord } from '../../store/signed.ts'
import { NOWHERE, idOf, keyOf } from './_mesh.ts'

const headKey = new Uint8Array(32).fill(9)
const salt = new Uint8Array(32).fill(5)
const mesh = new Uint8Array(32).fill(1)
const writer = keyOf('desk')

function point(number: number, content = number): Point {
  const bytes = Buffer.from(`state ${content}`)
  const flags = number % 3 === 0 ? PINNED : 0
  return {
    number,
    time: 1000 + number,
    digest: sha256(Buffer.from(`what ${content}`)),
    root: cidOf(DAG_CBOR, bytes),
    flags
  }
}

const place = {
  mesh,
  endpoint: idOf('E'),
  writer: writer.public,
  seq: 3,
  prev: sha256(Buffer.from('before')),
  time: 5000,
  bases: [sha256(Buffer.from('b')), sha256(Buffer.from('a'))],
  escrow: Uint8Array.of(1, 2, 3)
}

function headOf(points: Point[]): Uint8Array {
  return encodeHead({ ...place, points }, { headKey, salt })
}

test('a head opens to the points it was made of', (t) => {
  const points = fc
    .uniqueArray(fc.nat(5000), { maxLength: 40 })
    .map((numbers) => numbers.sort((a, b) => a - b).map((number) => point(number, number % 7)))
  const holds = fc.property(points, (all) => {
    t.deepEqual(openPoints(decodeHead(headOf(all)), headKey), all)
  })
  fc.assert(holds, { numRuns: 100 })
})

test('the links of a head are its roots, sorted, each once', (t) => {
  const head = decodeHead(headOf([point(1), point(2), point(3, 1), point(4)]))
  const roots = head.roots.map(String)
  t.is(roots.length, 3)
  t.deepEqual([...roots].sort(), [1, 2, 4].map((n) => String(point(n).root)).sort())
  const bytes = head.roots.map((root) => Buffer.from(root.bytes))
  t.deepEqual(
    bytes,
    [...bytes].sort((a, b) => Buffer.compare(a, b))
  )
})

test('all of a head but its points can be read without a key', (t) => {
  const { roots, salt: drawn, sealed, ...head } = decodeHead(headOf([point(1)]))
  t.is(roots.length, 1)
  t.deepEqual(drawn, salt)
  t.true(isRung(sealed.length))
  t.deepEqual(head, {
    v: 1,
    ...place,
    bases: [...place.bases].sort((a, b) => Buffer.compare(a, b))
  })
})

test('no digest stands in a head in the clear', (t) => {
  const { digest } = point(1)
  t.is(Buffer.from(headOf([point(1)])).indexOf(digest), -1)
})

test('a head without points, bases, escrow or a head before it is a head', (t) => {
  const first = { ...place, prev: undefined, bases: [], escrow: NOWHERE, points: [] }
  const head = decodeHead(encodeHead(first, { headKey, salt }))
  t.is(head.prev, undefined)
  t.deepEqual(head.roots, [])
  t.deepEqual(openPoints(head, headKey), [])
})

test('lengths of sealed points go in steps', (t) => {
  const lengths = new Set<number>()
  for (let n = 1; n <= 60; n++) {
    lengths.add(decodeHead(headOf(Array.from({ length: n }, (_, i) => point(i)))).sealed.length)
  }
  t.true(lengths.size < 35)
  t.true([...lengths].every(isRung))
})

test('points open with their key and in their place only', (t) => {
  const head = decodeHead(headOf([point(1)]))
  t.throws(() => openPoints(head, new Uint8Array(32)), { instanceOf: NotOpened })
  const moved = [
    { ...head, mesh: new Uint8Array(32) },
    { ...head, endpoint: idOf('F') },
    { ...head, writer: keyOf('thief').public },
    { ...head, seq: 4 },
    { ...head, salt: new Uint8Array(32) },
    { ...head, roots: [] },
    { ...head, roots: [point(2).root] },
    { ...head, sealed: head.sealed.subarray(1) }
  ]
  for (const other of moved) t.throws(() => openPoints(other, headKey), { instanceOf: NotOpened })
})

test('points out of order do not open', (t) => {
  const head = decodeHead(headOf([point(2), point(1)]))
  t.throws(() => openPoints(head, headKey), { instanceOf: NotOpened, message: /order/ })
})

test('two salts share no sealed bytes', (t) => {
  const other = encodeHead({ ...place, points: [point(1)] }, { headKey, salt: mesh })
  t.notDeepEqual(
    decodeHead(other).sealed.subarray(0, 16),
    decodeHead(headOf([point(1)])).sealed.subarray(0, 16)
  )
})

test('more points than fit are refused, not cut', (t) => {
  const many = Array.from({ length: 14_000 }, (_, i) => point(i, 1))
  t.throws(() => headOf(many), { instanceOf: Malformed, message: /fit/ })
  t.true(headOf(many.slice(0, 9000)).length <= HEAD_BYTES_MAX)
})

test('a root that is a bare chunk is refused', (t) => {
  const root = cidOf(RAW, Uint8Array.of(1))
  const bytes = headOf([{ ...point(1), root }])
  t.throws(() => decodeHead(bytes), { instanceOf: Malformed })
})

test('a head whose lists are not sorted is refused', (t) => {
  const value = decode(headOf([point(1), point(2)])) as Record<string, unknown[]>
  for (const field of ['roots', 'bases']) {
    const bytes = encode({ ...value, [field]: [...(value[field] ?? [])].reverse() })
    t.throws(() => decodeHead(bytes), { instanceOf: Malformed, message: /sorted/ })
    const twice = encode({ ...value, [field]: [value[field]?.[0], value[field]?.[0]] })
    t.throws(() => decodeHead(twice), { instanceOf: Malformed, message: /sorted/ })
  }
})

test('a changed head is malformed, does not open, or is not the one its mark names', (t) => {
  const bytes = headOf([point(1), point(2)])
  const record = signMark(bytes, writer)
  const mark = { body: openMark(record, mesh), record }
  const holds = fc.property(
    fc.nat(bytes.length - 1),
    fc.integer({ min: 1, max: 255 }),
    (at, by) => {
      const changed = bytes.slice()
      changed[at] = (changed[at] ?? 0) ^ by
      t.throws(() => markedHead(mark, changed), { instanceOf: Malformed })
      try {
        const head = decodeHead(changed)
        t.deepEqual(headId(changed), sha256(changed))
        openPoints(head, headKey)
      } catch (error) {
        if (!(error instanceof Malformed) && !(error instanceof NotOpened)) throw error
      }
    }
  )
  fc.assert(holds, { numRuns: 500 })
})

test('a mark vouches for one head, in its place, by its writer', (t) => {
  const bytes = headOf([point(1)])
  const record = signMark(bytes, writer)
  const body = openMark(record, mesh)
  t.is(body.seq, 3)
  t.deepEqual(body.head, headId(bytes))
  t.deepEqual(markedHead({ body, record }, bytes).endpoint, idOf('E'))
  t.throws(() => openMark(record, new Uint8Array(32)), { instanceOf: NotSigned })
  t.throws(() => openMark(record, mesh, () => false), { instanceOf: NotSigned })
  t.throws(() => openMark({ ...record, issuer: keyOf('x').public }, mesh), {
    instanceOf: NotSigned
  })
  t.true(isBadRecord(new NotSigned('')))
})

test('a mark by somebody else than the writer that the head names vouches for nothing', (t) => {
  const bytes = headOf([point(1)])
  const record = signMark(bytes, keyOf('thief'))
  const body = openMark(record, mesh)
  t.throws(() => markedHead({ body, record }, bytes), { instanceOf: Malformed, message: /place/ })
})
