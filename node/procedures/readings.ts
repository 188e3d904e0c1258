// Readings that a caller holds open: by number, so that many calls for blocks belong to one restore, and
// end with one account of who gave what.

import type { CID } from '../../store/block.ts'
import { NoReading } from '../errors.ts'
import type { Reading } from '../reading.ts'

/** Bodies in one answer: within its frame, however large they are. */
export const BODIES_MAX = 32

interface OpenReading {
  reading: Reading
  /** The state that was opened, where it is an endpoint's. */
  root: CID | undefined
}

export class Readings {
  readonly #open = new Map<number, OpenReading>()
  #last = 0

  add(reading: Reading, root?: CID): number {
    this.#open.set(++this.#last, { reading, root })
    return this.#last
  }

  /** @throws {NoReading} */
  opened(number: number): OpenReading {
    const opened = this.#open.get(number)
    if (opened === undefined) throw new NoReading(number)
    return opened
  }

  /** @throws {NoReading} */
  get(number: number): Reading {
    return this.opened(number).reading
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
