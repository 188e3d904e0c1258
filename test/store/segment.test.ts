import test from 'ava'
import { toHex } from '../../store/block.ts'
import { writeAll } from '../../store/disk.ts'
import {
  HEADER_BYTES,
  encodeFooter,
  encodeRecord,
  readFooter,
  readRecord,
  scanRecords,
  segmentNumber,
  segmentPath,
  type Placed
} from '../../store/segment.ts'
import { packBlock } from '../../store/stored.ts'
import { SimDisk } from '../../sim/disk/disk.ts'
import { blockOf, noiseBlock, textBlock } from './_blocks.ts'

const BLOCKS = [textBlock(1), noiseBlock(50), blockOf(new Uint8Array(0)), textBlock(2, 5000)]

function makeSegment(): { bytes: Buffer; placed: Placed[]; end: number } {
  const records: Uint8Array[] = []
  const placed: Placed[] = []
  let end = 0
  for (const { hash, bytes } of BLOCKS) {
    const stored = packBlock(bytes, { compress: true })
    const { method, plainLength, body } = stored
    const location = { segment: 1, offset: end, method, storedLength: body.length, plainLength }
    placed.push({ hash, location })
    records.push(encodeRecord(hash, stored))
    end += HEADER_BYTES + body.length
  }
  return { bytes: Buffer.concat([...records, encodeFooter(placed, end)]), placed, end }
}

async function fileOf(bytes: Uint8Array) {
  const file = await new SimDisk().open('x', 'create')
  await writeAll(file, bytes, 0)
  return file
}

const byHash = (placed: readonly Placed[]): Placed[] =>
  placed.toSorted((a, b) => Buffer.compare(a.hash, b.hash))

test('a record and a footer are the bytes that FORMAT.md says', (t) => {
  // Computed with Python's zlib and hashlib.
  const { hash, bytes } = blockOf(Buffer.from('stone'))
  const record = encodeRecord(hash, packBlock(bytes, { compress: true }))
  t.is(toHex(record), RECORD)
  const location = { segment: 1, offset: 0, method: 0, storedLength: 5, plainLength: 5 } as const
  t.is(toHex(encodeFooter([{ hash, location }], record.length)), FOOTER)
})

test('segments are numbered files in the folder of their scope', (t) => {
  t.is(segmentPath('base', 7), 'blocks/base/00000007.seg')
  t.is(segmentNumber('00000007.seg'), 7)
  for (const name of ['7.seg', '00000007.seg.1.new', '0000000x.seg']) {
    t.is(segmentNumber(name), undefined)
  }
})

test('footer and scan tell the same records', async (t) => {
  const { bytes, placed, end } = makeSegment()
  const closed = await fileOf(bytes)
  t.deepEqual(await readFooter(closed, 1), { placed: byHash(placed), end })
  t.deepEqual(await scanRecords(closed, 1, 0), { placed, end })
  const second = placed[1]
  const from = second?.location.offset ?? 0
  t.deepEqual(await scanRecords(closed, 1, from), { placed: placed.slice(1), end })
})

test('a segment cut at any byte ends with the last record that is whole', async (t) => {
  const { bytes, placed, end } = makeSegment()
  for (let length = 0; length < bytes.length; length++) {
    const file = await fileOf(bytes.subarray(0, length))
    const ends = [...placed.slice(1).map(({ location }) => location.offset), end]
    const whole = ends.filter((each) => each <= length).length
    const scan = await scanRecords(file, 1, 0)
    t.deepEqual(scan.placed, placed.slice(0, whole), `cut at ${length}`)
    if (length > bytes.length - 10 || length % 50 === 0) {
      t.is(await readFooter(file, 1), undefined, `cut at ${length}`)
    }
  }
})

test('a byte changed anywhere is seen: by the footer, by the scan, by the record', async (t) => {
  const { bytes, placed, end } = makeSegment()
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes)
    changed[at] = changed[at]! ^ (1 << (at % 8))
    const file = await fileOf(changed)
    if (at >= end) {
      t.is(await readFooter(file, 1), undefined, `changed at ${at}`)
      t.deepEqual((await scanRecords(file, 1, 0)).placed, placed)
      continue
    }
    const hit = placed.findLastIndex(({ location }) => location.offset <= at)
    t.deepEqual((await scanRecords(file, 1, 0)).placed, placed.slice(0, hit), `changed at ${at}`)
    const wholes = await Promise.all(
      placed.map(async (each) => (await readRecord(file, each))?.whole)
    )
    t.deepEqual(
      wholes,
      placed.map((_, i) => i !== hit)
    )
  }
})

test('a footer counts only at the end of the file and right behind the last record', async (t) => {
  const { bytes, end } = makeSegment()
  const [records, footer] = [bytes.subarray(0, end), bytes.subarray(end)]
  const others = [
    [records, Buffer.from('DSR1 and a half'), footer],
    [records, footer, Buffer.from([0])],
    [footer],
    [footer, records, footer]
  ]
  for (const parts of others)
    t.is(await readFooter(await fileOf(Buffer.concat(parts)), 1), undefined)
})

test('a footer whose entries leave a gap, overlap, or contradict a header is none', async (t) => {
  const { bytes, placed, end } = makeSegment()
  const withFooter = (listed: readonly Placed[]) =>
    fileOf(Buffer.concat([bytes.subarray(0, end), encodeFooter(listed, end)]))
  t.not(await readFooter(await withFooter(placed), 1), undefined)
  for (const [i, { hash, location }] of placed.entries()) {
    const other = (change: Partial<Placed['location']>): Placed[] =>
      placed.with(i, { hash, location: { ...location, ...change } })
    const { offset, storedLength, plainLength, method } = location
    const lies = [
      placed.toSpliced(i, 1),
      other({ offset: offset + 1 }),
      other({ storedLength: storedLength + 1 }),
      other({ plainLength: plainLength + 1 }),
      other({ method: method === 0 ? 1 : 0 }),
      placed.with(i, { hash: noiseBlock(9).hash, location }),
      [...placed, placed[i]!]
    ]
    for (const [n, lie] of lies.entries()) {
      t.is(await readFooter(await withFooter(lie), 1), undefined, `${i}, lie ${n}`)
    }
  }
})

test('where a header has decayed, the footer still tells the record', async (t) => {
  const { bytes, placed, end } = makeSegment()
  for (const { location } of placed) {
    const decayed = Buffer.from(bytes)
    decayed[location.offset + 7]! ^= 4
    t.deepEqual(await readFooter(await fileOf(decayed), 1), { placed: byHash(placed), end })
  }
})

test('a footer that begins where the index ends is told without reading headers', async (t) => {
  const { bytes, placed, end } = makeSegment()
  const read: number[] = []
  const file = await fileOf(bytes)
  const watched = { ...file, path: 'x', size: () => file.size() } as typeof file
  watched.read = (offset, length) => {
    read.push(offset)
    return file.read(offset, length)
  }
  t.deepEqual(await readFooter(watched, 1, end), { placed: byHash(placed), end })
  t.true(read.every((offset) => offset >= end))
  t.deepEqual(await readFooter(watched, 1, end - 1), { placed: byHash(placed), end })
  t.false(read.every((offset) => offset >= end))
})

const RECORD =
  '4453523100dc3d50da8dac041f660e4ba85339928995e771d99c33cc868f5829800829e382000000' +
  '05000000051920052a759352fc73746f6e65'
const FOOTER =
  'dc3d50da8dac041f660e4ba85339928995e771d99c33cc868f5829800829e3820000000000000000' +
  '0500000005000000010000003a44534631d107fcc62fb430422a25d3c12356df0966bbb035bdfdae' +
  'e31a34c12891abde22'
