// A wire that drips: what is written to it goes out a byte at a time, so that whoever reads never waits for
// long, and never gets to the end. The writer is told at once that all was taken.

import type { CallOptions, Wire } from '../../protocol/network.ts'
import type { PeerKey } from '../../store/peer.ts'
import type { Liar } from './liar.ts'

/** Below what a reader waits for a sign of life. */
const DRIP_MS = 50_000

export class SlowWire implements Wire {
  readonly peer: PeerKey
  readonly #wire: Wire
  readonly #liar: Liar
  readonly #dropped = new AbortController()
  /** What drips still; undefined until something did. */
  #dripping: Promise<void> | undefined

  constructor(wire: Wire, liar: Liar) {
    this.peer = wire.peer
    this.#wire = wire
    this.#liar = liar
  }

  async write(bytes: Uint8Array, options?: CallOptions): Promise<void> {
    const isSlow = this.#liar.tellsNow('slow-bytes')
    if (!isSlow && this.#dripping === undefined) return this.#wire.write(bytes, options)
    const earlier = this.#dripping ?? Promise.resolve()
    // Who reads has given up: then there is nobody to drip for.
    this.#dripping = earlier.then(() => this.#drip(bytes)).catch(() => this.abort())
  }

  read(options?: CallOptions): Promise<Uint8Array | undefined> {
    return this.#wire.read(options)
  }

  async end(options?: CallOptions): Promise<void> {
    await this.#dripping
    await this.#wire.end(options)
  }

  abort(reason?: Error): void {
    this.#dropped.abort()
    this.#wire.abort(reason)
  }

  async #drip(bytes: Uint8Array): Promise<void> {
    const { signal } = this.#dropped
    for (let at = 0; at < bytes.length; at++) {
      await this.#wire.write(bytes.subarray(at, at + 1), { signal })
      await this.#liar.clock.sleep(DRIP_MS, { signal })
    }
  }
}
