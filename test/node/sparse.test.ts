// Writing with holes: whatever the bytes and however they are cut, what is written and skipped comes to
// them, and no zeros are written at either end of a piece.

import test from 'ava'
import fc from 'fast-check'
import { writeSparse } from '../../node/sparse.ts'
import type { TreeFileWriter } from '../../node/tree/tree.ts'

/** A file in memory, and how many bytes of it were written. */
function fileOf(length: number): { file: TreeFileWriter; content: Buffer; written: () => number } {
  const content = Buffer.alloc(length)
  let at = 0
  let written = 0
  const file: TreeFileWriter = {
    write: async (bytes) => {
      content.set(bytes, at)
      at += bytes.length
      written += bytes.length
    },
    skip: async (count) => {
      at += count
    },
    commit: async () => [],
    discard: async () => {}
  }
  return { file, content, written: () => written }
}

const runs = fc.array(
  fc.record({
    length: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 4000, max: 20_000 })),
    isZero: fc.boolean()
  }),
  { maxLength: 8 }
)

function bytesOf(each: readonly { length: number; isZero: boolean }[]): Buffer {
  return Buffer.concat(each.map(({ length, isZero }) => Buffer.alloc(length, isZero ? 0 : 7)))
}

test('what is written and skipped comes to the bytes', async (t) => {
  await fc.assert(
    fc.asyncProperty(runs, fc.integer({ min: 1, max: 9000 }), async (each, cut) => {
      const bytes = bytesOf(each)
      const { file, content } = fileOf(bytes.length)
      for (let at = 0; at < bytes.length; at += cut) {
        await writeSparse(file, bytes.subarray(at, at + cut))
      }
      t.true(content.equals(bytes))
    }),
    { seed: 1, numRuns: 200 }
  )
})

test('zeros that are cut anywhere are not written at all', async (t) => {
  const bytes = Buffer.alloc(3_000_000)
  const { file, written } = fileOf(bytes.length)
  for (let at = 0; at < bytes.length; at += 999_999) {
    await writeSparse(file, bytes.subarray(at, at + 999_999))
  }
  t.is(written(), 0)
})

test('between zeros only what is not zero is written', async (t) => {
  const bytes = Buffer.alloc(100_001)
  bytes.write('in the middle', 50_000)
  const { file, written } = fileOf(bytes.length)
  await writeSparse(file, bytes)
  t.is(written(), 'in the middle'.length)
})
