// The accepting side of wires. Membership is asked again for each wire, since a connection may outlive
// it; the first byte on a wire says whether it is accepted, so that a refusal is never taken for a cut.

import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { Refused, WireCut } from '../../protocol/errors.ts'
import { STRANGER_BYTES_MAX } from '../../protocol/limits.ts'
import type { CallOptions, Gate, HandleOptions, Handler } from '../../protocol/network.ts'
import type { Clock } from '../../store/clock.ts'
import type { PeerKey } from '../../store/peer.ts'
import { peerKeyOf } from './door.ts'
import { Libp2pWire } from './wire.ts'

/** The first byte of the accepting side, before the conversation. */
const ACCEPTED = 1
const REFUSED = 0
/** How long a wire that we have ended may wait for the other side to end it too. */
const LINGER_MS = 10_000

interface Registration {
  handler: Handler
  strangers: boolean
}

/**
 * Takes the first byte of the accepting side off a wire that we dialled.
 *
 * @throws {Refused} @throws {WireCut}
 */
export async function welcomed(wire: Libp2pWire, options: CallOptions): Promise<void> {
  const answer = await wire.read(options)
  if (answer?.[0] === REFUSED) throw new Refused()
  if (answer?.[0] !== ACCEPTED) throw new WireCut()
  wire.unread(answer.subarray(1))
}

export class Reception {
  readonly #gate: Gate
  readonly #clock: Clock
  readonly #registrations = new Map<string, Registration>()
  /** What strangers sent, by the connection they sent it over. */
  readonly #spent = new WeakMap<Connection, number>()
  #libp2p: Libp2p | undefined

  constructor(components: { gate: Gate; clock: Clock }) {
    this.#gate = components.gate
    this.#clock = components.clock
  }

  handle(protocol: string, handler: Handler, { strangers = false }: HandleOptions): void {
    const isNew = !this.#registrations.has(protocol)
    this.#registrations.set(protocol, { handler, strangers })
    if (isNew && this.#libp2p !== undefined) this.#register(this.#libp2p, protocol)
  }

  /** Answers on `libp2p` from now on. */
  open(libp2p: Libp2p): void {
    this.#libp2p = libp2p
    for (const protocol of this.#registrations.keys()) this.#register(libp2p, protocol)
  }

  close(): void {
    this.#libp2p = undefined
  }

  #register(libp2p: Libp2p, protocol: string): void {
    const accept = (stream: Stream, connection: Connection): void => {
      this.#accept(protocol, stream, connection).catch((error: Error) => stream.abort(error))
    }
    // Its promise is about a record in the peer store; the handler itself is set at once.
    libp2p.handle(protocol, accept).catch(() => undefined)
  }

  async #accept(protocol: string, stream: Stream, connection: Connection): Promise<void> {
    const peer = peerKeyOf(connection.remotePeer)
    const registration = this.#registrations.get(protocol)
    if (peer === undefined || registration === undefined) return stream.abort(new Refused())
    if (!registration.strangers && !this.#gate.isMember(peer))
      return await this.#refuse(peer, stream)
    const wire = new Libp2pWire(peer, stream, {
      mayReceive: (bytes) => this.#gate.isMember(peer) || this.#spend(connection, bytes)
    })
    try {
      await wire.write(Uint8Array.of(ACCEPTED))
      await registration.handler(wire)
      await this.#finish(wire)
    } catch (error) {
      wire.abort(error instanceof Error ? error : new Error('the handler failed', { cause: error }))
    }
  }

  async #refuse(peer: PeerKey, stream: Stream): Promise<void> {
    const wire = new Libp2pWire(peer, stream)
    await wire.write(Uint8Array.of(REFUSED))
    await this.#finish(wire)
  }

  /** Ends a wire, and lets go of it even if the other side does not. What still comes is heard by nobody. */
  async #finish(wire: Libp2pWire): Promise<void> {
    const timeout = this.#clock.timeout(LINGER_MS)
    try {
      await wire.end(timeout)
      await wire.whenClosed(timeout)
    } finally {
      timeout.cancel()
      wire.abort()
    }
  }

  /** False once a stranger has sent more than it may. */
  #spend(connection: Connection, bytes: number): boolean {
    const spent = (this.#spent.get(connection) ?? 0) + bytes
    this.#spent.set(connection, spent)
    return spent <= STRANGER_BYTES_MAX
  }
}
