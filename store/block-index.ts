// One scope's part of the index: where each block lies, how far into each segment the index has seen, and
// how much there is in all. A block's entry and the reach of its segment are written in one batch, so after
// a crash the reach tells exactly what is missing. Of two records of one block the later place wins: it was
// put because the earlier one was damaged. Entries carry a checksum; one that does not hold is absent. A
// block that was found damaged is remembered until a whole record of it is there: what lies above it is
// not complete until then.

import { crc32 } from 'node:zlib'
import { HASH_BYTES, toHex, type Hash } from './block.ts'
import type { IndexChange, IndexRange, IndexSpace } from './index.ts'
import { methodOf, type Location, type Placed } from './segment.ts'
import { areLengths } from './stored.ts'

/** How far the index has seen into a segment. */
export interface Reach {
  /** Records up to here are in the index. */
  end: number
  /** Size of the file when it had been seen to its end; 0 while it grows. */
  size: number
}

export interface Usage {
  blocks: number
  /** As they lie at rest, without headers. */
  bytes: number
}

const VERSION = 1
const USAGE_KEY = Uint8Array.of(0)
const SEGMENT_KEYS = 1
const BLOCK_KEYS = 2
const DAMAGE_KEYS = 3
const DROPPED_KEY = Uint8Array.of(4)
const ENTRY_BYTES = 21
const STEP = 1024
const NOWHERE: Usage = { blocks: 0, bytes: 0 }

export class BlockIndex {
  readonly #space: IndexSpace
  #usage: Usage
  /** Hashes in hex of blocks that are known to be damaged. */
  readonly #damaged: Set<string>

  private constructor(space: IndexSpace, usage: Usage, damaged: Set<string>) {
    this.#space = space
    this.#usage = usage
    this.#damaged = damaged
  }

  /** Opens a scope's index; what another version or a damaged disk wrote is cleared. */
  static async open(space: IndexSpace): Promise<BlockIndex> {
    const usage = decodeUsage(await space.get(USAGE_KEY))
    const damaged = new Set<string>()
    const range = { gte: Uint8Array.of(DAMAGE_KEYS), lt: Uint8Array.of(DAMAGE_KEYS + 1) }
    for await (const [key] of space.range(range)) {
      if (key.length === 1 + HASH_BYTES) damaged.add(toHex(key.slice(1)))
    }
    const index = new BlockIndex(space, usage ?? NOWHERE, damaged)
    if (usage === undefined) await index.clear()
    return index
  }

  /** Hashes in hex of blocks that were found damaged, and are not whole again. */
  get damaged(): ReadonlySet<string> {
    return this.#damaged
  }

  get usage(): Usage {
    return this.#usage
  }

  async get(hash: Hash): Promise<Location | undefined> {
    return decodeEntry(hash, await this.#space.get(blockKey(hash)))
  }

  /** In the order of `hashes`. */
  async getMany(hashes: readonly Hash[]): Promise<(Location | undefined)[]> {
    const values = await this.#space.getMany(hashes.map(blockKey))
    return hashes.map((hash, i) => decodeEntry(hash, values[i]))
  }

  /** Every block, in hash order; `location` is undefined where the entry is damaged. */
  async *entries(): AsyncGenerator<{ hash: Hash; location: Location | undefined }> {
    const range: IndexRange = { gte: Uint8Array.of(BLOCK_KEYS), lt: Uint8Array.of(BLOCK_KEYS + 1) }
    for await (const [key, value] of this.#space.range(range)) {
      const hash = key.slice(1)
      if (hash.length === HASH_BYTES) yield { hash, location: decodeEntry(hash, value) }
    }
  }

  /** Every block with its place, in hash order, a thousand or so at a time. */
  async *steps(): AsyncGenerator<Placed[]> {
    let step: Placed[] = []
    for await (const { hash, location } of this.entries()) {
      if (location === undefined) continue
      step.push({ hash, location })
      if (step.length < STEP) continue
      yield step
      step = []
    }
    if (step.length > 0) yield step
  }

  async reaches(): Promise<Map<number, Reach>> {
    const reaches = new Map<number, Reach>()
    const range = { gte: Uint8Array.of(SEGMENT_KEYS), lt: Uint8Array.of(SEGMENT_KEYS + 1) }
    for await (const [key, value] of this.#space.range(range)) {
      const bytes = Buffer.from(value)
      if (key.length !== 5 || bytes.length !== 12) continue
      if (crc32(bytes.subarray(0, 8), crc32(key)) !== bytes.readUInt32BE(8)) continue
      const segment = Buffer.from(key).readUInt32BE(1)
      reaches.set(segment, { end: bytes.readUInt32BE(0), size: bytes.readUInt32BE(4) })
    }
    return reaches
  }

  /** Notes durable blocks of a segment, and how far the index now reaches into it. */
  async add(segment: number, reach: Reach, placed: readonly Placed[]): Promise<void> {
    const latest = new Map(placed.map((each) => [toHex(each.hash), each]))
    const fresh = [...latest.values()]
    const known = await this.#space.getMany(fresh.map(({ hash }) => blockKey(hash)))
    const usage = { ...this.#usage }
    const changes: IndexChange[] = []
    for (const [i, { hash, location }] of fresh.entries()) {
      const old = decodeEntry(hash, known[i])
      if (old !== undefined && isLater(old, location)) continue
      if (known[i] === undefined) usage.blocks++
      usage.bytes += location.storedLength - (old?.storedLength ?? 0)
      changes.push({ key: blockKey(hash), value: encodeEntry(hash, location) })
    }
    changes.push(encodeReach(segment, reach), { key: USAGE_KEY, value: encodeUsage(usage) })
    await this.#space.batch(changes)
    this.#usage = usage
  }

  /** Remembers that a block is damaged, out of reach, or missing below one that is there. */
  async blame(hash: Hash): Promise<void> {
    if (this.#damaged.has(toHex(hash))) return
    await this.#space.put(damageKey(hash), new Uint8Array())
    this.#damaged.add(toHex(hash))
  }

  /** A whole record of the block is there, durable and indexed. */
  async absolve(hash: Hash): Promise<void> {
    if (!this.#damaged.has(toHex(hash))) return
    await this.#space.batch([{ key: damageKey(hash), value: undefined }])
    this.#damaged.delete(toHex(hash))
  }

  /** Forgets where a block is, because it is damaged there; the file stays as it is. */
  async forget({ hash, location }: Placed): Promise<void> {
    const now = await this.get(hash)
    if (now === undefined || isLater(now, location)) return
    const { blocks, bytes } = this.#usage
    const usage = { blocks: blocks - 1, bytes: bytes - now.storedLength }
    await this.#space.batch([
      { key: damageKey(hash), value: new Uint8Array() },
      { key: blockKey(hash), value: undefined },
      { key: USAGE_KEY, value: encodeUsage(usage) }
    ])
    this.#damaged.add(toHex(hash))
    this.#usage = usage
  }

  /** Forgets blocks, each where it is said to be: a later place of one stays. */
  async drop(placed: readonly Placed[]): Promise<void> {
    const known = await this.#space.getMany(placed.map(({ hash }) => blockKey(hash)))
    const usage = { ...this.#usage }
    const changes: IndexChange[] = []
    for (const [i, { hash, location }] of placed.entries()) {
      const now = decodeEntry(hash, known[i])
      if (now === undefined || isLater(now, location)) continue
      usage.blocks--
      usage.bytes -= now.storedLength
      changes.push({ key: blockKey(hash), value: undefined })
    }
    changes.push({ key: USAGE_KEY, value: encodeUsage(usage) })
    await this.#space.batch(changes)
    this.#usage = usage
  }

  /** A segment is about to go, and nothing is in it. */
  async forgetSegment(segment: number): Promise<void> {
    await this.#space.batch([{ key: segmentKey(segment), value: undefined }])
  }

  /** The sum of the list of dropped places that this index agrees with; undefined before the first one. */
  async droppedSum(): Promise<Hash | undefined> {
    return this.#space.get(DROPPED_KEY)
  }

  async noteDropped(sum: Hash): Promise<void> {
    await this.#space.put(DROPPED_KEY, sum)
  }

  /** Forgets everything but the damage: only a block that is read, or put again, makes up for that. */
  async clear(): Promise<void> {
    await this.#space.clear()
    await this.#space.batch(
      [...this.#damaged].map((hex) => ({
        key: damageKey(Buffer.from(hex, 'hex')),
        value: new Uint8Array()
      }))
    )
    this.#usage = NOWHERE
  }
}

/** Of two records of one block the later counts. */
export function isLater(a: Location, b: Location): boolean {
  return a.segment > b.segment || (a.segment === b.segment && a.offset > b.offset)
}

function blockKey(hash: Hash): Uint8Array {
  return Buffer.concat([Uint8Array.of(BLOCK_KEYS), hash])
}

function damageKey(hash: Hash): Uint8Array {
  return Buffer.concat([Uint8Array.of(DAMAGE_KEYS), hash])
}

function encodeEntry(hash: Hash, location: Location): Uint8Array {
  const entry = Buffer.alloc(ENTRY_BYTES)
  entry.writeUInt32BE(location.segment, 0)
  entry.writeUInt32BE(location.offset, 4)
  entry.writeUInt32BE(location.storedLength, 8)
  entry.writeUInt32BE(location.plainLength, 12)
  entry.writeUInt8(location.method, 16)
  entry.writeUInt32BE(crc32(entry.subarray(0, 17), crc32(hash)), 17)
  return entry
}

function decodeEntry(hash: Hash, value: Uint8Array | undefined): Location | undefined {
  if (value?.length !== ENTRY_BYTES) return undefined
  const entry = Buffer.from(value)
  if (crc32(entry.subarray(0, 17), crc32(hash)) !== entry.readUInt32BE(17)) return undefined
  const segment = entry.readUInt32BE(0)
  const offset = entry.readUInt32BE(4)
  const storedLength = entry.readUInt32BE(8)
  const plainLength = entry.readUInt32BE(12)
  const method = methodOf(entry.readUInt8(16))
  if (method === undefined || !areLengths(method, plainLength, storedLength)) return undefined
  return { segment, offset, method, storedLength, plainLength }
}

function segmentKey(segment: number): Buffer {
  const key = Buffer.alloc(5)
  key.writeUInt8(SEGMENT_KEYS, 0)
  key.writeUInt32BE(segment, 1)
  return key
}

function encodeReach(segment: number, { end, size }: Reach): IndexChange {
  const key = segmentKey(segment)
  const value = Buffer.alloc(12)
  value.writeUInt32BE(end, 0)
  value.writeUInt32BE(size, 4)
  value.writeUInt32BE(crc32(value.subarray(0, 8), crc32(key)), 8)
  return { key, value }
}

function encodeUsage({ blocks, bytes }: Usage): Uint8Array {
  const value = Buffer.alloc(21)
  value.writeUInt8(VERSION, 0)
  // A count that Level set back may be less than what goes.
  value.writeBigUInt64BE(BigInt(Math.max(0, blocks)), 1)
  value.writeBigUInt64BE(BigInt(Math.max(0, bytes)), 9)
  value.writeUInt32BE(crc32(value.subarray(0, 17)), 17)
  return value
}

function decodeUsage(value: Uint8Array | undefined): Usage | undefined {
  if (value?.length !== 21) return undefined
  const bytes = Buffer.from(value)
  if (bytes[0] !== VERSION || crc32(bytes.subarray(0, 17)) !== bytes.readUInt32BE(17)) {
    return undefined
  }
  const usage = {
    blocks: Number(bytes.readBigUInt64BE(1)),
    bytes: Number(bytes.readBigUInt64BE(9))
  }
  return Number.isSafeInteger(usage.blocks) && Number.isSafeInteger(usage.bytes) ? usage : undefined
}
