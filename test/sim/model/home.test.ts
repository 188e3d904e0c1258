import test, { type ExecutionContext } from 'ava'
import { Blockstore } from '../../../store/blockstore.ts'
import { cidOf, DAG_CBOR, RAW, hashOf, toHex, type CID } from '../../../store/block.ts'
import { encode } from '../../../store/codec.ts'
import { writeFile } from '../../../store/disk.ts'
import type { Entry } from '../../../store/entry.ts'
import { encodeHead } from '../../../store/head.ts'
import { openIndex } from '../../../store/index.ts'
import { endpointKeys, signingKey } from '../../../store/key.ts'
import { signMark } from '../../../store/mark.ts'
import { encodePage } from '../../../store/page.ts'
import { signReceipt } from '../../../store/receipt.ts'
import { encodeRecord } from '../../../store/signed.ts'
import { SimDisk } from '../../../sim/disk/disk.ts'
import { danglingIn, missingBelow } from '../../../sim/model/closure.ts'
import { HomeReader, bytesOfBlock, type Home } from '../../../sim/model/home.ts'
import { linksOf } from '../../../sim/model/links.ts'
import { fileOf } from '../../store/_states.ts'
import { noise } from '../../store/_noise.ts'

const MESH = Buffer.from('b9be4248057ba934a56e8c191e1c569020790398cf2ad1740d65d14712f34438', 'hex')

function read(disk: SimDisk): Home {
  return new HomeReader().read(disk)
}

async function openStore(disk: SimDisk): Promise<Blockstore> {
  return Blockstore.open({ disk, index: await openIndex({ location: undefined }) })
}

async function put(disk: SimDisk, blocks: readonly (readonly [CID, Uint8Array])[]): Promise<void> {
  const store = await openStore(disk)
  for (const [cid, bytes] of blocks) await store.put('base', cid, bytes)
  await store.flush()
}

const chunk = Buffer.from('content of a')
const { body: page } = encodePage([fileOf('a')])
const CHUNK: [CID, Uint8Array] = [cidOf(RAW, chunk), chunk]
const PAGE: [CID, Uint8Array] = [cidOf(DAG_CBOR, page), page]
const text = Buffer.alloc(50_000, 'the same again ')
const TEXT: [CID, Uint8Array] = [cidOf(RAW, text), text]

function hexOf([cid]: [CID, Uint8Array]): string {
  return toHex(hashOf(cid))
}

test('blocks are found where a store put them, packed or not, with their links', async (t) => {
  const disk = new SimDisk()
  await put(disk, [CHUNK, PAGE, TEXT])
  const home = read(disk)
  const blocks = home.blocks.get('base') ?? t.fail()
  t.deepEqual([...blocks.keys()].sort(), [CHUNK, PAGE, TEXT].map(hexOf).sort())
  t.deepEqual(blocks.get(hexOf(PAGE))?.links, { kind: 'page', hashes: [hexOf(CHUNK)] })
  t.deepEqual(home.damaged, [])
  const packed = blocks.get(hexOf(TEXT)) ?? t.fail()
  t.true(packed.stored < packed.plain)
  t.deepEqual(Buffer.from(bytesOfBlock(disk, packed)), text)
})

test('a closed segment is read by its footer, and a block that rotted is told', async (t) => {
  const disk = new SimDisk()
  const store = await openStore(disk)
  for (const [cid, bytes] of [CHUNK, PAGE]) await store.put('base', cid, bytes)
  await store.flush()
  await store.close()
  const [{ path } = t.fail()] = disk.files()
  t.is(read(disk).blocks.get('base')?.size, 2)
  disk.flip(path, 60)
  const home = read(disk)
  t.deepEqual([...(home.blocks.get('base')?.keys() ?? [])], [hexOf(PAGE)])
  t.deepEqual(home.damaged, [{ path, what: `block ${hexOf(CHUNK)}` }])
})

test('a segment without footer ends where its first torn record begins', async (t) => {
  const disk = new SimDisk()
  await put(disk, [CHUNK, PAGE])
  const [{ path, length } = t.fail()] = disk.files()
  const bytes = disk.read(path)
  for (let end = 0; end < length; end++) {
    const torn = {
      files: () => [{ path, length: end }],
      read: () => bytes.subarray(0, end),
      stamp: () => ({})
    }
    const { blocks, damaged } = new HomeReader().read(torn)
    t.is(blocks.get('base')?.size, end < 53 + chunk.length ? 0 : 1)
    t.deepEqual(damaged, [])
  }
})

test('a reader that looks again sees what was added, and what changed', async (t) => {
  const disk = new SimDisk()
  const reader = new HomeReader()
  const store = await openStore(disk)
  await store.put('base', ...CHUNK)
  await store.flush()
  t.is(reader.read(disk).blocks.get('base')?.size, 1)
  await store.put('base', ...PAGE)
  await store.flush()
  t.is(reader.read(disk).blocks.get('base')?.size, 2)
  const [{ path } = t.fail()] = disk.files()
  disk.flip(path, 60)
  t.is(reader.read(disk).blocks.get('base')?.size, 0)
  disk.flip(path, 60)
  t.is(reader.read(disk).blocks.get('base')?.size, 2)
})

test('what a root reaches is there, or it is named with who refers to it', async (t) => {
  const whole = new SimDisk()
  await put(whole, [CHUNK, PAGE])
  t.deepEqual(missingBelow(read(whole), ['base'], [hexOf(PAGE)]), [])
  t.deepEqual(danglingIn(read(whole), 'base', ['base']), [])
  const part = new SimDisk()
  await put(part, [PAGE])
  const missing = [{ hash: hexOf(CHUNK), from: hexOf(PAGE) }]
  t.deepEqual(missingBelow(read(part), ['base'], [hexOf(PAGE)]), missing)
  t.deepEqual(danglingIn(read(part), 'base', ['base']), missing)
  t.deepEqual(missingBelow(read(part), ['base'], [hexOf(CHUNK)]), [
    { hash: hexOf(CHUNK), from: undefined }
  ])
})

test('every kind of block tells its links, and what is none has none', (t) => {
  const cid = PAGE[0].bytes
  const node = encode(['node', [[Buffer.from('z'), cid]]])
  t.deepEqual(linksOf(node), { kind: 'node', hashes: [hexOf(PAGE)] })
  const [length, size] = [Buffer.alloc(4), Buffer.alloc(8)]
  const chunks = Buffer.concat([cid, length, noise(32), cid, length, noise(32)])
  const both = [hexOf(PAGE), hexOf(PAGE)]
  t.deepEqual(linksOf(encode(['list', 0, chunks])), { kind: 'list', hashes: both })
  const lists = Buffer.concat([cid, size, cid, size])
  t.deepEqual(linksOf(encode(['list', 1, lists])), { kind: 'list', hashes: both })
  const many: Entry = {
    ...fileOf('many'),
    size: 20,
    content: { chunks: [10, 10].map((length) => ({ cid: CHUNK[0], length, hash: noise(32) })) }
  }
  t.deepEqual(linksOf(encodePage([many]).body).hashes, [hexOf(CHUNK), hexOf(CHUNK)])
  const links = Buffer.concat([noise(32), noise(32)])
  const sealed = encode([1, 0, links, noise(32), noise(100)])
  t.is(linksOf(sealed).kind, 'sealed')
  t.deepEqual(linksOf(sealed).hashes.join(''), links.toString('hex'))
  for (const other of [new Uint8Array(), Buffer.from('text'), page.subarray(0, 40), noise(500)]) {
    t.deepEqual(linksOf(other), { kind: 'chunk', hashes: [] })
  }
})

const KEY = signingKey(new Uint8Array(32))
const ENDPOINT = new Uint8Array(16).fill(2)

/** The head of the format's golden values. */
function goldenHead(): Uint8Array {
  const digest = '68126985101ce0186f7f6712106dfa57f58ef81ad910e762105a268aaca63770'
  const { headKey } = { headKey: endpointKeys(new Uint8Array(32).fill(1)).head }
  const { body: top } = encodePage([goldenRoot()])
  const root = cidOf(DAG_CBOR, top)
  return encodeHead(
    {
      ...{ mesh: MESH, endpoint: ENDPOINT, writer: KEY.public, seq: 1, prev: undefined },
      ...{ time: 1000, bases: [], escrow: new Uint8Array() },
      points: [{ number: 1, time: 1000, digest: Buffer.from(digest, 'hex'), root, flags: 0 }]
    },
    { headKey, salt: new Uint8Array(32) }
  )
}

function goldenRoot(): Entry {
  const hash = 'e8217ab36dfa44649feb855bb5e2a68bd4ea5b68b7547cb5c257460fe55be1fc'
  const hello = Buffer.from('hello\n')
  const a: Entry = {
    ...fileOf('a', 'hello\n'),
    ...{ mode: 0o644, uid: 0, gid: 0, mtimeNs: 1_500_000_000n, size: hello.length }
  }
  return {
    ...{ name: new Uint8Array(), type: 'directory', mode: 0o755, uid: 0, gid: 0, mtimeNs: 0n },
    ...{ size: 0, hash: Buffer.from(hash, 'hex'), page: cidOf(DAG_CBOR, encodePage([a]).body) }
  }
}

async function writeAll(disk: SimDisk, files: Record<string, Uint8Array>): Promise<void> {
  for (const [path, bytes] of Object.entries(files)) {
    await disk.makeDirectory(path.slice(0, path.lastIndexOf('/')))
    await writeFile(disk, path, bytes)
  }
}

test('a head and its mark are read, with the ids of the format', async (t) => {
  const body = goldenHead()
  const mark = signMark(body, KEY)
  const disk = new SimDisk()
  const directory = `heads/${toHex(ENDPOINT)}/${toHex(KEY.public)}`
  await writeAll(disk, {
    [`${directory}/1`]: encode([encodeRecord(mark), body]),
    [`${directory}/2`]: encode([encodeRecord(mark), body]),
    [`${directory}/3.0.new`]: Buffer.from('torn'),
    [`marks/${toHex(mark.id)}`]: encodeRecord(mark)
  })
  const { heads, marks, damaged } = read(disk)
  t.is(heads.length, 1)
  t.is(heads[0]?.id, 'e227d990d031ff82dfa1705178941509b1018e43c241a7df929e7691e4af2528')
  t.is(heads[0]?.writer, toHex(KEY.public))
  t.deepEqual(heads[0]?.roots, [toHex(hashOf(cidOf(DAG_CBOR, encodePage([goldenRoot()]).body)))])
  t.is(marks[0]?.id, 'd081bde46b731732c512aeebcbaf3da26fcefac121d6ff09c63bbcedbb8588cb')
  t.is(marks[0]?.head, heads[0]?.id)
  t.deepEqual(damaged, [{ path: `${directory}/2`, what: 'the file' }])
})

async function readReceipt(t: ExecutionContext, change: (bytes: Uint8Array) => void) {
  const fields = { mesh: MESH, endpoint: ENDPOINT, head: noise(32), blocks: 1, bytes: 2 }
  const receipt = signReceipt({ ...fields, at: 7, undoDays: 30 }, KEY)
  const bytes = encodeRecord(receipt)
  change(bytes)
  const disk = new SimDisk()
  await writeAll(disk, { [`receipts/${toHex(receipt.id)}`]: bytes })
  t.is(read(disk).receipts.length + read(disk).damaged.length, 1)
  return read(disk).receipts[0]
}

test('a receipt counts if its issuer signed it, and not with one bit changed', async (t) => {
  const receipt = (await readReceipt(t, () => undefined)) ?? t.fail()
  t.is(receipt.issuer, toHex(KEY.public))
  t.is(receipt.endpoint, toHex(ENDPOINT))
  t.is(receipt.at, 7)
  for (const place of [3, 40, 100, -70, -1]) {
    const forged = await readReceipt(t, (bytes) => {
      const at = place < 0 ? bytes.length + place : place
      bytes[at] = (bytes[at] ?? 0) ^ 1
    })
    t.is(forged, undefined)
  }
})
