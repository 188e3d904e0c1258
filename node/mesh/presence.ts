// Presence: who of the mesh is about. A copy on a computer that has not been there for hours may be gone
// with it; so it does not count until the computer is back, and another keeper takes its place meanwhile.
// Time goes by the monotonic clock of this process: nobody is absent because a clock was set.

import { toHex } from '../../store/block.ts'
import type { Clock } from '../../store/clock.ts'
import type { PeerKey } from '../../store/peer.ts'
import type { Network } from '../../protocol/network.ts'

/** A computer that nobody reached for so long is absent; one that was restarted or slept a little is not. */
export const DEFAULT_ABSENT_MS = 3 * 60 * 60_000

export class Presence {
  readonly #network: Network
  readonly #clock: Clock
  readonly #startedMs: number
  /** By peer in hex: when its connection went, by the monotonic clock. */
  readonly #goneMs = new Map<string, number>()

  constructor({ network, clock }: { network: Network; clock: Clock }) {
    this.#network = network
    this.#clock = clock
    this.#startedMs = clock.monotonic()
    network.watch((event) => {
      if (event.type === 'gone') this.#goneMs.set(toHex(event.peer), clock.monotonic())
    })
  }

  /** True while it is connected, and for a while after; at first true of everybody. */
  isPresent(peer: PeerKey): boolean {
    const key = toHex(peer)
    const sinceMs = this.#goneMs.get(key) ?? this.#startedMs
    if (this.#clock.monotonic() - sinceMs < DEFAULT_ABSENT_MS) return true
    return this.#network.connected().some((each) => toHex(each) === key)
  }
}
