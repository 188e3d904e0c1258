import { createCipheriv, createHmac, hkdfSync, randomBytes, type BinaryLike } from 'node:crypto'
import { constants, zstdCompressSync } from 'node:zlib'
import test from 'ava'
import fc from 'fast-check'
import { BLOCK_BYTES_MAX, DAG_CBOR, cidOf, sha256, type Hash } from '../../store/block.ts'
import { CHUNK_BYTES_MAX } from '../../store/chunker.ts'
import { encode } from '../../store/codec.ts'
import { Malformed, NotOpened } from '../../store/errors.ts'
import {
  BLOCK_TYPES,
  isRung,
  isSealed,
  rungs,
  seal,
  sealKeys,
  sealedLinks,
  unseal,
  type BlockType
} from '../../store/seal.ts'
import { noise } from './_noise.ts'

const secret = new Uint8Array(32).fill(7)
const keys = sealKeys(secret)
const keyring = new Map([[0, keys]])
const text = Buffer.from('the quick brown fox '.repeat(100))
const hashes = [sha256(Buffer.from('b')), sha256(Buffer.from('a'))]

/** The format once more, step by step as SECURITY-DESIGN 7 says it, with nothing of ours but CBOR. */
class Sealer {
  epoch = 0
  type = 1
  method = 0
  links: Uint8Array = new Uint8Array()
  /** Of the whole block. */
  total = 512
  length: number | undefined
  zeros = 0
  tagBytes = 16

  seal(body: Uint8Array): Uint8Array {
    const header = Buffer.alloc(5)
    header.writeUInt8(this.method)
    header.writeUInt32BE(this.length ?? body.length, 1)
    const least = Buffer.concat([header, body])
    const build = (payload: Uint8Array): Uint8Array => {
      const count = Buffer.alloc(4)
      count.writeUInt32BE(this.links.length / 32)
      const siv = hmac(this.#key('siv'), [Uint8Array.of(this.type), count, this.links, payload])
      const cipher = createCipheriv('aes-256-gcm', hmac(this.#key('key'), [siv]), Buffer.alloc(12))
      const sealed = Buffer.concat([cipher.update(payload), cipher.final()])
      const tag = cipher.getAuthTag().subarray(0, this.tagBytes)
      return encode([1, this.epoch, this.links, siv, Buffer.concat([sealed, tag])])
    }
    for (let zeros = 0; ; zeros++) {
      const block = build(Buffer.concat([least, Buffer.alloc(zeros, this.zeros)]))
      if (block.length === this.total) return block
      if (block.length > this.total) throw new Error(`${block.length} bytes miss ${this.total}`)
      if (this.total - block.length > 8) zeros = this.total - block.length - 8
    }
  }

  #key(name: string): Uint8Array {
    return new Uint8Array(hkdfSync('sha256', secret, '', `drystone/1/${name}`, 32))
  }
}

function hmac(key: Uint8Array, parts: readonly BinaryLike[]): Buffer {
  const stream = createHmac('sha256', key)
  for (const part of parts) stream.update(part)
  return stream.digest()
}

function built(init: Partial<Sealer>, body: Uint8Array): Uint8Array {
  return Object.assign(new Sealer(), init).seal(body)
}

test('a sealed block has exactly the bytes that the design says', (t) => {
  const small = noise(100)
  t.deepEqual(seal(keys, 'chunk', small, []).bytes, built({}, small))
  const links = Buffer.concat([...hashes].sort((a, b) => Buffer.compare(a, b)))
  const twice = [...hashes, hashes[0]!]
  t.deepEqual(seal(keys, 'page', small, twice).bytes, built({ type: 2, links }, small))
  const packed = zstdCompressSync(text, {
    pledgedSrcSize: text.length,
    params: { [constants.ZSTD_c_compressionLevel]: 3 }
  })
  t.deepEqual(seal(keys, 'list', text, []).bytes, built({ type: 3, method: 1 }, packed))
  const large = noise(1000)
  t.deepEqual(seal(keys, 'top', large, []).bytes, built({ type: 4, total: 1152 }, large))
})

test('what was sealed opens again, whatever it was', (t) => {
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 3000 }),
    fc.nat({ max: 300_000 }).map((length) => noise(length, length)),
    fc.nat({ max: 300_000 }).map((length) => new Uint8Array(length).fill(65))
  )
  const links = fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 20 })
  const type = fc.constantFrom(...(Object.keys(BLOCK_TYPES) as BlockType[]))
  fc.assert(
    fc.property(type, body, links, (as, bytes, refers) => {
      const block = seal(keys, as, bytes, refers)
      t.true(block.cid.equals(cidOf(DAG_CBOR, block.bytes)))
      t.true(isSealed(block.bytes))
      t.true(isRung(block.bytes.length))
      const opened = unseal(keyring, as, block.bytes)
      t.is(Buffer.compare(opened.body, bytes), 0)
      t.deepEqual(opened.links, unique(refers))
      t.deepEqual(sealedLinks(block.bytes), { epoch: 0, links: unique(refers) })
    }),
    { numRuns: 60 }
  )
})

function unique(links: readonly Hash[]): Hash[] {
  const ordered = [...links].sort((a, b) => Buffer.compare(a, b))
  return ordered.filter((link, i) => i === 0 || Buffer.compare(link, ordered[i - 1]!) !== 0)
}

test('the same content gives the same block; other links, types, keys and epochs give others', (t) => {
  const block = seal(keys, 'page', text, hashes).bytes
  t.deepEqual(seal(keys, 'page', text, [...hashes].reverse()).bytes, block)
  const others = [
    seal(keys, 'page', text, hashes.slice(1)),
    seal(keys, 'list', text, hashes),
    seal(sealKeys(new Uint8Array(32)), 'page', text, hashes),
    seal(sealKeys(secret, 1), 'page', text, hashes)
  ]
  for (const other of others) t.notDeepEqual(other.bytes, block)
})

test('a block opens as the type it was sealed as, and as no other', (t) => {
  const types = Object.keys(BLOCK_TYPES) as BlockType[]
  for (const one of types) {
    const { bytes } = seal(keys, one, text, [])
    for (const other of types) {
      if (one === other) t.deepEqual(Buffer.from(unseal(keyring, other, bytes).body), text)
      else t.throws(() => unseal(keyring, other, bytes), { instanceOf: NotOpened })
    }
  }
})

test('a block does not open with other keys, nor another epoch', (t) => {
  const { bytes } = seal(keys, 'chunk', text, [])
  const opens = (ring: typeof keyring): unknown => unseal(ring, 'chunk', bytes)
  t.throws(() => opens(new Map()), { instanceOf: NotOpened })
  t.throws(() => opens(new Map([[1, keys]])), { instanceOf: NotOpened })
  t.throws(() => opens(new Map([[0, sealKeys(randomBytes(32))]])), { instanceOf: NotOpened })
})

test('a block with any bit flipped is refused', (t) => {
  const { bytes } = seal(keys, 'page', noise(50), hashes)
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = new Uint8Array(bytes)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    const error = t.throws(() => unseal(keyring, 'page', flipped))
    if (!(error instanceof Malformed) && !(error instanceof NotOpened)) t.fail(`bit ${bit}`)
  }
})

test('a block cut off anywhere is refused', (t) => {
  const { bytes } = seal(keys, 'chunk', text, [])
  for (let length = 0; length < bytes.length; length++) {
    t.throws(() => unseal(keyring, 'chunk', bytes.subarray(0, length)), { instanceOf: Malformed })
  }
})

const body = noise(100)
const [low, high] = unique(hashes) as [Hash, Hash]
const wrong: Record<string, [Partial<Sealer>, Uint8Array]> = {
  'a tag of 12 bytes': [{ tagBytes: 12 }, body],
  'a tag of 4 bytes': [{ tagBytes: 4 }, body],
  'links that are not sorted': [{ links: Buffer.concat([high, low]) }, body],
  'a link twice': [{ links: Buffer.concat([low, low]) }, body],
  'links that are no whole hashes': [{ links: low.subarray(1) }, body],
  'padding that is not zeros': [{ zeros: 1 }, body],
  'a size between two steps': [{ total: 513 }, body],
  'a size below the first step': [{ total: 448 }, body],
  'a length past the end': [{ length: 2000 }, body],
  'a length of 2^32 − 1': [{ length: 0xffffffff }, body],
  'an unknown way of packing': [{ method: 2 }, body],
  'zstd that is none': [{ method: 1 }, body],
  'zstd that ends early': [{ method: 1 }, zstdCompressSync(body).subarray(0, -3)],
  'a zstd bomb': [{ method: 1, total: 10_240 }, zstdCompressSync(Buffer.alloc(256 * 1024 * 1024))]
}

for (const [what, [init, bytes]] of Object.entries(wrong)) {
  test(`a block that the owner of the keys made wrong is refused: ${what}`, (t) => {
    const error = t.throws(() => unseal(keyring, 'chunk', built(init, bytes)))
    t.true(error instanceof Malformed || error instanceof NotOpened, String(error))
  })
}

test('a block of another version, or of other parts, is refused', (t) => {
  const [siv, box] = [noise(32), noise(400)]
  const none = new Uint8Array()
  for (const parts of [
    [2, 0, none, siv, box],
    [1, 65_536, none, siv, box],
    [1, -1, none, siv, box],
    [1, 0, none, siv.subarray(1), box],
    [1, 0, none, siv, box.subarray(0, 20)],
    [1, 0, none, siv, box, 1],
    [1, 0, none, siv]
  ]) {
    t.throws(() => unseal(keyring, 'chunk', encode(parts)), { instanceOf: Malformed })
    t.throws(() => sealedLinks(encode(parts)), { instanceOf: Malformed })
  }
})

test('the largest chunk fits in a block even if it does not shrink', (t) => {
  const chunk = noise(CHUNK_BYTES_MAX)
  const { bytes } = seal(sealKeys(secret, 65_535), 'chunk', chunk, [])
  t.is(bytes.length, BLOCK_BYTES_MAX)
  t.is(
    Buffer.compare(
      unseal(new Map([[65_535, sealKeys(secret, 65_535)]]), 'chunk', bytes).body,
      chunk
    ),
    0
  )
})

test('what does not fit in a block is refused, even if it would shrink to fit', (t) => {
  t.throws(() => seal(keys, 'chunk', noise(BLOCK_BYTES_MAX), []), { instanceOf: Malformed })
  t.throws(() => seal(keys, 'chunk', Buffer.alloc(BLOCK_BYTES_MAX + 1), []), {
    instanceOf: Malformed
  })
  t.notThrows(() => seal(keys, 'chunk', Buffer.alloc(BLOCK_BYTES_MAX), []))
})

test('the ladder has eight steps an octave from 512 bytes to a whole block', (t) => {
  const ladder = [...rungs()]
  t.deepEqual(ladder.slice(0, 10), [512, 576, 640, 704, 768, 832, 896, 960, 1024, 1152])
  t.is(ladder.at(-1), BLOCK_BYTES_MAX)
  t.is(ladder.length, 11 * 8 + 1)
})

test('every length lands on the least step that holds it', (t) => {
  const ladder = [...rungs()]
  // Around each place where a CBOR length grows, and around each step, with and without links.
  const edges = [0, 24, 256, 65_536, ...ladder.filter((rung) => rung <= 131_072)]
  for (const links of [[], hashes, Array.from({ length: 9 }, (_, i) => noise(32, i))]) {
    const overhead = encode([1, 0, new Uint8Array(links.length * 32), noise(32), noise(26)]).length
    for (const edge of edges) {
      for (let length = Math.max(0, edge - overhead - 9); length < edge; length += 3) {
        const block = seal(keys, 'page', noise(length), links).bytes
        const least = overhead + length - 5
        const rung = ladder.find((each) => each >= least) ?? 0
        const next = ladder[ladder.indexOf(rung) + 1]
        // The length of the box itself may take up to four bytes more.
        const fits = block.length === rung || (block.length === next && least + 4 > rung)
        if (!fits) t.fail(`${length} bytes made a block of ${block.length}`)
      }
    }
  }
  t.pass()
})
