// Valid files and texts for the corpus: segments, index values, files that are kept twice, escrows, words,
// names of peers and paths.

import { BlockIndex } from '../../store/block-index.ts'
import { encryptTo, identityOf, recipientOf } from '../../store/age.ts'
import { DAG_CBOR, cidFromHash, sha256, toHex } from '../../store/block.ts'
import { DroppedPlaces, droppedPath } from '../../store/dropped.ts'
import { openIndex } from '../../store/index.ts'
import { ParcelList, encodeOpening, type Opening } from '../../store/parcel.ts'
import { peerIdText } from '../../store/peer.ts'
import { encodeQuarantine } from '../../store/quarantine.ts'
import { HEADER_BYTES, encodeFooter, encodeRecord, type Placed } from '../../store/segment.ts'
import { METHOD_RAW, METHOD_ZSTD, packBlock } from '../../store/stored.ts'
import { inviteToWords, secretToWords, splitSecret } from '../../store/words.ts'
import { SimDisk } from '../../sim/disk/disk.ts'
import { keyOf } from '../store/_mesh.ts'
import type { Sample } from './text.ts'

/** Opens the escrows. */
export const AGE_IDENTITY = identityOf(new Uint8Array(32).fill(7))
export const AGE_FILE_KEY = new Uint8Array(16).fill(1)

export async function fileSamples(): Promise<Record<string, Sample[]>> {
  return {
    ...segmentSamples(),
    ...(await indexSamples()),
    spared: sparedSamples(),
    dropped: await droppedSamples(),
    quarantine: quarantineSamples(),
    age: ageSamples(),
    parcel: parcelSamples(),
    ...textSamples()
  }
}

function segmentSamples(): Record<string, Sample[]> {
  const blocks = ['hello\n', '', 'again and '.repeat(60), 'DSR1 is how a record begins']
  const records: Uint8Array[] = []
  const placed: Placed[] = []
  let end = 0
  for (const text of blocks) {
    const [hash, stored] = [
      sha256(Buffer.from(text)),
      packBlock(Buffer.from(text), { compress: true })
    ]
    const { method, plainLength, body } = stored
    placed.push({
      hash,
      location: { segment: 1, offset: end, method, storedLength: body.length, plainLength }
    })
    records.push(encodeRecord(hash, stored))
    end += HEADER_BYTES + body.length
  }
  const [first = new Uint8Array(0)] = records
  return {
    header: records.map((bytes, i) => ({ name: `record ${i}`, bytes })),
    segment: [
      { name: 'closed', bytes: Buffer.concat([...records, encodeFooter(placed, end)]) },
      {
        name: 'of one record',
        bytes: Buffer.concat([first, encodeFooter(placed.slice(0, 1), first.length)])
      },
      { name: 'without records', bytes: encodeFooter([], 0) }
    ]
  }
}

/** The values that a block, a segment and a whole scope have in the index. */
async function indexSamples(): Promise<Record<string, Sample[]>> {
  const values = async (reach: { end: number; size: number }, packed: boolean) => {
    const space = (await openIndex({ location: undefined })).space('blocks/base')
    const index = await BlockIndex.open(space)
    const lengths = packed
      ? ({ method: METHOD_ZSTD, storedLength: 99, plainLength: 1 << 20 } as const)
      : ({ method: METHOD_RAW, storedLength: 6, plainLength: 6 } as const)
    const location = { segment: 3, offset: 53, ...lengths }
    await index.add(3, reach, [{ hash: INDEXED_HASH, location }])
    const found: Uint8Array[] = []
    for await (const [, value] of space.range()) found.push(value)
    return found
  }
  const all = [
    await values({ end: 112, size: 0 }, false),
    await values({ end: 2 ** 32 - 1, size: 2 ** 32 - 1 }, true)
  ]
  const column = (i: number): Sample[] =>
    all.map((found, n) => ({
      name: n === 0 ? 'small' : 'large',
      bytes: new Uint8Array(found[i] ?? [])
    }))
  return { 'index-usage': column(0), 'index-reach': column(1), 'index-entry': column(2) }
}

export const INDEXED_HASH = sha256(Buffer.from('hello\n'))

async function droppedSamples(): Promise<Sample[]> {
  const made = async (highest: number, count: number): Promise<Uint8Array> => {
    const places = new DroppedPlaces(highest)
    for (let i = 0; i < count; i++) places.push({ segment: 1 + (i >> 2), offset: 59 * (i & 3) })
    const disk = new SimDisk()
    await disk.makeDirectory('blocks/base')
    await places.write(disk, 'base')
    return disk.read(droppedPath('base'))
  }
  return [
    { name: 'no places', bytes: await made(0, 0) },
    { name: 'nine places', bytes: await made(2 ** 32 - 1, 9) }
  ]
}

function quarantineSamples(): Sample[] {
  const hexes = ['a', 'b', 'c'].map((text) => toHex(sha256(Buffer.from(text)))).sort()
  return [
    { name: 'none', bytes: encodeQuarantine([]) },
    { name: 'three', bytes: encodeQuarantine(hexes) }
  ]
}

/** Length of the file u32be, the file, its spare. */
function sparedSamples(): Sample[] {
  const pair = (file: string, spare: string): Uint8Array => {
    const [own, meant] = [Buffer.from(file), Buffer.from(spare)]
    const size = Buffer.alloc(4)
    size.writeUInt32BE(own.length)
    return Buffer.concat([size, own, sha256(meant), meant])
  }
  return [
    { name: 'both the same', bytes: pair('thirty-two bytes', 'thirty-two bytes') },
    { name: 'the spare is newer', bytes: pair('old', 'newer') },
    { name: 'both empty', bytes: pair('', '') }
  ]
}

function ageSamples(): Sample[] {
  let draws = 0
  const counting = { bytes: (length: number) => new Uint8Array(length).fill(++draws) }
  return ['an endpoint root of thirty-two b.', ''].map((text) => {
    draws = 0
    const bytes = encryptTo(recipientOf(AGE_IDENTITY), Buffer.from(text), counting)
    return { name: text === '' ? 'nothing' : 'a root', bytes }
  })
}

function textSamples(): Record<string, Sample[]> {
  const texts = (...all: readonly string[]): Sample[] =>
    all.map((text) => ({
      name: JSON.stringify(text.slice(0, 30)),
      bytes: new Uint8Array(Buffer.from(text))
    }))
  const secret = sha256(Buffer.from('a secret'))
  const phrase = secretToWords(secret)
  const invite = inviteToWords(secret.slice(0, 10))
  return {
    words: texts(phrase, phrase.toUpperCase(), phrase.replaceAll(' ', ',\n'), ` ${phrase} `),
    phrase: texts(phrase, splitSecret(secret, sha256(secret)).join(' ')),
    invite: texts(invite, invite.replaceAll('-', ' '), invite.replaceAll('-', '–')),
    'age-identity': texts(AGE_IDENTITY),
    'peer-id': texts(peerIdText(keyOf('desk').public), peerIdText(new Uint8Array(32))),
    'home-path': texts('peer.key', 'blocks/base/00000001.seg', 'spare/roster/ab', 'ünïcode/…x'),
    'segment-name': texts('00000001.seg', '99999999.seg'),
    name: texts('a', '...', 'C:x', 'CON', 'é', 'é', 'n'.repeat(4096), ' ', '-rf', 'a\\b', '\n'),
    path: texts('', 'a', 'a/b', 'ein/langer/Weg/zu.txt'),
    hex: texts('00000000', '0123abcd')
  }
}

/** A full one, and one since another point. What stands for signed records is for others to check. */
function parcelSamples(): Sample[] {
  const filled = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte)
  const pointOf = (number: number) => ({ number, root: cidFromHash(DAG_CBOR, filled(number)) })
  const full: Opening = {
    mesh: filled(10),
    endpoint: filled(11, 16),
    point: pointOf(1),
    bases: [filled(12), filled(13)],
    inside: [filled(13)],
    mark: Buffer.from('a mark'),
    head: Buffer.from('a head'),
    papers: [Buffer.from('a record'), Buffer.from('another')]
  }
  const step = { ...full, point: pointOf(2), since: pointOf(1), bases: [], inside: [] }
  return [
    { name: 'a full one', bytes: parcelOf(full, ['hello\n', '', 'again and '.repeat(60)]) },
    { name: 'one since a point', bytes: parcelOf(step, ['hello\n']) },
    { name: 'without blocks', bytes: parcelOf({ ...step, papers: [] }, []) }
  ]
}

function parcelOf(opening: Opening, texts: readonly string[]): Uint8Array {
  const beginning = encodeOpening(opening)
  const parts = [beginning]
  const list = new ParcelList()
  let end = beginning.length
  for (const text of texts) {
    const hash = sha256(Buffer.from(text))
    const record = encodeRecord(hash, packBlock(Buffer.from(text), { compress: true }))
    list.add(hash, end)
    parts.push(record)
    end += record.length
  }
  return Buffer.concat([...parts, list.encode(end, beginning.subarray(-32))])
}
