// States for tests: a place for blocks that counts what is read, and entries made from little. What is
// counted is what a test may promise about work.

import fc from 'fast-check'
import {
  RAW,
  DAG_CBOR,
  cidOf,
  isBlock,
  sha256,
  toHex,
  type CID,
  type Hash,
  type Scope
} from '../../store/block.ts'
import type { Body } from '../../store/chunk-list.ts'
import { directoryDigest } from '../../store/digest.ts'
import { writeDirectory } from '../../store/directory.ts'
import type { Entry } from '../../store/entry.ts'
import { encodePage } from '../../store/page.ts'
import { isName } from '../../store/page-columns.ts'
import { BodyStateReader, openBodies, type Keyring, type StateReader } from '../../store/reader.ts'
import type { BlockTarget, Sink } from '../../store/sink.ts'
import type { Source } from '../../store/source.ts'
import { unpackBlock, type StoredBlock } from '../../store/stored.ts'

/** Blocks in memory. What it gives is verified, as a Source must. */
export class MemoryBlocks implements BlockTarget, Source {
  readonly blocks = new Map<string, Uint8Array>()
  /** The blocks that were asked for, in order. */
  readonly asked: string[] = []

  hasEach(_: Scope, hashes: readonly Hash[]): Promise<boolean[]> {
    return Promise.resolve(hashes.map((hash) => this.blocks.has(toHex(hash))))
  }

  putPacked(scope: Scope, cid: CID, stored: StoredBlock): Promise<void> {
    return this.put(scope, cid, unpackBlock(cid.multihash.digest, stored) ?? new Uint8Array())
  }

  put(_: Scope, cid: CID, bytes: Uint8Array): Promise<void> {
    if (!isBlock(cid, bytes)) throw new Error('a block that is not what its address says')
    this.blocks.set(toHex(cid.multihash.digest), new Uint8Array(bytes))
    return Promise.resolve()
  }

  get(cid: CID): Promise<Uint8Array | undefined> {
    this.asked.push(cid.toString())
    return Promise.resolve(this.blocks.get(toHex(cid.multihash.digest)))
  }

  /** A reader that keeps no block, so that every block it needs is asked for. */
  reader(keyring?: Keyring): StateReader {
    return new BodyStateReader(openBodies(this, keyring), { recentBytes: 0 })
  }
}

/** Puts bodies as pages of a sink. */
export function pagesOf(sink: Sink): (page: Body) => Promise<CID> {
  return ({ body, links }) => sink.put('page', body, links)
}

export function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text))
}

const METADATA = { mode: 0o644, uid: 1000, gid: 1000, mtimeNs: 1_700_000_000_123_456_789n }

/** A file of one chunk, or of none if the content is empty. */
export function fileOf(name: string, content = `content of ${name}`): Entry {
  const bytes = bytesOf(content)
  const hash = sha256(bytes)
  const chunk = { cid: cidOf(RAW, bytes), length: bytes.length, hash }
  return {
    ...METADATA,
    name: bytesOf(name),
    type: 'file',
    size: bytes.length,
    hash,
    content: { chunks: bytes.length === 0 ? [] : [chunk] }
  }
}

export function linkOf(name: string, target: string): Entry {
  return { ...METADATA, name: bytesOf(name), type: 'symlink', size: 0, target: bytesOf(target) }
}

export function sorted(entries: readonly Entry[]): Entry[] {
  return [...entries].sort((a, b) => Buffer.compare(a.name, b.name))
}

/** A directory whose entries are stored through the sink. */
export async function directoryOf(
  sink: Sink,
  name: string,
  entries: readonly Entry[]
): Promise<Entry> {
  const inOrder = sorted(entries)
  return {
    name: bytesOf(name),
    type: 'directory',
    mode: 0o755,
    uid: 1000,
    gid: 1000,
    mtimeNs: 1_600_000_000_000_000_000n,
    size: 0,
    hash: directoryDigest(inOrder),
    page: await writeDirectory(inOrder, pagesOf(sink))
  }
}

/** The root of a state with this top directory, whose name is empty. */
export async function topOf(sink: Sink, directory: Entry): Promise<CID> {
  const { body, links } = encodePage([directory])
  return sink.put('top', body, links)
}

const hashes = fc.uint8Array({ minLength: 32, maxLength: 32 })
const somewhere = hashes.map((bytes) => cidOf(DAG_CBOR, bytes))

const files = fc
  .record({
    hash: hashes,
    lengths: fc.array(fc.integer({ min: 1, max: 1 << 20 }), { maxLength: 5 }),
    list: fc.boolean(),
    linkTo: fc.option(fc.uint8Array({ minLength: 1, maxLength: 9 }), { nil: undefined })
  })
  .map(({ hash, lengths, list, linkTo }): Partial<Entry> => {
    const chunks = lengths.map((length, i) => {
      const own = lengths.length === 1 ? hash : sha256(Uint8Array.of(...hash, i))
      return { cid: cidOf(i % 2 === 0 ? RAW : DAG_CBOR, own), length, hash: own }
    })
    const content = list && chunks.length > 1 ? { list: cidOf(DAG_CBOR, hash) } : { chunks }
    const size = lengths.reduce((sum, length) => sum + length, 0)
    return { type: 'file', size, hash, content, ...(linkTo && { linkTo }) }
  })

const directories = fc
  .tuple(hashes, somewhere)
  .map(([hash, page]): Partial<Entry> => ({ type: 'directory', hash, page }))

const number = fc.integer({ min: 0, max: 0xffffffff })
/** No system has zero bytes in link targets and names of attributes. */
const someBytes = fc.uint8Array({ min: 1, minLength: 1, maxLength: 9 })
const others: fc.Arbitrary<Partial<Entry>> = fc.oneof(
  someBytes.map((target) => ({ type: 'symlink', target })),
  fc.tuple(number, number).map((device) => ({ type: 'block', device })),
  fc.tuple(number, number).map((device) => ({ type: 'character', device })),
  fc.constantFrom({ type: 'fifo' }, { type: 'socket' })
) as fc.Arbitrary<Partial<Entry>>

const xattrs = fc
  .uniqueArray(fc.tuple(someBytes, fc.uint8Array({ maxLength: 9 })), {
    selector: ([name]) => toHex(name),
    maxLength: 3
  })
  .map((pairs) => pairs.sort(([a], [b]) => Buffer.compare(a, b)))

/** Any entry that a page can hold. */
export const anyEntry: fc.Arbitrary<Entry> = fc
  .record({
    name: fc.uint8Array({ minLength: 1, maxLength: 12 }).filter(isName),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: number,
    gid: number,
    // Years −2,300 to 292 million: what a file system with 64-bit seconds can say.
    mtimeNs: fc.bigInt({ min: -(2n ** 67n), max: 2n ** 92n }),
    rest: fc.oneof(files, directories, others),
    attributes: xattrs
  })
  .map(({ rest, attributes, ...entry }) => ({
    ...entry,
    type: 'file',
    size: 0,
    ...rest,
    ...(attributes.length > 0 && { xattrs: attributes })
  }))

/** Entries of one directory, in name order. */
export const anyEntries: fc.Arbitrary<Entry[]> = fc
  .uniqueArray(anyEntry, { selector: ({ name }) => toHex(name), maxLength: 20 })
  .map(sorted)
