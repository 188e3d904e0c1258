// The connections that are open, by peer. Two peers that dial each other at once get two connections:
// new wires then all use the one that the lower key dialled, which both sides agree on, and the peer with
// the lower key closes the other once nothing runs over it.

import type { Connection } from '@libp2p/interface'
import type { Clock } from '../../store/clock.ts'
import { toHex } from '../../store/block.ts'
import type { PeerKey } from '../../store/peer.ts'
import { peerKeyOf } from './door.ts'

/** How long a surplus connection is left, for a wire that is just being opened over it. */
const SETTLE_MS = 5_000

export type Change = (type: 'connected' | 'gone', peer: PeerKey) => void

export class Connections {
  readonly #self: PeerKey
  readonly #clock: Clock
  readonly #onChange: Change
  readonly #open = new Map<string, { peer: PeerKey; connections: Set<Connection> }>()
  readonly #stopped = new AbortController()

  constructor(components: { self: PeerKey; clock: Clock }, onChange: Change) {
    this.#self = components.self
    this.#clock = components.clock
    this.#onChange = onChange
  }

  opened(connection: Connection): void {
    const peer = peerKeyOf(connection.remotePeer)
    if (peer === undefined || connection.status !== 'open') return
    const key = toHex(peer)
    const known = this.#open.get(key)
    if (known === undefined) {
      this.#open.set(key, { peer, connections: new Set([connection]) })
      this.#onChange('connected', peer)
      return
    }
    known.connections.add(connection)
    const trims = Buffer.compare(this.#self, peer) < 0
    // Given up when we stop.
    if (trims && known.connections.size === 2) this.#trim(peer).catch(() => undefined)
  }

  closed(connection: Connection): void {
    const peer = peerKeyOf(connection.remotePeer)
    if (peer === undefined) return
    const key = toHex(peer)
    const known = this.#open.get(key)
    if (known?.connections.delete(connection) !== true || known.connections.size > 0) return
    this.#open.delete(key)
    this.#onChange('gone', peer)
  }

  /** The connection that new wires to `peer` use. */
  best(peer: PeerKey): Connection | undefined {
    return this.all(peer)[0]
  }

  /** The open connections with `peer`, the best first. */
  all(peer: PeerKey): Connection[] {
    const lower = Buffer.compare(this.#self, peer) < 0 ? 'outbound' : 'inbound'
    const rank = (connection: Connection): number => (connection.direction === lower ? 0 : 1)
    return [...(this.#open.get(toHex(peer))?.connections ?? [])]
      .filter((connection) => connection.status === 'open')
      .sort((a, b) => rank(a) - rank(b) || a.timeline.open - b.timeline.open)
  }

  peers(): PeerKey[] {
    return [...this.#open.values()].map(({ peer }) => peer)
  }

  stop(): void {
    this.#stopped.abort()
    // Closing a connection closes its streams, which says that all was written. That is not so for a wire
    // still in use; those that we have ended keep what is on its way.
    for (const peer of this.peers()) {
      for (const connection of this.all(peer)) {
        for (const stream of [...connection.streams]) {
          if (stream.writeStatus === 'writable') stream.abort(new Error('this peer stops'))
        }
      }
    }
  }

  /** Closes what is surplus and idle, until one connection is left. */
  async #trim(peer: PeerKey): Promise<void> {
    for (;;) {
      await this.#clock.sleep(SETTLE_MS, { signal: this.#stopped.signal })
      const surplus = this.all(peer).slice(1)
      if (surplus.length === 0) return
      for (const connection of surplus) {
        if (connection.streams.length === 0) await connection.close().catch(() => undefined)
      }
    }
  }
}
