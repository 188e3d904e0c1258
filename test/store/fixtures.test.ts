// The format, held fast. The files of test/_fixtures are what Drystone writes; each is read by our code and
// written again to the same bytes. And every golden value in the text of FORMAT.md is what our code gives
// for the inputs that stand there. Make the files again with `node test/_fixtures/make.ts`: if git then
// shows a difference, the format has changed, and old homes must still be read.

import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { decryptWith, recipientOf } from '../../store/age.ts'
import { openBase, signBase } from '../../store/base.ts'
import { DAG_CBOR, RAW, cidOf, sha256, toHex } from '../../store/block.ts'
import { buildList, decodeList } from '../../store/chunk-list.ts'
import { cut } from '../../store/chunker.ts'
import { decode, encode } from '../../store/codec.ts'
import { canonicalEntry, directoryDigest } from '../../store/digest.ts'
import { decodeDirectory } from '../../store/directory.ts'
import type { DiskFile } from '../../store/disk.ts'
import { decodeHead, encodeHead, headId, openPoints } from '../../store/head.ts'
import { endpointKeys, kdf, meshKeys } from '../../store/key.ts'
import { markedHead, openMark, signMark } from '../../store/mark.ts'
import { Page, encodePage } from '../../store/page.ts'
import {
  ParcelList,
  encodeOpening,
  readBlock,
  readOpening,
  readParcelList
} from '../../store/parcel.ts'
import { peerIdText } from '../../store/peer.ts'
import { openReceipt, signReceipt } from '../../store/receipt.ts'
import { checkRecord } from '../../store/roster-records.ts'
import { seal, unseal, type BlockType } from '../../store/seal.ts'
import * as segment from '../../store/segment.ts'
import { decodeRecord, encodeRecord } from '../../store/signed.ts'
import { readSpared } from '../../store/spare.ts'
import { unpackBlock } from '../../store/stored.ts'
import { inviteKeys, inviteToWords, secretToWords } from '../../store/words.ts'
import { SimDisk } from '../../sim/disk/disk.ts'
import * as made from '../_fixtures/make.ts'
import { all } from './_blocks.ts'

const FORMAT = readFileSync(new URL('../../store/FORMAT.md', import.meta.url), 'utf8')
const mesh = decodeRecord(file('roster/genesis')).id

function file(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(made.FOLDER, name)))
}

/** Whatever class holds them. */
function same(t: ExecutionContext, found: Uint8Array, wanted: Uint8Array, what?: string): void {
  t.is(toHex(found), toHex(wanted), what)
}

/** A file that is only read. */
function opened(bytes: Uint8Array): DiskFile {
  return {
    path: 'fixture',
    read: (offset, length) => Promise.resolve(bytes.slice(offset, offset + length)),
    size: () => Promise.resolve(bytes.length),
    write: () => Promise.reject(new Error('a fixture is not written')),
    sync: () => Promise.resolve(),
    close: () => Promise.resolve()
  }
}

test('what is made anew is what lies here, and nothing else lies here', async (t) => {
  const fixtures = await made.makeFixtures()
  for (const { file: name, bytes } of fixtures) same(t, file(name), bytes, name)
  t.is(readFileSync(join(made.FOLDER, 'manifest.json'), 'utf8'), made.manifestOf(fixtures))
  const names = readdirSync(made.FOLDER, { recursive: true, encoding: 'utf8' })
  const others = names.filter((name) => !fixtures.some((fixture) => fixture.file === name))
  t.deepEqual(others.sort(), ['make.ts', 'manifest.json', 'roster'])
})

for (const name of ['page', 'top', 'page-all']) {
  test(`${name}: the entries of a page are packed into the same page`, (t) => {
    const page = new Page(file(`${name}.block`))
    same(t, encodePage([...page]).body, file(`${name}.block`))
  })
}

test('page-all: the entries are those that were put in', (t) => {
  t.deepEqual([...new Page(file('page-all.block'))], made.allEntries())
})

test('a node is read, and written again', (t) => {
  const block = decodeDirectory(file('node.block'))
  if (!('node' in block)) return t.fail()
  t.is(block.node.length, 2)
  t.deepEqual(
    encode(['node', block.node.map(({ last, cid }) => [last, cid.bytes])]),
    file('node.block')
  )
})

test('lists are read, and written again', async (t) => {
  const list = decodeList(file('list.block'))
  if (!('chunks' in list)) return t.fail()
  const cid = await buildList(list.chunks, ({ body }) => {
    same(t, body, file('list.block'))
    return Promise.resolve(cidOf(DAG_CBOR, body))
  })
  const above = decodeList(file('list-of-lists.block'))
  if (!('lists' in above)) return t.fail()
  t.is(above.level, 1)
  const length = list.chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  for (const item of above.lists)
    t.deepEqual([item.cid.toString(), item.length], [cid.toString(), length])
  const items = above.lists.map((item) => {
    const number = Buffer.alloc(8)
    number.writeBigUInt64BE(BigInt(item.length))
    return Buffer.concat([item.cid.bytes, number])
  })
  same(t, encode(['list', above.level, Buffer.concat(items)]), file('list-of-lists.block'))
})

const SEALED: [string, BlockType, number][] = [
  ['sealed-chunk', 'chunk', 0],
  ['sealed-noise', 'chunk', 0],
  ['sealed-list', 'list', 9]
]
for (const [name, type, count] of SEALED) {
  test(`${name}: a sealed block opens, and is sealed to the same bytes`, (t) => {
    const keyring = new Map([[0, made.SEAL_KEYS]])
    const { body, links } = unseal(keyring, type, file(`${name}.block`))
    t.is(links.length, count)
    same(t, seal(made.SEAL_KEYS, type, body, links).bytes, file(`${name}.block`))
    t.throws(() => unseal(keyring, 'page', file(`${name}.block`)), { name: 'NotOpened' })
  })
}

for (const [name, records] of [
  ['record-raw', 1],
  ['record-zstd', 1],
  ['open', 3],
  ['torn', 2]
] as const) {
  test(`${name}: a segment without a footer is read up to what is torn, and written again`, async (t) => {
    const bytes = file(`${name}.seg`)
    t.is(await segment.readFooter(opened(bytes), 1), undefined)
    const { placed, end } = await segment.scanRecords(opened(bytes), 1, 0)
    t.is(placed.length, records)
    t.deepEqual(Buffer.concat(await rewritten(bytes, placed)), Buffer.from(bytes.subarray(0, end)))
    t.is(name === 'torn', end < bytes.length)
  })
}

test('closed: the footer lists what a scan finds, and is written again', async (t) => {
  const bytes = file('closed.seg')
  const footer = await segment.readFooter(opened(bytes), 1)
  const scan = await segment.scanRecords(opened(bytes), 1, 0)
  t.is(footer?.end, scan.end)
  t.deepEqual(
    footer?.placed,
    scan.placed.toSorted((a, b) => Buffer.compare(a.hash, b.hash))
  )
  const records = await rewritten(bytes, scan.placed)
  t.deepEqual(
    Buffer.concat([...records, segment.encodeFooter(scan.placed, scan.end)]),
    Buffer.from(bytes)
  )
})

/** The records at these places, each taken apart and put together again. */
function rewritten(bytes: Uint8Array, placed: readonly segment.Placed[]): Promise<Uint8Array[]> {
  return Promise.all(
    placed.map(async (place) => {
      const read = await segment.readRecord(opened(bytes), place)
      if (read === undefined || unpackBlock(place.hash, read.stored) === undefined) {
        throw new Error('a record that does not hold')
      }
      return segment.encodeRecord(place.hash, read.stored)
    })
  )
}

for (const [kind, record] of made.rosterRecords()) {
  test(`roster/${kind}: the record holds, and is written again`, (t) => {
    const read = decodeRecord(file(`roster/${kind}`))
    same(t, encodeRecord(read), file(`roster/${kind}`))
    const { body } = checkRecord(read, mesh)
    same(t, encode(body), read.body)
    same(t, encodeRecord(record), file(`roster/${kind}`))
  })
}

for (const name of ['head', 'head-2']) {
  test(`${name}: the head opens, and is sealed again to the same bytes`, (t) => {
    const head = decodeHead(file(name))
    const points = openPoints(head, made.keys.head)
    t.is(points.length, name === 'head' ? 1 : 2)
    const under = { headKey: made.keys.head, salt: head.salt }
    same(t, encodeHead({ ...head, points }, under), file(name))
  })
}

test('a head file is a mark and the head that it names', (t) => {
  const [mark, body] = decode(file('head-file')) as [Uint8Array, Uint8Array]
  const record = decodeRecord(mark)
  same(t, mark, file('mark'))
  same(t, body, file('head'))
  t.is(markedHead({ body: openMark(record, mesh), record }, body).seq, 1)
  same(t, encodeRecord(signMark(body, made.writer)), mark)
})

test('a receipt and a base hold, and are signed again to the same bytes', (t) => {
  const receipt = openReceipt(decodeRecord(file('receipt')), mesh)
  same(t, receipt.head, headId(file('head')))
  same(t, encodeRecord(signReceipt(receipt, made.keeper)), file('receipt'))
  const base = openBase(decodeRecord(file('base')), mesh)
  t.is(base.serial, 2)
  same(t, encodeRecord(signBase(base, { key: made.writer, mesh })), file('base'))
})

test('the escrow opens by the phrase alone, and a head carries it', (t) => {
  const content = decryptWith(meshKeys(made.PHRASE).recoveryIdentity, file('escrow.age'))
  t.deepEqual(Buffer.from(content), Buffer.concat([made.ENDPOINT, made.ROOT]))
  same(t, decodeHead(file('head-2')).escrow, file('escrow.age'))
})

test('a spare gives back the file that is gone', async (t) => {
  const disk = new SimDisk()
  await disk.makeDirectory('spare')
  const spare = await disk.open('spare/endpoint.key', 'create')
  await spare.write(file('spare'), 0)
  await spare.close()
  same(t, new Uint8Array((await readSpared(disk, 'endpoint.key'))!), file('endpoint.key'))
  same(t, new Uint8Array(disk.read('endpoint.key')), file('endpoint.key'))
})

/** What our code gives for the inputs of the golden values, as FORMAT.md writes them. */
async function golden(): Promise<Map<string, string>> {
  const values = new Map<string, string>()
  const is = (name: string, value: string | Uint8Array): void => {
    values.set(typeof value === 'string' ? value : toHex(value), name)
  }
  const hello = cidOf(RAW, made.HELLO)
  is('address', hello.toString())
  is('address, binary', hello.bytes)
  for (const name of ['page', 'top', 'sealed-chunk']) {
    is(name, cidOf(DAG_CBOR, file(`${name}.block`)).toString())
  }
  is('page, bytes', file('page.block'))
  const [entry] = new Page(file('page.block'))
  is('canonical', canonicalEntry(entry!))
  is('directory', directoryDigest([entry!]))
  is('state', directoryDigest([...new Page(file('top.block'))]))
  is('empty directory', directoryDigest([]))
  for (const byte of [0, 1, 255]) {
    is(`GEAR ${byte}`, sha256(Buffer.from([...Buffer.from('drystone/1/gear'), byte])).slice(0, 4))
  }
  for (const length of await cutLengths()) is('cut', length.toLocaleString('en'))
  const sealed = file('sealed-chunk.block')
  is('sealed, begins', sealed.subarray(0, 38))
  is('sealed, goes on', sealed.subarray(38, 41))
  is('record', file('record-raw.seg'))
  for (const name of ['roster/genesis', 'mark']) is(name, decodeRecord(file(name)).id)
  is('head', headId(file('head')))
  is('head, length', String(file('head').length))
  is('peer', made.writer.public)
  is('peer id', peerIdText(made.writer.public))
  const { authority, recoveryIdentity } = meshKeys(made.PHRASE)
  is('authority', authority.public)
  is('identity', recoveryIdentity)
  is('recipient', recipientOf(recoveryIdentity))
  is('recovery secret', kdf(made.PHRASE, 'recovery'))
  const endpoint = endpointKeys(made.ROOT)
  is('seal', endpoint.seal)
  is('head key', endpoint.head)
  is('claim', endpoint.claim.public)
  const invite = inviteKeys(new Uint8Array(10))
  is('invite id', invite.id)
  is('invite key', invite.key.public)
  is('invite mac', invite.mac)
  is('invite words', inviteToWords(new Uint8Array(10)))
  is('escrow', sha256(file('escrow.age')))
  is('escrow, length', String(file('escrow.age').length))
  is('word list', sha256(Buffer.from(`${englishWords().join('\n')}\n`)))
  return values
}

async function cutLengths(): Promise<number[]> {
  const noise = Array.from({ length: 65_536 }, (_, i) => {
    const number = Buffer.alloc(4)
    number.writeUInt32BE(i)
    return sha256(number)
  })
  async function* once(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(Buffer.concat(noise))
  }
  return (await all(cut(once()))).map(({ length }) => length)
}

/** The list, word by word out of phrases: the first 11 bits choose the first word. */
function englishWords(): string[] {
  return Array.from({ length: 2048 }, (_, n) => {
    const bits = new Uint8Array(32)
    bits.set([n >> 3, (n & 7) << 5])
    return secretToWords(bits).split(' ')[0] ?? ''
  })
}

/** What stands in FORMAT.md as a golden value: in a paragraph that says so, and in the code behind it. */
function goldenInText(): string[] {
  const blocks = FORMAT.split('\n\n')
  const found: string[] = []
  blocks.forEach((block, i) => {
    const at = block.search(/\bGolden[:,]/)
    if (at < 0) return
    const code = (blocks[i + 1] ?? '').match(/^```\n([^]*)\n```$/)?.[1]
    if (code !== undefined) found.push(code)
    for (const [, token = ''] of block.slice(at).matchAll(/`([^`]+)`/g)) found.push(token)
    for (const [number] of block.slice(at).matchAll(/\b\d{3},\d{3}\b(?!,)/g)) found.push(number)
  })
  return found.map((token) => (/^[0-9a-f\s]+$/.test(token) ? token.replace(/\s/g, '') : token))
}

test('every golden value of FORMAT.md is what our code gives, and the other way round', async (t) => {
  const values = await golden()
  // Inputs and names; and one value with its hash cut short.
  const inputs =
    /^(hello\\n|a|E|\d\d|age1|q|office|random|seq|prev|GEAR\[\d+\]|.*….*|art|abandon|.*\.ts)$/
  const stated = goldenInText()
  const unknown = stated.filter((token) => !values.has(token) && !inputs.test(token))
  t.deepEqual(unknown, [])
  const canonical = stated.find((token) => token.includes('…')) ?? ''
  const pattern = new RegExp(`^${canonical.replace(/\s/g, '').replace('…', '[0-9a-f]*')}$`)
  t.true([...values.keys()].some((value) => pattern.test(value)))
  const all = FORMAT.replace(/\s+/g, ' ')
  const unsaid = [...values].filter(([value, name]) => {
    return (
      !['canonical', 'recovery secret'].includes(name) &&
      !stated.includes(value) &&
      !all.includes(value)
    )
  })
  t.deepEqual(unsaid, [])
})

test('a parcel is read, its head and block are what they were, and it is written again', async (t) => {
  const bytes = file('parcel')
  const source = opened(bytes)
  const parcel = await readOpening(source)
  const { list, end } = await readParcelList(source, parcel)
  const { opening, begin, sum } = parcel
  same(t, opening.head, file('head'))
  same(t, opening.mark, file('mark'))
  const hash = sha256(file('top.block'))
  const stored = await readBlock(source, { hash, offset: list.find(hash) ?? -1 })
  same(t, stored?.body ?? new Uint8Array(), file('top.block'))
  const written = new ParcelList()
  written.add(hash, begin)
  const records = bytes.subarray(begin, end)
  const again = [encodeOpening(opening), records, written.encode(end, sum)]
  same(t, Buffer.concat(again), bytes)
})
