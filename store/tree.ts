// Directory trees: look up and walk. Everything here opens only the blocks on its way, and believes no
// block that contradicts its parent: names ascend, lists fall by one level and add up.

import { listLength } from './chunk-list.ts'
import type { CID } from './block.ts'
import { DirectoryCursor, NODE_LEVELS_MAX } from './directory-cursor.ts'
import type { ChunkRef, Entry } from './entry.ts'
import { Malformed } from './errors.ts'
import { joinPath, splitPath } from './path.ts'
import type { StateReader } from './reader.ts'
import type { GetOptions } from './source.ts'

export { joinPath }

/** An entry and where it is: name bytes joined by '/', empty for the root. */
export interface PathEntry {
  path: Uint8Array
  entry: Entry
}

/** The entries of a directory, in name order. */
export async function* directoryEntries(
  reader: StateReader,
  cid: CID,
  options?: GetOptions
): AsyncGenerator<Entry> {
  for await (const page of new DirectoryCursor(reader, cid, options).pages()) yield* page
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
  return findBelow(reader, await reader.top(root), path)
}

/** The same below an entry that is open already. */
export async function findBelow(
  reader: StateReader,
  top: Entry,
  path: Uint8Array
): Promise<Entry | undefined> {
  let entry: Entry | undefined = top
  for (const name of splitPath(path)) {
    // People write 'docs/' and '/docs'.
    if (name.length === 0) continue
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
  { content, size }: Entry,
  options?: GetOptions
): AsyncGenerator<ChunkRef> {
  if (content === undefined) return
  if ('chunks' in content) yield* content.chunks
  else yield* listChunks(reader, { cid: content.list, length: size }, options)
}

/** `level` is where the list above says this one is; the topmost says for itself. */
async function* listChunks(
  reader: StateReader,
  { cid, length, level }: { cid: CID; length: number; level?: number },
  options?: GetOptions
): AsyncGenerator<ChunkRef> {
  const list = await reader.list(cid, options)
  if (level !== undefined && list.level !== level) throw new Malformed('a list at a wrong level')
  if (listLength(list) !== length) throw new Malformed('a list does not add up')
  if ('chunks' in list) {
    yield* list.chunks
    return
  }
  for (const child of list.lists) {
    yield* listChunks(reader, { ...child, level: list.level - 1 }, options)
  }
}

/** True if both are absent, or both the same bytes. */
export function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
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
    (a.type === 'directory' || sameBytes(a.hash, b.hash)) &&
    sameBytes(a.target, b.target) &&
    sameBytes(a.linkTo, b.linkTo) &&
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
      return other !== undefined && sameBytes(name, other[0]) && sameBytes(value, other[1])
    })
  )
}
