// The index: sorted keys and values, kept by Level, the only room that knows Level. It is an index over
// truth that stands in files, and never truth itself: Level is seen to lose acknowledged records after one
// flipped bit. So its files are proved before it opens them, whatever is found here is checked against its
// file, and an index that is damaged is thrown away: `rebuilt` tells the rooms above to fill it again. It
// also proves that one process owns the home.

import { Level } from 'level'
import { MemoryLevel } from 'memory-level'
import { openDisk, removeDirectory, spaceAt } from './disk.ts'
import { DiskFailed, DiskFull, DrystoneError, HomeBusy } from './errors.ts'
import { isIntact } from './level-files.ts'

/** One write: the value that a key gets, or undefined to remove the key. */
export interface IndexChange {
  key: Uint8Array
  value: Uint8Array | undefined
}

/** Bounds compare by bytes. */
export interface IndexRange {
  gt?: Uint8Array
  gte?: Uint8Array
  lt?: Uint8Array
  lte?: Uint8Array
  /** How many at most. */
  limit?: number
}

/** A part of the index with keys of its own. */
export interface IndexSpace {
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  /** In the order of `keys`. */
  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>
  put(key: Uint8Array, value: Uint8Array): Promise<void>
  /** All of the changes or none. The latest may be lost by a power cut, in order from the end. */
  batch(changes: readonly IndexChange[]): Promise<void>
  /** In key order, as it stood when the walk began. */
  range(range?: IndexRange): AsyncGenerator<[key: Uint8Array, value: Uint8Array]>
  /** Removes every key. */
  clear(): Promise<void>
}

export interface Index {
  /** True if an index was there and was damaged: this one is new and empty. */
  readonly rebuilt: boolean
  /** `name` is any text without NUL. */
  space(name: string): IndexSpace
  close(): Promise<void>
}

export interface IndexInit {
  /** Directory of the index on the real disk; undefined keeps it in memory, for simulation. */
  location: string | undefined
  /** Throw away what is there and start empty. */
  fresh?: boolean | undefined
}

const ENCODINGS = { keyEncoding: 'view', valueEncoding: 'view' } as const
/** Hashes do not get shorter, and what is not packed can be proved without Level. */
const UNPACKED = { ...ENCODINGS, compression: false } as const
const NEXT =
  'Start the peer again: it makes a damaged index anew from the blocks, and nothing is lost.'
const RANGE_STEP = 1000
/** What Level must find free before it is closed to be opened again: opening writes. */
const REOPEN_BYTES_FREE = 8 << 20
type Operation =
  { type: 'put'; key: Uint8Array; value: Uint8Array } | { type: 'del'; key: Uint8Array }

/** What we use of Level: the kind on disk and the kind in memory share it. */
interface Database {
  open(): Promise<void>
  close(): Promise<void>
  getSync(key: Uint8Array): Uint8Array | undefined
  getMany(keys: Uint8Array[]): Promise<(Uint8Array | undefined)[]>
  batch(operations: Operation[]): Promise<void>
  iterator(range: IndexRange): {
    nextv(size: number): Promise<[Uint8Array, Uint8Array][]>
    close(): Promise<void>
  }
  clear(range: { gte: Uint8Array; lt: Uint8Array }): Promise<void>
}

/**
 * Opens the index, and makes it if there is none.
 *
 * @throws {HomeBusy} if another process has it open. @throws {DiskFull} @throws {DiskFailed}
 */
export async function openIndex({ location, fresh = false }: IndexInit): Promise<Index> {
  if (location === undefined) {
    const memory = new MemoryLevel<Uint8Array, Uint8Array>(ENCODINGS)
    await memory.open()
    return new LevelIndex(memory, 'the index in memory', false)
  }
  // Before there is a database, which opens by itself, leaves out what it cannot read, and writes the rest
  // anew.
  const isDamaged = fresh || !(await isWhole(location))
  const database = new Level<Uint8Array, Uint8Array>(location, UNPACKED)
  try {
    await database.open()
    if (!isDamaged) return new LevelIndex(database, location, false)
    // Opened first: whoever holds the lock may throw it away, and nobody else.
    await database.close()
  } catch (error) {
    const failure = failureOf(location, 'opening the index', error)
    if (failure instanceof HomeBusy || failure instanceof DiskFull) throw failure
  }
  await removeDirectory(location)
  try {
    await database.open()
  } catch (error) {
    throw failureOf(location, 'opening the index', error)
  }
  return new LevelIndex(database, location, true)
}

async function isWhole(location: string): Promise<boolean> {
  try {
    return await isIntact(await openDisk(location))
  } catch (error) {
    // What cannot be read is of no use either.
    if (error instanceof DrystoneError) return false
    throw error
  }
}

class LevelIndex implements Index {
  readonly rebuilt: boolean
  readonly #database: Database
  readonly #location: string
  /** After a failed write Level refuses every other one, but still reads, until it is opened again. */
  #state: 'open' | 'stuck' | 'shut' | 'closed' = 'open'
  #reopening: Promise<void> | undefined

  constructor(database: Database, location: string, rebuilt: boolean) {
    this.#database = database
    this.#location = location
    this.rebuilt = rebuilt
  }

  space(name: string): IndexSpace {
    const prefix = Buffer.from(`${name}\0`)
    const end = Buffer.from(`${name}\x01`)
    const full = (key: Uint8Array): Uint8Array => Buffer.concat([prefix, key])
    const batch = (changes: readonly IndexChange[]): Promise<void> =>
      this.#write(
        changes.map(({ key, value }) =>
          value === undefined
            ? { type: 'del', key: full(key) }
            : { type: 'put', key: full(key), value }
        )
      )
    return {
      // In step: what is asked is nearly always in memory, and a thread hop costs fifty look-ups.
      get: (key) =>
        this.#calling('reading the index', async () => this.#database.getSync(full(key))),
      getMany: (keys) =>
        this.#calling('reading the index', () => this.#database.getMany(keys.map(full))),
      put: (key, value) => batch([{ key, value }]),
      batch,
      range: (range = {}) => this.#range(prefix.length, inside(range, { prefix, end, full })),
      clear: () =>
        this.#calling('clearing the index', () => this.#database.clear({ gte: prefix, lt: end }))
    }
  }

  async close(): Promise<void> {
    this.#state = 'closed'
    await this.#calling('closing the index', () => this.#database.close())
  }

  async *#range(skip: number, range: IndexRange): AsyncGenerator<[Uint8Array, Uint8Array]> {
    const iterator = this.#database.iterator(range)
    try {
      for (;;) {
        const step = await this.#calling('reading the index', () => iterator.nextv(RANGE_STEP))
        if (step.length === 0) return
        for (const [key, value] of step) yield [key.subarray(skip), value]
      }
    } finally {
      await iterator.close()
    }
  }

  async #write(operations: Operation[]): Promise<void> {
    await this.#calling('writing the index', async () => {
      if (this.#state === 'stuck') await (this.#reopening ??= this.#reopen())
      try {
        await this.#database.batch(operations)
      } catch (error) {
        if (this.#state === 'open') this.#state = 'stuck'
        throw error
      }
    })
  }

  async #reopen(): Promise<void> {
    try {
      if (this.#state === 'stuck' && (await spaceAt(this.#location)).free < REOPEN_BYTES_FREE) {
        throw new DiskFull(this.#location)
      }
      this.#state = 'shut'
      await this.#database.close()
      await this.#database.open()
      this.#state = 'open'
    } finally {
      this.#reopening = undefined
    }
  }

  async #calling<T>(what: string, call: () => Promise<T>): Promise<T> {
    try {
      if (this.#state === 'shut') await (this.#reopening ??= this.#reopen())
      return await call()
    } catch (error) {
      throw failureOf(this.#location, what, error)
    }
  }
}

interface Frame {
  prefix: Uint8Array
  end: Uint8Array
  full: (key: Uint8Array) => Uint8Array
}

/** The bounds of a space's range among all keys. */
function inside({ gt, gte, lt, lte, limit }: IndexRange, { prefix, end, full }: Frame): IndexRange {
  const from = gt !== undefined ? { gt: full(gt) } : { gte: gte === undefined ? prefix : full(gte) }
  const to = lte !== undefined ? { lte: full(lte) } : { lt: lt === undefined ? end : full(lt) }
  return { ...from, ...to, ...(limit === undefined ? {} : { limit }) }
}

/** Level's failure under our own name. Level tells causes apart only in words. */
function failureOf(path: string, what: string, cause: unknown): HomeBusy | DiskFull | DiskFailed {
  if (cause instanceof DiskFull) return cause
  let text = ''
  for (let each = cause; each instanceof Error; each = each.cause) {
    if ('code' in each && each.code === 'LEVEL_LOCKED') return new HomeBusy(path, { cause })
    text += `${each.message}\n`
  }
  if (/no space left|quota exceeded/i.test(text)) return new DiskFull(path, { cause })
  return new DiskFailed(path, what, { next: NEXT, cause })
}
