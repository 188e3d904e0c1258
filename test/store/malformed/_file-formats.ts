// How files are read and written again: records and footers of segments, lists of dropped places, files
// that are kept twice, and escrows. The files under them notice what is asked of them: a reader that
// changes one, or asks for more than there can be, is a finding.

import { createHmac, hkdfSync } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { decryptWith } from '../../../store/age.ts'
import { BLOCK_BYTES_MAX, sha256 } from '../../../store/block.ts'
import { writeFile } from '../../../store/disk.ts'
import { DroppedPlaces, droppedPath } from '../../../store/dropped.ts'
import {
  HEADER_BYTES,
  decodeHeader,
  encodeFooter,
  encodeRecord,
  readFooter
} from '../../../store/segment.ts'
import {
  ParcelList,
  encodeOpening,
  readBlock,
  readOpening,
  readParcelList,
  scanParcel
} from '../../../store/parcel.ts'
import { decodeQuarantine, encodeQuarantine } from '../../../store/quarantine.ts'
import { readSpared, sparePath } from '../../../store/spare.ts'
import { SimDisk } from '../../../sim/disk/disk.ts'
import { AGE_FILE_KEY, AGE_IDENTITY } from '../../_corpus/make-files.ts'
import { readCorpus } from '../../_corpus/text.ts'
import type { Format } from './_format.ts'
import { WatchedFile } from './_watched.ts'

export const FILE_FORMATS: readonly Format[] = [
  { name: 'header', failures: [], runs: 1000, again: headerAgain, proven: headerProven },
  { name: 'segment', failures: [], runs: 1500, again: segmentAgain, proven: segmentProven },
  {
    name: 'dropped',
    failures: ['Malformed'],
    runs: 500,
    again: droppedAgain,
    proven: droppedProven
  },
  {
    name: 'quarantine',
    failures: ['Malformed'],
    runs: 500,
    again: (bytes) => encodeQuarantine(decodeQuarantine(bytes)),
    proven: droppedProven
  },
  { name: 'spared', failures: ['Malformed'], runs: 400, again: sparedAgain, proven: sparedProven },
  {
    name: 'age',
    failures: ['Malformed', 'NotOpened'],
    runs: 600,
    again: ageAgain,
    proven: ageProven
  },
  {
    name: 'parcel',
    failures: ['Malformed'],
    runs: 1500,
    again: parcelAgain,
    proven: parcelProven
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

/** A file of no bytes is as good as none. */
async function droppedAgain(bytes: Uint8Array): Promise<Uint8Array | undefined> {
  if (bytes.length === 0) return undefined
  const disk = new SimDisk()
  await disk.makeDirectory('blocks/base')
  await writeFile(disk, droppedPath('base'), bytes)
  const places = await DroppedPlaces.read(disk, 'base')
  for (const place of places) if (!places.has(place)) throw new Error('a place that is not found')
  await places.write(disk, 'base')
  return disk.read(droppedPath('base'))
}

function droppedProven(bytes: Uint8Array): Uint8Array {
  const end = Math.max(0, bytes.length - 32)
  return Buffer.concat([bytes.subarray(0, end), sha256(bytes.subarray(0, end))])
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

/** Opening and list are written again; records that are not whole are for who looks them up. */
async function parcelAgain(bytes: Uint8Array): Promise<Uint8Array | undefined> {
  const file = new WatchedFile(bytes)
  const opened = await readOpening(file)
  const { list, end } = await readParcelList(file, opened)
  if (file.asked > 2 * bytes.length + 1024) throw new Error('it asks for more than there is')
  const { records } = await scanParcel(file, { begin: opened.begin, end })
  if (file.largest > Math.max(bytes.length, BLOCK_BYTES_MAX))
    throw new Error('it asks for too much')
  if (records > bytes.length / HEADER_BYTES) throw new Error('more records than can be')
  for (const place of list.places()) {
    const stored = await readBlock(file, place)
    if (list.find(place.hash) !== place.offset) throw new Error('a block that is not found')
    if (stored !== undefined && place.offset + HEADER_BYTES + stored.body.length > bytes.length)
      throw new Error('a block that is not all in the file')
  }
  const written = new ParcelList()
  for (const { hash, offset } of list.places()) written.add(hash, offset)
  const beginning = encodeOpening(opened.opening)
  const between = bytes.subarray(opened.begin, end)
  return Buffer.concat([beginning, between, written.encode(end, beginning.subarray(-32))])
}

/** True checksums for the opening, if its length holds, and for the list, if it fits. */
function parcelProven(bytes: Uint8Array): Uint8Array {
  const file = Buffer.from(bytes)
  if (file.length < 8) return bytes
  const begin = 8 + file.readUInt32BE(4)
  if (begin + 32 > file.length) return bytes
  const sum = sha256(file.subarray(0, begin))
  file.set(sum, begin)
  const at = file.length - 48
  if (at < begin + 32) return new Uint8Array(file)
  const from = at - 40 * file.readUInt32BE(at)
  if (from < begin + 32) return new Uint8Array(file)
  file.set(sha256(Buffer.concat([sum, file.subarray(from, at + 16)])), at + 16)
  return new Uint8Array(file)
}
