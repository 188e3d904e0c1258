// The blockstore: every block that this peer keeps, by scope and hash. A block is proved before it is kept
// and again whenever it is read; wrong bytes never leave here. What was put is durable when a later flush
// resolves. Within a scope a crash leaves a prefix of what was put: wait for a child's put before its
// parent's, and no parent is ever there without its children. Across scopes, flush in between. Damage breaks
// that promise, so it is remembered: while a scope is not whole, nothing follows from a block's presence.

import { BASE_SCOPE, hashOf, verifyBlock, type CID, type Hash, type Scope } from './block.ts'
import type { Usage } from './block-index.ts'
import type { Disk } from './disk.ts'
import { BlockDamaged, Malformed, type StorePoisoned } from './errors.ts'
import type { Index } from './index.ts'
import { OpenFiles } from './open-files.ts'
import type { Hold, Holds } from './reliance.ts'
import type { Health } from './appender.ts'
import { Shelf } from './shelf.ts'
import type { Source } from './source.ts'
import { HEADER_BYTES, segmentPath } from './segment.ts'
import { assertStored, packBlock, unpackBlock } from './stored.ts'
import type { StoredBlock, StoredPlace } from './stored.ts'

export type { StoredBlock } from './stored.ts'

/** A segment is closed, and the next begun, when its records reach this size. */
export const DEFAULT_SEGMENT_BYTES = 256 << 20
/** How many hashes `missing` looks up at a time. */
const MISSING_STEP = 1024
const SCOPE = /^[a-z0-9]{1,64}$/

export interface BlockstoreComponents {
  disk: Disk
  index: Index
}

export interface BlockstoreInit {
  /** Told of every block that was found damaged or out of reach while it was wanted. */
  onDamage?: ((damage: { scope: Scope; hash: Hash }) => void) | undefined
  segmentBytes?: number | undefined
}

export class Blockstore {
  readonly #components: BlockstoreComponents
  readonly #init: BlockstoreInit
  readonly #files: OpenFiles
  readonly #health: Health = { poison: undefined }
  readonly #holds: Holds = new Set()
  readonly #shelves = new Map<Scope, Promise<Shelf>>()
  #rebuilt = 0
  #nextFlush: Promise<void> | undefined
  #lastFlush: Promise<void> = Promise.resolve()

  private constructor(components: BlockstoreComponents, init: BlockstoreInit) {
    this.#components = components
    this.#init = init
    this.#files = new OpenFiles(components.disk)
  }

  /** Opens what the home holds. Damage never keeps it from opening. */
  static async open(
    components: BlockstoreComponents,
    init: BlockstoreInit = {}
  ): Promise<Blockstore> {
    const store = new Blockstore(components, init)
    for (const name of (await components.disk.list('blocks')) ?? []) {
      if (SCOPE.test(name)) await store.shelf(name)
    }
    return store
  }

  /** How many segments had to be read because the index did not know all of them; 0 after a clean close. */
  get rebuilt(): number {
    return this.#rebuilt
  }

  /** Set once the disk failed to make blocks durable: nothing more is acknowledged. */
  get poison(): StorePoisoned | undefined {
    return this.#health.poison
  }

  /** Scopes that hold at least one block, or are known to lack one; sorted. */
  async scopes(): Promise<Scope[]> {
    const scopes: Scope[] = []
    for (const [scope, shelf] of this.#shelves) {
      const { usage, isWhole } = await shelf
      if (usage.blocks > 0 || !isWhole) scopes.push(scope)
    }
    return scopes.sort()
  }

  async has(scope: Scope, hash: Hash): Promise<boolean> {
    return (await (await this.shelf(scope)).has([hash]))[0] === true
  }

  /** In the order of `hashes`. */
  async hasEach(scope: Scope, hashes: readonly Hash[]): Promise<boolean[]> {
    return (await this.shelf(scope)).has(hashes)
  }

  /**
   * Runs a job that builds on blocks before a root names them: until it has ended, no sweep takes what it
   * found here or put.
   */
  async holding<T>(job: () => Promise<T>): Promise<T> {
    const hold: Hold = new Map()
    // At once, and from the first segment; then from where each scope stands now.
    this.#holds.add(hold)
    for (const [scope, shelf] of this.#shelves) hold.set(scope, (await shelf).writing)
    try {
      return await job()
    } finally {
      this.#holds.delete(hold)
      for (const shelf of await Promise.allSettled(this.#shelves.values())) {
        const isUnheld = this.#holds.size === 0
        if (isUnheld && shelf.status === 'fulfilled') shelf.value.reliance.forget()
      }
    }
  }

  /** The block's bytes, proved by their hash, or undefined. */
  async get(scope: Scope, hash: Hash): Promise<Uint8Array | undefined> {
    return (await this.shelf(scope)).rely(hash)
  }

  /** The block as it lies at rest, to be sent. Checked for decay only: the receiver proves the hash. */
  async getStored(scope: Scope, hash: Hash): Promise<StoredBlock | undefined> {
    return (await this.shelf(scope)).getStored(hash)
  }

  /** Where a block lies, for other threads and processes; undefined also where the disk is none of theirs. */
  async place(scope: Scope, hash: Hash): Promise<StoredPlace | undefined> {
    const { location: home } = this.#components.disk
    const location = await (await this.shelf(scope)).locate(hash)
    if (home === undefined || location === undefined) return undefined
    const { segment, offset, method, plainLength, storedLength } = location
    const path = `${home}/${segmentPath(scope, segment)}`
    return { method, plainLength, path, offset: offset + HEADER_BYTES, storedLength }
  }

  /**
   * Keeps a block; nothing happens if a readable copy is there. Durable after `flush`. Packed by zstd when
   * that pays, unless `compress` is false; only the base's blocks are tried unless told.
   *
   * @throws {BlockDamaged} @throws {DiskFull} @throws {DiskFailed} @throws {StorePoisoned}
   */
  async put(
    scope: Scope,
    cid: CID,
    bytes: Uint8Array,
    { compress = scope === BASE_SCOPE }: { compress?: boolean } = {}
  ): Promise<void> {
    verifyBlock(cid, bytes)
    await (await this.shelf(scope)).put(hashOf(cid), () => packBlock(bytes, { compress }))
  }

  /**
   * Keeps a block that came as it lay at rest elsewhere, and keeps it so.
   *
   * @throws {Malformed} @throws {BlockDamaged}
   * @throws {DiskFull} @throws {DiskFailed} @throws {StorePoisoned}
   */
  async putStored(scope: Scope, cid: CID, stored: StoredBlock): Promise<void> {
    assertStored(stored)
    if (unpackBlock(hashOf(cid), stored) === undefined) throw new BlockDamaged(cid.toString())
    await (await this.shelf(scope)).put(hashOf(cid), () => stored)
  }

  /**
   * Keeps a block that this very process made, packed and proved, such as in another thread: nothing of
   * that is done again. Never for what came from outside.
   *
   * @throws {Malformed} @throws {DiskFull} @throws {DiskFailed} @throws {StorePoisoned}
   */
  async putPacked(scope: Scope, cid: CID, stored: StoredBlock): Promise<void> {
    assertStored(stored)
    await (await this.shelf(scope)).put(hashOf(cid), () => stored)
  }

  /**
   * Everything put before is durable, read back and indexed when it resolves. Flushes that wait at the
   * same time share one.
   *
   * @throws {StorePoisoned} @throws {DiskFull} @throws {DiskFailed}
   */
  flush(): Promise<void> {
    this.#nextFlush ??= this.#lastFlush.then(async () => {
      this.#nextFlush = undefined
      const flush = this.#commit()
      this.#lastFlush = flush.catch(() => undefined)
      await flush
    })
    return this.#nextFlush
  }

  /** One scope as a Source. */
  source(scope: Scope): Source {
    return {
      get: async (cid, { signal } = {}) => {
        signal?.throwIfAborted()
        return this.get(scope, hashOf(cid))
      }
    }
  }

  /** Blocks of a scope, and their bytes at rest. */
  async usage(scope: Scope): Promise<Usage> {
    return (await this.shelf(scope)).usage
  }

  /** Every hash of a scope, ascending, as it stands when the walk begins. */
  async *hashes(scope: Scope): AsyncGenerator<Hash> {
    const shelf = await this.shelf(scope)
    const pending = shelf.pending().map(({ hash }) => hash)
    for await (const { hash, location } of shelf.index.entries()) {
      while (pending[0] !== undefined && Buffer.compare(pending[0], hash) < 0) {
        yield pending[0]
        pending.shift()
      }
      const isPending = pending[0] !== undefined && Buffer.compare(pending[0], hash) === 0
      if (isPending) pending.shift()
      if (location !== undefined || isPending) yield hash
    }
    yield* pending
  }

  /**
   * True unless a block of the scope was found damaged or out of reach, here or in an earlier run, and is
   * not back yet. Only then is all that a block refers to there because the block is.
   */
  async isWhole(scope: Scope): Promise<boolean> {
    return (await this.shelf(scope)).isWhole
  }

  /** Remembers that a block is not here though others that are refer to it; nothing if it can be read. */
  async blame(scope: Scope, hash: Hash): Promise<void> {
    await (await this.shelf(scope)).blame(hash)
  }

  /** Those of `hashes` (ascending, for speed) that a scope does not have, in the same order. */
  async *missing(scope: Scope, hashes: Iterable<Hash> | AsyncIterable<Hash>): AsyncGenerator<Hash> {
    const shelf = await this.shelf(scope)
    let step: Hash[] = []
    const absent = async (): Promise<Hash[]> => {
      const asked = step
      step = []
      const present = await shelf.has(asked)
      return asked.filter((_, i) => !present[i])
    }
    for await (const hash of hashes) {
      step.push(hash)
      if (step.length >= MISSING_STEP) yield* await absent()
    }
    if (step.length > 0) yield* await absent()
  }

  /** Makes the index of every scope again from the segments alone. */
  async rebuildIndex(): Promise<void> {
    for (const shelf of this.#shelves.values()) await (await shelf).rebuild()
  }

  /** Flushes, closes the segments with their footers, and lets go of all files. Poisoned, only the last. */
  async close(): Promise<void> {
    const shelves = await Promise.all(this.#shelves.values())
    const closed = await Promise.allSettled(shelves.map((shelf) => shelf.close()))
    await this.#files.close()
    for (const each of closed) if (each.status === 'rejected') throw each.reason
  }

  /** The part that keeps one scope; for the rooms of store only. @throws {Malformed} for no legal scope. */
  shelf(scope: Scope): Promise<Shelf> {
    const known = this.#shelves.get(scope)
    if (known !== undefined) return known
    const shelf = this.#openShelf(scope)
    this.#shelves.set(scope, shelf)
    shelf.catch(() => this.#shelves.delete(scope))
    return shelf
  }

  async #openShelf(scope: Scope): Promise<Shelf> {
    if (!SCOPE.test(scope)) throw new Malformed(`${JSON.stringify(scope.slice(0, 80))} is no scope`)
    const { disk, index } = this.#components
    const shelf = await Shelf.open(
      {
        disk,
        space: index.space(`blocks/${scope}`),
        files: this.#files,
        health: this.#health,
        holds: this.#holds
      },
      {
        scope,
        segmentBytes: this.#init.segmentBytes ?? DEFAULT_SEGMENT_BYTES,
        onDamage: this.#init.onDamage ?? (() => undefined)
      }
    )
    this.#rebuilt += shelf.rebuilt
    return shelf
  }

  async #commit(): Promise<void> {
    const shelves = await Promise.all(this.#shelves.values())
    await Promise.all(shelves.map((shelf) => shelf.commit()))
  }
}
