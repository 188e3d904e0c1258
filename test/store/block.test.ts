import test from 'ava'
import fc from 'fast-check'
import {
  BLOCK_BYTES_MAX,
  CID,
  CID_BYTES,
  DAG_CBOR,
  RAW,
  cidFromBytes,
  cidOf,
  fromHex,
  hashOf,
  isBlock,
  parseCid,
  sha256,
  toHex,
  verifyBlock
} from '../../store/block.ts'
import { BlockDamaged, Malformed } from '../../store/errors.ts'

const hello = cidOf(RAW, Buffer.from('hello'))

test('an address is the CID that other programs make of the same bytes', (t) => {
  t.is(hello.toString(), 'bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq')
  t.is(toHex(hello.bytes), `01551220${toHex(sha256(Buffer.from('hello')))}`)
  t.is(
    cidOf(DAG_CBOR, Uint8Array.of(0xa0)).toString(),
    'bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua'
  )
})

test('the bytes and the text of an address read back', (t) => {
  for (const cid of [hello, cidOf(DAG_CBOR, Buffer.from('x'))]) {
    t.true(cidFromBytes(cid.bytes).equals(cid))
    t.true(parseCid(cid.toString()).equals(cid))
  }
})

test('an address that is read keeps none of the bytes around it', (t) => {
  const around = Buffer.concat([hello.bytes, Buffer.alloc(1000)])
  const cid = cidFromBytes(around.subarray(0, CID_BYTES))
  around.fill(0)
  t.is(hashOf(cid).constructor, Uint8Array)
  t.is(hashOf(cid).buffer.byteLength, 32)
  t.true(cid.equals(hello))
})

const hash = toHex(sha256(Buffer.from('hello')))
const illegal = {
  'version 0': `1220${hash}`,
  'version 2': `02551220${hash}`,
  'identity of no bytes': '01550000',
  'identity of 32 bytes': `01550020${hash}`,
  'a digest of 4 bytes': '0155120401020304',
  'a digest of 31 bytes': `0155121f${hash.slice(2)}`,
  'a digest of 33 bytes': `01551221${hash}00`,
  'an unknown codec': `01701220${hash}`,
  'sha2-512': `01551340${hash}${hash}`,
  'sha3-256': `01551620${hash}`,
  'a version that is not minimal': `8100551220${hash}`,
  'a codec that is not minimal': `01d5001220${hash}`,
  'a length that is not minimal': `015512a000${hash}`,
  'a varint without end': 'ff'.repeat(10),
  'one byte more': `01551220${hash}00`,
  'one byte less': `01551220${hash.slice(2)}`,
  nothing: ''
}

for (const [what, bytes] of Object.entries(illegal)) {
  test(`an address is refused: ${what}`, (t) => {
    t.throws(() => cidFromBytes(Buffer.from(bytes, 'hex')), { instanceOf: Malformed })
  })
}

test('an identity address of a whole block is refused', (t) => {
  const bytes = Buffer.concat([Buffer.from('0155008080' + '40', 'hex'), Buffer.alloc(1 << 20)])
  t.throws(() => cidFromBytes(bytes), { instanceOf: Malformed })
})

test('any bytes are the one form of an address, or refused', (t) => {
  fc.assert(
    fc.property(fc.nat({ max: 3 }), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const bytes = new Uint8Array(hello.bytes)
      bytes[at]! ^= mask
      if (at === 1 && bytes[1] === DAG_CBOR) return
      t.throws(() => cidFromBytes(bytes), { instanceOf: Malformed })
    })
  )
})

test('text that is no address, or the same one in another way, is refused', (t) => {
  const text = hello.toString()
  const refused = [
    '',
    'b',
    text.slice(1),
    text.slice(0, -1),
    `${text}a`,
    `${text}=`,
    text.toUpperCase(),
    hello.toV1().toString().replace('b', 'z'),
    CID.parse('QmbWqxBEKC3P8tqsKc98xmWNzrzDtRLMiMPL8wBuTGsMnR').toString(),
    'b'.repeat(100_000)
  ]
  for (const each of refused) t.throws(() => parseCid(each), { instanceOf: Malformed })
})

test('a block is what its address says, and no longer than a block may be', (t) => {
  t.notThrows(() => {
    verifyBlock(hello, Buffer.from('hello'))
  })
  const error = t.throws(
    () => {
      verifyBlock(hello, Buffer.from('hellO'))
    },
    { instanceOf: BlockDamaged }
  )
  t.is(error?.cid, hello.toString())
  const large = new Uint8Array(BLOCK_BYTES_MAX)
  t.true(isBlock(cidOf(RAW, large), large))
  const larger = new Uint8Array(BLOCK_BYTES_MAX + 1)
  t.false(isBlock(cidOf(RAW, larger), larger))
})

test('hex is lower case and of the length that is asked for', (t) => {
  t.deepEqual(fromHex('00ff', 2), Uint8Array.of(0, 255))
  t.is(toHex(Uint8Array.of(0, 255)), '00ff')
  for (const text of ['00FF', '00f', '00ff00', '00fg', '']) {
    t.throws(() => fromHex(text, 2), { instanceOf: Malformed })
  }
})
