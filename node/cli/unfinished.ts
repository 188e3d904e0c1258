// A note beside a directory that is being written: if the work is interrupted, the next try knows that what
// lies there is its own, and goes on instead of refusing a directory that is not empty. The note lies next
// to the directory, never in it, so the directory is exactly what was asked for.

import { rm, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

export class Unfinished {
  readonly #path: string
  readonly #what: string

  constructor(directory: string, what: string) {
    this.#path = join(dirname(directory), `.${basename(directory)}.drystone-unfinished`)
    this.#what = what
  }

  /** True if an earlier try at the very same thing did not end. */
  async isOurs(): Promise<boolean> {
    const note = await readFile(this.#path, 'utf8').catch(() => undefined)
    return note === `${this.#what}\n`
  }

  async begin(): Promise<void> {
    await writeFile(this.#path, `${this.#what}\n`)
  }

  async end(): Promise<void> {
    await rm(this.#path, { force: true })
  }
}
