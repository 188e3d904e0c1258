// zstd: contexts that are kept give what new ones give, whatever they were fed before.

import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import test from 'ava'
import fc from 'fast-check'
import { BLOCK_BYTES_MAX } from '../../store/block.ts'
import { isOneFrame, shrink, shrinkOnce, unpacked } from '../../store/zstd.ts'
import { noise } from './_noise.ts'

/** Of a window that a block may need. */
const WINDOW_LOG_MAX = 20

/** Bytes of all kinds: noise, runs, text, and nothing. */
const contents = fc.oneof(
  fc.uint8Array({ maxLength: 3000 }),
  fc
    .tuple(fc.integer({ min: 0, max: 300_000 }), fc.nat(255))
    .map(([n, byte]) => Buffer.alloc(n, byte)),
  fc.array(fc.lorem(), { maxLength: 400 }).map((words) => Buffer.from(words.join(' '))),
  fc.integer({ min: 0, max: 200_000 }).map((n) => noise(n))
)

/** One frame, with or without length, checksum and single segment, of one block or several. */
const frames = fc
  .tuple(contents, fc.boolean(), fc.boolean(), fc.constantFrom(-5, 1, 3, 19))
  .map(([bytes, isChecked, isSized, level]) => {
    const params = {
      [constants.ZSTD_c_compressionLevel]: level,
      [constants.ZSTD_c_checksumFlag]: Number(isChecked),
      [constants.ZSTD_c_contentSizeFlag]: Number(isSized),
      [constants.ZSTD_c_windowLog]: 20
    }
    return { bytes, frame: zstdCompressSync(bytes, { params }) }
  })

/** What zlib says, which makes a context for each. */
function plainly(frame: Uint8Array): Uint8Array | undefined {
  try {
    const params = { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX }
    return zstdDecompressSync(frame, { maxOutputLength: BLOCK_BYTES_MAX, params })
  } catch {
    return undefined
  }
}

function same(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0
}

test('what was packed with a kept context is what a new one packs, and unpacks', (t) => {
  fc.assert(
    fc.property(contents, (bytes) => {
      const packed = shrink(bytes, Number.POSITIVE_INFINITY)
      t.true(packed !== undefined && same(packed, shrinkOnce(bytes)))
      t.true(same(unpacked(packed ?? bytes, BLOCK_BYTES_MAX), bytes))
    }),
    { numRuns: 200 }
  )
})

test('a whole frame of any kind is known for one, and unpacks', (t) => {
  fc.assert(
    fc.property(frames, ({ bytes, frame }) => {
      t.true(isOneFrame(frame))
      t.true(same(unpacked(frame, BLOCK_BYTES_MAX), bytes))
    }),
    { numRuns: 200 }
  )
})

test('whatever is unpacked, it gives what zlib gives, and the next frame is not spoiled by it', (t) => {
  const broken = fc
    .tuple(frames, fc.nat(), fc.nat(255), fc.constantFrom('cut', 'flip', 'more', 'twice'))
    .map(([{ frame }, n, byte, how]) => {
      if (how === 'cut') return frame.subarray(0, n % (frame.length + 1))
      if (how === 'more') return Buffer.concat([frame, Buffer.from([byte])])
      if (how === 'twice') return Buffer.concat([frame, frame])
      const flipped = Buffer.from(frame)
      flipped.writeUInt8(byte, n % frame.length)
      return flipped
    })
  fc.assert(
    fc.property(broken, frames, (foreign, { bytes, frame }) => {
      const given = unpacked(foreign, BLOCK_BYTES_MAX)
      t.true(same(given && new Uint8Array(given), plainly(foreign)))
      t.true(same(unpacked(frame, BLOCK_BYTES_MAX), bytes))
    }),
    { numRuns: 500 }
  )
})

test('more than was promised, or a larger window than a block needs, is refused', (t) => {
  const bytes = Buffer.alloc(5000, 'stone')
  t.is(unpacked(zstdCompressSync(bytes), 4999), undefined)
  const params = { [constants.ZSTD_c_windowLog]: 23 }
  const wide = zstdCompressSync(noise(3 << 20), { params })
  t.is(unpacked(wide, 4 << 20), undefined)
})
