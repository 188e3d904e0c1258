// How libp2p is set up: the transport, the limits, and the defaults of it that would hurt. Each value
// that differs from libp2p's own has its reason beside it; PROTOCOL.md names those that others see.

import { noise } from '@chainsafe/libp2p-noise'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import type { ConnectionGater } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import type { Libp2pOptions } from 'libp2p'
import type { Address } from '../../protocol/network.ts'

/** Wires to one peer at a time, in each direction. */
export const WIRES_MAX = 16
/** How long one address is tried, and one peer at all its addresses. */
export const ADDRESS_MS = 4_000
export const DIAL_MS = 12_000
/** A connection over which nothing passes for this long is closed. */
export const SILENCE_MS = 120_000

const WINDOW_BYTES = 1 << 20

export interface Libp2pLimits {
  /** Connections open at a time. */
  connectionsMax?: number | undefined
  /** Inbound connections whose handshake is not done, at a time. */
  pendingMax?: number | undefined
  /** New inbound connections a second from one address; loopback is not counted. */
  newConnectionsMax?: number | undefined
}

export const DEFAULT_CONNECTIONS_MAX = 256
export const DEFAULT_PENDING_MAX = 32
export const DEFAULT_NEW_CONNECTIONS_MAX = 5

/** What createLibp2p is given; `key` is the 32-byte seed followed by the 32-byte public key. */
export function libp2pSettings(
  own: { key: Uint8Array; listen: Address[]; gater: ConnectionGater },
  limits: Libp2pLimits
): Libp2pOptions {
  const socket = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 }
  return {
    start: false,
    privateKey: privateKeyFromRaw(own.key),
    addresses: { listen: own.listen },
    transports: [
      tcp({
        dialOpts: socket,
        listenOpts: socket,
        inboundSocketInactivityTimeout: SILENCE_MS,
        outboundSocketInactivityTimeout: SILENCE_MS
      })
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [
      yamux({
        // The side that accepts sees a wire's end later than the side that made room for the next one.
        maxInboundStreams: WIRES_MAX + WIRES_MAX / 2,
        maxOutboundStreams: WIRES_MAX,
        // Those that come before the handshake's last step is done here; beyond, all would be reset.
        maxEarlyStreams: WIRES_MAX,
        // A window beyond the read buffer resets a paused stream; the default grows to 16 MiB.
        streamOptions: { maxStreamWindowSize: WINDOW_BYTES, maxReadBufferLength: 4 * WINDOW_BYTES }
      })
    ],
    connectionGater: own.gater,
    // It aborts a connection whose ping waits behind 5 s of upload. Yamux pings keep NAT and sockets
    // awake, and two silent minutes end a connection whose other side is gone.
    connectionMonitor: { enabled: false },
    connectionManager: {
      maxConnections: limits.connectionsMax ?? DEFAULT_CONNECTIONS_MAX,
      maxIncomingPendingConnections: limits.pendingMax ?? DEFAULT_PENDING_MAX,
      inboundConnectionThreshold: limits.newConnectionsMax ?? DEFAULT_NEW_CONNECTIONS_MAX,
      // Peers that live on one computer share one address.
      allow: ['/ip4/127.0.0.0/ipcidr/8', '/ip6/::1/ipcidr/128'],
      addressDialTimeout: ADDRESS_MS,
      dialTimeout: DIAL_MS,
      // Ours come in the order in which they should be tried.
      addressSorter: () => 0
    }
  }
}
