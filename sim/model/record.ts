// Signed records and heads, by the words of store/FORMAT.md ("Signed records", "Heads", "Marks",
// "Receipts", "Bases"). Only what its issuer really signed is read; who may sign what is left to whoever
// asks. Ids, keys and hashes are hex.

import { createPublicKey, hash as hashBytes, verify } from 'node:crypto'
import { decode } from '@ipld/dag-cbor'

/** The DER bytes before the 32 bytes of an Ed25519 public key. */
const KEY_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')
const CID_BYTES = 36

export interface SignedFact {
  id: string
  kind: string
  issuer: string
  /** What a base is called by, whoever signed it: the hash of the message alone. */
  messageId: string
  body: Body
}

/** The fields of a map. */
export type Body = Readonly<Record<string, unknown>>

export interface HeadFact {
  /** SHA-256 of its bytes. */
  id: string
  endpoint: string
  writer: string
  seq: number
  /** Ids of bases. */
  bases: string[]
  /** Hashes of the tops of all points. */
  roots: string[]
}

/** A record whose signature holds; undefined if it is none. */
export function readRecord(bytes: Uint8Array): SignedFact | undefined {
  const parts = decoded(bytes)
  if (!Array.isArray(parts) || parts.length !== 4) return undefined
  const [kind, body, issuer, signature] = parts as unknown[]
  if (typeof kind !== 'string' || !isBytes(body) || !isBytes(issuer)) return undefined
  if (issuer.length !== 32 || !isBytes(signature) || signature.length !== 64) return undefined
  const message = Buffer.concat([Buffer.from(`drystone/1/${kind}\0`), body])
  if (!isSigned(message, issuer, signature)) return undefined
  const fields = decoded(body)
  if (!isBody(fields)) return undefined
  return {
    id: hashBytes('sha256', Buffer.concat([message, issuer]), 'hex'),
    messageId: hashBytes('sha256', message, 'hex'),
    kind,
    issuer: hexOf(issuer),
    body: fields
  }
}

/** A file of `heads/`: the head, and nothing if its mark does not vouch for it. */
export function readHeadFile(bytes: Uint8Array): HeadFact | undefined {
  const parts = decoded(bytes)
  if (!Array.isArray(parts) || parts.length !== 2) return undefined
  const [markBytes, bodyBytes] = parts as unknown[]
  if (!isBytes(markBytes) || !isBytes(bodyBytes)) return undefined
  const mark = readRecord(markBytes)
  const body = decoded(bodyBytes)
  if (mark?.kind !== 'mark' || !isBody(body)) return undefined
  const id = hashBytes('sha256', bodyBytes, 'hex')
  const endpoint = hexField(body, 'endpoint')
  const seq = numberField(body, 'seq')
  const isVouched =
    hexField(mark.body, 'head') === id &&
    hexField(mark.body, 'endpoint') === endpoint &&
    numberField(mark.body, 'seq') === seq &&
    mark.issuer === hexField(body, 'writer')
  if (!isVouched || endpoint === undefined || seq === undefined) return undefined
  return {
    id,
    endpoint,
    writer: mark.issuer,
    seq,
    bases: bytesIn(body['bases']).map(hexOf),
    roots: bytesIn(body['roots']).map(hashOfCid)
  }
}

/** A field of bytes, in hex. */
export function hexField(body: Body, name: string): string | undefined {
  const value = body[name]
  return isBytes(value) ? hexOf(value) : undefined
}

export function numberField(body: Body, name: string): number | undefined {
  const value = body[name]
  return typeof value === 'number' ? value : undefined
}

/** The hash in a field that holds an address. */
export function rootField(body: Body, name: string): string | undefined {
  const value = body[name]
  return isBytes(value) && value.length === CID_BYTES ? hashOfCid(value) : undefined
}

function isSigned(message: Uint8Array, issuer: Uint8Array, signature: Uint8Array): boolean {
  const key = Buffer.concat([KEY_PREFIX, issuer])
  try {
    const publicKey = createPublicKey({ key, format: 'der', type: 'spki' })
    return verify(null, message, publicKey, signature)
  } catch {
    return false
  }
}

function decoded(bytes: Uint8Array): unknown {
  try {
    return decode(bytes)
  } catch {
    return undefined
  }
}

function bytesIn(value: unknown): Uint8Array[] {
  return Array.isArray(value) ? value.filter(isBytes) : []
}

function hashOfCid(cid: Uint8Array): string {
  return hexOf(cid.subarray(4))
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array
}

function isBody(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isBytes(value)
}
