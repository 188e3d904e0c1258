// A home as an outsider reads it from the bytes of a disk, by store/FORMAT.md: blocks, heads, marks,
// receipts, bases, roster. It trusts nothing but hashes and signatures; what does not hold is listed as
// damaged and counts for nothing. A reader remembers what it read, so that a look costs what changed.

import { crc32 } from 'node:zlib'
import { placeKey, readDropped } from './dropped.ts'
import { linksOf, type Links } from './links.ts'
import { hexField, numberField, readHeadFile, readRecord, rootField } from './record.ts'
import type { HeadFact, SignedFact } from './record.ts'
import {
  RECORD_HEADER_BYTES,
  blockAt,
  readSegment,
  type BlockRecord,
  type Segment
} from './segment.ts'

/** The files of a disk at one moment. */
export interface DiskImage {
  files(): readonly { path: string; length: number }[]
  read(path: string): Uint8Array
  /** The same object only as long as the file holds the same bytes. */
  stamp(path: string): object
}

export interface Block extends BlockRecord {
  /** The segment's file. */
  path: string
  links: Links
}

export interface MarkFact {
  id: string
  endpoint: string
  writer: string
  seq: number
  head: string
}

export interface ReceiptFact {
  id: string
  issuer: string
  /** Absent in a receipt for a base. */
  endpoint: string | undefined
  /** Id of a head; or of a base. */
  head: string
  /** Milliseconds since 1970, by the issuer's clock. */
  at: number
}

export interface BaseFact {
  /** The same for all who signed it. */
  id: string
  record: string
  issuer: string
  name: string
  serial: number
  /** Hash of its top. */
  root: string
}

/** What does not hold: a path, and for segments the block. */
export interface Damage {
  path: string
  what: string
}

export interface Home {
  /** It has its settings, which are written last. */
  isComplete: boolean
  /** By scope, then by hash. */
  blocks: ReadonlyMap<string, ReadonlyMap<string, Block>>
  /** By path of the file. */
  segments: ReadonlyMap<string, Segment>
  heads: readonly HeadFact[]
  marks: readonly MarkFact[]
  receipts: readonly ReceiptFact[]
  baseReceipts: readonly ReceiptFact[]
  bases: readonly BaseFact[]
  roster: readonly SignedFact[]
  damaged: readonly Damage[]
}

interface SegmentFile {
  stamp: object
  segment: Segment
  blocks: Block[]
  length: number
  crc: number
  /** CRC-32 of the first `segment.end` bytes. */
  crcToEnd: number
}

interface SmallFile {
  stamp: object
  fact: unknown
}

/** The blocks of a scope, and the files that they were read from. */
interface Scope {
  files: SegmentFile[]
  dropped: ReadonlySet<string>
  blocks: ReadonlyMap<string, Block>
}

export class HomeReader {
  readonly #segments = new Map<string, SegmentFile>()
  readonly #files = new Map<string, SmallFile>()
  readonly #scopes = new Map<string, Scope>()
  readonly #lists = new Map<string, { stamp: object; places: ReadonlySet<string> | undefined }>()

  read(image: DiskImage): Home {
    const scopes = new Map<string, SegmentFile[]>()
    const segments = new Map<string, Segment>()
    const damaged: Damage[] = []
    const facts = new Map<string, unknown[]>()
    let isComplete = false
    const dropped = new Map<string, ReadonlySet<string>>()
    for (const { path } of image.files()) {
      const scope = /^blocks\/([^/]+)\/dropped$/.exec(path)?.[1]
      if (scope === undefined) continue
      const places = this.#dropped(path, image)
      if (places === undefined) damaged.push({ path, what: 'the list' })
      else dropped.set(scope, places)
    }
    for (const { path } of image.files()) {
      if (path === 'settings.json') isComplete = true
      const scope = scopeOf(path)
      const folder = path.slice(0, path.indexOf('/'))
      if (scope !== undefined) {
        const file = this.#segment(path, image)
        segments.set(path, file.segment)
        for (const hash of file.segment.damaged) damaged.push({ path, what: `block ${hash}` })
        push(scopes, scope, file)
      } else if (FOLDERS.has(folder) && !/\.\d+\.new$/.test(path)) {
        const fact = this.#fact(path, image)
        if (fact === undefined) damaged.push({ path, what: 'the file' })
        else push(facts, folder, fact)
      }
    }
    const all = <T>(folder: string): T[] => (facts.get(folder) ?? []) as T[]
    return {
      isComplete,
      blocks: new Map(
        [...scopes].map(([scope, files]) => [scope, this.#blocks(scope, files, dropped.get(scope))])
      ),
      segments,
      heads: all('heads'),
      marks: all('marks'),
      receipts: all('receipts'),
      baseReceipts: all('base-receipts'),
      bases: all('bases'),
      roster: all('roster'),
      damaged
    }
  }

  #blocks(
    scope: string,
    files: SegmentFile[],
    dropped: ReadonlySet<string> = NOTHING
  ): ReadonlyMap<string, Block> {
    const known = this.#scopes.get(scope)
    const isSame = known?.files.length === files.length && known.dropped === dropped
    if (isSame && files.every((file, at) => file === known.files[at])) return known.blocks
    const blocks = new Map(
      files
        .flatMap((file) => file.blocks)
        .filter(({ path, offset }) => !dropped.has(placeKey(path, offset - RECORD_HEADER_BYTES)))
        .map((block) => [block.hash, block] as const)
    )
    this.#scopes.set(scope, { files, dropped, blocks })
    return blocks
  }

  #segment(path: string, image: DiskImage): SegmentFile {
    const known = this.#segments.get(path)
    const stamp = image.stamp(path)
    if (known?.stamp === stamp) return known
    const bytes = image.read(path)
    const { length } = bytes
    const crc = crc32(bytes)
    if (known?.length === length && known.crc === crc) {
      known.stamp = stamp
      return known
    }
    const end = known?.segment.end ?? 0
    const isLonger = known !== undefined && end <= length
    const earlier = isLonger && crc32(bytes.subarray(0, end)) === known.crcToEnd ? known : undefined
    const segment = readSegment(bytes, earlier?.segment)
    const before = new Map(earlier?.blocks.map((block) => [block.offset, block]))
    const blocks = segment.records.flatMap((record) => {
      const same = before.get(record.offset)
      if (same !== undefined) return [same]
      const block = blockAt(bytes, record)
      return block === undefined ? [] : [{ ...record, path, links: linksOf(block) }]
    })
    const crcToEnd = crc32(bytes.subarray(0, segment.end))
    const file = { stamp, segment, blocks, length, crc, crcToEnd }
    this.#segments.set(path, file)
    return file
  }

  /** Records that count for nothing, by the path of their segment and where their header begins. */
  #dropped(path: string, image: DiskImage): ReadonlySet<string> | undefined {
    const stamp = image.stamp(path)
    const known = this.#lists.get(path)
    if (known?.stamp === stamp) return known.places
    const places = readDropped(path, image.read(path))
    this.#lists.set(path, { stamp, places })
    return places
  }

  #fact(path: string, image: DiskImage): unknown {
    const known = this.#files.get(path)
    const stamp = image.stamp(path)
    if (known?.stamp === stamp) return known.fact
    const fact = readFact(path, image.read(path))
    this.#files.set(path, { stamp, fact })
    return fact
  }
}

function push<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [item])
  else list.push(item)
}

/** The bytes of a block that was found in a home. */
export function bytesOfBlock(image: DiskImage, block: Block): Uint8Array {
  const bytes = blockAt(image.read(block.path), block)
  if (bytes === undefined) throw new Error(`block ${block.hash} is not where it was`)
  return bytes
}

const FOLDERS = new Set(['heads', 'marks', 'receipts', 'base-receipts', 'bases', 'roster'])

const NOTHING: ReadonlySet<string> = new Set()

function scopeOf(path: string): string | undefined {
  return /^blocks\/([^/]+)\/\d{8}\.seg$/.exec(path)?.[1]
}

/** What a file says, if it is what its path says. */
function readFact(path: string, bytes: Uint8Array): unknown {
  const [folder, ...names] = path.split('/')
  if (folder === 'heads') {
    const head = readHeadFile(bytes)
    const isInPlace = head && names.join('/') === `${head.endpoint}/${head.writer}/${head.seq}`
    return isInPlace === true ? head : undefined
  }
  const record = readRecord(bytes)
  if (record === undefined || record.id !== names.join('/')) return undefined
  if (folder === 'marks') return markOf(record)
  if (folder === 'receipts' || folder === 'base-receipts') return receiptOf(record)
  return folder === 'bases' ? baseOf(record) : record
}

function markOf({ id, kind, issuer, body }: SignedFact): MarkFact | undefined {
  const [endpoint, head] = [hexField(body, 'endpoint'), hexField(body, 'head')]
  const seq = numberField(body, 'seq')
  if (kind !== 'mark' || endpoint === undefined) return undefined
  if (head === undefined || seq === undefined) return undefined
  return { id, endpoint, writer: issuer, seq, head }
}

function receiptOf({ id, kind, issuer, body }: SignedFact): ReceiptFact | undefined {
  const [head, at] = [hexField(body, 'head'), numberField(body, 'at')]
  if (kind !== 'receipt' || head === undefined || at === undefined) return undefined
  return { id, issuer, endpoint: hexField(body, 'endpoint'), head, at }
}

function baseOf({ id, messageId, kind, issuer, body }: SignedFact): BaseFact | undefined {
  const [root, serial] = [rootField(body, 'root'), numberField(body, 'serial')]
  const { name } = body
  if (kind !== 'base' || root === undefined) return undefined
  if (serial === undefined || typeof name !== 'string') return undefined
  return { id: messageId, record: id, issuer, name, serial, root }
}
