// Closures: bringing a root here with all that it reaches. Walks links from the roots down, asks only for
// what is missing, and stores children before parents; so a block that is stored has everything below it,
// after any crash, and a root that is there already is never walked again. Damage breaks that: while the
// scope is not whole, what is there is walked too, and read, as if it had just come. Parents wait in memory
// for their children, and whoever made them may mean harm: how much waits is bounded, whatever links say.

import type { Hash, Scope } from '../store/block.ts'
import type { Blockstore } from '../store/blockstore.ts'
import { BlockDamaged, BlockMissing, Malformed } from '../store/errors.ts'
import { childrenOf, cidOfRef, keyOf, type Kind, type Ref } from '../store/links.ts'
import { unpackBlock, type StoredBlock } from '../store/stored.ts'
import { WANTED_MAX } from '../protocol/limits.ts'

/** Obtains stored blocks in the order asked; undefined where nobody has one. */
export type PullBlocks = (
  scope: Scope,
  hashes: readonly Hash[]
) => AsyncIterable<StoredBlock | undefined>

/** While this much waits, no more parents are held side by side: the others are asked for again later. */
const HELD_BYTES = 16 << 20
/** No honest state has so much in one line of parents: a refusal. */
const HELD_BYTES_MAX = 128 << 20
/** What a link, and a step of the way down, cost in memory. */
const LINK_BYTES = 256
const STEP_BYTES = 4096

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
  const running = { ...filling, count, held: new Map<string, StoredBlock>(), heldBytes: 0 }
  const trusted = await store.isWhole(scope)
  await fillBelow({ ...running, walked: trusted ? undefined : new Set() }, refs)
  // Damage may have been met meanwhile, by whoever reads.
  if (trusted && !(await store.isWhole(scope))) {
    await fillBelow({ ...running, walked: new Set() }, refs)
  }
  return count
}

interface Running extends Filling {
  count: FillCount
  /** Where presence proves nothing: hashes, as `keyOf`, of the blocks that were read and walked. */
  walked: Set<string> | undefined
  /** Parents that wait for their children, by `keyOf`. */
  held: Map<string, StoredBlock>
  /** What they take, with their links. */
  heldBytes: number
}

async function fillBelow(running: Running, refs: readonly Ref[]): Promise<void> {
  for (let at = 0; at < refs.length; at += WANTED_MAX) {
    await fillBatch(running, await lookUp(running, refs.slice(at, at + WANTED_MAX)))
  }
}

/** What is not here of `refs`. What those that are here refer to is filled, where presence proves nothing. */
async function lookUp(running: Running, refs: readonly Ref[]): Promise<Ref[]> {
  const { store, scope, isElsewhere, walked } = running
  const missing: Ref[] = []
  const seen = new Set<string>()
  for (const ref of refs) {
    const key = keyOf(ref)
    if (seen.has(key) || walked?.has(key) === true) continue
    seen.add(key)
    const bytes = walked && (await store.get(scope, ref.hash))
    if (bytes !== undefined) {
      walked?.add(key)
      const children = wantedBelow(running, ref.kind, bytes)
      await holding(running, costOf(children), () => fillBelow(running, children))
    } else if (walked !== undefined || !(await store.has(scope, ref.hash))) {
      if ((await isElsewhere?.(ref.hash)) !== true) missing.push(ref)
    }
  }
  return missing
}

async function fillBatch(running: Running, refs: readonly Ref[]): Promise<void> {
  if (refs.length === 0) return
  const { held } = running
  const parents: { ref: Ref; stored: StoredBlock }[] = []
  const children: Ref[] = []
  const later: Ref[] = []
  let cost = 0
  for await (const { ref, stored } of obtain(running, refs)) {
    const below = readChildren(running, ref, stored)
    const own = stored.body.length + costOf(below)
    if (below.length === 0) {
      await keep(running, ref, stored)
    } else if (parents.length > 0 && running.heldBytes + cost + own > HELD_BYTES) {
      later.push(ref)
    } else {
      cost += own
      parents.push({ ref, stored })
      for (const child of below) children.push(child)
    }
  }
  for (const { ref, stored } of parents) held.set(keyOf(ref), stored)
  // All their children together: one request for many parents' few.
  await holding(running, cost, () => fillBelow(running, children))
  for (const { ref, stored } of parents) {
    // Else it was met again on the way, and kept there, before what refers to it there.
    if (held.delete(keyOf(ref))) await keep(running, ref, stored)
  }
  for (const ref of later) await fillBelow(running, [ref])
}

/** Each block with what it was asked for as. What waits for its children further up is not asked again. */
async function* obtain(
  { held, pull, scope }: Running,
  refs: readonly Ref[]
): AsyncGenerator<{ ref: Ref; stored: StoredBlock }> {
  const wanted: Ref[] = []
  for (const ref of refs) {
    const stored = held.get(keyOf(ref))
    if (stored === undefined) wanted.push(ref)
    else yield { ref, stored }
  }
  if (wanted.length === 0) return
  let i = 0
  const hashes = wanted.map(({ hash }) => hash)
  for await (const stored of pull(scope, hashes)) {
    const ref = wanted[i++]
    if (ref === undefined) throw new Malformed('more blocks came than were asked for')
    if (stored === undefined) throw new BlockMissing(cidOfRef(ref).toString())
    yield { ref, stored }
  }
  if (i !== wanted.length) throw new Malformed('fewer blocks came than were asked for')
}

function costOf(children: readonly Ref[]): number {
  return STEP_BYTES + children.length * LINK_BYTES
}

/** Runs `work` while `bytes` more wait for it. @throws {Malformed} if that is too much. */
async function holding(running: Running, bytes: number, work: () => Promise<void>): Promise<void> {
  running.heldBytes += bytes
  if (running.heldBytes > HELD_BYTES_MAX) throw new Malformed('links lead down without an end')
  await work()
  running.heldBytes -= bytes
}

async function keep(running: Running, ref: Ref, stored: StoredBlock): Promise<void> {
  await running.store.putStored(running.scope, cidOfRef(ref), stored)
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
