// The appending part of a shelf: the segment that grows, and what was put and is not committed yet. What is
// committed is durable, read back and indexed, in this order, so the index never names a block that a crash
// could take. What an earlier run put and did not commit is put again before anything else: it can be read,
// but nobody knows if it is durable. One call at a time; the shelf sees to that.

import { toHex, type Hash, type Scope } from './block.ts'
import type { BlockIndex, Reach } from './block-index.ts'
import { trying, type Tail } from './catch-up.ts'
import type { Disk, DiskFile } from './disk.ts'
import { StorePoisoned } from './errors.ts'
import { SegmentWriter } from './segment-writer.ts'
import { readRecord, segmentPath, type Placed } from './segment.ts'
import type { StoredBlock } from './stored.ts'

export interface Health {
  /** Why nothing more is acknowledged. */
  poison: StorePoisoned | undefined
}

export interface AppenderInit {
  disk: Disk
  index: BlockIndex
  /** One for the whole blockstore: a failed fsync on one shelf stops them all. */
  health: Health
  scope: Scope
  segmentBytes: number
  useSegment: <T>(segment: number, read: (file: DiskFile) => Promise<T>) => Promise<T>
}

export class Appender {
  readonly #init: AppenderInit
  #writer: SegmentWriter | undefined
  #lastSegment = 0
  /** Put and readable, but not committed; keyed by hash in hex. */
  readonly #pending = new Map<string, Placed>()
  /** Those of the pending that an earlier run put, in the order of the puts. */
  readonly #inherited = new Set<Placed>()
  /** For the index, once nothing is inherited any more: how far the segments they are in were seen. */
  readonly #seen = new Map<number, Reach>()

  constructor(init: AppenderInit) {
    this.#init = init
  }

  /** Put and readable, but not committed; keyed by hash in hex. */
  get pending(): ReadonlyMap<string, Placed> {
    return this.#pending
  }

  /** The segment that is written to, or will be next; those of lower numbers are closed, or never will be. */
  get writing(): number {
    return this.#writer?.segment ?? this.#lastSegment + 1
  }

  /** Segments up to this number were there before: none of these is begun. */
  skipTo(segment: number): void {
    this.#lastSegment = Math.max(this.#lastSegment, segment)
  }

  /** @throws {StorePoisoned} @throws {DiskFull} @throws {DiskFailed} */
  async append(hash: Hash, stored: StoredBlock): Promise<void> {
    this.assertHealthy()
    await this.#putInherited()
    await this.#append(hash, stored)
  }

  /** Everything put before is durable, read back and indexed when it resolves. */
  async commit(): Promise<void> {
    this.assertHealthy()
    await this.#putInherited()
    await this.#settle()
    for (const [segment, reach] of this.#seen) {
      await this.#init.index.add(segment, reach, [])
      this.#seen.delete(segment)
    }
  }

  /** Closes the segment with its footer; the next block begins another. */
  async closeSegment(): Promise<void> {
    const writer = this.#writer
    if (writer === undefined) return
    this.assertHealthy()
    await this.#settle()
    const end = writer.end
    const size = await writer.writeFooter()
    await this.#sync(writer)
    this.#writer = undefined
    await writer.close()
    await this.#init.index.add(writer.segment, { end, size }, [])
  }

  /** Commits and closes; lets go of the file whatever happens. Poisoned, only the last. */
  async close(): Promise<void> {
    const writer = this.#writer
    try {
      if (this.#init.health.poison !== undefined) return
      await this.commit()
      await this.closeSegment()
    } finally {
      if (this.#writer !== undefined) await writer?.close()
    }
  }

  /** What an earlier run left; durable elsewhere after the next commit. */
  inherit({ segment, reach, placed }: Tail): void {
    this.#seen.set(segment, reach)
    for (const each of placed) {
      this.#pending.set(toHex(each.hash), each)
      this.#inherited.add(each)
    }
  }

  /** @throws {StorePoisoned} */
  assertHealthy(): void {
    const { poison } = this.#init.health
    if (poison !== undefined) throw new StorePoisoned({ cause: poison.cause })
  }

  async #append(hash: Hash, stored: StoredBlock): Promise<void> {
    if (this.#writer?.isFull(this.#init.segmentBytes)) await this.closeSegment()
    this.#writer ??= await this.#openSegment()
    const location = await this.#writer.append(hash, stored)
    this.#pending.set(toHex(hash), { hash, location })
  }

  /** Copies what is inherited behind all else: first, so that no parent comes before its children. */
  async #putInherited(): Promise<void> {
    const { index, useSegment } = this.#init
    for (const placed of this.#inherited) {
      const { hash, location } = placed
      const record = await trying(() =>
        useSegment(location.segment, (file) => readRecord(file, placed))
      )
      if (record?.whole === true) {
        await this.#append(hash, record.stored)
      } else {
        await index.blame(hash)
        if (this.#pending.get(toHex(hash)) === placed) this.#pending.delete(toHex(hash))
      }
      this.#inherited.delete(placed)
    }
  }

  async #openSegment(): Promise<SegmentWriter> {
    const { disk, scope } = this.#init
    const segment = ++this.#lastSegment
    return SegmentWriter.create(disk, segmentPath(scope, segment), segment)
  }

  /** Makes durable and indexes what is pending in the segment that grows. */
  async #settle(): Promise<void> {
    const writer = this.#writer
    if (writer === undefined) return
    const { index } = this.#init
    const placed = [...this.#pending.values()].filter(
      ({ location }) => location.segment === writer.segment
    )
    if (placed.length === 0) return
    await this.#sync(writer)
    await index.add(writer.segment, { end: writer.end, size: 0 }, placed)
    for (const { hash } of placed) this.#pending.delete(toHex(hash))
    for (const { hash } of placed) await index.absolve(hash)
  }

  async #sync(writer: SegmentWriter): Promise<void> {
    try {
      await writer.sync()
    } catch (cause) {
      this.#init.health.poison ??= new StorePoisoned({ cause })
      this.assertHealthy()
    }
  }
}
