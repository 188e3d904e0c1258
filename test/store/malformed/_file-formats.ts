// How files are read and written again: records and footers of segments, values of the index, files that
// are kept twice, and escrows. The files under them notice what is asked of them: a reader that changes one,
// or asks for more than there can be, is a finding.

import { createHmac, hkdfSync } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { decryptWith } from '../../../store/age.ts'
import { BLOCK_BYTES_MAX, sha256 } from '../../../store/block.ts'
import { BlockIndex } from '../../../store/block-index.ts'
import { writeFile } from '../../../store/disk.ts'
import type { IndexSpace } from '../../../store/index.ts'
import {
  HEADER_BYTES,
  decodeHeader,
  encodeFooter,
  encodeRecord,
  readFooter
} from '../../../store/segment.ts'
import { readSpared, sparePath } from '../../../store/spare.ts'
import { SimDisk } from '../../../sim/disk/disk.ts'
import { AGE_FILE_KEY, AGE_IDENTITY, INDEXED_HASH } from '../../_corpus/make-files.ts'
import { readCorpus } from '../../_corpus/text.ts'
import type { Format } from './_format.ts'
import { WatchedFile } from './_watched.ts'

const BLOCK_KEY = Buffer.concat([Uint8Array.of(2), INDEXED_HASH])
const REACH_KEY = Uint8Array.of(1, 0, 0, 0, 3)
const USAGE_KEY = Uint8Array.of(0)

export const FILE_FORMATS: readonly Format[] = [
  { name: 'header', failures: [], runs: 1000, again: headerAgain, proven: headerProven },
  { name: 'segment', failures: [], runs: 1500, again: segmentAgain, proven: segmentProven },
  {
    name: 'index-entry',
    failures: [],
    runs: 500,
    again: entryAgain,
    proven: (value) => withCrc(value, INDEXED_HASH)
  },
  {
    name: 'index-reach',
    failures: [],
    runs: 500,
    again: reachAgain,
    proven: (value) => withCrc(value, REACH_KEY)
  },
  {
    name: 'index-usage',
    failures: [],
    runs: 500,
    again: usageAgain,
    proven: (value) => withCrc(value)
  },
  { name: 'spared', failures: ['Malformed'], runs: 400, again: sparedAgain, proven: sparedProven },
  {
    name: 'age',
    failures: ['Malformed', 'NotOpened'],
    runs: 600,
    again: ageAgain,
    proven: ageProven
  }
]

/** A sample is a record: its body stays as it is. */
function headerAgain(bytes: Uint8Array): Uint8Array | undefined {
  const header = decodeHeader(bytes)
  if (header === undefined) return undefined
  const { hash, method, storedLength, plainLength, bodyCrc } = header
  if (storedLength > BLOCK_BYTES_MAX) throw new Error(`a record that claims ${storedLength} bytes`)
  const body = new Uint8Array(storedLength)
  const written = Buffer.from(encodeRecord(hash, { method, plainLength, body }))
  written.writeUInt32BE(bodyCrc, 45)
  written.writeUInt32BE(crc32(written.subarray(0, 49)), 49)
  return Buffer.concat([written.subarray(0, HEADER_BYTES), bytes.subarray(HEADER_BYTES)])
}

function headerProven(bytes: Uint8Array): Uint8Array {
  if (bytes.length < HEADER_BYTES) return bytes
  const record = Buffer.from(bytes)
  record.writeUInt32BE(crc32(record.subarray(0, 49)), 49)
  return new Uint8Array(record)
}

async function segmentAgain(bytes: Uint8Array): Promise<Uint8Array | undefined> {
  const file = new WatchedFile(bytes)
  const footer = await readFooter(file, 1)
  if (file.largest > Math.max(bytes.length, 1 << 16))
    throw new Error('it asks for too much at once')
  if (file.reads > 2 + bytes.length / HEADER_BYTES) throw new Error(`${file.reads} reads`)
  if (footer === undefined) return undefined
  const { placed, end } = footer
  for (const { location } of placed) {
    const { storedLength, plainLength, method } = location
    if (plainLength > BLOCK_BYTES_MAX || storedLength > plainLength || method > 1)
      throw new Error('a footer that lists what no record can be')
  }
  return Buffer.concat([bytes.subarray(0, end), encodeFooter(placed, end)])
}

function segmentProven(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 44) return bytes
  const file = new Uint8Array(bytes)
  const count = Buffer.from(file).readUInt32BE(file.length - 44)
  const from = Math.max(0, file.length - 44 - 45 * Math.min(count, file.length))
  file.set(sha256(file.subarray(from, file.length - 32)), file.length - 32)
  return file
}

/** A space of the index that holds one value at first. */
class SmallSpace implements IndexSpace {
  readonly values = new Map<string, Uint8Array>()

  constructor(key: Uint8Array, value: Uint8Array) {
    this.values.set(keyOf(key), value)
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.values.get(keyOf(key))
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return keys.map((key) => this.values.get(keyOf(key)))
  }

  async put(key: Uint8Array, value: Uint8Array): Promise<void> {
    this.values.set(keyOf(key), value)
  }

  async batch(changes: readonly { key: Uint8Array; value: Uint8Array | undefined }[]) {
    for (const { key, value } of changes) {
      if (value === undefined) this.values.delete(keyOf(key))
      else this.values.set(keyOf(key), value)
    }
  }

  async *range({ gte, lt }: { gte?: Uint8Array; lt?: Uint8Array } = {}): AsyncGenerator<
    [Uint8Array, Uint8Array]
  > {
    const [from, to] = [keyOf(gte ?? new Uint8Array(0)), keyOf(lt ?? new Uint8Array(99).fill(255))]
    for (const [key, value] of [...this.values].sort()) {
      if (key >= from && key < to) yield [new Uint8Array(Buffer.from(key, 'hex')), value]
    }
  }

  async clear(): Promise<void> {
    this.values.clear()
  }
}

function keyOf(key: Uint8Array): string {
  return Buffer.from(key).toString('hex')
}

async function entryAgain(value: Uint8Array): Promise<Uint8Array | undefined> {
  const index = await BlockIndex.open(await spaceWith(BLOCK_KEY, value))
  const location = await index.get(INDEXED_HASH)
  const [first] = await Array.fromAsync(index.entries())
  if (first?.location?.offset !== location?.offset) throw new Error('it is read in two ways')
  if (location === undefined) return undefined
  const space = await spaceWith(BLOCK_KEY, new Uint8Array(0))
  const hash = INDEXED_HASH
  await (
    await BlockIndex.open(space)
  ).add(location.segment, { end: 0, size: 0 }, [{ hash, location }])
  return space.get(BLOCK_KEY)
}

/** A space that an index has used before, which holds `value` at `key`. */
async function spaceWith(key: Uint8Array, value: Uint8Array): Promise<SmallSpace> {
  const space = new SmallSpace(USAGE_KEY, new Uint8Array(0))
  await (await BlockIndex.open(space)).add(1, { end: 0, size: 0 }, [])
  await space.put(key, value)
  return space
}

async function reachAgain(value: Uint8Array): Promise<Uint8Array | undefined> {
  const index = await BlockIndex.open(await spaceWith(REACH_KEY, value))
  const reach = (await index.reaches()).get(3)
  if (reach === undefined) return undefined
  const space = await spaceWith(REACH_KEY, new Uint8Array(0))
  await (await BlockIndex.open(space)).add(3, reach, [])
  return space.get(REACH_KEY)
}

/** What is counted goes on from the value, too: a block comes, and two go. */
async function usageAgain(value: Uint8Array): Promise<Uint8Array | undefined> {
  const space = new SmallSpace(USAGE_KEY, value)
  const index = await BlockIndex.open(space)
  if (space.values.size === 0) return undefined
  await index.add(1, { end: 0, size: 0 }, [])
  const again = await space.get(USAGE_KEY)
  const location = { segment: 1, offset: 0, method: 0, storedLength: 6, plainLength: 6 } as const
  const other = { hash: sha256(INDEXED_HASH), location }
  await index.add(1, { end: 1, size: 0 }, [{ hash: INDEXED_HASH, location }, other])
  // As if the value were older than the entries.
  await space.put(USAGE_KEY, value)
  const older = await BlockIndex.open(space)
  await older.forget({ hash: INDEXED_HASH, location })
  await older.forget(other)
  if ((await BlockIndex.open(space)).usage.blocks < 0) throw new Error('less than no blocks')
  return again
}

/** The last four bytes are the CRC-32 of what belongs before, and of the others. */
function withCrc(value: Uint8Array, before: Uint8Array = new Uint8Array(0)): Uint8Array {
  if (value.length < 4) return value
  const bytes = Buffer.from(value)
  const end = bytes.length - 4
  bytes.writeUInt32BE(crc32(bytes.subarray(0, end), crc32(before)), end)
  return new Uint8Array(bytes)
}

const SPARED = 'peer.key'
const NO_FILE = 0xffffffff

/** A sample is: length of the file u32be (ffffffff: there is none), the file, its spare. */
async function sparedAgain(bytes: Uint8Array): Promise<Uint8Array | undefined> {
  if (bytes.length < 4) return undefined
  const sample = Buffer.from(bytes)
  const length = sample.readUInt32BE()
  const end = length === NO_FILE ? 4 : Math.min(4 + length, bytes.length)
  const disk = new SimDisk()
  await disk.makeDirectory('spare')
  if (length !== NO_FILE) await writeFile(disk, SPARED, sample.subarray(4, end))
  await writeFile(disk, sparePath(SPARED), sample.subarray(end))
  const before = contentsOf(disk)
  let found: Uint8Array | undefined
  try {
    found = await readSpared(disk, SPARED)
    if (found === undefined && contentsOf(disk) === before) return undefined
  } catch (error) {
    if (contentsOf(disk) !== before) throw new Error('it changed what it refused', { cause: error })
    throw error
  }
  const meant = Buffer.from(found ?? []).toString('hex')
  const sum = Buffer.from(sha256(found ?? NOTHING)).toString('hex')
  if (contentsOf(disk) !== `${SPARED} ${meant}, ${sparePath(SPARED)} ${sum}${meant}`)
    throw new Error('the two files are not mended')
  return bytes
}

function contentsOf(disk: SimDisk): string {
  const files = disk
    .files()
    .map(({ path }) => `${path} ${Buffer.from(disk.read(path)).toString('hex')}`)
  return files.join(', ')
}

const NOTHING = new Uint8Array(0)

function sparedProven(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 4) return bytes
  const end = Math.min(4 + Buffer.from(bytes).readUInt32BE(), bytes.length)
  const spare = bytes.subarray(end)
  if (spare.length < 32) return bytes
  return Buffer.concat([bytes.subarray(0, end), sha256(spare.subarray(32)), spare.subarray(32)])
}

const PLAINTEXTS = readCorpus('valid', 'age').map(({ bytes }) => decryptWith(AGE_IDENTITY, bytes))

/** What opens says one of the texts that were sealed, and no other. */
function ageAgain(bytes: Uint8Array): Uint8Array {
  const found = decryptWith(AGE_IDENTITY, bytes)
  if (PLAINTEXTS.every((text) => Buffer.compare(text, found) !== 0)) throw new Error('another text')
  return bytes
}

/** The MAC is that of the changed header. */
function ageProven(bytes: Uint8Array): Uint8Array {
  const file = Buffer.from(bytes)
  const at = file.indexOf('\n--- ')
  if (at < 0) return bytes
  const header = file.subarray(0, at + 4)
  const key = new Uint8Array(hkdfSync('sha256', AGE_FILE_KEY, '', 'header', 32))
  const mac = createHmac('sha256', key).update(header).digest('base64').replace(/=+$/, '')
  const line = file.indexOf('\n', at + 1)
  const rest = line < 0 ? file.subarray(file.length) : file.subarray(line)
  return Buffer.concat([header, Buffer.from(` ${mac}`), rest])
}
