// Parcels that are under way: exports and imports by number, so that many calls belong to one. The command
// has the file, with the rights of whoever called; the peer has the blocks.

import { NoReading } from '../errors.ts'
import type { Exporter } from '../exporter.ts'
import type { Importer } from '../importer.ts'

/** Those that are open, of one kind. */
class Open<T extends { close: () => unknown }> {
  readonly #open = new Map<number, T>()
  #last = 0

  add(one: T): number {
    this.#open.set(++this.#last, one)
    return this.#last
  }

  /** @throws {NoReading} */
  get(number: number): T {
    const one = this.#open.get(number)
    if (one === undefined) throw new NoReading(number)
    return one
  }

  /** Nothing if it is closed already. */
  async close(number: number): Promise<void> {
    const one = this.#open.get(number)
    this.#open.delete(number)
    await one?.close()
  }
}

export class Parcels {
  readonly exports = new Open<Exporter>()
  readonly imports = new Open<Importer>()
}
