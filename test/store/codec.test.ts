import test from 'ava'
import fc from 'fast-check'
import {
  DEPTH_MAX,
  bytesOf,
  decode,
  encode,
  integerOf,
  listOf,
  oneOf,
  optional,
  readList,
  readMap,
  textOf
} from '../../store/codec.ts'
import { Malformed } from '../../store/errors.ts'

function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
}

/** Decodes, or fails with the one failure; anything else is a finding. */
function decodes(bytes: Uint8Array): boolean {
  let value: unknown
  try {
    value = decode(bytes)
  } catch (error) {
    if (error instanceof Malformed) return false
    throw error
  }
  if (Buffer.compare(encode(value), bytes) !== 0) throw new Error('it does not encode again')
  return true
}

test('what is encoded decodes to the same value', (t) => {
  const value = { a: 1, b: [true, null, 'text', -5, 2 ** 40], c: { d: new Uint8Array([1, 2]) } }
  t.deepEqual(decode(encode(value)), value)
  t.deepEqual(decode(encode(2n ** 64n - 1n)), 2n ** 64n - 1n)
})

test('nesting is accepted to the limit and refused beyond, however deep', (t) => {
  const nested = (depth: number): Uint8Array =>
    Buffer.concat([Buffer.alloc(depth, 0x81), hex('00')])
  t.true(decodes(nested(DEPTH_MAX)))
  t.throws(() => decode(nested(DEPTH_MAX + 1)), { instanceOf: Malformed })
  t.throws(() => decode(nested(5000)), { instanceOf: Malformed })
  t.throws(() => decode(nested(1 << 20)), { instanceOf: Malformed })
  const maps = Buffer.concat([...Array<Buffer>(5000).fill(Buffer.from(hex('a16161'))), hex('00')])
  t.throws(() => decode(maps), { instanceOf: Malformed })
})

const refused = {
  'nothing at all': '',
  'bytes of 2^53': '5b0020000000000000',
  'bytes of 2^64 − 1': '5bffffffffffffffff',
  'text of 2^53': '7b0020000000000000 61',
  'a list of 2^53': '9b0020000000000000 00',
  'a map of 2^53': 'bb0020000000000000 616100',
  'a map of 2^63': 'bb8000000000000000 616100',
  'a list of 2^32 − 1': '9affffffff 00',
  'a length cut off': '5a0000',
  'a list cut off': '8201',
  'a map without its last value': 'a16161',
  'the same key twice': 'a2 616101 616102',
  'keys out of order': 'a2 616201 616101',
  'a longer key first': 'a2 62616101 616201',
  'a key that is a number': 'a1 0101',
  '__proto__ twice': 'a2 695f5f70726f746f5f5f01 695f5f70726f746f5f5f02',
  NaN: 'fb7ff8000000000000',
  'half NaN': 'f97e00',
  infinity: 'fb7ff0000000000000',
  'a half float': 'f93c00',
  'a single float': 'fa3f800000',
  'a whole number as a float': 'fb3ff0000000000000',
  undefined: 'f7',
  'a simple value': 'f0',
  'an indefinite list': '9f00ff',
  'an indefinite map': 'bf616100ff',
  'indefinite bytes': '5f4100ff',
  'indefinite text': '7f6161ff',
  'a lone break': 'ff',
  'a reserved length': '1c',
  'one byte after the value': '0000',
  'a number longer than needed': '1801',
  'a length longer than needed': '580161',
  'text that is no UTF-8': '61ff',
  'text with a lone surrogate': '63eda080',
  'a date': 'c11a514b67b0',
  'a big number': 'c249010000000000000000',
  'a tagged address': `d82a5825 00 01551220 ${'00'.repeat(32)}`,
  'a tagged address of one byte': 'd82a4200 01'
}

for (const [what, bytes] of Object.entries(refused)) {
  test(`bytes are refused: ${what}`, (t) => {
    t.throws(() => decode(hex(bytes)), { instanceOf: Malformed })
  })
}

test('a __proto__ key is a field like any other, and no map that is read has it', (t) => {
  const bytes = hex('a1 695f5f70726f746f5f5f a1 6161 01')
  t.true(decodes(bytes))
  t.throws(() => readMap(decode(bytes), 'map', { a: optional(integerOf()) }), {
    instanceOf: Malformed
  })
  t.is(({} as Record<string, unknown>).a, undefined)
})

test('maps that look like an address object are maps, or refused', (t) => {
  t.notThrows(() => decodes(hex('a2 612f 6178 656279746573 6178')))
  t.notThrows(() => decodes(hex('a2 612f 01 656279746573 01')))
})

test('any bytes decode to a value that encodes to them, or fail in the one way', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      decodes(bytes)
    }),
    { numRuns: 5000 }
  )
  t.pass()
})

test('good bytes with one byte changed decode to something else, or fail in the one way', (t) => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'small' },
      fc.maxSafeInteger(),
      fc.string(),
      fc.uint8Array({ maxLength: 8 }),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('any'), { maxLength: 4 }),
      fc.dictionary(fc.string({ minLength: 1 }), tie('any'), { maxKeys: 4, noNullPrototype: true })
    )
  })).any
  fc.assert(
    fc.property(value, fc.nat(), fc.integer({ min: 1, max: 255 }), (what, where, mask) => {
      const bytes = encode(what)
      t.deepEqual(encode(decode(bytes)), bytes)
      bytes[where % bytes.length]! ^= mask
      decodes(bytes)
    }),
    { numRuns: 1000 }
  )
})

test('a map is read field by field, and names the field that is wrong', (t) => {
  const fields = { name: textOf(3), size: integerOf(0, 9), tag: optional(bytesOf(2)) }
  t.deepEqual(readMap({ name: 'abc', size: 9 }, 'file', fields), { name: 'abc', size: 9 })
  const wrong = (value: unknown, message: RegExp): void => {
    t.throws(() => readMap(value, 'file', fields), { instanceOf: Malformed, message })
  }
  wrong({ name: 'abcd', size: 1 }, /file\.name/)
  wrong({ name: 'a' }, /file\.size/)
  wrong({ name: 'a', size: 10 }, /file\.size/)
  wrong({ name: 'a', size: 1.5 }, /file\.size/)
  wrong({ name: 'a', size: 1n }, /file\.size/)
  wrong({ name: 'a', size: 1, tag: new Uint8Array(3) }, /file\.tag/)
  wrong({ name: 'a', size: 1, other: 1 }, /other/)
  for (const value of [null, [], 'x', new Uint8Array(), 5]) wrong(value, /not a map/)
})

test('lists are read with their limits', (t) => {
  t.deepEqual(listOf(oneOf('a', 'b'), 2)(['a', 'b'], 'list'), ['a', 'b'])
  t.throws(() => listOf(oneOf('a'), 2)(['a', 'x'], 'list'), { message: /list\[1\]/ })
  t.throws(() => listOf(integerOf(), 1)([1, 2], 'list'), { instanceOf: Malformed })
  t.throws(() => readList([1, 2], 'pair', 3), { instanceOf: Malformed })
  t.throws(() => readList('ab', 'pair', 2), { instanceOf: Malformed })
})
