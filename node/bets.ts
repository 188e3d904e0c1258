// Bets: that a file with the size, time and witness of before still has the content of before. Backups live
// by it, so it is audited: once a day, while nothing else goes on, a few files that would be skipped are read
// and held against their fingerprints; after `adopt`, which takes a whole base on trust, all of them. A file
// that lied is named, loses its witness, so that the next backup reads it, and widens the samples to come.

import { z } from 'zod'
import { fromHex, toHex, type CID } from '../store/block.ts'
import type { Clock } from '../store/clock.ts'
import { readFile, writeFile, type Disk } from '../store/disk.ts'
import { DiskFailed, Malformed } from '../store/errors.ts'
import { Pace } from '../store/pace.ts'
import type { Random } from '../store/random.ts'
import type { StateReader } from '../store/reader.ts'
import type { PathEntry } from '../store/tree.ts'
import { DAY_MS, type Ages } from './ages.ts'
import { SkippedFiles, drawEntry, entriesAfter } from './skipped-files.ts'
import { ROOT } from './tree/path.ts'
import type { Tree, TreePath } from './tree/tree.ts'
import type { WitnessBook } from './witness.ts'

/** Files of a daily sample while none lied; each day with a lie makes it wider, each without narrower. */
export const DEFAULT_SAMPLE_FILES = 64
const SAMPLE_FILES_MOST = 16_384
const WIDER = 4
/** A sample, or a turn of reading all, ends with the file in which it has read so much. */
const TURN_BYTES_MOST = 1 << 30
/** Draws for one file of a sample: most of a state may be links, empty files, or new. */
const DRAWS_PER_FILE = 4
/** How often it is looked whether there is something to do. */
const LOOK_MS = 10 * 60_000
const BYTES_PER_SECOND = 16 << 20
/** How long a lie is told, and how many are. */
const TOLD_MS = 30 * DAY_MS
const TOLD_MOST = 100
const FILE = 'bets.json'
/** The age that tells when the last sample was. */
const AUDITED = 'audited'

const hexSchema = z.string().regex(/^([0-9a-f]{2})*$/)
const stateSchema = z.strictObject({
  version: z.literal(1),
  /** Files of the next sample. */
  width: z.int().min(1).max(SAMPLE_FILES_MOST),
  /** All files are being read, and were, up to this path; its bytes in hex. */
  pass: z.strictObject({ after: hexSchema }).optional(),
  /** When the last audit ended, in milliseconds since 1970. */
  auditedAt: z.number().optional(),
  /** Files that had other content than they should: bytes of the path in hex, and when. */
  lies: z.array(z.strictObject({ path: hexSchema, at: z.number() })).max(TOLD_MOST)
})
export type BetsState = z.infer<typeof stateSchema>

/** What skipping files leans on: the tree, and the state that the next backup compares it with. */
export interface BetGround {
  tree: Tree
  witnesses: WitnessBook
  reader: StateReader
  root: CID
  /** Resolves when nothing else is done with the tree. */
  rest: () => Promise<void>
  /** The next backup is to read this file. False if the state is no longer the one to compare with. */
  doubt: (path: TreePath) => Promise<boolean>
  close: () => Promise<void>
}

export interface BetsComponents {
  disk: Disk
  clock: Clock
  random: Random
  ages: Ages
  /** Undefined while there is nothing that a backup would compare with. */
  ground: () => Promise<BetGround | undefined>
}

export interface AuditOptions {
  /** Every file, not a sample. */
  isAll?: boolean
  onProgress?: (count: { files: number; bytes: number }) => void
  signal: AbortSignal
}

/** What was read of files that a backup would have skipped. */
export interface Audited {
  files: number
  bytes: number
  /** Those that had other content than their fingerprint says. */
  differing: TreePath[]
}

/** One audit: a sample, or all that lies behind a path. */
interface Job extends Pick<AuditOptions, 'signal' | 'onProgress'> {
  /** Absent for a sample. */
  after?: TreePath
  bytesPerSecond: number
  bytesMost: number
}

export class Bets {
  readonly #components: BetsComponents
  #lookMs: number
  #work: Promise<unknown> = Promise.resolve()
  #isCaring = false

  constructor(components: BetsComponents) {
    this.#components = components
    // Not while the computer starts.
    this.#lookMs = components.clock.monotonic() + LOOK_MS
  }

  /** True when `care` should be called. */
  get isDue(): boolean {
    return !this.#isCaring && this.#components.clock.monotonic() >= this.#lookMs
  }

  /** The sample of the day if it is time, or some more of all files if those are to be read. */
  async care(signal: AbortSignal): Promise<void> {
    this.#isCaring = true
    try {
      await this.#inTurn(() => this.#care(signal))
    } finally {
      this.#isCaring = false
      this.#lookMs = this.#components.clock.monotonic() + LOOK_MS
    }
  }

  /** From now on no file counts as proved: all are read, a part at a time. */
  proveAll(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#save({ ...(await this.state()), pass: { after: '' } })
    })
  }

  /**
   * Audits now, as fast as it goes; when all are read and it is broken off, `care` goes on from there.
   * Undefined where there is nothing that a backup would compare with.
   */
  audit({ isAll = false, ...rest }: AuditOptions): Promise<Audited | undefined> {
    const extent = { bytesPerSecond: Infinity, bytesMost: isAll ? Infinity : TURN_BYTES_MOST }
    return this.#inTurn(() => this.#run({ ...rest, ...extent, ...(isAll && { after: ROOT }) }))
  }

  /** How far it is; from the beginning where nobody can read that any more. */
  async state(): Promise<BetsState> {
    try {
      const bytes = await readFile(this.#components.disk, FILE)
      if (bytes !== undefined) return stateSchema.parse(JSON.parse(Buffer.from(bytes).toString()))
    } catch (error) {
      const isLost = error instanceof SyntaxError || error instanceof z.ZodError
      if (!isLost && !(error instanceof Malformed || error instanceof DiskFailed)) throw error
    }
    return { version: 1, width: DEFAULT_SAMPLE_FILES, lies: [] }
  }

  /** Files that lied of late, the newest last; times in milliseconds since 1970. */
  async lies(): Promise<{ path: TreePath; at: number }[]> {
    const nowMs = this.#components.clock.now()
    const { lies } = await this.state()
    return lies
      .filter(({ at }) => Math.abs(nowMs - at) < TOLD_MS)
      .map(({ path, at }) => ({ path: fromHex(path, path.length / 2), at }))
  }

  async #care(signal: AbortSignal): Promise<void> {
    const { ages } = this.#components
    const { pass } = await this.state()
    ages.see(AUDITED)
    if (pass === undefined && ages.of(AUDITED) < DAY_MS) return
    const extent = { bytesPerSecond: BYTES_PER_SECOND, bytesMost: TURN_BYTES_MOST }
    const after = pass && fromHex(pass.after, pass.after.length / 2)
    await this.#run({ signal, ...extent, ...(after !== undefined && { after }) })
  }

  async #run(job: Job): Promise<Audited | undefined> {
    const ground = await this.#components.ground()
    if (ground === undefined) return undefined
    try {
      const { after } = job
      const audit = new Audit({ ground, clock: this.#components.clock, job })
      const state = await this.state()
      audit.onLie = async (path) => {
        const lie = { path: toHex(path), at: this.#components.clock.now() }
        state.lies = [...state.lies, lie].slice(-TOLD_MOST)
        state.width = Math.min(SAMPLE_FILES_MOST, Math.max(state.width, before * WIDER))
        await this.#save(state)
      }
      const before = state.width
      try {
        if (after === undefined) await audit.sample(before, this.#components.random)
        else await audit.readOn(after)
      } finally {
        if (after !== undefined) state.pass = { after: toHex(audit.reached) }
        if (audit.isAtEnd) delete state.pass
        const isQuiet = after === undefined && audit.found.differing.length === 0
        if (isQuiet) state.width = Math.max(DEFAULT_SAMPLE_FILES, Math.floor(before / WIDER))
        await this.#save({ ...state, auditedAt: this.#components.clock.now() })
        this.#components.ages.mark(AUDITED)
      }
      return audit.found
    } finally {
      await ground.close()
    }
  }

  async #save(state: BetsState): Promise<void> {
    await writeFile(this.#components.disk, FILE, Buffer.from(`${JSON.stringify(state)}\n`))
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#work.then(work)
    this.#work = turn.catch(() => undefined)
    return turn
  }
}

/** One audit under way. */
class Audit {
  readonly found: Audited = { files: 0, bytes: 0, differing: [] }
  /** The path that was read last, and whether it was the last of all. */
  reached = ROOT
  isAtEnd = false
  onLie: (path: TreePath) => Promise<void> = async () => undefined
  readonly #ground: BetGround
  readonly #job: Job
  readonly #files: SkippedFiles
  readonly #pace: Pace

  constructor({ ground, clock, job }: { ground: BetGround; clock: Clock; job: Job }) {
    this.#ground = ground
    this.#job = job
    this.#files = new SkippedFiles(ground.tree, ground.witnesses)
    this.#pace = new Pace(clock, job.bytesPerSecond)
  }

  /** So many files, drawn at random, if there are so many. */
  async sample(width: number, random: Random): Promise<void> {
    const { reader, root } = this.#ground
    const drawn = new Set<string>()
    for (let draws = width * DRAWS_PER_FILE; draws > 0; draws--) {
      if (this.found.files >= width || this.#isFull) return
      const each = await drawEntry(reader, root, random)
      if (each === undefined || drawn.has(toHex(each.path))) continue
      drawn.add(toHex(each.path))
      await this.#judge(each)
    }
  }

  /** All behind a path, in tree order, as far as one turn goes. */
  async readOn(after: TreePath): Promise<void> {
    const { reader, root } = this.#ground
    const { signal } = this.#job
    this.reached = after
    const top = { path: ROOT, entry: await reader.top(root) }
    for await (const each of entriesAfter(reader, top, after, { signal })) {
      if (this.#isFull) return
      await this.#judge(each)
      this.reached = each.path
    }
    this.isAtEnd = true
  }

  get #isFull(): boolean {
    return this.found.bytes >= this.#job.bytesMost
  }

  async #judge(each: PathEntry): Promise<void> {
    const { signal, onProgress } = this.#job
    await this.#ground.rest()
    signal.throwIfAborted()
    const onPiece = async (bytes: number): Promise<void> => {
      this.found.bytes += bytes
      onProgress?.(this.found)
      await this.#pace.spend(bytes, { signal })
    }
    const judgement = await this.#files.judge(each, { onPiece })
    if (judgement === 'read anyway') return
    this.found.files++
    if (judgement === 'same' || !(await this.#ground.doubt(each.path))) return
    this.found.differing.push(each.path)
    await this.onLie(each.path)
  }
}
