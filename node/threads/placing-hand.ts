// A placing hand: the main thread's side of a thread that unpacks, proves and writes files. Steps are
// gathered while this thread has other things to do, and go over together. A thread that is lost places
// nothing more: what it had not finished is told to be undone, and its files are placed by somebody else.

import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Hash } from '../../store/block.ts'
import type { StoredBlock, StoredPlace } from '../../store/stored.ts'
import type { Hand, HandFile, OpenHands } from '../placer.ts'
import type { TreeMetadata } from '../tree/tree.ts'
import type { PlacingInit, PlacingOrder, PlacingReport, PlacingStep } from './placing.ts'

/** More threads than this would wait for the one that feeds them. */
const HANDS_MAX = 8
/** So much goes over at once, without waiting for more. */
const ORDER_BYTES = 1 << 20
/** What making, naming and closing a file costs, in bytes that could be written meanwhile. */
const FILE_COST_BYTES = 64 << 10
const THREAD = new URL(`placing-thread${import.meta.url.slice(-3)}`, import.meta.url)

/** As many hands as there are processors, writing below one root. */
export function placingHands(init: PlacingInit, thread = THREAD): OpenHands {
  const count = Math.min(availableParallelism(), HANDS_MAX)
  return () => Array.from({ length: count }, () => new PlacingHand(init, thread))
}

type Beginning = Parameters<Hand['begin']>[0]

/** An order: while it is being gathered, and until it is done. */
class Gathering {
  readonly steps: PlacingStep[] = []
  readonly bodies: Uint8Array[] = []
  readonly done = Promise.withResolvers<void>()
  length = 0
  cost = 0
}

class PlacingHand implements Hand {
  backlog = 0
  readonly #worker: Worker
  #gathering: Gathering | undefined
  /** Not answered, in order. */
  readonly #given: Gathering[] = []
  readonly #commits = new Map<number, (warnings: string[] | undefined) => void>()
  #last = 0
  #isLost = false

  constructor(init: PlacingInit, thread: URL) {
    const worker = new Worker(thread, { name: 'drystone-placer', workerData: init })
    this.#worker = worker
    const lose = (): void => this.#lose()
    worker.on('message', (report: PlacingReport) => this.#hear(report))
    worker.on('error', lose)
    worker.on('messageerror', lose)
    worker.on('exit', lose)
  }

  begin({ to, hash, metadata }: Beginning): HandFile {
    const file = ++this.#last
    const begin = { type: 'begin' as const, file, to: own(to), hash: own(hash) }
    void this.#add({ ...begin, metadata: sent(metadata) }, FILE_COST_BYTES)
    return {
      write: (chunk, stored) => this.#write(file, chunk, stored),
      commit: () => this.#commit(file),
      discard: () => void this.#add({ type: 'discard', file })
    }
  }

  async end(): Promise<void> {
    this.#lose()
    await this.#worker.terminate()
  }

  #write(file: number, hash: Hash, stored: StoredBlock | StoredPlace): Promise<void> {
    const block = { type: 'block' as const, file, hash: own(hash) }
    const { method, plainLength } = stored
    if ('path' in stored) return this.#add({ ...block, lying: stored }, plainLength)
    const { body } = stored
    const { bodies, length: offset } = this.#gathered()
    bodies.push(body)
    const lying = { method, plainLength, offset, length: body.length }
    return this.#add({ ...block, lying }, plainLength, body.length)
  }

  #commit(file: number): Promise<string[] | undefined> {
    if (this.#isLost) return Promise.resolve(undefined)
    void this.#add({ type: 'commit', file })
    return new Promise((resolve) => this.#commits.set(file, resolve))
  }

  /** Resolves when the step is done, or never will be. */
  #add(step: PlacingStep, cost = 0, length = 0): Promise<void> {
    if (this.#isLost) return Promise.resolve()
    const order = this.#gathered()
    order.steps.push(step)
    order.cost += cost
    order.length += length
    this.backlog += cost
    if (order.length >= ORDER_BYTES) this.#send()
    return order.done.promise
  }

  /** What is being gathered; it goes over when all that comes at this moment has come. */
  #gathered(): Gathering {
    if (this.#gathering === undefined) {
      const gathering = new Gathering()
      this.#gathering = gathering
      setImmediate(() => {
        if (this.#gathering === gathering) this.#send()
      })
    }
    return this.#gathering
  }

  #send(): void {
    const order = this.#gathering
    this.#gathering = undefined
    if (order === undefined || this.#isLost) return
    const bytes = new Uint8Array(order.length)
    let at = 0
    for (const body of order.bodies) {
      bytes.set(body, at)
      at += body.length
    }
    this.#given.push(order)
    const message: PlacingOrder = { steps: order.steps, bytes }
    this.#worker.postMessage(message, [bytes.buffer])
  }

  #hear({ ends }: PlacingReport): void {
    const order = this.#given.shift()
    if (order === undefined) return
    this.backlog -= order.cost
    order.done.resolve()
    for (const { file, warnings } of ends) this.#end(file, warnings)
  }

  #end(file: number, warnings: string[] | undefined): void {
    this.#commits.get(file)?.(warnings)
    this.#commits.delete(file)
  }

  #lose(): void {
    if (this.#isLost) return
    this.#isLost = true
    // It is never the one with least to do.
    this.backlog = Number.POSITIVE_INFINITY
    for (const { done } of [...this.#given, this.#gathering].filter((each) => each !== undefined)) {
      done.resolve()
    }
    for (const file of [...this.#commits.keys()]) this.#end(file, undefined)
  }
}

/** A copy that is all there is in its memory: sending a view sends what it is a view of. */
function own(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}

function sent(metadata: TreeMetadata): TreeMetadata {
  const xattrs = metadata.xattrs.map(([name, value]) => [own(name), own(value)] as const)
  return { ...metadata, xattrs }
}
