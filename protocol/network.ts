// The network port: how a conversation reaches another peer. Who the other side is has been proven
// before a wire exists (Noise on a real network), so `peer` can be trusted; what it says cannot. A wire
// is a pair of byte streams with backpressure in which an end is told from a cut.

import type { PeerKey } from '../store/peer.ts'

export interface CallOptions {
  signal?: AbortSignal | undefined
}

/** One stream between two peers. */
export interface Wire {
  /** The proven key of the other side. */
  readonly peer: PeerKey
  /**
   * Resolves when the wire can take more: that is the backpressure. `bytes` belong to the wire from then
   * on: they are not copied. After a call that its signal gave up, only `abort` is left. @throws {WireCut}
   */
  write(bytes: Uint8Array, options?: CallOptions): Promise<void>
  /**
   * The next bytes, of any length above 0; undefined once the other side has ended. One call at a time.
   * @throws {WireCut}
   */
  read(options?: CallOptions): Promise<Uint8Array | undefined>
  /** Says that no more will be written. Reading goes on. */
  end(options?: CallOptions): Promise<void>
  /** Drops both directions at once; the other side sees a cut. Safe to call twice, and after end. */
  abort(reason?: Error): void
}

/** Returning ends the wire: what the other side still sends is not read. */
export type Handler = (wire: Wire) => Promise<void>

export interface HandleOptions {
  /** True if strangers may open this protocol too. By default only members may. */
  strangers?: boolean
}

/** An address as people write it: a multiaddr, or `host[:port]`. */
export type Address = string

/** A peer that may be at some addresses: a hint, from mDNS or memory, and not proven. */
export interface Sighting {
  peer: PeerKey
  addresses: Address[]
}

export interface Network {
  /** This peer. */
  readonly self: PeerKey
  /** Where others may reach this peer, while started. */
  addresses(): Address[]
  start(options?: CallOptions): Promise<void>
  stop(): Promise<void>
  /** Answers `protocol`. A handler that throws aborts its wire; nothing else happens. */
  handle(protocol: string, handler: Handler, options?: HandleOptions): void
  /**
   * Opens a wire to a peer, over an existing connection or a new one to an address that was learned. A
   * stranger is only dialled over the connection that `meet` made.
   * @throws {PeerUnreachable} nobody answers. @throws {Refused} it does not do this for us.
   * @throws {WireCut} it went away meanwhile. @throws {OverLimit} too many wires to it are open.
   */
  dial(peer: PeerKey, protocol: string, options?: CallOptions): Promise<Wire>
  /**
   * Connects to whoever answers at `address`, and tells who that is. Someone who is not a member, and
   * does not become one, is dropped again within a minute.
   * @throws {PeerUnreachable} @throws {Malformed} if it is no address.
   */
  meet(address: Address, options?: CallOptions): Promise<PeerKey>
  /** Adds what is known of where a peer may be. */
  learn(sighting: Sighting): void
  /** Peers with a connection open now, strangers included: ask the gate. */
  connected(): PeerKey[]
  /** Drops all connections with a peer. */
  hangUp(peer: PeerKey): Promise<void>
  /** Calls `listener` for each peer seen, connected and gone, until the returned function is called. */
  watch(listener: (event: NetworkEvent) => void): () => void
}

export type NetworkEvent =
  | { type: 'seen'; sighting: Sighting }
  | { type: 'connected'; peer: PeerKey }
  | { type: 'gone'; peer: PeerKey }

/** Who may connect: asked once the other side's key is proven, before any protocol opens. */
export interface Gate {
  /** True if `peer` is a member. A connection to or from a stranger lives shortly and only to join. */
  isMember(peer: PeerKey): boolean
}
