// The sweep: drops what nothing reaches. It marks in a sorted list of all hashes what the roots reach,
// reading and proving every block on the way that refers to others; one that is missing ends it before
// anything is touched. Writers and offers go on meanwhile: what they ask for or put is marked too
// (reliance.ts), and what is condemned counts as absent from one moment to the next, so that whoever wants
// it puts it anew. It is dropped by one list of places that becomes durable as a whole (dropped.ts), so no
// crash keeps a parent and loses its child. Then segments with little left are written anew and removed.

import { HASH_BYTES, fromHex, toHex, type Hash, type Scope } from './block.ts'
import type { Blockstore } from './blockstore.ts'
import { DroppedPlaces } from './dropped.ts'
import { DrystoneError, Malformed, SweepIncomplete } from './errors.ts'
import { Bits, HashOrder } from './hash-order.ts'
import { childrenOf, type Kind, type Ref } from './links.ts'
import { Condemned } from './reliance.ts'
import type { Placed } from './segment.ts'
import { DROPPED_UNKNOWN, type Shelf } from './shelf.ts'
import { tidyUp } from './tidy.ts'

export interface SweepInput {
  store: Blockstore
  scope: Scope
  /** What must stay, asked for once nothing can be lost any more between the answer and the sweep. */
  roots: () => Promise<Roots>
  /** True for what may lie elsewhere: the base's blocks, for an endpoint's. */
  isElsewhere?: ((hash: Hash) => Promise<boolean>) | undefined
  /** Roots of which only the pages are here. */
  pagesOnly?: boolean | undefined
  /** True for a segment whose blocks stay though nothing reaches them yet: an offer may go on. */
  isYoung?: ((segment: number) => boolean) | undefined
  isDryRun?: boolean | undefined
  signal?: AbortSignal | undefined
  /** Waited for now and then, so that others get their turn. */
  rest?: (() => Promise<void>) | undefined
}

export interface Roots {
  kept: readonly Ref[]
  /** Reached by what was replaced, and stays for its undo time. */
  undo: readonly Ref[]
}

export interface Swept {
  /** Dropped, or to be dropped in a dry run. */
  blocks: number
  /** As they lie at rest. */
  bytes: number
  /** Blocks that only the undo time keeps. */
  keptByUndo: number
  /** Blocks that nothing reaches, and that are young. */
  young: number
  /** Bytes of segments that were removed, less what was written anew. */
  freedBytes: number
}

/** Blocks between two rests. */
const REST_BLOCKS = 4096

/**
 * Sweeps one scope.
 *
 * @throws {SweepIncomplete} if a root reaches a block that is not here: then nothing was dropped.
 * @throws {DiskFull} @throws {DiskFailed}
 */
export async function sweep(input: SweepInput): Promise<Swept> {
  const { store, scope } = input
  return store.holding(async () => {
    await store.flush()
    return new Sweep(await store.shelf(scope), input).run()
  })
}

class Sweep {
  readonly #shelf: Shelf
  readonly #input: SweepInput
  readonly #order: HashOrder
  #live = new Bits(0)
  /** Read as a directory, a list or a sealed block: a chunk of the same bytes is only live. */
  #walked = new Bits(0)
  #marked = 0
  #steps = 0
  /** Blocks that were known to be damaged when it began, and are not known to be needed. */
  #needless: Set<string>

  constructor(shelf: Shelf, input: SweepInput) {
    this.#shelf = shelf
    this.#input = input
    this.#order = new HashOrder(shelf.index.usage.blocks)
    this.#needless = new Set(shelf.index.damaged)
  }

  async run(): Promise<Swept> {
    const { roots, isDryRun = false } = this.#input
    // Nobody knows what was dropped: all that lies in the segments is looked at again.
    if (this.#isDroppedUnknown) await this.#shelf.rebuild()
    // What a job puts that runs now is held; what one put that has ended, the roots name.
    const { heldFrom } = this.#shelf.reliance
    const { kept, undo } = await roots()
    for await (const step of this.#shelf.index.steps()) {
      for (const { hash } of step) this.#order.push(hash)
      await this.#rest(step.length)
    }
    this.#live = new Bits(this.#order.size)
    this.#walked = new Bits(this.#order.size)
    await this.#markBelow(kept)
    const before = this.#marked
    await this.#markBelow(undo)
    const keptByUndo = this.#marked - before
    const young = await this.#markYoung(heldFrom)
    await this.#condemn()
    const gone = await this.#condemned()
    const swept = { ...gone.size, keptByUndo, young, freedBytes: 0 }
    if (isDryRun) return swept
    if (gone.size.blocks > 0 || this.#isDroppedUnknown) await this.#drop(gone.places)
    else this.#shelf.reliance.condemned = undefined
    // All that is needed was reached: what else is damaged is missed by nobody.
    for (const hex of this.#needless) await this.#shelf.absolve(fromHex(hex, HASH_BYTES))
    return { ...swept, freedBytes: await tidyUp(this.#shelf, this.#input) }
  }

  get #isDroppedUnknown(): boolean {
    return this.#shelf.index.damaged.has(toHex(DROPPED_UNKNOWN))
  }

  /** Marks all that `refs` reach. @throws {SweepIncomplete} */
  async #markBelow(refs: readonly Ref[]): Promise<void> {
    const pending = [...refs]
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (!this.#isNew(next)) continue
      const bytes = await this.#read(next)
      if (bytes === undefined) continue
      for (const child of this.#below(next.kind, bytes)) pending.push(child)
    }
  }

  #below(kind: Kind, bytes: Uint8Array): Ref[] {
    const children = childrenOf(kind, bytes)
    const { pagesOnly } = this.#input
    return pagesOnly === true ? children.filter((child) => child.kind !== 'chunk') : children
  }

  /** Marks one. @returns false if there is nothing to be found below it that was not found already */
  #isNew({ hash, kind }: Ref): boolean {
    const place = this.#placeOf(hash)
    if (place < 0) return true
    if (this.#live.set(place)) this.#marked++
    return kind !== 'chunk' && this.#walked.set(place)
  }

  /** The place of a hash that was reached. */
  #placeOf(hash: Hash): number {
    if (this.#needless.size > 0) this.#needless.delete(toHex(hash))
    return this.#order.find(hash)
  }

  /** A block that refers to others; undefined where it is had elsewhere. @throws {SweepIncomplete} */
  async #read({ hash, kind }: Ref): Promise<Uint8Array | undefined> {
    const { isElsewhere, scope } = this.#input
    await this.#rest(1)
    const bytes = kind === 'chunk' ? undefined : await this.#shelf.get(hash)
    if (bytes !== undefined) return bytes
    if ((await isElsewhere?.(hash)) === true) return undefined
    throw new SweepIncomplete(scope, toHex(hash))
  }

  /** @returns how many nothing else keeps */
  async #markYoung(heldFrom: number): Promise<number> {
    const { isYoung } = this.#input
    const before = this.#marked
    for await (const { hash, location } of this.#entries()) {
      if (isYoung?.(location.segment) !== true && location.segment < heldFrom) continue
      const place = this.#order.find(hash)
      if (place < 0 || this.#live.has(place)) continue
      // What is there has all below it: an older child stays with its young parent.
      await this.#markPresent(hash)
    }
    return this.#marked - before
  }

  /**
   * Marks what jobs found here since they began, with all that is here of what it reaches; and condemns the
   * rest in the same moment in which nothing is left to mark. Who looks later does not find it.
   */
  async #condemn(): Promise<void> {
    const { reliance } = this.#shelf
    for (let at = 0; ;) {
      const { found } = reliance
      if (found === undefined || at >= found.size) {
        if (this.#input.isDryRun === true) return
        reliance.condemned = new Condemned(this.#order, this.#live)
        return
      }
      await this.#markPresent(found.at(at++))
    }
  }

  async #markPresent(hash: Hash): Promise<void> {
    const pending = [hash]
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const place = this.#placeOf(next)
      if (place < 0) continue
      if (this.#live.set(place)) this.#marked++
      if (!this.#walked.set(place)) continue
      const bytes = await this.#shelf.get(next)
      if (bytes !== undefined) pending.push(...anyChildren(this.#input.scope, bytes))
    }
  }

  /** Records of what is not marked, and how much that is. */
  async #condemned(): Promise<{ places: DroppedPlaces; size: { blocks: number; bytes: number } }> {
    const size = { blocks: 0, bytes: 0 }
    const present = new Set(await this.#shelf.segments())
    const places = new DroppedPlaces(this.#shelf.writing)
    for (const place of this.#shelf.dropped) if (present.has(place.segment)) places.push(place)
    for await (const { hash, location } of this.#entries()) {
      if (!this.#isCondemned(hash)) continue
      size.blocks++
      size.bytes += location.storedLength
      places.push(location)
    }
    places.sort()
    return { places, size }
  }

  #isCondemned(hash: Hash): boolean {
    const { condemned } = this.#shelf.reliance
    if (condemned !== undefined) return condemned.has(hash)
    const place = this.#order.find(hash)
    return place >= 0 && !this.#live.has(place)
  }

  async #drop(places: DroppedPlaces): Promise<void> {
    const { reliance, index } = this.#shelf
    try {
      await this.#shelf.replaceDropped(places)
    } catch (error) {
      // Nothing was dropped, so nothing is condemned.
      if (error instanceof DrystoneError) reliance.condemned = undefined
      throw error
    }
    for await (const step of index.steps()) {
      const gone = step.filter(({ location }) => places.has(location))
      if (gone.length > 0) await this.#shelf.drop(gone)
      await this.#rest(step.length)
    }
    const { sum } = places
    if (sum !== undefined) await index.noteDropped(sum)
    await index.absolve(DROPPED_UNKNOWN)
    reliance.condemned = undefined
  }

  async *#entries(): AsyncGenerator<Placed> {
    for await (const step of this.#shelf.index.steps()) {
      yield* step
      await this.#rest(step.length)
    }
  }

  async #rest(blocks: number): Promise<void> {
    this.#input.signal?.throwIfAborted()
    this.#steps += blocks
    if (this.#steps < REST_BLOCKS) return
    this.#steps = 0
    await this.#input.rest?.()
  }
}

/** What a block may refer to, whatever it is: whoever asked for it did not say. */
function anyChildren(scope: Scope, bytes: Uint8Array): Hash[] {
  const kinds: Kind[] = isPlain(scope) ? ['directory', 'list'] : ['sealed']
  return kinds.flatMap((kind) => {
    try {
      return childrenOf(kind, bytes).map(({ hash }) => hash)
    } catch (error) {
      if (error instanceof Malformed) return []
      throw error
    }
  })
}

/** True for scopes of plain blocks; the others are endpoints'. */
function isPlain(scope: Scope): boolean {
  return !/^[0-9a-f]{32}$/.test(scope)
}
