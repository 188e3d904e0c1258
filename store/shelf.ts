// A shelf: all that a blockstore keeps of one scope. Its segments on disk, its part of the index, what was
// put since the last commit, and what counts as present while a sweep runs. Writes happen one after
// another, so the order in a segment is the order of the puts; a segment of an earlier run is never
// written again.

import { HASH_BYTES, toHex, type Hash, type Scope } from './block.ts'
import { Appender, type Health } from './appender.ts'
import { BlockIndex, type Usage } from './block-index.ts'
import { catchUp, trying, type Tail } from './catch-up.ts'
import { directoryOf, type Disk, type DiskFile } from './disk.ts'
import { DroppedPlaces } from './dropped.ts'
import { DiskFailed, DiskFull, FileMissing, Malformed, StorePoisoned } from './errors.ts'
import type { IndexSpace } from './index.ts'
import type { OpenFiles } from './open-files.ts'
import { Reliance, type Holds } from './reliance.ts'
import {
  isAt,
  readRecord,
  segmentNumber,
  segmentPath,
  type Location,
  type Placed
} from './segment.ts'
import { unpackBlock, type StoredBlock } from './stored.ts'

export interface ShelfComponents {
  disk: Disk
  space: IndexSpace
  files: OpenFiles
  /** One for the whole blockstore: a failed fsync on one shelf stops them all. */
  health: Health
  holds: Holds
}

export interface ShelfInit {
  scope: Scope
  segmentBytes: number
  onDamage: (damage: { scope: Scope; hash: Hash }) => void
}

/** Stands among the damaged for the list of what was dropped, when nobody can read that. */
export const DROPPED_UNKNOWN: Hash = new Uint8Array(HASH_BYTES)

export class Shelf {
  /** Segments that had to be read at open, because the index did not know all of them. */
  rebuilt = 0
  readonly #components: ShelfComponents
  readonly #init: ShelfInit
  readonly #index: BlockIndex
  readonly reliance: Reliance
  #dropped = new DroppedPlaces(0)
  readonly #appender: Appender
  readonly #puts = new Map<string, Promise<void>>()
  /** The end of the queue of writes. */
  #last: Promise<unknown> = Promise.resolve()

  private constructor(components: ShelfComponents, init: ShelfInit, index: BlockIndex) {
    this.#components = components
    this.#init = init
    this.#index = index
    this.reliance = new Reliance(init.scope, components.holds)
    const { disk, health } = components
    const { scope, segmentBytes } = init
    const useSegment = this.useSegment.bind(this)
    this.#appender = new Appender({ disk, index, health, scope, segmentBytes, useSegment })
  }

  /** Opens a scope's segments and brings its index up to date with them. */
  static async open(components: ShelfComponents, init: ShelfInit): Promise<Shelf> {
    const shelf = new Shelf(components, init, await BlockIndex.open(components.space))
    await shelf.#readDropped()
    await shelf.#catchUp()
    return shelf
  }

  get index(): BlockIndex {
    return this.#index
  }

  /** Records that lie in the segments and count for nothing. */
  get dropped(): DroppedPlaces {
    return this.#dropped
  }

  /** The segment that is written to, or will be next; those of lower numbers are closed, or never will be. */
  get writing(): number {
    return this.#appender.writing
  }

  get usage(): Usage {
    let { blocks, bytes } = this.#index.usage
    for (const { location } of this.#appender.pending.values()) {
      blocks++
      bytes += location.storedLength
    }
    return { blocks, bytes }
  }

  /** Segments on disk, in the order in which they were written. */
  async segments(): Promise<number[]> {
    const names = (await this.#components.disk.list(`blocks/${this.#init.scope}`)) ?? []
    return names.map(segmentNumber).filter((each) => each !== undefined)
  }

  async useSegment<T>(segment: number, read: (file: DiskFile) => Promise<T>): Promise<T> {
    return this.#components.files.use(segmentPath(this.#init.scope, segment), read)
  }

  /** False while a block is known to be damaged: then what lies above it is not complete. */
  get isWhole(): boolean {
    return this.#index.damaged.size === 0
  }

  /** Remembers that a block which others refer to cannot be read, unless it can. */
  async blame(hash: Hash): Promise<void> {
    if ((await this.get(hash)) === undefined) await this.#inTurn(() => this.#index.blame(hash))
  }

  /** Nothing that counts refers to a block that was damaged: it may be forgotten. */
  async absolve(hash: Hash): Promise<void> {
    await this.#inTurn(() => this.#index.absolve(hash))
  }

  /** Where a block is that counts as present. */
  async locate(hash: Hash): Promise<Location | undefined> {
    for (;;) {
      const pending = this.#appender.pending.get(toHex(hash))
      if (pending !== undefined) return pending.location
      const { epoch } = this.reliance
      const location = await this.#index.get(hash)
      if (epoch !== this.reliance.epoch) continue
      return this.reliance.condemned?.has(hash) === true ? undefined : location
    }
  }

  /** In the order of `hashes`; for who builds on those that are here. */
  async has(hashes: readonly Hash[]): Promise<boolean[]> {
    return this.reliance.relying(
      () => this.#has(hashes),
      (present) => hashes.filter((_, i) => present[i] === true)
    )
  }

  async #has(hashes: readonly Hash[]): Promise<boolean[]> {
    const { epoch } = this.reliance
    const found = await this.#index.getMany(hashes)
    if (epoch !== this.reliance.epoch) return this.#has(hashes)
    const { condemned } = this.reliance
    return hashes.map((hash, i) => {
      if (this.#appender.pending.has(toHex(hash))) return true
      return found[i] !== undefined && condemned?.has(hash) !== true
    })
  }

  /** The block's bytes, proved by their hash. Damage is reported, and counts as absence. */
  async get(hash: Hash): Promise<Uint8Array | undefined> {
    return this.#read(hash, ({ stored }) => unpackBlock(hash, stored))
  }

  /** The same for who builds on it before a root names it. */
  async rely(hash: Hash): Promise<Uint8Array | undefined> {
    return this.reliance.relying(
      () => this.get(hash),
      (bytes) => (bytes === undefined ? [] : [hash])
    )
  }

  /** The block as it lies at rest; its checksum holds, its hash is for whoever receives it to prove. */
  async getStored(hash: Hash): Promise<StoredBlock | undefined> {
    return this.#read(hash, ({ stored, whole }) =>
      whole || unpackBlock(hash, stored) !== undefined ? stored : undefined
    )
  }

  /** Appends a block unless a readable copy is there; `pack` must give this very block. */
  put(hash: Hash, pack: () => StoredBlock): Promise<void> {
    const key = toHex(hash)
    const running = this.#puts.get(key)
    if (running !== undefined) return running
    const put = this.#put(hash, pack).finally(() => this.#puts.delete(key))
    this.#puts.set(key, put)
    return put
  }

  /** Everything put before is durable, read back and indexed when it resolves. */
  async commit(): Promise<void> {
    await Promise.allSettled(this.#puts.values())
    await this.#inTurn(() => this.#appender.commit())
  }

  /** From now on these records count for nothing. Only a whole new list takes the place of one. */
  async replaceDropped(dropped: DroppedPlaces): Promise<void> {
    await dropped.write(this.#components.disk, this.#init.scope)
    this.#dropped = dropped
  }

  /** Takes dropped blocks out of the index, each unless it was put anew. */
  async drop(placed: readonly Placed[]): Promise<void> {
    await this.#inTurn(() => this.#index.drop(placed))
  }

  /** Writes a record once more behind all others, if the index still says that the block is there. */
  async move(placed: Placed): Promise<boolean> {
    const { hash, location } = placed
    const record = await trying(() =>
      this.useSegment(location.segment, (file) => readRecord(file, placed))
    )
    if (record?.whole !== true || unpackBlock(hash, record.stored) === undefined) return false
    await this.#inTurn(async () => {
      const now = await this.#index.get(hash)
      if (this.#appender.pending.has(toHex(hash)) || now === undefined || !isAt(now, location))
        return
      await this.#append(hash, record.stored)
    })
    return true
  }

  /** Removes a segment in which nothing is that counts. */
  async removeSegment(segment: number): Promise<void> {
    const { disk, files } = this.#components
    const path = segmentPath(this.#init.scope, segment)
    await this.#inTurn(async () => {
      await this.#index.forgetSegment(segment)
      await files.forget(path)
      await disk.remove(path)
      await disk.syncDirectory(directoryOf(path))
    })
  }

  /** Pending blocks in hash order, as they are now. */
  pending(): Placed[] {
    return [...this.#appender.pending.values()].sort((a, b) => Buffer.compare(a.hash, b.hash))
  }

  /** Closes the segment with its footer. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#puts.values())
    await this.#inTurn(() => this.#appender.close())
  }

  /** Makes this scope's index again from its segments alone. */
  async rebuild(): Promise<void> {
    await this.#inTurn(async () => {
      await this.#appender.commit()
      await this.#appender.closeSegment()
      await this.#index.clear()
      await this.#catchUp()
    })
  }

  async #read<T>(
    hash: Hash,
    accept: (record: { stored: StoredBlock; whole: boolean }) => T | undefined
  ): Promise<T | undefined> {
    const location = await this.locate(hash)
    if (location === undefined) return undefined
    const placed = { hash, location }
    let isGone = true
    try {
      const record = await this.useSegment(location.segment, (file) => readRecord(file, placed))
      const accepted = record === undefined ? undefined : accept(record)
      if (accepted !== undefined) {
        await this.#absolve(placed)
        return accepted
      }
    } catch (error) {
      if (!(error instanceof DiskFailed || error instanceof FileMissing)) throw error
      // A disk that does not answer now may answer later: the block is out of reach, not gone.
      isGone = error instanceof FileMissing
    }
    // A sweep may have moved it, or dropped it, since it was looked up.
    const now = await this.locate(hash)
    if (now === undefined) return undefined
    if (!isAt(now, location)) return this.#read(hash, accept)
    this.#init.onDamage({ scope: this.#init.scope, hash })
    await this.#inTurn(() => (isGone ? this.#index.forget(placed) : this.#index.blame(hash)))
    return undefined
  }

  /** A block that was damaged is whole again once it is where the index says, not only about to be. */
  async #absolve({ hash }: Placed): Promise<void> {
    if (this.isWhole || this.#appender.pending.has(toHex(hash))) return
    await this.absolve(hash)
  }

  async #put(hash: Hash, pack: () => StoredBlock): Promise<void> {
    this.#appender.assertHealthy()
    if ((await this.rely(hash)) !== undefined) return
    const stored = pack()
    await this.#inTurn(() => this.#append(hash, stored))
  }

  async #append(hash: Hash, stored: StoredBlock): Promise<void> {
    await this.#appender.append(hash, stored)
    this.reliance.condemned?.reprieve(hash)
  }

  async #readDropped(): Promise<void> {
    const { disk } = this.#components
    try {
      this.#dropped = await DroppedPlaces.read(disk, this.#init.scope)
    } catch (error) {
      if (!(error instanceof Malformed || error instanceof DiskFailed)) throw error
      // What was dropped is back, perhaps without what was below it.
      return this.#index.blame(DROPPED_UNKNOWN)
    }
    this.#appender.skipTo(this.#dropped.highest)
    const { sum } = this.#dropped
    const known = await this.#index.droppedSum()
    if (sum === undefined || (known !== undefined && Buffer.compare(sum, known) === 0)) return
    for await (const placed of this.#index.steps()) {
      const gone = placed.filter(({ location }) => this.#dropped.has(location))
      if (gone.length > 0) await this.#index.drop(gone)
    }
    await this.#index.noteDropped(sum)
  }

  /** Reads into the index whatever the segments hold and the index does not know. */
  async #catchUp(): Promise<void> {
    const segments = await this.segments()
    this.#appender.skipTo(segments.at(-1) ?? 0)
    this.rebuilt += await catchUp(this, segments, (tail) => this.#inherit(tail))
  }

  async #inherit(tail: Tail): Promise<void> {
    this.#appender.inherit(tail)
    try {
      await this.#appender.commit()
    } catch (error) {
      // It can be read, and the next put or commit tries again.
      const isExpected = [DiskFailed, DiskFull, StorePoisoned].some((each) => error instanceof each)
      if (!isExpected) throw error
    }
  }

  /** Runs `work` when everything before it has ended. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => undefined)
    return turn
  }
}
