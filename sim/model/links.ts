// What a block refers to, by the words of store/FORMAT.md ("States", "Sealed blocks"). A sealed block says
// it in the clear; pages, nodes and lists hold addresses; anything else is a chunk and refers to nothing.
// (A chunk that happens to be the very bytes of a page would be taken for one. No workload writes such.)

import { decode } from '@ipld/dag-cbor'

const HASH_BYTES = 32
const CID_BYTES = 36
/** A chunk in a page or a list: address, length, hash. */
const CHUNK_BYTES = 72
/** A list in a list: address, length. */
const ITEM_BYTES = 44

export interface Links {
  kind: 'sealed' | 'page' | 'node' | 'list' | 'chunk'
  /** Hashes in hex. */
  hashes: string[]
}

const CHUNK: Links = { kind: 'chunk', hashes: [] }

/** Reads a whole block, not sealed or sealed. */
export function linksOf(block: Uint8Array): Links {
  const body = mayBeStructured(block) ? decodeList(block) : undefined
  if (body === undefined) return CHUNK
  return readSealed(body) ?? readPage(body) ?? readNode(body) ?? readList(body) ?? CHUNK
}

/** By the first bytes: `85 01` sealed, `8d` page, `82` node, `83` list. */
function mayBeStructured([first, second]: Uint8Array): boolean {
  return first === 0x8d || first === 0x82 || first === 0x83 || (first === 0x85 && second === 1)
}

function decodeList(block: Uint8Array): unknown[] | undefined {
  try {
    const value: unknown = decode(block)
    return Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

function readSealed([version, epoch, links, siv, box]: unknown[]): Links | undefined {
  if (version !== 1 || typeof epoch !== 'number') return undefined
  if (!isBytes(links) || !isBytes(siv) || !isBytes(box)) return undefined
  if (siv.length !== HASH_BYTES || links.length % HASH_BYTES !== 0) return undefined
  return { kind: 'sealed', hashes: pieces(links, HASH_BYTES, 0) }
}

function readPage(body: unknown[]): Links | undefined {
  if (body.length !== 13 || body[0] !== 'page') return undefined
  const [addresses, chunks] = [body[10], body[11]]
  if (!isBytes(addresses) || !isBytes(chunks)) return undefined
  if (addresses.length % CID_BYTES !== 0 || chunks.length % CHUNK_BYTES !== 0) return undefined
  const hashes = [...pieces(addresses, CID_BYTES, 4), ...pieces(chunks, CHUNK_BYTES, 4)]
  return { kind: 'page', hashes }
}

function readNode([kind, items]: unknown[]): Links | undefined {
  if (kind !== 'node' || !Array.isArray(items)) return undefined
  const hashes: string[] = []
  for (const item of items as unknown[]) {
    const cid: unknown = Array.isArray(item) ? item[1] : undefined
    if (!isBytes(cid) || cid.length !== CID_BYTES) return undefined
    hashes.push(...pieces(cid, CID_BYTES, 4))
  }
  return { kind: 'node', hashes }
}

function readList([kind, level, items]: unknown[]): Links | undefined {
  if (kind !== 'list' || typeof level !== 'number' || !isBytes(items)) return undefined
  const size = level === 0 ? CHUNK_BYTES : ITEM_BYTES
  return items.length % size === 0 ? { kind: 'list', hashes: pieces(items, size, 4) } : undefined
}

/** The hash in each item of `size` bytes, `skip` bytes after its start, in hex. */
function pieces(bytes: Uint8Array, size: number, skip: number): string[] {
  const buffer = Buffer.from(bytes)
  const hashes: string[] = []
  for (let at = skip; at < buffer.length; at += size) {
    hashes.push(buffer.toString('hex', at, at + HASH_BYTES))
  }
  return hashes
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array
}
