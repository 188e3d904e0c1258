// The signed record: the one envelope of everything that somebody vouches for (roster records, marks,
// receipts, bases). What is signed names its kind, so a signature for one purpose never serves another.
// The body travels as the very bytes that were signed; nothing is encoded again to be checked. The id
// covers the issuer: otherwise anybody entitled could sign another's body under the same id, and peers that
// compare what they hold by id would keep the one and never take the other.

import { sha256, type Hash } from './block.ts'
import { bytesOf, decode, encode, readList } from './codec.ts'
import { Malformed, NotSigned, type DrystoneError } from './errors.ts'
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES, verify, type SigningKey } from './key.ts'

/** The largest encoded record. */
export const RECORD_BYTES_MAX = 8 << 10
const KIND = /^[a-z]{1,16}$/

export interface SignedRecord {
  readonly kind: string
  /** DAG-CBOR; its fields depend on the kind. */
  readonly body: Uint8Array
  /** The Ed25519 key that signed. */
  readonly issuer: Uint8Array
  /** 64 bytes. Not part of the id. */
  readonly signature: Uint8Array
  /** SHA-256 of the signed message and the issuer. */
  readonly id: Hash
}

/** The bytes that are signed: `"drystone/1/" kind 0x00 body`. */
export function signedMessage(kind: string, body: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`drystone/1/${kind}\0`), body])
}

function recordId(kind: string, body: Uint8Array, issuer: Uint8Array): Hash {
  return sha256(Buffer.concat([signedMessage(kind, body), issuer]))
}

/**
 * Signs `body`, a value that DAG-CBOR can hold.
 *
 * @throws {Malformed} if the record gets too large, or nobody could read it.
 */
export function signRecord(kind: string, body: unknown, key: SigningKey): SignedRecord {
  const bytes = encode(body)
  // Text can hold what no strict reader reads, such as a byte order mark.
  decode(bytes)
  const record: SignedRecord = {
    kind,
    body: bytes,
    issuer: key.public,
    signature: key.sign(signedMessage(kind, bytes)),
    id: recordId(kind, bytes, key.public)
  }
  const size = encodeRecord(record).length
  if (size > RECORD_BYTES_MAX) {
    throw new Malformed(`a ${kind} record of ${size} bytes is over ${RECORD_BYTES_MAX}`)
  }
  return record
}

/** DAG-CBOR `[kind, body, issuer, signature]`. */
export function encodeRecord(record: SignedRecord): Uint8Array {
  return encode([record.kind, record.body, record.issuer, record.signature])
}

/**
 * Reads an envelope. Nothing is verified yet: see `openRecord`.
 *
 * @throws {Malformed}
 */
export function decodeRecord(bytes: Uint8Array): SignedRecord {
  if (bytes.length > RECORD_BYTES_MAX) throw new Malformed(`a record of ${bytes.length} bytes`)
  const [kind, body, issuer, signature] = readList(decode(bytes), 'record', 4)
  if (typeof kind !== 'string' || !KIND.test(kind)) throw new Malformed('a record without a kind')
  const read = {
    kind,
    body: bytesOf(0, RECORD_BYTES_MAX)(body, 'record.body'),
    issuer: bytesOf(PUBLIC_KEY_BYTES)(issuer, 'record.issuer'),
    signature: bytesOf(SIGNATURE_BYTES)(signature, 'record.signature')
  }
  return { ...read, id: recordId(kind, read.body, read.issuer) }
}

/** What a reader expects of a record. */
export interface Expectation<Body> {
  kind: string
  /** Reads the decoded body field by field. @throws {Malformed} */
  read: (value: unknown, what: string) => Body
  /** The mesh that the body must name. */
  mesh: Uint8Array
  /** False if the issuer may not say this. */
  mayIssue?: ((body: Body) => boolean) | undefined
  /** Anything that is left to check once the signature holds. @throws {DrystoneError} */
  meaning?: ((body: Body) => void) | undefined
}

/**
 * Checks a record in the order of the format: size, kind, strict decoding, mesh, issuer, signature,
 * meaning. Returns its body.
 *
 * @throws {Malformed} for bytes that no honest peer makes.
 * @throws {NotSigned} for another mesh, another issuer, or a false signature.
 */
export function openRecord<Body extends object>(
  record: SignedRecord,
  expected: Expectation<Body>
): Body {
  const { kind } = expected
  if (record.body.length > RECORD_BYTES_MAX) throw new Malformed('a record over the limit')
  if (record.kind !== kind) throw new Malformed(`a ${record.kind} record where ${kind} belongs`)
  const body = expected.read(decode(record.body), kind)
  // A genesis names no mesh: its id is the mesh, which mayIssue compares.
  if ('mesh' in body && !isSame(body.mesh, expected.mesh)) {
    throw new NotSigned(`a ${kind} record of another mesh`)
  }
  if (expected.mayIssue?.(body) === false) {
    throw new NotSigned(`a ${kind} record by somebody who may not sign it`)
  }
  if (!isSigned(record)) throw new NotSigned(`a ${kind} record with a false signature`)
  expected.meaning?.(body)
  return body
}

/** Records whose signature held. They never change, and are opened again and again. */
const signed = new WeakSet<SignedRecord>()

function isSigned(record: SignedRecord): boolean {
  if (signed.has(record)) return true
  const { kind, body, issuer, signature } = record
  const holds = verify(issuer, signedMessage(kind, body), signature)
  if (holds) signed.add(record)
  return holds
}

function isSame(value: unknown, bytes: Uint8Array): boolean {
  return value instanceof Uint8Array && Buffer.compare(value, bytes) === 0
}

/** True if `error` says that a record is bad, rather than that our own code is. */
export function isBadRecord(error: unknown): error is DrystoneError {
  return error instanceof Malformed || error instanceof NotSigned
}
