// Directories as blocks: one page when small; when large, leaf pages cut by a hash of the name, so that
// an edit moves no other cut, and node blocks above them that say which page has which names. Built
// bottom-up, children first; the cuts depend only on the entries, so equal directories share every block.

import { CID_BYTES, cidFromBytes, hashOf, sha256, type CID } from './block.ts'
import type { Body } from './chunk-list.ts'
import { bytesOf, decode, encode, readList } from './codec.ts'
import type { Entry } from './entry.ts'
import { Malformed } from './errors.ts'
import { Page, encodePage } from './page.ts'
import { NAME_BYTES_MAX, PAGE_ENTRIES_MAX, isName } from './page-columns.ts'

/** A page ends after a name whose hash has its low seven bits zero: about every 128 entries. */
const CUT_BITS = 7
/** Or when it would grow past either of these. */
const PAGE_ENTRIES_MOST = 512
const PAGE_BYTES_MOST = 256 * 1024

/** One child of a node: a page or node, and the last name in it. */
export interface NodeItem {
  last: Uint8Array
  cid: CID
}

/** What stands behind a directory's address. */
export type DirectoryBlock = { page: Page } | { node: NodeItem[] }

/** @throws {Malformed} */
export function decodeDirectory(body: Uint8Array): DirectoryBlock {
  return isNode(body) ? { node: decodeNode(body) } : { page: new Page(body) }
}

/** `['node', …]` encodes as a list of two whose first item is a text of four. */
function isNode(body: Uint8Array): boolean {
  return body[0] === 0x82
}

function encodeNode(items: readonly NodeItem[]): Body {
  return {
    body: encode(['node', items.map(({ last, cid }) => [last, cid.bytes])]),
    links: items.map(({ cid }) => hashOf(cid))
  }
}

function decodeNode(body: Uint8Array): NodeItem[] {
  const [kind, items] = readList(decode(body), 'node', 2)
  if (kind !== 'node' || !Array.isArray(items)) throw new Malformed('a block is not a node')
  if (items.length < 2 || items.length > PAGE_ENTRIES_MAX) throw new Malformed('a node of odd size')
  let before: Uint8Array | undefined
  return items.map((item) => {
    const [lastValue, cidValue] = readList(item, 'node item', 2)
    const last = bytesOf(0, NAME_BYTES_MAX)(lastValue, 'node name')
    if (!isName(last)) throw new Malformed('an impossible name in a node')
    if (before !== undefined && Buffer.compare(before, last) >= 0) {
      throw new Malformed('node names are not sorted and unique')
    }
    before = last
    return { last, cid: cidFromBytes(bytesOf(CID_BYTES)(cidValue, 'node address')) }
  })
}

/** Stores a directory's entries, sorted by name; returns the address of its page or top node. */
export async function writeDirectory(
  entries: readonly Entry[],
  put: (page: Body) => Promise<CID>
): Promise<CID> {
  let items: NodeItem[] = []
  for (const group of cutGroups(entries, (entry) => entry.name, entryBytes)) {
    items.push({ last: lastOf(group).name, cid: await put(encodePage(group)) })
  }
  if (items.length === 0) return put(encodePage([]))
  for (let level = 1; items.length > 1; level++) {
    const above: NodeItem[] = []
    for (const group of nodeGroups(items, level)) {
      const only = group.length === 1 ? group[0] : undefined
      above.push(only ?? { last: lastOf(group).last, cid: await put(encodeNode(group)) })
    }
    items = above
  }
  return lastOf(items).cid
}

function lastOf<T>(items: readonly T[]): T {
  const last = items.at(-1)
  if (last === undefined) throw new RangeError('no items')
  return last
}

/** Groups for the next level; where every name is a cut, which would never end, cuts do not count. */
function nodeGroups(items: readonly NodeItem[], level: number): NodeItem[][] {
  const last = (item: NodeItem): Uint8Array => item.last
  const groups = [...cutGroups(items, last, nodeBytes, level)]
  return groups.length < items.length ? groups : [...cutGroups(items, last, nodeBytes, -1)]
}

function* cutGroups<T>(
  items: readonly T[],
  nameOf: (item: T) => Uint8Array,
  bytesIn: (item: T) => number,
  level = 0
): Generator<T[]> {
  let group: T[] = []
  let bytes = 0
  for (const item of items) {
    const size = bytesIn(item)
    if (
      group.length > 0 &&
      (group.length === PAGE_ENTRIES_MOST || bytes + size > PAGE_BYTES_MOST)
    ) {
      yield group
      group = []
      bytes = 0
    }
    group.push(item)
    bytes += size
    if (isCut(nameOf(item), level)) {
      yield group
      group = []
      bytes = 0
    }
  }
  if (group.length > 0) yield group
}

/** Each level looks at its own byte of the name's hash, so that levels cut independently; -1: never. */
function isCut(name: Uint8Array, level: number): boolean {
  if (level < 0) return false
  return ((sha256(name)[level % 32] as number) & ((1 << CUT_BITS) - 1)) === 0
}

function nodeBytes({ last }: NodeItem): number {
  return last.length + CID_BYTES + 8
}

function entryBytes({ name, content, target, xattrs, linkTo }: Entry): number {
  const chunks = content !== undefined && 'chunks' in content ? content.chunks.length : 1
  const extra = (target?.length ?? 0) + (linkTo?.length ?? 0)
  const attributes = (xattrs ?? []).reduce(
    (sum, [key, value]) => sum + key.length + value.length,
    0
  )
  return 80 + name.length + chunks * 72 + extra + attributes
}
