// A writer that means harm chooses the bytes of its blocks. Whatever they look like, footers and records
// included, they never hide another block, nor show one that is not there, when the index is gone.

import test from 'ava'
import fc from 'fast-check'
import { BASE_SCOPE, toHex } from '../../store/block.ts'
import { Blockstore } from '../../store/blockstore.ts'
import { openIndex } from '../../store/index.ts'
import {
  HEADER_BYTES,
  encodeFooter,
  encodeRecord,
  segmentPath,
  type Placed
} from '../../store/segment.ts'
import { readSegment } from '../../sim/model/segment.ts'
import { SeededRandom } from '../../sim/random.ts'
import { SimDisk } from '../../sim/disk/disk.ts'
import { blockOf, noiseBlock, type TestBlock } from './_blocks.ts'

const PATH = segmentPath(BASE_SCOPE, 1)

async function open(disk: SimDisk): Promise<Blockstore> {
  return Blockstore.open({ disk, index: await openIndex({ location: undefined }) })
}

/** Where a block would lie, if it lay raw at an offset. */
function placedAt({ hash, bytes }: TestBlock, offset: number): Placed {
  const { length } = bytes
  const location = { segment: 1, offset, method: 0, storedLength: length, plainLength: length }
  return { hash, location: { ...location, method: 0 } }
}

function placedInOrder(blocks: readonly TestBlock[]): { placed: Placed[]; end: number } {
  const placed: Placed[] = []
  let end = 0
  for (const block of blocks) {
    placed.push(placedAt(block, end))
    end += HEADER_BYTES + block.bytes.length
  }
  return { placed, end }
}

/** Each makes the body of a block that is put behind `before`, and at the end of its segment. */
const FORGERIES: Record<string, (before: readonly TestBlock[]) => Uint8Array> = {
  'an empty footer': () => Buffer.concat([Buffer.alloc(20), encodeFooter([], 0)]),
  'nothing but an empty footer': () => encodeFooter([], 0),
  'a true footer of all before it': (before) => {
    const { placed, end } = placedInOrder(before)
    return encodeFooter(placed, end)
  },
  'a footer of all before it that begins where it ends': (before) => {
    const { placed, end } = placedInOrder(before)
    return encodeFooter(placed, end + HEADER_BYTES)
  },
  'a footer with one entry over everything': (before) => {
    const { end } = placedInOrder(before)
    const covering = { ...noiseBlock(1), bytes: new Uint8Array(end) }
    return encodeFooter([placedAt(covering, 0)], end + HEADER_BYTES)
  },
  'a footer of all but one, behind a record of its own': (before) => {
    const { placed, end } = placedInOrder(before)
    const fake = noiseBlock(30)
    const record = encodeRecord(fake.hash, { method: 0, plainLength: 30, body: fake.bytes })
    const last = placed.at(-1)
    const from = last?.location.offset ?? 0
    const covering = { ...noiseBlock(1), bytes: new Uint8Array(end - from) }
    const listed = [...placed.slice(0, -1), placedAt(covering, from)]
    listed.push(placedAt(fake, end + HEADER_BYTES))
    return Buffer.concat([record, encodeFooter(listed, end + HEADER_BYTES + record.length)])
  },
  'a footer that tells its own header with another hash': (before) => {
    const { placed, end } = placedInOrder(before)
    const own = { ...noiseBlock(1), bytes: new Uint8Array(40) }
    const footer = encodeFooter([...placed, placedAt(own, end)], end + HEADER_BYTES + 40)
    return Buffer.concat([Buffer.alloc(40), footer])
  },
  'a whole closed segment': () => {
    const fake = noiseBlock(30)
    const record = encodeRecord(fake.hash, { method: 0, plainLength: 30, body: fake.bytes })
    return Buffer.concat([record, encodeFooter([placedAt(fake, 0)], record.length)])
  }
}

for (const [what, forge] of Object.entries(FORGERIES)) {
  test(`a block that ends in ${what} hides no other`, async (t) => {
    for (const count of [0, 1, 5]) {
      const before = Array.from({ length: count }, (_, i) => noiseBlock(100 * i + 60))
      const disk = new SimDisk()
      const store = await open(disk)
      const blocks = [...before, blockOf(new Uint8Array(forge(before)))]
      for (const { cid, bytes } of blocks) {
        await store.put(BASE_SCOPE, cid, bytes, { compress: false })
      }
      await store.flush()
      disk.crash()
      const file = await disk.open(PATH, 'read')
      const read = readSegment(await file.read(0, await file.size()))
      await file.close()
      const hashes = blocks.map(({ hash }) => toHex(hash))
      t.deepEqual(
        read.records.map(({ hash }) => hash),
        hashes
      )
      const again = await open(disk)
      for (const { hash, bytes } of blocks) {
        t.deepEqual(Buffer.from((await again.get(BASE_SCOPE, hash)) ?? []), Buffer.from(bytes))
      }
      t.is((await again.usage(BASE_SCOPE)).blocks, blocks.length)
    }
  })
}

/** Bytes that look like parts of segments, true or not, in any order. */
const anyForgery = fc
  .array(
    fc.oneof(
      fc.record({ part: fc.constant('noise'), at: fc.nat(60) }),
      fc.record({ part: fc.constantFrom('footer', 'record', 'header', 'empty'), at: fc.nat(4000) })
    ),
    { maxLength: 4 }
  )
  .map((parts) => (before: readonly TestBlock[]): Uint8Array => {
    const { placed, end } = placedInOrder(before)
    return Buffer.concat(
      parts.map(({ part, at }) => {
        if (part === 'noise') return noiseBlock(at).bytes
        if (part === 'empty') return encodeFooter([], at % 2)
        if (part === 'footer') {
          const covering = { ...noiseBlock(1), bytes: new Uint8Array(at) }
          const listed = at % 2 === 0 ? placed : [...placed, placedAt(covering, end)]
          return encodeFooter(listed, at % 3 === 0 ? end : end + HEADER_BYTES + (at % 100))
        }
        const { hash, bytes } = before[at % Math.max(1, before.length)] ?? noiseBlock(10)
        const body = bytes.subarray(0, part === 'header' ? 0 : bytes.length)
        return encodeRecord(hash, { method: 0, plainLength: bytes.length, body })
      })
    )
  })

test('no bytes of a block hide what was flushed, when the power goes or the process is killed', async (t) => {
  const anyStep = fc.record({
    forgery: fc.option(anyForgery, { nil: undefined }),
    /** Of noise, for a block that is no forgery. */
    length: fc.nat(300),
    isFlushed: fc.boolean()
  })
  const anyEnd = fc.constantFrom('kill', 'crash', 'torn crash')
  const anyRuns = fc.array(fc.tuple(fc.array(anyStep, { maxLength: 6 }), anyEnd), {
    minLength: 1,
    maxLength: 3
  })
  await fc.assert(
    fc.asyncProperty(anyRuns, async (runs) => {
      const disk = new SimDisk()
      const kept: TestBlock[] = []
      for (const [number, [steps, end]] of runs.entries()) {
        const store = await open(disk)
        let fresh: TestBlock[] = []
        const here: TestBlock[] = []
        for (const { forgery, length, isFlushed } of steps) {
          const block = forgery ? blockOf(new Uint8Array(forgery(here))) : noiseBlock(length)
          await store.put(BASE_SCOPE, block.cid, block.bytes, { compress: false })
          here.push(block)
          fresh.push(block)
          if (!isFlushed) continue
          await store.flush()
          kept.push(...fresh)
          fresh = []
        }
        if (end === 'kill') kept.push(...fresh)
        else disk.crash(end === 'crash' ? undefined : new SeededRandom(`${number} ${kept.length}`))
        const again = await open(disk)
        for (const { hash, bytes } of kept) {
          t.deepEqual(Buffer.from((await again.get(BASE_SCOPE, hash)) ?? []), Buffer.from(bytes))
        }
        await again.close()
      }
    }),
    { numRuns: 150 }
  )
})
