// A crew of threads. They read, cut, hash, compress and seal; this side, in the main thread, knows what is
// known, and stores. Blocks, counts and failures are those of the inline crew. Memory is bounded by the
// slabs of the threads: one is filled again only when all in it is stored. A file's job ends only when no
// thread can touch its descriptor: whoever opened it may close it then.

import { availableParallelism } from 'node:os'
import { HASH_BYTES, DAG_CBOR, RAW, cidFromHash, type CID, type Hash } from '../../store/block.ts'
import type { ChunkRef } from '../../store/entry.ts'
import type { Sink } from '../../store/sink.ts'
import { PackerLost } from '../errors.ts'
import { describePacked, packFile, type Crew, type OpenCrew } from '../packer.ts'
import type { PackJob, Packed } from '../packer.ts'
import { Hand } from './hand.ts'
import type { FileOrder, Part, Report } from './messages.ts'

/** Files under way: small ones go over many in one message. */
const AHEAD = 128
/** More threads than this would wait for the one that stores. */
const HANDS_MAX = 8
/** A hand that has so much to read gets no more: it may be another's turn first. */
const BACKLOG_BYTES = 4 << 20
/** So much is packed inline first: a backup of a few small files is done before a thread would run. */
const LITTLE_BYTES = 1 << 20

export interface ThreadCrewInit {
  signal?: AbortSignal | undefined
  hands?: number | undefined
  littleBytes?: number | undefined
  /** The module that the threads run. */
  thread?: URL | undefined
}

interface Job extends PackJob {
  id: number
  descriptor: number
  refs: Promise<ChunkRef>[]
  result: PromiseWithResolvers<Packed>
}

/** A chunk whose block nobody has, as far as is known. */
interface Fresh {
  /** Its place in its load. */
  at: number
  hash: Hash
  length: number
  key: string
  made: PromiseWithResolvers<CID>
}

/** What is being packed of a load. */
interface Wanted {
  slab: SharedArrayBuffer
  chunks: Fresh[]
}

/** A crew of as many threads as there are processors. */
export const threadCrew: OpenCrew = (sink, options) => new ThreadCrew(sink, options)

export class ThreadCrew implements Crew {
  readonly ahead = AHEAD
  readonly #sink: Sink
  readonly #init: ThreadCrewInit
  /** Undefined until there is enough to do. */
  #hands: Hand[] | undefined
  #inlineBytes = 0
  #lastJob = 0
  readonly #jobs = new Map<number, Job>()
  /** Not given to a hand yet. */
  readonly #waiting: Job[] = []
  #isPlanned = false
  /** Chunks that are being packed, by hash: a second one with the same bytes waits for the first. */
  readonly #coming = new Map<string, Promise<CID>>()
  /** What was asked for and has not come, by hand and load. */
  readonly #wanted = new Map<Hand, Map<number, Wanted>>()
  #ending: Promise<void> | undefined
  #failure: { error: unknown } | undefined
  readonly #onAbort = (): unknown => this.#end(this.#init.signal?.reason)

  constructor(sink: Sink, init: ThreadCrewInit = {}) {
    this.#sink = sink
    this.#init = init
    init.signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  async pack(job: PackJob): Promise<Packed> {
    if (this.#failure !== undefined) throw this.#failure.error
    const { descriptor } = job.file
    if (descriptor === undefined || this.#isLittle(job.size)) {
      return packFile(job.file, this.#sink, job.known)
    }
    const id = ++this.#lastJob
    const result = Promise.withResolvers<Packed>()
    const each: Job = { ...job, id, descriptor, refs: [], result }
    this.#jobs.set(id, each)
    this.#waiting.push(each)
    this.#plan()
    return result.promise
  }

  async stop(): Promise<void> {
    this.#init.signal?.removeEventListener('abort', this.#onAbort)
    await this.#end(new Error('the crew was stopped'))
  }

  #isLittle(size: number): boolean {
    if (this.#hands !== undefined) return false
    this.#inlineBytes += size
    return this.#inlineBytes <= (this.#init.littleBytes ?? LITTLE_BYTES)
  }

  /** Gives out work when all that is going to come at this moment has come. */
  #plan(): void {
    if (this.#isPlanned) return
    this.#isPlanned = true
    setImmediate(() => {
      this.#isPlanned = false
      this.#giveOut()
    })
  }

  #giveOut(): void {
    if (this.#failure !== undefined || this.#waiting.length === 0) return
    if (this.#hands === undefined && !this.#gather()) return
    const hands = this.#hands ?? []
    const orders = new Map<Hand, { files: FileOrder[]; bytes: number }>()
    const loadOf = (hand: Hand): number => hand.backlog + (orders.get(hand)?.bytes ?? 0)
    for (;;) {
      const hand = hands.reduce((a, b) => (loadOf(b) < loadOf(a) ? b : a))
      if (loadOf(hand) >= BACKLOG_BYTES) break
      const job = this.#waiting.shift()
      if (job === undefined) break
      const given = orders.get(hand) ?? { files: [], bytes: 0 }
      given.files.push({ job: job.id, descriptor: job.descriptor, size: job.size })
      given.bytes += job.size
      orders.set(hand, given)
    }
    for (const [hand, { files }] of orders) hand.read(files)
  }

  /** Starts the threads; false if there are none to be had. */
  #gather(): boolean {
    const { hands = Math.min(availableParallelism(), HANDS_MAX), thread } = this.#init
    const gathered: Hand[] = []
    this.#hands = gathered
    try {
      for (let i = 0; i < hands; i++) {
        const hand: Hand = new Hand({
          onReport: (report) => void this.#hear(hand, report),
          onLost: (lost) => void this.#end(lost),
          thread
        })
        gathered.push(hand)
        this.#wanted.set(hand, new Map())
      }
      return true
    } catch (cause) {
      void this.#end(new PackerLost({ cause }))
      return false
    }
  }

  /** What goes wrong here has no file to blame: it ends the crew. */
  async #hear(hand: Hand, report: Report): Promise<void> {
    try {
      if (report.type === 'load') await this.#judge(hand, report)
      else await this.#store(hand, report)
    } catch (error) {
      await this.#end(error)
    }
  }

  /** Decides which chunks of a load have to be packed. */
  async #judge(hand: Hand, report: Extract<Report, { type: 'load' }>): Promise<void> {
    const fresh: Fresh[] = []
    let at = 0
    for (const part of report.parts) {
      const job = this.#jobs.get(part.job)
      if (job === undefined) throw new Error(`job ${part.job} is not here`)
      for (const length of part.lengths) {
        const hash = report.hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES)
        const cid = job.known(hash) ?? this.#makeOnce({ at, hash, length }, fresh)
        job.refs.push(Promise.resolve(cid).then((cid) => ({ cid, length, hash })))
        at++
      }
      if (part.end !== undefined) void this.#finish(job, part.end)
    }
    this.#giveOut()
    const found = await this.#sink.findChunks(fresh.map(({ hash }) => hash))
    const wanted = fresh.filter(({ key, made }, i) => {
      const cid = found[i]
      if (cid === undefined) return true
      this.#coming.delete(key)
      made.resolve(cid)
      return false
    })
    const { load, slab } = report
    if (wanted.length === 0) {
      hand.free(load)
      return
    }
    this.#wanted.get(hand)?.set(load, { slab, chunks: wanted })
    hand.pack({ load, wanted: wanted.map(({ at }) => at), keys: this.#sink.keys })
  }

  /** The address of a chunk's block, which is found or made for whoever needs it first. */
  async #makeOnce(chunk: Pick<Fresh, 'at' | 'hash' | 'length'>, fresh: Fresh[]): Promise<CID> {
    const key = Buffer.from(chunk.hash).toString('latin1')
    const coming = this.#coming.get(key)
    if (coming !== undefined) {
      const cid = await coming
      this.#sink.count.blocks++
      return cid
    }
    const made = Promise.withResolvers<CID>()
    this.#coming.set(key, made.promise)
    fresh.push({ ...chunk, key, made })
    return made.promise
  }

  async #store(hand: Hand, report: Extract<Report, { type: 'packed' }>): Promise<void> {
    const { load, hashes, blocks, grown } = report
    const wanted = this.#wanted.get(hand)?.get(load)
    if (wanted?.chunks.length !== blocks.length) throw new Error(`load ${load} is not as asked for`)
    this.#wanted.get(hand)?.delete(load)
    const codec = this.#sink.keys === undefined ? RAW : DAG_CBOR
    const slab = new Uint8Array(wanted.slab)
    const packed = blocks.map(({ method, plainLength, storedLength, at, isGrown }, i) => {
      const body = (isGrown ? grown : slab).subarray(at, at + storedLength)
      const hash = hashes.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES)
      return { cid: cidFromHash(codec, hash), stored: { method, plainLength, body } }
    })
    await this.#sink.putPacked(packed)
    hand.free(load)
    for (const [i, { key, made }] of wanted.chunks.entries()) {
      this.#coming.delete(key)
      const block = packed[i]
      if (block !== undefined) made.resolve(block.cid)
    }
  }

  /** No thread reads the file any more. */
  async #finish(job: Job, end: NonNullable<Part['end']>): Promise<void> {
    const { id, file, known, refs, result } = job
    try {
      const packed =
        end === 'unreadable'
          ? await packFile(file, this.#sink, known)
          : await describePacked(await Promise.all(refs), end.fingerprint, this.#sink)
      result.resolve(packed)
    } catch (error) {
      result.reject(error)
    }
    this.#jobs.delete(id)
  }

  /** Ends the threads, and then whatever is not done. */
  #end(error: unknown): Promise<void> {
    this.#failure ??= { error }
    this.#ending ??= this.#endHands(this.#failure.error)
    return this.#ending
  }

  async #endHands(error: unknown): Promise<void> {
    await Promise.all((this.#hands ?? []).map((hand) => hand.end()))
    for (const { result } of this.#jobs.values()) result.reject(error)
    this.#jobs.clear()
  }
}
