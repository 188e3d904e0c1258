// The loader: whatever the size of its slabs, files are cut and hashed as they are inline.

import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { HASH_BYTES, sha256, toHex } from '../../../store/block.ts'
import { cut } from '../../../store/chunker.ts'
import { Loader } from '../../../node/threads/loader.ts'
import { all } from '../../store/_blocks.ts'
import { noise } from '../../store/_noise.ts'
import { makeFolder } from '../tree/folder.ts'

interface Read {
  chunks: string[]
  bytes: number
  fingerprint: string
}

async function inline(bytes: Uint8Array): Promise<Read> {
  const chunks = await all(
    cut(
      (async function* () {
        yield bytes
      })()
    )
  )
  return {
    chunks: chunks.map((chunk) => toHex(sha256(chunk))),
    bytes: bytes.length,
    fingerprint: toHex(sha256(bytes))
  }
}

const sizes = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc.integer({ min: 0, max: 200_000 }),
  fc.integer({ min: 0, max: 5_000_000 })
)

test('every file is read whole, and cut as it is inline', async (t) => {
  const folder = makeFolder(t)
  const path = join(folder, 'file')
  await fc.assert(
    fc.asyncProperty(
      fc.array(sizes, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 2 << 20, max: 5 << 20 }),
      async (lengths, slabBytes) => {
        const files = lengths.map((length, i) => {
          const bytes = noise(length, i)
          writeFileSync(`${path}${i}`, bytes)
          return { bytes, descriptor: openSync(`${path}${i}`, 'r') }
        })
        const found = new Map<number, Read>()
        const loader = new Loader()
        loader.add(
          // What was seen of a file need not be true any more.
          files.map(({ descriptor, bytes }, job) => ({
            ...{ job, descriptor },
            size: job % 3 === 2 ? 7 : bytes.length
          }))
        )
        const slabs = [new Uint8Array(slabBytes), new Uint8Array(slabBytes)]
        for (let n = 0; ; n++) {
          const load = loader.fill(slabs[n % 2] ?? t.fail())
          if (load === undefined) break
          let at = 0
          for (const { job, lengths, end } of load.parts) {
            const read = found.get(job) ?? { chunks: [], bytes: 0, fingerprint: '' }
            found.set(job, read)
            for (const length of lengths) {
              t.is(load.chunks[at]?.length, length)
              const hash = load.hashes.subarray(at * HASH_BYTES, ++at * HASH_BYTES)
              read.chunks.push(toHex(hash))
              read.bytes += length
            }
            if (end === 'unreadable') t.fail()
            else if (end !== undefined) read.fingerprint = toHex(end.fingerprint)
          }
          t.is(at, load.chunks.length)
        }
        files.forEach(({ descriptor }) => closeSync(descriptor))
        for (const [job, { bytes }] of files.entries()) {
          t.deepEqual(found.get(job), await inline(bytes))
        }
      }
    ),
    { numRuns: 25 }
  )
})
