import test from 'ava'
import fc from 'fast-check'
import { sha256, toHex } from '../../store/block.ts'
import {
  CHUNK_BYTES_MAX,
  CHUNK_BYTES_MIN,
  CHUNK_BYTES_NORMAL,
  chunkLength,
  cut
} from '../../store/chunker.ts'
import { all } from './_blocks.ts'
import { noise } from './_noise.ts'

const MIB = 1 << 20

/** Reckoned by another program from the words of FORMAT.md. */
const CUTS_OF_NOISE = [
  682_716, 406_503, 630_310, 455_477, 316_919, 687_198, 179_565, 152_699, 436_746, 246_171
]

async function* inPieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1
    yield bytes.subarray(at, at + size)
    at += size
  }
}

function chunksOf(bytes: Uint8Array, sizes = [bytes.length]): Promise<Uint8Array[]> {
  return all(cut(inPieces(bytes, sizes)))
}

function lengths(chunks: readonly Uint8Array[]): number[] {
  return chunks.map(({ length }) => length)
}

test('the cuts of these bytes are fixed for ever', async (t) => {
  t.deepEqual(lengths(await chunksOf(noise(4 * MIB))), CUTS_OF_NOISE)
})

test('cuts do not depend on how bytes arrive', async (t) => {
  const bytes = noise(3 * MIB, 1)
  const once = lengths(await chunksOf(bytes))
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 2 * MIB }), { minLength: 1, maxLength: 8 }),
      async (sizes) => {
        const chunks = await chunksOf(bytes, [...sizes, 4096])
        t.deepEqual(lengths(chunks), once)
        t.is(Buffer.compare(Buffer.concat(chunks), bytes), 0)
      }
    ),
    { numRuns: 20 }
  )
})

test('chunks are within bounds, and about 512 KiB on average', async (t) => {
  const sizes = lengths(await chunksOf(noise(96 * MIB, 2), [MIB]))
  const [last = 0] = sizes.splice(-1)
  t.true(last <= CHUNK_BYTES_MAX)
  t.true(sizes.every((size) => size > CHUNK_BYTES_MIN && size <= CHUNK_BYTES_MAX))
  const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length
  t.true(mean > 450 * 1024 && mean < 600 * 1024, `${mean}`)
  t.true(sizes.some((size) => size < CHUNK_BYTES_NORMAL))
})

test('an insertion moves few cuts', async (t) => {
  const bytes = noise(24 * MIB, 3)
  const at = 9 * MIB + 12345
  const inserted = Buffer.concat([bytes.subarray(0, at), Buffer.from('!'), bytes.subarray(at)])
  const before = new Set((await chunksOf(bytes)).map((chunk) => toHex(sha256(chunk))))
  const after = (await chunksOf(inserted)).map((chunk) => toHex(sha256(chunk)))
  const moved = after.filter((hash) => !before.has(hash))
  t.true(after.length > 30)
  t.true(moved.length >= 1 && moved.length <= 6, `${moved.length} of ${after.length}`)
})

test('a small file is one chunk, and an empty one none', async (t) => {
  t.deepEqual(await chunksOf(new Uint8Array()), [])
  t.deepEqual(lengths(await chunksOf(noise(1))), [1])
  t.deepEqual(lengths(await chunksOf(noise(CHUNK_BYTES_MIN))), [CHUNK_BYTES_MIN])
})

test('zeros are cut into equal chunks of the most that is allowed', async (t) => {
  const sizes = lengths(await chunksOf(new Uint8Array(3 * CHUNK_BYTES_MAX)))
  t.deepEqual(sizes, [CHUNK_BYTES_MAX, CHUNK_BYTES_MAX, CHUNK_BYTES_MAX])
})

test('no cut is told before it is sure', (t) => {
  const bytes = noise(CHUNK_BYTES_MAX)
  t.is(chunkLength(bytes.subarray(0, -1), false), 0)
  t.true(chunkLength(bytes, false) > 0)
  t.is(chunkLength(new Uint8Array(), true), 0)
})
