import test from 'ava'
import fc from 'fast-check'
import { crc32 } from 'node:zlib'
import { BLOCK_BYTES_MAX } from '../../../store/block.ts'
import {
  HEADER_BYTES,
  encodeRecord,
  readFooter,
  readHeaders,
  readRecord,
  scanRecords,
  type Placed
} from '../../../store/segment.ts'
import { packBlock } from '../../../store/stored.ts'
import { readCorpus } from '../../_corpus/text.ts'
import { noise } from '../_noise.ts'
import { blockOf } from '../_blocks.ts'
import { anyPlan, mutableSamples, mutantOf } from './_mutants.ts'
import { WatchedFile } from './_watched.ts'

const [CLOSED] = readCorpus('valid', 'segment')
const SEGMENT = CLOSED!.bytes
const READ_BYTES_MAX = BLOCK_BYTES_MAX + HEADER_BYTES

/** What a scan finds, once it is shown that it found true records, in order, and asked for little. */
async function scanned(bytes: Uint8Array): Promise<{ placed: Placed[]; end: number }> {
  const file = new WatchedFile(bytes)
  const scan = await scanRecords(file, 1, 0)
  if (file.largest > READ_BYTES_MAX) throw new Error(`a read of ${file.largest} bytes`)
  if (file.reads > 3 + bytes.length / HEADER_BYTES) throw new Error(`${file.reads} reads`)
  let at = 0
  for (const each of scan.placed) {
    if (each.location.offset !== at) throw new Error('a record out of place')
    const record = await readRecord(new WatchedFile(bytes), each)
    if (record === undefined) throw new Error('a record that is not there')
    // The checksum of the body may be false: the hash is what proves it.
    const again = Buffer.from(encodeRecord(each.hash, record.stored))
    at += again.length
    if (
      !again.subarray(0, 45).equals(bytes.subarray(each.location.offset, each.location.offset + 45))
    )
      throw new Error('a record that is written in other bytes')
  }
  if (at !== scan.end) throw new Error('a scan that does not end behind its last record')
  return scan
}

/** The headers of records from the front get true checksums, as long as they lead on. */
function withTrueHeaders(bytes: Uint8Array): Uint8Array {
  const file = Buffer.from(bytes)
  for (let at = 0; at + HEADER_BYTES <= file.length;) {
    file.writeUInt32BE(crc32(file.subarray(at, at + 49)), at + 49)
    at += HEADER_BYTES + file.readUInt32BE(at + 37)
  }
  return new Uint8Array(file)
}

test('a segment cut at every byte is a prefix of its records, and has no footer', async (t) => {
  const whole = await scanned(SEGMENT)
  t.is(whole.placed.length, 4)
  for (let length = 0; length < SEGMENT.length; length++) {
    const cut = SEGMENT.slice(0, length)
    const { placed } = await scanned(cut)
    t.deepEqual(placed, whole.placed.slice(0, placed.length))
    t.is(await readFooter(new WatchedFile(cut), 1), undefined)
    const headers = await readHeaders(new WatchedFile(cut), 1, { from: 0, end: length })
    t.deepEqual(headers.slice(0, placed.length), placed)
    t.true(headers.length <= whole.placed.length)
  }
})

test('records in another order are the same records, and the footer speaks for none of them', async (t) => {
  const { placed, end } = await scanned(SEGMENT)
  const pieces = placed.map(({ location }) => {
    return SEGMENT.slice(location.offset, location.offset + HEADER_BYTES + location.storedLength)
  })
  const footer = SEGMENT.slice(end)
  for (let i = 0; i < pieces.length; i++) {
    for (let j = i + 1; j < pieces.length; j++) {
      const swapped = pieces.with(i, pieces[j]!).with(j, pieces[i]!)
      const bytes = Buffer.concat([...swapped, footer])
      t.is(await readFooter(new WatchedFile(bytes), 1), undefined)
      t.is((await scanned(bytes)).placed.length, pieces.length)
    }
  }
})

test('bodies in the place of one another are found out by the scan', async (t) => {
  const blocks = [1, 2, 3].map((seed) => blockOf(noise(50, seed)))
  const bodies = blocks.map(({ bytes }) => packBlock(bytes, { compress: false }))
  for (const [i, j] of [
    [0, 1],
    [0, 2],
    [1, 2]
  ] as const) {
    const swapped = bodies.with(i, bodies[j]!).with(j, bodies[i]!)
    const records = blocks.map(({ hash }, n) => encodeRecord(hash, swapped[n]!))
    t.is((await scanned(Buffer.concat(records))).placed.length, i)
  }
})

test('a mutant of a segment is scanned to its last true record, with few and small reads', async (t) => {
  const samples = mutableSamples('segment')
  let found = 0
  await fc.assert(
    fc.asyncProperty(anyPlan, async (plan) => {
      const mutant = mutantOf(samples, plan)
      for (const bytes of [mutant, withTrueHeaders(mutant)]) {
        found += (await scanned(bytes)).placed.length
        const file = new WatchedFile(bytes)
        await readHeaders(file, 1, { from: 0, end: bytes.length })
        if (file.reads > 1 + bytes.length / HEADER_BYTES) throw new Error(`${file.reads} reads`)
      }
    }),
    { numRuns: 1000 }
  )
  t.true(found > 100)
})
