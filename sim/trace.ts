// The trace: one line for everything that happened, in order, and a hash over all of it. Two runs of one
// seed are the same run exactly if their hashes are equal; so a line holds what was said and written (as
// length and checksum), and nothing that comes from the real world.

import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** Lines that are hashed at a time: one call for each would cost more than the hashing. */
const BATCH = 512
/** Lines that are remembered for a reader of a violation. */
const TAIL = 60

export interface TraceInit {
  /** Virtual milliseconds since the start. */
  now: () => number
  /** Gets each line as it is written, without a line break. */
  onLine?: ((line: string) => void) | undefined
}

export class Trace {
  readonly #now: () => number
  readonly #onLine: ((line: string) => void) | undefined
  readonly #hash = createHash('sha256')
  #batch: string[] = []
  /** The last lines, the oldest at `#count % TAIL`. */
  readonly #tail: string[] = []
  #count = 0

  constructor({ now, onLine }: TraceInit) {
    this.#now = now
    this.#onLine = onLine
  }

  /** Lines so far. */
  get count(): number {
    return this.#count
  }

  /** Writes a line: who did what, with what, and what came of it. */
  note(who: string, what: string, facts: readonly unknown[] = [], gave?: unknown): void {
    const line = JSON.stringify({
      at: this.#now(),
      who,
      what,
      with: facts.length === 0 ? undefined : facts.map(brief),
      gave: brief(gave)
    })
    this.#tail[this.#count % TAIL] = line
    this.#count++
    this.#onLine?.(line)
    if (this.#batch.push(line) >= BATCH) this.#flush()
  }

  /** SHA-256 over all lines so far, in hex. */
  digest(): string {
    this.#flush()
    return this.#hash.copy().digest('hex')
  }

  /** The last lines, oldest first. */
  tail(): string[] {
    const start = this.#count % TAIL
    return [...this.#tail.slice(start), ...this.#tail.slice(0, start)]
  }

  #flush(): void {
    if (this.#batch.length > 0) this.#hash.update(`${this.#batch.join('\n')}\n`)
    this.#batch = []
  }
}

/** A value as it stands in a line: bytes as `length:crc32`, lists by length, failures by name. */
function brief(value: unknown): unknown {
  if (value instanceof Uint8Array) {
    return `${value.length}:${crc32(value).toString(16)}`
  }
  if (value instanceof Error) return value.name
  if (Array.isArray(value)) {
    return value.every((each) => typeof each === 'string')
      ? `${value.length}:${crc32(value.join('\0')).toString(16)}`
      : value.length
  }
  if (typeof value === 'object' && value !== null) return undefined
  return typeof value === 'bigint' ? value.toString() : value
}
