// A peer's name: the raw 32 bytes of its Ed25519 key, and the libp2p PeerId text people see. Both say
// the same; records and tables carry the bytes.

import { base58btc } from 'multiformats/bases/base58'
import { Malformed, quoted } from './errors.ts'

/** 32 bytes, an Ed25519 public key. */
export type PeerKey = Uint8Array
export const PEER_KEY_BYTES = 32

/** Identity multihash of a libp2p public-key protobuf: type Ed25519, 32 bytes (libp2p specs, peer-ids). */
const PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20)

/** 38 bytes in base58. */
const TEXT_LENGTH_MAX = 52

/** The PeerId, such as 12D3KooW… */
export function peerIdText(key: PeerKey): string {
  return base58btc.baseEncode(Buffer.concat([PREFIX, key]))
}

/** @throws {Malformed} unless `text` is the PeerId of an Ed25519 key. */
export function parsePeerId(text: string): PeerKey {
  // Base58 takes time in the square of the length.
  if (text.length > TEXT_LENGTH_MAX) throw new Malformed('a peer id is not that long')
  let bytes: Uint8Array
  try {
    bytes = base58btc.baseDecode(text)
  } catch (cause) {
    throw new Malformed(`${quoted(text)} is not a peer id`, { cause })
  }
  if (bytes.length !== PREFIX.length + PEER_KEY_BYTES || PREFIX.some((b, i) => bytes[i] !== b)) {
    throw new Malformed(`${quoted(text)} is not the id of an Ed25519 peer`)
  }
  const key = bytes.slice(PREFIX.length)
  // The decoder takes letters that base58 has not for zeros.
  if (peerIdText(key) !== text) throw new Malformed('a peer id is not written in its one form')
  return key
}
