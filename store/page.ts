// Pages: blocks that hold part of a directory's entries, packed in columns, so that a million entries
// never become a million objects. A Page is a cursor over one block's bytes: it builds an entry only when
// asked. A page that could not be read back is never made: encodePage reads what it wrote.

import { CID_BYTES, HASH_BYTES, cidFromBytes, hashOf, type CID, type Hash } from './block.ts'
import { packChunks, type Body } from './chunk-list.ts'
import { encode } from './codec.ts'
import {
  ENTRY_TYPES,
  joinTime,
  splitTime,
  type ChunkRef,
  type Entry,
  type FileContent
} from './entry.ts'
import {
  COUNT_LIST,
  OWNER_BYTES,
  PAGE_CHUNKS_MAX,
  TIME_BYTES,
  readColumns,
  type Columns
} from './page-columns.ts'
import { addExtra, extraOf, type Extra } from './page-extras.ts'

/**
 * Packs entries, sorted by name, into one page body; its links are all the blocks it refers to.
 *
 * @throws {Malformed} if no page can hold such entries.
 */
export function encodePage(entries: readonly Entry[]): Body {
  const page = new PageWriter(entries.length)
  entries.forEach((entry, i) => {
    page.set(i, entry)
  })
  const body = page.encode()
  readColumns(body)
  return { body, links: page.links }
}

class PageWriter {
  readonly links: Hash[] = []
  readonly #count: number
  readonly #names: Uint8Array[] = []
  readonly #types: Buffer
  readonly #modes: Buffer
  readonly #owners: Buffer
  readonly #times: Buffer
  readonly #sizes: Buffer
  readonly #hashes: Hash[] = []
  readonly #counts: number[] = []
  readonly #cids: Uint8Array[] = []
  readonly #chunks: ChunkRef[] = []
  readonly #extras: Extra[] = []

  constructor(count: number) {
    this.#count = count
    this.#types = Buffer.alloc(count)
    this.#modes = Buffer.alloc(count * 2)
    this.#owners = Buffer.alloc(count * OWNER_BYTES)
    this.#times = Buffer.alloc(count * TIME_BYTES)
    this.#sizes = Buffer.alloc(count * 8)
  }

  set(i: number, entry: Entry): void {
    const length = Buffer.alloc(2)
    length.writeUInt16BE(entry.name.length)
    this.#names.push(length, entry.name)
    this.#types[i] = ENTRY_TYPES.indexOf(entry.type)
    this.#modes.writeUInt16BE(entry.mode, i * 2)
    this.#owners.writeUInt32BE(entry.uid, i * OWNER_BYTES)
    this.#owners.writeUInt32BE(entry.gid, i * OWNER_BYTES + 4)
    const [seconds, nanoseconds] = splitTime(entry.mtimeNs)
    this.#times.writeBigInt64BE(seconds, i * TIME_BYTES)
    this.#times.writeUInt32BE(nanoseconds, i * TIME_BYTES + 8)
    this.#sizes.writeBigUInt64BE(BigInt(entry.size), i * 8)
    if (entry.type === 'directory') this.#setDirectory(entry)
    if (entry.type === 'file') this.#setFile(entry)
    const extra = extraOf(i, entry)
    if (extra !== undefined) this.#extras.push(extra)
  }

  #setDirectory({ hash, page }: Entry): void {
    if (hash === undefined || page === undefined)
      throw new TypeError('a directory without its page')
    this.#hashes.push(hash)
    this.#refer(page)
  }

  #setFile({ hash, size, content }: Entry): void {
    if (hash === undefined || content === undefined) throw new TypeError('a file without content')
    this.#hashes.push(hash)
    if ('list' in content) {
      this.#counts.push(COUNT_LIST)
      this.#refer(content.list)
      return
    }
    const { chunks } = content
    this.#counts.push(chunks.length)
    const only = chunks.length === 1 ? chunks[0] : undefined
    if (only === undefined) {
      this.#chunks.push(...chunks)
      for (const { cid } of chunks) this.links.push(hashOf(cid))
      return
    }
    // A single chunk is the file, so only its address is kept.
    if (only.length !== size || Buffer.compare(only.hash, hash) !== 0)
      throw new TypeError('the only chunk of a file is not the file')
    this.#refer(only.cid)
  }

  #refer(cid: CID): void {
    this.#cids.push(cid.bytes)
    this.links.push(hashOf(cid))
  }

  encode(): Uint8Array {
    const counts = Buffer.alloc(this.#counts.length * 2)
    this.#counts.forEach((count, i) => counts.writeUInt16BE(count, i * 2))
    return encode([
      'page',
      this.#count,
      Buffer.concat(this.#names),
      this.#types,
      this.#modes,
      this.#owners,
      this.#times,
      this.#sizes,
      Buffer.concat(this.#hashes),
      counts,
      Buffer.concat(this.#cids),
      packChunks(this.#chunks),
      this.#extras
    ])
  }
}

/** One page of entries, in name order. */
export class Page {
  readonly length: number
  readonly #columns: Columns
  /** For each entry, where its hash, count, address and chunks begin: not every entry has them. */
  readonly #starts: Uint32Array

  /** @throws {Malformed} */
  constructor(body: Uint8Array) {
    this.#columns = readColumns(body)
    this.length = this.#columns.names.length
    this.#starts = findStarts(this.#columns)
  }

  name(i: number): Uint8Array {
    const name = this.#columns.names[i]
    if (name === undefined) throw new RangeError(`entry ${i} of ${this.length}`)
    return name
  }

  /** Where `name` stands, or -1. */
  find(name: Uint8Array): number {
    let low = 0
    let high = this.length - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      const order = Buffer.compare(this.name(middle), name)
      if (order === 0) return middle
      if (order < 0) low = middle + 1
      else high = middle - 1
    }
    return -1
  }

  entry(i: number): Entry {
    const { types, modes, owners, times, sizes, hashes, extras } = this.#columns
    const entry: Entry = {
      name: this.name(i),
      type: types[i] as Entry['type'],
      mode: modes.readUInt16BE(i * 2),
      uid: owners.readUInt32BE(i * OWNER_BYTES),
      gid: owners.readUInt32BE(i * OWNER_BYTES + 4),
      mtimeNs: joinTime(
        times.readBigInt64BE(i * TIME_BYTES),
        times.readUInt32BE(i * TIME_BYTES + 8)
      ),
      size: sizes[i] as number
    }
    const [hashAt, countAt, cidAt, chunkAt] = this.#startsOf(i)
    if (entry.type === 'directory' || entry.type === 'file') {
      entry.hash = new Uint8Array(hashes.subarray(hashAt * HASH_BYTES, (hashAt + 1) * HASH_BYTES))
    }
    if (entry.type === 'directory') entry.page = this.#cid(cidAt)
    if (entry.type === 'file') entry.content = this.#content(entry, [countAt, cidAt, chunkAt])
    const extra = extras.get(i)
    if (extra !== undefined) addExtra(entry, extra)
    return entry
  }

  /** Every entry in turn. */
  *[Symbol.iterator](): Generator<Entry> {
    for (let i = 0; i < this.length; i++) yield this.entry(i)
  }

  /** Every address that the page refers to, without making entries of it. */
  *addresses(): Generator<CID> {
    const { cids, chunks } = this.#columns
    for (let i = 0; i < cids.length / CID_BYTES; i++) yield this.#cid(i)
    for (const { cid } of chunks) yield cid
  }

  #content(
    entry: Entry,
    [countAt, cidAt, chunkAt]: readonly [number, number, number]
  ): FileContent {
    const count = this.#columns.counts[countAt] as number
    if (count === COUNT_LIST) return { list: this.#cid(cidAt) }
    if (count !== 1) return { chunks: this.#columns.chunks.slice(chunkAt, chunkAt + count) }
    return { chunks: [{ cid: this.#cid(cidAt), length: entry.size, hash: entry.hash as Hash }] }
  }

  #cid(i: number): CID {
    return cidFromBytes(this.#columns.cids.subarray(i * CID_BYTES, (i + 1) * CID_BYTES))
  }

  #startsOf(i: number): [number, number, number, number] {
    return [...this.#starts.subarray(i * 4, i * 4 + 4)] as [number, number, number, number]
  }
}

function findStarts({ types, counts }: Columns): Uint32Array {
  const starts = new Uint32Array(types.length * 4)
  let [hash, count, cid, chunk] = [0, 0, 0, 0]
  types.forEach((type, i) => {
    starts.set([hash, count, cid, chunk], i * 4)
    if (type === 'directory' || type === 'file') hash++
    if (type === 'directory') cid++
    if (type !== 'file') return
    const pieces = counts[count++] as number
    if (pieces === 1 || pieces === COUNT_LIST) cid++
    else chunk += pieces
  })
  return starts
}

/** True if a file with these many chunks keeps them in a list block of its own. */
export function needsList(chunks: readonly ChunkRef[]): boolean {
  return chunks.length > PAGE_CHUNKS_MAX
}

/** Every address that a page refers to, and as what: for walking plain pages without keys. */
export function pageLinks(page: Page): { pages: CID[]; lists: CID[]; chunks: CID[] } {
  const links = { pages: [] as CID[], lists: [] as CID[], chunks: [] as CID[] }
  for (const { page: child, content } of page) {
    if (child !== undefined) links.pages.push(child)
    if (content === undefined) continue
    if ('list' in content) links.lists.push(content.list)
    else for (const { cid } of content.chunks) links.chunks.push(cid)
  }
  return links
}
