// Pages: blocks that hold part of a directory's entries, packed in columns, so that a million entries
// never become a million objects. A Page is a cursor over one block's bytes: it builds an entry only when
// asked. Decoding checks every column's length against the count first, then order and uniqueness of names.

import { CID_BYTES, HASH_BYTES, cidFromBytes, hashOf, type CID, type Hash } from './block.ts'
import { packChunks, unpackChunks, type Body } from './chunk-list.ts'
import { bytesOf, decode, encode, integerOf, readList } from './codec.ts'
import { ENTRY_TYPES, type ChunkRef, type Entry, type FileContent } from './entry.ts'
import { Malformed } from './errors.ts'

export const PAGE_ENTRIES_MAX = 1024
/** A file with more chunks than this keeps them in a list block. */
export const PAGE_CHUNKS_MAX = 64
export const NAME_BYTES_MAX = 4096
const BODY_BYTES_MAX = 1 << 20
/** In the column of chunk counts: the content is a list. */
const COUNT_LIST = 0xffff
const COUNT_MAX = COUNT_LIST - 1
const OWNER_BYTES = 8
const EXTRA_BYTES_MAX = 256 * 1024

/** `[index, target, device, xattrs, linkTo]`, for the few entries that have any of them. */
type Extra = [
  number,
  Uint8Array | null,
  [number, number] | null,
  [Uint8Array, Uint8Array][] | null,
  Uint8Array | null
]

/** Packs entries, sorted by name, into one page body; its links are all the blocks it refers to. */
export function encodePage(entries: readonly Entry[]): Body {
  const links: Hash[] = []
  const columns = new Columns(entries.length)
  entries.forEach((entry, i) => columns.set(i, entry, links))
  return { body: columns.encode(), links }
}

class Columns {
  readonly names: Uint8Array[] = []
  readonly types: Buffer
  readonly modes: Buffer
  readonly owners: Buffer
  readonly mtimes: Buffer
  readonly sizes: Buffer
  readonly hashes: Hash[] = []
  readonly counts: number[] = []
  readonly cids: Uint8Array[] = []
  readonly chunks: ChunkRef[] = []
  readonly extras: Extra[] = []

  constructor(count: number) {
    this.types = Buffer.alloc(count)
    this.modes = Buffer.alloc(count * 2)
    this.owners = Buffer.alloc(count * OWNER_BYTES)
    this.mtimes = Buffer.alloc(count * 8)
    this.sizes = Buffer.alloc(count * 8)
  }

  set(i: number, entry: Entry, links: Hash[]): void {
    const length = Buffer.alloc(2)
    length.writeUInt16BE(entry.name.length)
    this.names.push(length, entry.name)
    this.types[i] = ENTRY_TYPES.indexOf(entry.type)
    this.modes.writeUInt16BE(entry.mode, i * 2)
    this.owners.writeUInt32BE(entry.uid, i * OWNER_BYTES)
    this.owners.writeUInt32BE(entry.gid, i * OWNER_BYTES + 4)
    this.mtimes.writeBigInt64BE(entry.mtimeNs, i * 8)
    this.sizes.writeBigUInt64BE(BigInt(entry.size), i * 8)
    if (entry.type === 'directory') this.setDirectory(entry, links)
    if (entry.type === 'file') this.setFile(entry, links)
    const { target, device, xattrs, linkTo } = entry
    if (target ?? device ?? xattrs ?? linkTo) {
      this.extras.push([
        i,
        target ?? null,
        device === undefined ? null : [...device],
        xattrs === undefined ? null : xattrs.map(([name, value]) => [name, value]),
        linkTo ?? null
      ])
    }
  }

  setDirectory({ hash, page }: Entry, links: Hash[]): void {
    if (hash === undefined || page === undefined)
      throw new TypeError('a directory without its page')
    this.hashes.push(hash)
    this.cids.push(page.bytes)
    links.push(hashOf(page))
  }

  setFile({ hash, content }: Entry, links: Hash[]): void {
    if (hash === undefined || content === undefined) throw new TypeError('a file without content')
    this.hashes.push(hash)
    if ('list' in content) {
      this.counts.push(COUNT_LIST)
      this.cids.push(content.list.bytes)
      links.push(hashOf(content.list))
      return
    }
    this.counts.push(content.chunks.length)
    for (const chunk of content.chunks) links.push(hashOf(chunk.cid))
    if (content.chunks.length === 1) for (const { cid } of content.chunks) this.cids.push(cid.bytes)
    else this.chunks.push(...content.chunks)
  }

  encode(): Uint8Array {
    const counts = Buffer.alloc(this.counts.length * 2)
    this.counts.forEach((count, i) => counts.writeUInt16BE(count, i * 2))
    return encode([
      'page',
      this.types.length,
      Buffer.concat(this.names),
      this.types,
      this.modes,
      this.owners,
      this.mtimes,
      this.sizes,
      Buffer.concat(this.hashes),
      counts,
      Buffer.concat(this.cids),
      packChunks(this.chunks),
      this.extras
    ])
  }
}

/** One page of entries, in name order. */
export class Page {
  readonly length: number
  readonly #names: Uint8Array[] = []
  readonly #columns: Buffer[]
  readonly #chunks: ChunkRef[]
  readonly #extras = new Map<number, Extra>()
  /** For each entry, where its hash, count, address and chunks begin: they are not in every entry. */
  readonly #starts: Uint32Array

  constructor(body: Uint8Array) {
    const [kind, count, ...columns] = readList(decode(body), 'page', 13)
    if (kind !== 'page') throw new Malformed('a block is not a page')
    this.length = integerOf(0, PAGE_ENTRIES_MAX)(count, 'page count')
    const extras = columns.pop()
    this.#columns = columns.map((column, i) => {
      const bytes = bytesOf(0, BODY_BYTES_MAX)(column, `page column ${i}`)
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    })
    this.#readNames()
    this.#checkWidths()
    this.#chunks = unpackChunks(this.#column(9))
    this.#starts = this.#findStarts()
    this.#readExtras(extras)
  }

  name(i: number): Uint8Array {
    const name = this.#names[i]
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
    const entry: Entry = {
      name: this.name(i),
      type: this.#type(i),
      mode: this.#column(2).readUInt16BE(i * 2),
      uid: this.#column(3).readUInt32BE(i * OWNER_BYTES),
      gid: this.#column(3).readUInt32BE(i * OWNER_BYTES + 4),
      mtimeNs: this.#column(4).readBigInt64BE(i * 8),
      size: Number(this.#column(5).readBigUInt64BE(i * 8))
    }
    const [hashAt, countAt, cidAt, chunkAt] = this.#startsOf(i)
    if (entry.type === 'directory' || entry.type === 'file') {
      entry.hash = new Uint8Array(this.#slice(6, hashAt, HASH_BYTES))
    }
    if (entry.type === 'directory') entry.page = cidFromBytes(this.#slice(8, cidAt, CID_BYTES))
    if (entry.type === 'file') entry.content = this.#content(entry, [countAt, cidAt, chunkAt])
    const extra = this.#extras.get(i)
    if (extra !== undefined) addExtra(entry, extra)
    return entry
  }

  /** Every entry in turn. */
  *[Symbol.iterator](): Generator<Entry> {
    for (let i = 0; i < this.length; i++) yield this.entry(i)
  }

  #content(
    entry: Entry,
    [countAt, cidAt, chunkAt]: readonly [number, number, number]
  ): FileContent {
    const count = this.#column(7).readUInt16BE(countAt * 2)
    if (count === COUNT_LIST) return { list: cidFromBytes(this.#slice(8, cidAt, CID_BYTES)) }
    if (count !== 1) return { chunks: this.#chunks.slice(chunkAt, chunkAt + count) }
    const cid = cidFromBytes(this.#slice(8, cidAt, CID_BYTES))
    return { chunks: [{ cid, length: entry.size, hash: entry.hash as Hash }] }
  }

  #type(i: number): Entry['type'] {
    const type = ENTRY_TYPES[this.#column(1)[i] as number]
    if (type === undefined) throw new Malformed('an entry of unknown type')
    return type
  }

  #column(i: number): Buffer {
    return this.#columns[i] as Buffer
  }

  #slice(column: number, index: number, width: number): Buffer {
    return this.#column(column).subarray(index * width, (index + 1) * width)
  }

  #startsOf(i: number): [number, number, number, number] {
    const at = i * 4
    return [...this.#starts.subarray(at, at + 4)] as [number, number, number, number]
  }

  #readNames(): void {
    const packed = this.#column(0)
    let at = 0
    for (let i = 0; i < this.length; i++) {
      if (at + 2 > packed.length) throw new Malformed('page names are cut off')
      const length = packed.readUInt16BE(at)
      const name = packed.subarray(at + 2, at + 2 + length)
      if (name.length !== length || length > NAME_BYTES_MAX)
        throw new Malformed('a page name is cut off')
      const before = this.#names[i - 1]
      if (before !== undefined && Buffer.compare(before, name) >= 0) {
        throw new Malformed('page names are not sorted and unique')
      }
      this.#names.push(new Uint8Array(name))
      at += 2 + length
    }
    if (at !== packed.length) throw new Malformed('page names do not end with the last entry')
  }

  #checkWidths(): void {
    const widths = [1, 2, OWNER_BYTES, 8, 8]
    widths.forEach((width, i) => {
      if (this.#column(i + 1).length !== this.length * width) {
        throw new Malformed(`page column ${i + 1} does not fit its count`)
      }
    })
  }

  #findStarts(): Uint32Array {
    const starts = new Uint32Array((this.length + 1) * 4)
    let [hash, count, cid, chunk] = [0, 0, 0, 0]
    const counts = this.#column(7)
    for (let i = 0; i < this.length; i++) {
      starts.set([hash, count, cid, chunk], i * 4)
      const type = this.#type(i)
      if (type !== 'directory' && type !== 'file') continue
      hash++
      if (type === 'directory') {
        cid++
        continue
      }
      if (count * 2 + 2 > counts.length) throw new Malformed('page counts are cut off')
      const pieces = counts.readUInt16BE(count++ * 2)
      if (pieces === 1 || pieces === COUNT_LIST) cid++
      else chunk += pieces
    }
    const fits =
      this.#column(6).length === hash * HASH_BYTES &&
      counts.length === count * 2 &&
      this.#column(8).length === cid * CID_BYTES &&
      this.#chunks.length === chunk
    if (!fits) throw new Malformed('page columns do not fit their entries')
    return starts
  }

  #readExtras(value: unknown): void {
    if (!Array.isArray(value)) throw new Malformed('page extras are not a list')
    let last = -1
    for (const item of value) {
      const extra = readExtra(item)
      if (extra[0] <= last || extra[0] >= this.length)
        throw new Malformed('page extras out of order')
      last = extra[0]
      this.#extras.set(last, extra)
    }
  }
}

function readExtra(value: unknown): Extra {
  const [index, target, device, xattrs, linkTo] = readList(value, 'page extra', 5)
  const bytes = bytesOf(0, EXTRA_BYTES_MAX)
  const orNull = <T>(item: unknown, read: (item: unknown) => T): T | null =>
    item === null ? null : read(item)
  return [
    integerOf(0, PAGE_ENTRIES_MAX)(index, 'extra index'),
    orNull(target, (item) => bytes(item, 'link target')),
    orNull(device, (item) => {
      const [major, minor] = readList(item, 'device', 2)
      return [integerOf()(major, 'device major'), integerOf()(minor, 'device minor')]
    }),
    orNull(xattrs, (item) => {
      if (!Array.isArray(item)) throw new Malformed('xattrs are not a list')
      return item.map((pair): [Uint8Array, Uint8Array] => {
        const [name, content] = readList(pair, 'xattr', 2)
        return [bytes(name, 'xattr name'), bytes(content, 'xattr value')]
      })
    }),
    orNull(linkTo, (item) => bytes(item, 'hard link'))
  ]
}

function addExtra(entry: Entry, [, target, device, xattrs, linkTo]: Extra): void {
  if (target !== null) entry.target = target
  if (device !== null) entry.device = device
  if (xattrs !== null) entry.xattrs = xattrs
  if (linkTo !== null) entry.linkTo = linkTo
}

/** True if a file with these many chunks keeps them in a list block of its own. */
export function needsList(chunks: readonly ChunkRef[]): boolean {
  return chunks.length > Math.min(PAGE_CHUNKS_MAX, COUNT_MAX)
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
