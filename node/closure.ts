// Closures: bringing a root here with all that it reaches. Walks links from the roots down, asks only for
// what is missing, and stores children before parents; so a block that is stored has everything below it,
// after any crash, and a root that is there already is never walked again. Damage breaks that: while the
// scope is not whole, what is there is walked too, and read, as if it had just come.

import {
  DAG_CBOR,
  RAW,
  cidFromHash,
  hashOf,
  type CID,
  type Hash,
  type Scope
} from '../store/block.ts'
import type { Blockstore } from '../store/blockstore.ts'
import { decodeList, listLinks } from '../store/chunk-list.ts'
import { decodeDirectory } from '../store/directory.ts'
import { BlockDamaged, BlockMissing, Malformed } from '../store/errors.ts'
import { pageLinks } from '../store/page.ts'
import { isSealed, sealedLinks } from '../store/seal.ts'
import { unpackBlock, type StoredBlock } from '../store/stored.ts'
import { WANTED_MAX } from '../protocol/limits.ts'

/** What a block is taken for: its parent says so. A sealed block says its own links. */
export type Kind = 'directory' | 'list' | 'chunk' | 'sealed'

export interface Ref {
  hash: Hash
  kind: Kind
}

/** Obtains stored blocks in the order asked; undefined where nobody has one. */
export type PullBlocks = (
  scope: Scope,
  hashes: readonly Hash[]
) => AsyncIterable<StoredBlock | undefined>

export interface FillCount {
  blocks: number
  bytes: number
}

export interface Filling {
  store: Blockstore
  scope: Scope
  pull: PullBlocks
  /** Blocks that are had elsewhere and need not be brought: the base's, for an endpoint's. */
  isElsewhere?: (hash: Hash) => Promise<boolean>
  /** Leave the chunks out: what is needed to know a base, not to have it. */
  pagesOnly?: boolean
  onBlock?: (bytes: number) => void
}

/**
 * Brings everything that `refs` reach into the store; durable only after the store's flush.
 *
 * @throws {BlockMissing} if nobody has a block; what was complete below it is kept.
 */
export async function fill(filling: Filling, refs: readonly Ref[]): Promise<FillCount> {
  const { store, scope } = filling
  const count = { blocks: 0, bytes: 0 }
  const trusted = await store.isWhole(scope)
  await fillBelow({ ...filling, count, walked: trusted ? undefined : new Set() }, refs)
  // Damage may have been met meanwhile, by whoever reads.
  if (trusted && !(await store.isWhole(scope))) {
    await fillBelow({ ...filling, count, walked: new Set() }, refs)
  }
  return count
}

interface Running extends Filling {
  count: FillCount
  /** Where presence proves nothing: hashes, as `keyOf`, of the blocks that were read and walked. */
  walked: Set<string> | undefined
}

async function fillBelow(running: Running, refs: readonly Ref[]): Promise<void> {
  for (let at = 0; at < refs.length; at += WANTED_MAX) {
    const { missing, below } = await lookUp(running, refs.slice(at, at + WANTED_MAX))
    await fillBelow(running, below)
    await fillBatch(running, missing)
  }
}

/** What is not here of `refs`; and what those that are here refer to, where that has to be looked at. */
async function lookUp(
  running: Running,
  refs: readonly Ref[]
): Promise<{ missing: Ref[]; below: Ref[] }> {
  const { store, scope, isElsewhere, walked } = running
  const missing: Ref[] = []
  const below: Ref[] = []
  const seen = new Set<string>()
  for (const ref of refs) {
    const key = keyOf(ref)
    if (seen.has(key) || walked?.has(key) === true) continue
    seen.add(key)
    const bytes = walked && (await store.get(scope, ref.hash))
    if (bytes !== undefined) {
      walked?.add(key)
      below.push(...wantedBelow(running, ref.kind, bytes))
    } else if (walked !== undefined || !(await store.has(scope, ref.hash))) {
      if ((await isElsewhere?.(ref.hash)) !== true) missing.push(ref)
    }
  }
  return { missing, below }
}

async function fillBatch(running: Running, refs: readonly Ref[]): Promise<void> {
  if (refs.length === 0) return
  const parents: { cid: CID; stored: StoredBlock; children: Ref[] }[] = []
  let i = 0
  for await (const stored of running.pull(
    running.scope,
    refs.map(({ hash }) => hash)
  )) {
    const ref = refs[i++]
    if (ref === undefined) throw new Malformed('more blocks came than were asked for')
    const cid = cidOfRef(ref)
    if (stored === undefined) throw new BlockMissing(cid.toString())
    const children = readChildren(running, ref, stored)
    if (children.length === 0) await keep(running, cid, stored)
    else parents.push({ cid, stored, children })
  }
  if (i !== refs.length) throw new Malformed('fewer blocks came than were asked for')
  // All their children together: one request for many parents' few.
  await fillBelow(
    running,
    parents.flatMap(({ children }) => children)
  )
  for (const { cid, stored } of parents) await keep(running, cid, stored)
}

async function keep(running: Running, cid: CID, stored: StoredBlock): Promise<void> {
  await running.store.putStored(running.scope, cid, stored)
  running.count.blocks++
  running.count.bytes += stored.body.length
  running.onBlock?.(stored.body.length)
}

/** A chunk is not opened here: the store proves it when it is kept. */
function readChildren(running: Running, { hash, kind }: Ref, stored: StoredBlock): Ref[] {
  if (kind === 'chunk') return []
  const bytes = unpackBlock(hash, stored)
  if (bytes === undefined) throw new BlockDamaged(cidOfRef({ hash, kind }).toString())
  return wantedBelow(running, kind, bytes)
}

function wantedBelow({ pagesOnly }: Filling, kind: Kind, bytes: Uint8Array): Ref[] {
  const children = childrenOf(kind, bytes)
  return pagesOnly === true ? children.filter((child) => child.kind !== 'chunk') : children
}

/** A file may hold the very bytes of a page: taken for a chunk it has nothing below it. */
function keyOf({ hash, kind }: Ref): string {
  return `${kind} ${Buffer.from(hash).toString('latin1')}`
}

function cidOfRef({ hash, kind }: Ref): CID {
  return cidFromHash(kind === 'chunk' ? RAW : DAG_CBOR, hash)
}

/** What a block refers to, read as `kind`. @throws {Malformed} if it is not that. */
export function childrenOf(kind: Kind, bytes: Uint8Array): Ref[] {
  if (kind === 'chunk') return []
  if (kind === 'sealed') {
    if (!isSealed(bytes)) throw new Malformed('a block that should be sealed is not')
    return sealedLinks(bytes).links.map((hash) => ({ hash, kind: 'sealed' }))
  }
  if (kind === 'list') {
    const list = decodeList(bytes)
    return refs(listLinks(list), list.level === 0 ? 'chunk' : 'list')
  }
  const block = decodeDirectory(bytes)
  if ('node' in block)
    return refs(
      block.node.map(({ cid }) => cid),
      'directory'
    )
  const { pages, lists, chunks } = pageLinks(block.page)
  return [...refs(chunks, 'chunk'), ...refs(lists, 'list'), ...refs(pages, 'directory')]
}

function refs(cids: readonly CID[], kind: Kind): Ref[] {
  return cids.map((cid) => ({ hash: hashOf(cid), kind }))
}

/** Every block below and including `root`, of a plain state held in `store`, children before parents. */
export async function* plainClosure(
  get: (hash: Hash) => Promise<Uint8Array | undefined>,
  ref: Ref,
  seen = new Set<string>()
): AsyncGenerator<Ref> {
  const key = keyOf(ref)
  if (seen.has(key)) return
  seen.add(key)
  if (ref.kind !== 'chunk') {
    const bytes = await get(ref.hash)
    if (bytes === undefined) throw new BlockMissing(cidOfRef(ref).toString())
    for (const child of childrenOf(ref.kind, bytes)) yield* plainClosure(get, child, seen)
  }
  yield ref
}
