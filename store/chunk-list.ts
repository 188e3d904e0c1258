// Lists of chunks, for files with more chunks than stand in a page. A list block holds either chunk
// references or references to lists one level down; levels only fall, so a list cannot contain itself.

import {
  BLOCK_BYTES_MAX,
  CID_BYTES,
  HASH_BYTES,
  cidFromBytes,
  hashOf,
  type CID,
  type Hash
} from './block.ts'
import { bytesOf, decode, encode, integerOf, readList } from './codec.ts'
import type { ChunkRef } from './entry.ts'
import { Malformed } from './errors.ts'

/** One list one level down, and the bytes of file it stands for. */
export interface ListRef {
  cid: CID
  length: number
}

export type ChunkList = { level: 0; chunks: ChunkRef[] } | { level: number; lists: ListRef[] }

/** A block body and what it refers to: what a Sink takes. */
export interface Body {
  body: Uint8Array
  links: Hash[]
}

export const LIST_ITEMS_MAX = 4096
const LEVEL_MAX = 3
const CHUNK_ITEM_BYTES = CID_BYTES + 4 + HASH_BYTES
const LIST_ITEM_BYTES = CID_BYTES + 8

/** `cid 36 ‖ length u32be ‖ hash 32` for each chunk. */
export function packChunks(chunks: readonly ChunkRef[]): Uint8Array {
  const packed = Buffer.alloc(chunks.length * CHUNK_ITEM_BYTES)
  chunks.forEach(({ cid, length, hash }, i) => {
    const at = i * CHUNK_ITEM_BYTES
    packed.set(cid.bytes, at)
    packed.writeUInt32BE(length, at + CID_BYTES)
    packed.set(hash, at + CID_BYTES + 4)
  })
  return packed
}

/** @throws {Malformed} */
export function unpackChunks(packed: Uint8Array): ChunkRef[] {
  if (packed.length % CHUNK_ITEM_BYTES !== 0) throw new Malformed('chunk references are cut off')
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  const chunks: ChunkRef[] = []
  for (let at = 0; at < bytes.length; at += CHUNK_ITEM_BYTES) {
    const length = bytes.readUInt32BE(at + CID_BYTES)
    if (length < 1 || length > BLOCK_BYTES_MAX) throw new Malformed(`a chunk of ${length} bytes`)
    chunks.push({
      cid: cidFromBytes(bytes.subarray(at, at + CID_BYTES)),
      length,
      hash: new Uint8Array(bytes.subarray(at + CID_BYTES + 4, at + CHUNK_ITEM_BYTES))
    })
  }
  return chunks
}

function encodeChunks(chunks: readonly ChunkRef[]): Body {
  return {
    body: encode(['list', 0, packChunks(chunks)]),
    links: chunks.map(({ cid }) => hashOf(cid))
  }
}

function encodeLists(level: number, lists: readonly ListRef[]): Body {
  const packed = Buffer.alloc(lists.length * LIST_ITEM_BYTES)
  lists.forEach(({ cid, length }, i) => {
    packed.set(cid.bytes, i * LIST_ITEM_BYTES)
    packed.writeBigUInt64BE(BigInt(length), i * LIST_ITEM_BYTES + CID_BYTES)
  })
  return { body: encode(['list', level, packed]), links: lists.map(({ cid }) => hashOf(cid)) }
}

/** @throws {Malformed} */
export function decodeList(body: Uint8Array): ChunkList {
  const [kind, levelValue, packedValue] = readList(decode(body), 'list', 3)
  if (kind !== 'list') throw new Malformed('a block is not a list')
  const level = integerOf(0, LEVEL_MAX)(levelValue, 'list level')
  const width = level === 0 ? CHUNK_ITEM_BYTES : LIST_ITEM_BYTES
  const packed = bytesOf(width, LIST_ITEMS_MAX * width)(packedValue, 'list items')
  if (level === 0) return { level: 0, chunks: unpackChunks(packed) }
  return { level, lists: unpackLists(packed) }
}

function unpackLists(packed: Uint8Array): ListRef[] {
  if (packed.length % LIST_ITEM_BYTES !== 0) throw new Malformed('list references are cut off')
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  const lists: ListRef[] = []
  for (let at = 0; at < bytes.length; at += LIST_ITEM_BYTES) {
    const cid = cidFromBytes(bytes.subarray(at, at + CID_BYTES))
    const length = Number(bytes.readBigUInt64BE(at + CID_BYTES))
    if (length < 1 || !Number.isSafeInteger(length)) throw new Malformed('a list of odd length')
    lists.push({ cid, length })
  }
  return lists
}

/** The bytes of file that a list stands for. */
export function listLength(list: ChunkList): number {
  return bytesIn('chunks' in list ? list.chunks : list.lists)
}

function bytesIn(items: readonly { length: number }[]): number {
  return items.reduce((sum, { length }) => sum + length, 0)
}

/** Builds the lists over a file's chunks, bottom-up; returns the top one's address. */
export async function buildList(
  chunks: readonly ChunkRef[],
  put: (list: Body) => Promise<CID>
): Promise<CID> {
  let lists: ListRef[] = []
  for (const group of groups(chunks)) {
    lists.push({ cid: await put(encodeChunks(group)), length: bytesIn(group) })
  }
  for (let level = 1; lists.length > 1; level++) {
    const above: ListRef[] = []
    for (const group of groups(lists)) {
      above.push({ cid: await put(encodeLists(level, group)), length: bytesIn(group) })
    }
    lists = above
  }
  const top = lists[0]
  if (top === undefined) throw new TypeError('a list needs at least one chunk')
  return top.cid
}

function* groups<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += LIST_ITEMS_MAX)
    yield items.slice(at, at + LIST_ITEMS_MAX)
}

/** Every hash that a list block's body refers to, for walking plain blocks. */
export function listLinks(list: ChunkList): CID[] {
  return 'chunks' in list ? list.chunks.map(({ cid }) => cid) : list.lists.map(({ cid }) => cid)
}
