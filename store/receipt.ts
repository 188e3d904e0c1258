// Receipts: a keeper's signed word that it durably holds all that a head, or a base, reaches, and has read
// it back. A receipt is for one exact head; nothing follows from it for any other. It is the only thing
// that lets an endpoint call a restore point protected.

import { HASH_BYTES, type Hash } from './block.ts'
import { bytesOf, integerOf, optional, readMap } from './codec.ts'
import type { SigningKey } from './key.ts'
import { ENDPOINT_ID_BYTES, MESH_ID_BYTES, type EndpointId } from './roster-bodies.ts'
import { openRecord, signRecord, type SignedRecord } from './signed.ts'

const VERSION = 1

export interface Receipt {
  v: number
  /** 32 bytes. */
  mesh: Uint8Array
  /** Undefined in the receipt of a base. */
  endpoint?: EndpointId | undefined
  /** The id of the head, or of the base. */
  head: Hash
  /** What the closure comes to, whole bases included. */
  blocks: number
  /** Bytes of these blocks. */
  bytes: number
  /** Milliseconds since 1970, by the keeper's clock: when it had read everything back. */
  at: number
  /** Days that it keeps this head after a newer one has replaced it. */
  undoDays: number
}

/** Signs what the keeper with `key` holds. */
export function signReceipt(receipt: Omit<Receipt, 'v'>, key: SigningKey): SignedRecord {
  const { mesh, endpoint, head, blocks, bytes, at, undoDays } = receipt
  const body = { v: VERSION, mesh, head, blocks, bytes, at, undoDays }
  return signRecord('receipt', endpoint === undefined ? body : { ...body, endpoint }, key)
}

/**
 * Checks a receipt. Who counts as a keeper is for the fold: pass `mayIssue`.
 *
 * @throws {Malformed}
 * @throws {NotSigned}
 */
export function openReceipt(
  record: SignedRecord,
  mesh: Uint8Array,
  mayIssue?: (receipt: Receipt) => boolean
): Receipt {
  return openRecord<Receipt>(record, { kind: 'receipt', mesh, read: readReceipt, mayIssue })
}

function readReceipt(value: unknown, what: string): Receipt {
  return readMap<Receipt>(value, what, {
    v: integerOf(VERSION, VERSION),
    mesh: bytesOf(MESH_ID_BYTES),
    endpoint: optional(bytesOf(ENDPOINT_ID_BYTES)),
    head: bytesOf(HASH_BYTES),
    blocks: integerOf(),
    bytes: integerOf(),
    at: integerOf(),
    undoDays: integerOf(7, 3650)
  })
}
