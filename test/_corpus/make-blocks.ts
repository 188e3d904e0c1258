// Valid blocks and addresses for the corpus: every kind of entry, every level of a list, every way in which
// a block is packed or sealed, and names that are odd and legal.

import { DAG_CBOR, RAW, cidOf, sha256, type CID } from '../../store/block.ts'
import { packChunks } from '../../store/chunk-list.ts'
import { encode } from '../../store/codec.ts'
import type { ChunkRef, Entry } from '../../store/entry.ts'
import { encodePage } from '../../store/page.ts'
import { seal, sealKeys } from '../../store/seal.ts'
import { packBlock } from '../../store/stored.ts'
import { fileOf, linkOf, sorted } from '../store/_states.ts'
import type { Sample } from './text.ts'

/** The seal key of the samples. */
export const SEAL_SECRET = new Uint8Array(32).fill(7)
const METADATA = { mode: 0o640, uid: 1, gid: 0xffffffff, mtimeNs: -1n, size: 0 }

export function blockSamples(): Record<string, Sample[]> {
  const pages = pageSamples()
  return {
    cbor: cborSamples(),
    cid: [RAW, DAG_CBOR].map((codec) => ({
      name: codec === RAW ? 'raw' : 'dag-cbor',
      bytes: cidOf(codec as typeof RAW, Buffer.from('hello\n')).bytes
    })),
    'cid-text': [
      sampleOf('raw', Buffer.from(cidOf(RAW, Buffer.from('hello\n')).toString())),
      sampleOf('dag-cbor', Buffer.from(addressOf('a page').toString()))
    ],
    page: pages,
    node: [nodeSample(2), nodeSample(9)],
    list: listSamples(),
    sealed: sealedSamples(pages),
    payload: payloadSamples(),
    stored: storedSamples()
  }
}

function sampleOf(name: string, bytes: Uint8Array): Sample {
  return { name, bytes: new Uint8Array(bytes) }
}

function addressOf(content: string): CID {
  return cidOf(DAG_CBOR, Buffer.from(content))
}

function cborSamples(): Sample[] {
  const nested = (depth: number): unknown => (depth === 0 ? 0 : [nested(depth - 1)])
  const values: Record<string, unknown> = {
    nothing: null,
    'numbers at the edges': [0, 23, 24, 255, 256, 65535, 65536, 2 ** 32, 2 ** 53 - 1, -1, -25],
    'numbers beyond safe ones': [2n ** 64n - 1n, -(2n ** 63n)],
    fraction: 1.5,
    'text and bytes': ['', 'a', 'ü€😀', new Uint8Array(0), new Uint8Array(24), new Uint8Array(256)],
    'nested as deep as may be': nested(32),
    'a map of everything': { a: true, b: [false, null], c: { d: new Uint8Array(3), ef: 'text' } },
    'many items': Array.from({ length: 300 }, (_, i) => i)
  }
  const samples = Object.entries(values).map(([name, value]) => sampleOf(name, encode(value)))
  const proto = Buffer.from('a1695f5f70726f746f5f5fa1616101', 'hex')
  return [...samples, sampleOf('a field that is called __proto__', proto)]
}

function chunkOf(content: string, length = 9, codec: typeof RAW | typeof DAG_CBOR = RAW): ChunkRef {
  const bytes = Buffer.from(content)
  return { cid: cidOf(codec, bytes), length, hash: sha256(bytes) }
}

function pageSamples(): Sample[] {
  const parts = [chunkOf('one', 1 << 20), chunkOf('two', 77, DAG_CBOR), chunkOf('three', 1)]
  const size = parts.reduce((sum, { length }) => sum + length, 0)
  const hash = sha256(Buffer.from('all three'))
  const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'))
  const entries: Entry[] = [
    fileOf('empty', ''),
    fileOf('one chunk'),
    { ...METADATA, name: bytes('parts'), type: 'file', size, hash, content: { chunks: parts } },
    {
      ...METADATA,
      ...{ name: bytes('long'), type: 'file', size: 2 ** 53 - 1, hash },
      content: { list: addressOf('a list') },
      linkTo: bytes('elsewhere/first'),
      xattrs: [
        [bytes('user.a'), bytes('')],
        [bytes('user.b'), bytes('\xff\x00')]
      ]
    },
    { ...METADATA, name: bytes('folder'), type: 'directory', hash, page: addressOf('a page') },
    linkOf('link', '../../etc/passwd'),
    { ...METADATA, name: bytes('pipe'), type: 'fifo', mtimeNs: 2n ** 62n },
    { ...METADATA, name: bytes('\xff\xfe'), type: 'socket' },
    { ...METADATA, name: bytes('disk'), type: 'block', device: [8, 0xffffffff] },
    { ...METADATA, name: bytes('console'), type: 'character', device: [0, 0] }
  ]
  const top: Entry = { ...METADATA, name: bytes(''), type: 'directory', hash, page: addressOf('p') }
  const odd = ['C:x', 'CON', 'é', 'é'.normalize('NFD'), 'n'.repeat(4096), '...', ' ', '-rf']
  return [
    sampleOf('no entries', encodePage([]).body),
    sampleOf('an entry of every type', encodePage(sorted(entries)).body),
    sampleOf('the top of a state', encodePage([top]).body),
    sampleOf('odd names', encodePage(sorted(odd.map((name) => fileOf(name, '')))).body)
  ]
}

function nodeSample(count: number): Sample {
  const items = Array.from({ length: count }, (_, i) => {
    return [Buffer.from(`name ${i}`), addressOf(`page ${i}`).bytes]
  })
  return sampleOf(`${count} items`, encode(['node', items]))
}

function listSamples(): Sample[] {
  const chunks = Array.from({ length: 5 }, (_, i) => chunkOf(`chunk ${i}`, i + 1))
  const items = (count: number, length: bigint): Uint8Array =>
    Buffer.concat(
      Array.from({ length: count }, (_, i) => {
        const size = Buffer.alloc(8)
        size.writeBigUInt64BE(length)
        return Buffer.concat([addressOf(`list ${i}`).bytes, size])
      })
    )
  return [
    sampleOf('chunks', encode(['list', 0, packChunks(chunks)])),
    sampleOf('one chunk', encode(['list', 0, packChunks(chunks.slice(0, 1))])),
    sampleOf('lists of the highest level', encode(['list', 3, items(3, 2n ** 53n - 1n)])),
    sampleOf('one list', encode(['list', 1, items(1, 1n)]))
  ]
}

function sealedSamples(pages: readonly Sample[]): Sample[] {
  const keys = sealKeys(SEAL_SECRET)
  const links = ['a', 'b', 'c'].map((text) => sha256(Buffer.from(text)))
  const page = pages[1]?.bytes ?? new Uint8Array(0)
  return [
    sampleOf('a chunk', seal(keys, 'chunk', Buffer.from('hello\n'), []).bytes),
    sampleOf('a page with links', seal(keys, 'page', page, links).bytes),
    sampleOf(
      'of an epoch without keys',
      seal(sealKeys(SEAL_SECRET, 65535), 'top', page, links).bytes
    )
  ]
}

/** What is sealed: method, length, body, zeros. */
function payloadSamples(): Sample[] {
  const payloadOf = (method: number, body: Uint8Array, zeros: number): Uint8Array => {
    const head = Buffer.alloc(5, method)
    head.writeUInt32BE(body.length, 1)
    return Buffer.concat([head, body, Buffer.alloc(zeros)])
  }
  const packed = packBlock(Buffer.from('again and '.repeat(200)), { compress: true })
  return [
    sampleOf('raw', payloadOf(0, Buffer.from('hello\n'), 0)),
    sampleOf('nothing', payloadOf(0, new Uint8Array(0), 0)),
    sampleOf('raw with zeros', payloadOf(0, Buffer.from('hello\n'), 60)),
    sampleOf('packed', payloadOf(packed.method, packed.body, 3))
  ]
}

/** Method, plain length u32be, hash, body. */
function storedSamples(): Sample[] {
  const blocks: Record<string, Uint8Array> = {
    'no bytes': new Uint8Array(0),
    raw: Buffer.from('hello\n'),
    packed: Buffer.from('again and '.repeat(200)),
    'packed as large as may be': new Uint8Array(1 << 20)
  }
  return Object.entries(blocks).map(([name, block]) => {
    const { method, plainLength, body } = packBlock(block, { compress: true })
    const head = Buffer.alloc(5, method)
    head.writeUInt32BE(plainLength, 1)
    return sampleOf(name, Buffer.concat([head, sha256(block), body]))
  })
}
