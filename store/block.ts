// Blocks and their addresses. A block is at most BLOCK_BYTES_MAX bytes; its CID is version 1, raw or
// dag-cbor, sha2-256, 32 bytes. Nothing else is legal anywhere in Drystone, so every CID that comes from
// outside passes cidFromBytes or parseCid, and every block that comes from outside passes verifyBlock.

import { hash as digestOf } from 'node:crypto'
import { base32 } from 'multiformats/bases/base32'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import { BlockDamaged, Malformed, quoted } from './errors.ts'

export { CID }

/** 32 bytes of SHA-256. */
export type Hash = Uint8Array

export const BLOCK_BYTES_MAX = 1 << 20
export const HASH_BYTES = 32
/** Bytes of a CID in its binary form: version, codec, hash function, hash length, hash. */
export const CID_BYTES = 36
export const RAW = 0x55
export const DAG_CBOR = 0x71
const SHA2_256 = 0x12

export type Codec = typeof RAW | typeof DAG_CBOR

/** Where a block may be found: the base's plain blocks, or one endpoint's sealed ones (its id in hex). */
export type Scope = string
export const BASE_SCOPE: Scope = 'base'

export function sha256(bytes: Uint8Array): Hash {
  return new Uint8Array(digestOf('sha256', bytes, 'buffer'))
}

/** The address of `bytes`. */
export function cidOf(codec: Codec, bytes: Uint8Array): CID {
  return cidFromHash(codec, sha256(bytes))
}

export function cidFromHash(codec: Codec, hash: Hash): CID {
  return CID.createV1(codec, Digest.create(SHA2_256, hash))
}

export function hashOf(cid: CID): Hash {
  return cid.multihash.digest
}

/** Reads the only binary form we accept. @throws {Malformed} */
export function cidFromBytes(bytes: Uint8Array): CID {
  const codec = bytes[1]
  const legal =
    bytes.length === CID_BYTES &&
    bytes[0] === 1 &&
    (codec === RAW || codec === DAG_CBOR) &&
    bytes[2] === SHA2_256 &&
    bytes[3] === HASH_BYTES
  if (!legal) throw new Malformed('an address is not a CIDv1 of raw or dag-cbor with sha2-256')
  // A copy: a Buffer's own slice would be a view, and keep all that it was read from.
  return cidFromHash(codec, new Uint8Array(bytes.subarray(4)))
}

/** Reads a CID in base32, as the CLI prints it. @throws {Malformed} */
export function parseCid(text: string): CID {
  let bytes: Uint8Array
  try {
    bytes = base32.decode(text)
  } catch (cause) {
    throw new Malformed(`${quoted(text)} is not a base32 CID`, { cause })
  }
  const cid = cidFromBytes(bytes)
  if (cid.toString() !== text) throw new Malformed('a CID is not written in its one form')
  return cid
}

/** True if `bytes` are what `cid` names. */
export function isBlock(cid: CID, bytes: Uint8Array): boolean {
  return bytes.length <= BLOCK_BYTES_MAX && Buffer.compare(sha256(bytes), hashOf(cid)) === 0
}

/** @throws {BlockDamaged} if `bytes` are not what `cid` names. */
export function verifyBlock(cid: CID, bytes: Uint8Array): void {
  if (!isBlock(cid, bytes)) throw new BlockDamaged(cid.toString())
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

/** @throws {Malformed} unless `text` is `length` bytes in lower-case hex. */
export function fromHex(text: string, length: number): Uint8Array {
  if (text.length !== length * 2 || !/^[0-9a-f]*$/.test(text)) {
    throw new Malformed(`${quoted(text)} is not ${length} bytes in hex`)
  }
  return new Uint8Array(Buffer.from(text, 'hex'))
}
