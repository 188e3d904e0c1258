// Scrubbing: reading all that a peer keeps, a piece at a time, over weeks. Each piece goes on where the one
// before ended; what it finds damaged, or refers to and lacks, is remembered at once. It comes from what the
// segments hold and finds what decays, and from what must be here and finds what is gone.

import { toHex, type Hash, type Scope } from './block.ts'
import type { Blockstore } from './blockstore.ts'
import type { Root } from './check.ts'
import { Links, walkPlain } from './closures.ts'
import { DiskFailed, FileMissing } from './errors.ts'
import type { Pace } from './pace.ts'
import type { BlockName } from './quarantine.ts'
import { blockAt, checkSegment } from './segment-check.ts'
import type { Location } from './segment.ts'
import type { Shelf } from './shelf.ts'

/** Where a scrub goes on: with this record. */
export interface ScrubPlace {
  scope: Scope
  segment: number
  offset: number
}

export interface ScrubInput {
  /** Where to begin; at the front if undefined. */
  from: ScrubPlace | undefined
  /** How much to read; it may be a block more. */
  bytesMax: number
  /** What must be here with all it reaches; `elsewhere` is where a sealed block's links may lead as well. */
  roots?: readonly Root[]
  elsewhere?: readonly Scope[]
  pace?: Pace
  signal?: AbortSignal | undefined
}

export interface Scrubbed {
  bytes: number
  /** Blocks that were blamed. */
  found: BlockName[]
  /** Undefined when the end was reached. */
  next: ScrubPlace | undefined
}

/** Reads on, proves, and blames what is not whole. */
export async function scrub(store: Blockstore, input: ScrubInput): Promise<Scrubbed> {
  const done: Scrubbed = { bytes: 0, found: [], next: undefined }
  const promised = (input.roots ?? []).map(({ scope }) => scope)
  const scopes = new Set([...(await store.scopes()), ...promised])
  for (const scope of [...scopes].sort()) {
    if (input.from !== undefined && scope < input.from.scope) continue
    done.next = await new ScopeScrub(store, scope, { input, done }).run()
    if (done.next !== undefined) break
  }
  return done
}

class ScopeScrub {
  readonly #store: Blockstore
  readonly #scope: Scope
  readonly #input: ScrubInput
  readonly #done: Scrubbed

  constructor(
    store: Blockstore,
    scope: Scope,
    { input, done }: { input: ScrubInput; done: Scrubbed }
  ) {
    this.#store = store
    this.#scope = scope
    this.#input = input
    this.#done = done
  }

  /** Where to go on, if not all of the scope was read. */
  async run(): Promise<ScrubPlace | undefined> {
    const { from, roots = [], elsewhere = [], signal } = this.#input
    const shelf = await this.#store.shelf(this.#scope)
    const own = roots.filter((root) => root.scope === this.#scope).map(({ ref }) => ref)
    const links = new Links(this.#store, {
      scope: this.#scope,
      elsewhere: elsewhere.filter((each) => each !== this.#scope),
      onMissing: (link, place) => this.#miss(shelf, link, place)
    })
    const isBegun = from?.scope === this.#scope
    if (!isBegun) await this.#findLostSegments(shelf)
    const isSealed = own.some(({ kind }) => kind === 'sealed')
    const next = await this.#segments(shelf, isSealed ? links : undefined)
    if (next === undefined) {
      const walk = {
        store: this.#store,
        scope: this.#scope,
        links,
        seen: new Set<string>(),
        signal
      }
      for (const ref of own) {
        if (ref.kind === 'sealed') await links.add([ref.hash])
        else await walkPlain(walk, ref)
      }
    }
    await links.flush()
    return next
  }

  async #segments(shelf: Shelf, links: Links | undefined): Promise<ScrubPlace | undefined> {
    const { from, bytesMax, pace, signal } = this.#input
    const begin = from?.scope === this.#scope ? from : { segment: 0, offset: 0 }
    const reaches = await shelf.index.reaches()
    for (const segment of await shelf.segments()) {
      if (segment < begin.segment) continue
      const place = { scope: this.#scope, segment, offset: 0 }
      if (this.#done.bytes >= bytesMax) return place
      const onLinks = links && ((at: Location, found: readonly Hash[]) => links.add(found, at))
      try {
        const { damaged, bytes, next } = await checkSegment({
          ...{ shelf, segment, end: reaches.get(segment)?.end ?? 0, deep: true },
          ...{ from: segment === begin.segment ? begin.offset : 0 },
          ...{ bytesMax: bytesMax - this.#done.bytes, pace, signal, onLinks }
        })
        this.#done.bytes += bytes
        for (const hash of damaged) await this.#blame(hash)
        if (next !== undefined) return { ...place, offset: next }
      } catch (error) {
        // What is in it is blamed when it is wanted; or a sweep has let go of it.
        if (!(error instanceof DiskFailed || error instanceof FileMissing)) throw error
      }
    }
    return undefined
  }

  /**
   * A file that was taken away takes its blocks with it, and after a restart nothing would tell. While this
   * process has it open still, they can be saved.
   */
  async #findLostSegments(shelf: Shelf): Promise<void> {
    const reaches = await shelf.index.reaches()
    const present = new Set(await shelf.segments())
    const lost = new Set([...reaches.keys()].filter((segment) => !present.has(segment)))
    if (lost.size === 0) return
    for await (const step of shelf.index.steps()) {
      for (const placed of step.filter(({ location }) => lost.has(location.segment))) {
        if (!(await shelf.move(placed))) await this.#blame(placed.hash)
      }
    }
    await this.#store.flush()
    for (const segment of lost) await shelf.index.forgetSegment(segment)
  }

  async #miss(shelf: Shelf, link: Hash, place: Location | undefined): Promise<void> {
    if (place !== undefined && (await blockAt(shelf, place))?.isWhole !== true) return
    for (const other of this.#input.elsewhere ?? []) {
      const noted = (await this.#store.shelf(other)).index.damaged
      if (noted.has(toHex(link))) return
    }
    await this.#blame(link)
  }

  async #blame(hash: Hash): Promise<void> {
    await this.#store.blame(this.#scope, hash)
    if (!(await this.#store.shelf(this.#scope)).index.damaged.has(toHex(hash))) return
    this.#done.found.push({ scope: this.#scope, hash })
  }
}
