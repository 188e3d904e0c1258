// A hand: the main thread's side of one packing thread. Knows how much it has been given to read, and tells
// when the thread is lost.

import { Worker } from 'node:worker_threads'
import { PackerLost } from '../errors.ts'
import type { FileOrder, Order, Report } from './messages.ts'

/** What opening, looking at and closing a file costs, in bytes that could be read meanwhile. */
const FILE_COST_BYTES = 16 << 10

export interface HandInit {
  onReport: (report: Report) => void
  onLost: (lost: PackerLost) => void
  /** The module that the thread runs. */
  thread?: URL | undefined
}

const THREAD = new URL(`thread${import.meta.url.slice(-3)}`, import.meta.url)

export class Hand {
  /** Bytes that it was given to read, and has not read. */
  backlog = 0
  readonly #worker: Worker
  #isEnding = false

  constructor({ onReport, onLost, thread = THREAD }: HandInit) {
    const worker = new Worker(thread, { name: 'drystone-packer' })
    this.#worker = worker
    const lose = (cause: unknown): void => {
      if (!this.#isEnding) onLost(new PackerLost({ cause }))
    }
    worker.on('message', (report: Report) => {
      if (this.#isEnding) return
      if (report.type === 'load') this.#note(report)
      onReport(report)
    })
    worker.on('error', lose)
    worker.on('messageerror', lose)
    worker.on('exit', (code) => lose(new Error(`it exited with ${code}`)))
  }

  read(files: readonly FileOrder[]): void {
    this.#post({ type: 'read', files })
    for (const { size } of files) this.backlog += size + FILE_COST_BYTES
  }

  pack(order: Omit<Extract<Order, { type: 'pack' }>, 'type'>): void {
    this.#post({ type: 'pack', ...order })
  }

  /** A load has been dealt with. */
  free(load: number): void {
    this.#post({ type: 'free', load })
  }

  /** Resolves when the thread is gone, and touches nothing any more. */
  async end(): Promise<void> {
    this.#isEnding = true
    await this.#worker.terminate()
  }

  #post(order: Order): void {
    this.#worker.postMessage(order)
  }

  #note({ parts, readBytes }: Extract<Report, { type: 'load' }>): void {
    const ended = parts.filter(({ end }) => end !== undefined).length
    // A file may be of another size than it was seen with.
    this.backlog = Math.max(0, this.backlog - readBytes - ended * FILE_COST_BYTES)
  }
}
