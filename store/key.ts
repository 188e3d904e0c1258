// Keys: Ed25519 from raw 32-byte seeds, and the one way a key is derived from another. Every secret of
// Drystone comes from a mesh phrase, an endpoint root or an invite code through `kdf`, under a name that
// is used for nothing else, so no two purposes ever share a key.

import {
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  sign as signWith,
  verify as verifyWith
} from 'node:crypto'
import { identityOf } from './age.ts'

export const SEED_BYTES = 32
export const SIGNATURE_BYTES = 64
export const PUBLIC_KEY_BYTES = 32

/** What stands before the raw key in DER: PKCS #8 for a private Ed25519 key, SPKI for a public one. */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

/** One half of a key pair that can sign. Whoever holds it need not know the seed. */
export interface SigningKey {
  /** 32 bytes. */
  readonly public: Uint8Array
  /** The 64-byte Ed25519 signature of `bytes`. */
  sign(bytes: Uint8Array): Uint8Array
}

/** The Ed25519 key pair of a 32-byte seed. */
export function signingKey(seed: Uint8Array): SigningKey {
  if (seed.length !== SEED_BYTES) throw new RangeError(`a seed has ${SEED_BYTES} bytes`)
  const der = Buffer.concat([PRIVATE_PREFIX, seed])
  const secret = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(secret).export({ format: 'der', type: 'spki' })
  return {
    public: new Uint8Array(spki.subarray(PUBLIC_PREFIX.length)),
    sign: (bytes) => new Uint8Array(signWith(null, bytes, secret))
  }
}

/** True if `signature` is the signature of `bytes` by `publicKey`. Never throws: bad sizes are false. */
export function verify(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false
  const der = Buffer.concat([PUBLIC_PREFIX, publicKey])
  try {
    return verifyWith(null, bytes, { key: der, format: 'der', type: 'spki' }, signature)
  } catch {
    // 32 bytes that are no point of the curve.
    return false
  }
}

/** 32 bytes for the purpose `name`, derived from `key` by HKDF-SHA-256. */
export function kdf(
  key: Uint8Array,
  name: string,
  salt: Uint8Array = new Uint8Array(0)
): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, salt, `drystone/1/${name}`, 32))
}

/** What the 32 bytes of a mesh phrase give. Kept in memory only. */
export interface MeshKeys {
  authority: SigningKey
  /** The age X25519 identity (`AGE-SECRET-KEY-1…`) that opens every escrow. */
  recoveryIdentity: string
}

export function meshKeys(phrase: Uint8Array): MeshKeys {
  return {
    authority: signingKey(kdf(phrase, 'authority')),
    recoveryIdentity: identityOf(kdf(phrase, 'recovery'))
  }
}

/** What an endpoint root E (32 bytes) gives. */
export interface EndpointKeys {
  /** 32 bytes: seals blocks (store/seal.ts). */
  seal: Uint8Array
  /** 32 bytes: seals the points of a head (store/head.ts). */
  head: Uint8Array
  /** Signs claims to this endpoint. */
  claim: SigningKey
}

export function endpointKeys(root: Uint8Array): EndpointKeys {
  return {
    seal: kdf(root, 'seal'),
    head: kdf(root, 'head'),
    claim: signingKey(kdf(root, 'claim'))
  }
}
