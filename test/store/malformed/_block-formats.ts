// How blocks are read and written again: CBOR, addresses, pages, nodes, lists, sealed blocks and what is
// sealed in them. Sealing is done here once more, with nothing of ours but CBOR, so that any payload gets
// behind a true seal.

import { createCipheriv, createHmac, hkdfSync } from 'node:crypto'
import { HASH_BYTES, cidFromBytes, parseCid, sha256 } from '../../../store/block.ts'
import { decodeList, packChunks } from '../../../store/chunk-list.ts'
import { decode, encode, readList } from '../../../store/codec.ts'
import { decodeDirectory } from '../../../store/directory.ts'
import { Page, encodePage, pageLinks } from '../../../store/page.ts'
import { isSealed, rungs, sealKeys, sealedLinks, unseal } from '../../../store/seal.ts'
import { methodOf } from '../../../store/segment.ts'
import { METHOD_RAW, assertStored, unpackBlock } from '../../../store/stored.ts'
import { SEAL_SECRET } from '../../_corpus/make-blocks.ts'
import { textFormat, type Format } from './_format.ts'

const KEYRING = new Map([[0, sealKeys(SEAL_SECRET)]])
const TAG_BYTES = 16
/** Of a sealed block of the first epoch without links, up to the box. */
const FRAME_BYTES = 4 + 2 + HASH_BYTES

export const BLOCK_FORMATS: readonly Format[] = [
  {
    name: 'cbor',
    failures: ['Malformed'],
    runs: 2000,
    again: (bytes) => encode(decode(bytes))
  },
  {
    name: 'cid',
    failures: ['Malformed'],
    runs: 500,
    again: (bytes) => cidFromBytes(bytes).bytes
  },
  textFormat('cid-text', ['Malformed'], { again: (text) => parseCid(text).toString() }),
  { name: 'page', failures: ['Malformed'], runs: 2500, again: pageAgain },
  { name: 'node', failures: ['Malformed'], runs: 800, again: nodeAgain },
  { name: 'list', failures: ['Malformed'], runs: 800, again: listAgain },
  { name: 'sealed', failures: ['Malformed', 'NotOpened'], runs: 800, again: sealedAgain },
  { name: 'payload', failures: ['NotOpened'], runs: 500, again: payloadAgain },
  { name: 'stored', failures: ['Malformed'], runs: 500, again: storedAgain }
]

function pageAgain(bytes: Uint8Array): Uint8Array {
  const page = new Page(bytes)
  const entries = [...page]
  pageLinks(page)
  for (const [i, { name }] of entries.entries())
    if (page.find(name) !== i) throw new Error('an entry is not found by its name')
  return encodePage(entries).body
}

function nodeAgain(bytes: Uint8Array): Uint8Array {
  const block = decodeDirectory(bytes)
  if ('page' in block) return pageAgain(bytes)
  return encode(['node', block.node.map(({ last, cid }) => [last, cid.bytes])])
}

function listAgain(bytes: Uint8Array): Uint8Array {
  const list = decodeList(bytes)
  if ('chunks' in list) return encode(['list', 0, packChunks(list.chunks)])
  const items = list.lists.map(({ cid, length }) => {
    const size = Buffer.alloc(8)
    size.writeBigUInt64BE(BigInt(length))
    return Buffer.concat([cid.bytes, size])
  })
  return encode(['list', list.level, Buffer.concat(items)])
}

/** What is in the clear; and opened as every type, a sealed block gives its own or nothing. */
function sealedAgain(bytes: Uint8Array): Uint8Array {
  const { epoch, links } = sealedLinks(bytes)
  if (!isSealed(bytes)) throw new Error('a block with links that does not look sealed')
  const [, , , siv, box] = readList(decode(bytes), 'sealed block', 5)
  for (const type of ['chunk', 'page', 'list', 'top'] as const) {
    try {
      unseal(KEYRING, type, bytes)
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'NotOpened') throw error
    }
  }
  return encode([1, epoch, Buffer.concat(links), siv, box])
}

function payloadAgain(payload: Uint8Array): Uint8Array | undefined {
  if (payload.length < 5) return undefined
  const block = sealPayload(payload)
  if (block === undefined) return undefined
  const { body } = unseal(KEYRING, 'chunk', block)
  const length = Buffer.from(payload.subarray(1, 5)).readUInt32BE()
  // A packed body may be packed in many ways: what counts is that it opened.
  const packed = Buffer.alloc(length)
  packed.set(payload.subarray(5, 5 + length))
  const stored = payload[0] === METHOD_RAW ? body : packed
  const head = Buffer.from(payload.subarray(0, 1))
  const size = Buffer.alloc(4)
  size.writeUInt32BE(stored.length)
  const whole = Buffer.concat([head, size, stored])
  // The zeros that a sample lacks were put behind it.
  const again = Buffer.concat([whole, Buffer.alloc(Math.max(0, payload.length - whole.length))])
  if (again.subarray(payload.length).some((byte) => byte !== 0)) throw new Error('other zeros')
  return again.subarray(0, payload.length)
}

/** A chunk without links that seals `payload` and as many zeros as the format asks for. */
function sealPayload(payload: Uint8Array): Uint8Array | undefined {
  for (const rung of rungs()) {
    for (const header of [1, 2, 3, 5]) {
      const length = rung - FRAME_BYTES - header - TAG_BYTES
      if (length < payload.length) continue
      const padded = Buffer.alloc(length)
      padded.set(payload)
      const block = sealPadded(padded)
      if (block.length === rung) return block
    }
  }
  return undefined
}

function sealPadded(payload: Uint8Array): Uint8Array {
  const [k1, k2] = ['siv', 'key'].map(
    (name) => new Uint8Array(hkdfSync('sha256', SEAL_SECRET, '', `drystone/1/${name}`, 32))
  )
  const head = Uint8Array.of(1, 0, 0, 0, 0)
  const siv = createHmac('sha256', k1 ?? head)
    .update(head)
    .update(payload)
    .digest()
  const key = createHmac('sha256', k2 ?? head)
    .update(siv)
    .digest()
  const cipher = createCipheriv('aes-256-gcm', key, Buffer.alloc(12))
  const box = Buffer.concat([cipher.update(payload), cipher.final(), cipher.getAuthTag()])
  return encode([1, 0, new Uint8Array(0), siv, box])
}

/** A sample is: method u8, length u32be, hash 32, body. */
function storedAgain(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length < 37) return undefined
  const sample = Buffer.from(bytes)
  const method = methodOf(sample.readUInt8())
  if (method === undefined) return undefined
  const [plainLength, hash, body] = [
    sample.readUInt32BE(1),
    bytes.subarray(5, 37),
    bytes.subarray(37)
  ]
  const stored = { method, plainLength, body }
  assertStored(stored)
  const block = unpackBlock(hash, stored)
  if (block === undefined) return undefined
  const found = Buffer.alloc(5, method)
  found.writeUInt32BE(block.length, 1)
  return Buffer.concat([found, sha256(block), body])
}
