// Directory trees: look up, walk, and the difference of two. Everything here opens only the blocks on its
// way: equal directories are equal by digest and are not opened at all.

import type { CID } from './block.ts'
import type { ChunkRef, Entry } from './entry.ts'
import { Malformed } from './errors.ts'
import type { StateReader } from './reader.ts'
import type { GetOptions } from './source.ts'

const SLASH = 0x2f
/** Node blocks above a directory's pages; a chain longer than this is no directory of ours. */
const NODE_LEVELS_MAX = 16
const LIST_LEVELS_MAX = 4

/** An entry and where it is: name bytes joined by '/', empty for the root. */
export interface PathEntry {
  path: Uint8Array
  entry: Entry
}

export function joinPath(directory: Uint8Array, name: Uint8Array): Uint8Array {
  if (directory.length === 0) return name
  return Buffer.concat([directory, Uint8Array.of(SLASH), name])
}

/** The components of a path; none for the root. */
export function splitPath(path: Uint8Array): Uint8Array[] {
  const names: Uint8Array[] = []
  let start = 0
  for (let at = 0; at <= path.length; at++) {
    if (at < path.length && path[at] !== SLASH) continue
    if (at > start) names.push(path.subarray(start, at))
    start = at + 1
  }
  return names
}

/** The entries of a directory, in name order. */
export async function* directoryEntries(
  reader: StateReader,
  cid: CID,
  options: GetOptions & { level?: number } = {}
): AsyncGenerator<Entry> {
  const level = options.level ?? 0
  if (level > NODE_LEVELS_MAX) throw new Malformed('a directory of endless nodes')
  const block = await reader.directory(cid, options)
  if ('page' in block) {
    yield* block.page
    return
  }
  for (const { cid: child } of block.node) {
    yield* directoryEntries(reader, child, { ...options, level: level + 1 })
  }
}

/** One entry of a directory; opens only the pages on its way. */
export async function directoryEntry(
  reader: StateReader,
  cid: CID,
  name: Uint8Array
): Promise<Entry | undefined> {
  let at = cid
  for (let level = 0; level <= NODE_LEVELS_MAX; level++) {
    const block = await reader.directory(at)
    if ('page' in block) {
      const index = block.page.find(name)
      return index < 0 ? undefined : block.page.entry(index)
    }
    const item = block.node.find(({ last }) => Buffer.compare(name, last) <= 0)
    if (item === undefined) return undefined
    at = item.cid
  }
  throw new Malformed('a directory of endless nodes')
}

/** The entry at a path of the state with this root; undefined where there is none. */
export async function findEntry(
  reader: StateReader,
  root: CID,
  path: Uint8Array
): Promise<Entry | undefined> {
  let entry: Entry | undefined = await reader.top(root)
  for (const name of splitPath(path)) {
    if (entry?.page === undefined) return undefined
    entry = await directoryEntry(reader, entry.page, name)
  }
  return entry
}

/** Every entry at and below `entry`, a directory before what is in it, in tree order. */
export async function* walkEntries(
  reader: StateReader,
  { path, entry }: PathEntry,
  options?: GetOptions
): AsyncGenerator<PathEntry> {
  yield { path, entry }
  if (entry.page === undefined) return
  for await (const child of directoryEntries(reader, entry.page, options)) {
    yield* walkEntries(reader, { path: joinPath(path, child.name), entry: child }, options)
  }
}

/** A file's chunks in order. */
export async function* fileChunks(
  reader: StateReader,
  { content }: Entry,
  options?: GetOptions
): AsyncGenerator<ChunkRef> {
  if (content === undefined) return
  if ('chunks' in content) yield* content.chunks
  else yield* listChunks(reader, content.list, { ...options, level: 0 })
}

async function* listChunks(
  reader: StateReader,
  cid: CID,
  options: GetOptions & { level: number }
): AsyncGenerator<ChunkRef> {
  if (options.level > LIST_LEVELS_MAX) throw new Malformed('a file of endless lists')
  const list = await reader.list(cid, options)
  if ('chunks' in list) {
    yield* list.chunks
    return
  }
  for (const { cid: child } of list.lists) {
    yield* listChunks(reader, child, { ...options, level: options.level + 1 })
  }
}

/** One thing that differs between two states. */
export interface Difference {
  path: Uint8Array
  before?: Entry
  after?: Entry
}

/** A side of a comparison: a reader and the entry to look at, if there is one. */
export interface Side {
  reader: StateReader
  entry: Entry | undefined
}

/**
 * What differs between two entries and all below them, in tree order. A directory whose digest is equal
 * on both sides is not opened.
 */
export async function* differences(
  path: Uint8Array,
  before: Side,
  after: Side
): AsyncGenerator<Difference> {
  const [a, b] = [before.entry, after.entry]
  if (a === undefined && b === undefined) return
  if (a === undefined || b === undefined || !sameMetadata(a, b)) {
    yield { path, ...(a && { before: a }), ...(b && { after: b }) }
  }
  if (sameHash(a?.hash, b?.hash)) return
  const [left, right] = [entriesOf(before), entriesOf(after)]
  let [x, y] = [await left.next(), await right.next()]
  while (!x.done || !y.done) {
    const order = x.done ? 1 : y.done ? -1 : Buffer.compare(x.value.name, y.value.name)
    const entryBefore = order <= 0 && !x.done ? x.value : undefined
    const entryAfter = order >= 0 && !y.done ? y.value : undefined
    const name = (entryBefore ?? entryAfter)?.name ?? new Uint8Array()
    yield* differences(
      joinPath(path, name),
      { reader: before.reader, entry: entryBefore },
      { reader: after.reader, entry: entryAfter }
    )
    if (order <= 0) x = await left.next()
    if (order >= 0) y = await right.next()
  }
}

async function* entriesOf({ reader, entry }: Side): AsyncGenerator<Entry, undefined> {
  if (entry?.page !== undefined) yield* directoryEntries(reader, entry.page)
  return undefined
}

function sameHash(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0
}

/** True if the two differ in nothing that a user could see, directories aside from what is in them. */
export function sameMetadata(a: Entry, b: Entry): boolean {
  return (
    a.type === b.type &&
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.mtimeNs === b.mtimeNs &&
    a.size === b.size &&
    (a.type === 'directory' || sameHash(a.hash, b.hash)) &&
    sameHash(a.target, b.target) &&
    sameHash(a.linkTo, b.linkTo) &&
    a.device?.[0] === b.device?.[0] &&
    a.device?.[1] === b.device?.[1] &&
    sameXattrs(a.xattrs, b.xattrs)
  )
}

/** True if both have the same extended attributes; none and an empty list are the same. */
export function sameXattrs(a: Entry['xattrs'] = [], b: Entry['xattrs'] = []): boolean {
  return (
    a.length === b.length &&
    a.every(([name, value], i) => {
      const other = b[i]
      return other !== undefined && sameHash(name, other[0]) && sameHash(value, other[1])
    })
  )
}
