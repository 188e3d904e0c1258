// Readings that a caller holds open: by number, so that many calls for blocks belong to one restore, and
// end with one account of who gave what.

import { NoReading } from '../errors.ts'
import type { Reading } from '../reading.ts'

export class Readings {
  readonly #open = new Map<number, Reading>()
  #last = 0

  add(reading: Reading): number {
    this.#open.set(++this.#last, reading)
    return this.#last
  }

  /** @throws {NoReading} */
  get(number: number): Reading {
    const reading = this.#open.get(number)
    if (reading === undefined) throw new NoReading(number)
    return reading
  }

  /** Closes a reading and tells what came from where. */
  async close(
    number: number
  ): Promise<{ fetchedBytes: number; fromPeers: Record<string, number> }> {
    const reading = this.get(number)
    this.#open.delete(number)
    const { fetchedBytes, fromPeers } = reading
    await reading.close()
    return { fetchedBytes, fromPeers }
  }

  async closeAll(): Promise<void> {
    for (const number of [...this.#open.keys()]) await this.close(number)
  }
}
