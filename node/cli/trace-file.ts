// The file that a run's trace is written to, line by line as it happens. A file that cannot be written must
// not disturb the run: what was wrong is said when the file is closed.

import { closeSync, openSync, writeFileSync } from 'node:fs'
import { WrongUsage } from './session.ts'

/** Lines are written together when they are so long. */
const CHUNK_LENGTH = 1 << 16

export class TraceFile {
  readonly #path: string
  readonly #file: number
  #lines: string[] = []
  #length = 0
  #failure: unknown

  /** @throws {WrongUsage} */
  constructor(path: string) {
    this.#path = path
    try {
      this.#file = openSync(path, 'w')
    } catch (error) {
      throw notWritable(path, error)
    }
  }

  /** One line, without its newline. */
  add(line: string): void {
    this.#lines.push(`${line}\n`)
    this.#length += line.length
    if (this.#length >= CHUNK_LENGTH) this.#write()
  }

  /** @throws {WrongUsage} if not all of it was written */
  close(): void {
    this.#write()
    closeSync(this.#file)
    if (this.#failure !== undefined) throw notWritable(this.#path, this.#failure)
  }

  #write(): void {
    const text = this.#lines.join('')
    this.#lines = []
    this.#length = 0
    if (this.#failure !== undefined) return
    try {
      writeFileSync(this.#file, text)
    } catch (error) {
      this.#failure = error
    }
  }
}

function notWritable(path: string, cause: unknown): WrongUsage {
  const why = cause instanceof Error ? cause.message : 'it is refused'
  return new WrongUsage(`the trace cannot be written to ${path}: ${why}`, {
    next: 'Name another file with --trace.',
    cause
  })
}
