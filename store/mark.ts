// Marks: by a mark the writer of an endpoint says which head is its newest. Small enough to be told to
// everyone, so that every member can tell a newer head from an older one, and two heads with one number
// from an honest history.

import { HASH_BYTES, type Hash } from './block.ts'
import { bytesOf, integerOf, readMap } from './codec.ts'
import { Malformed } from './errors.ts'
import { HEAD_BYTES_MAX, decodeHead, headId, type Head } from './head.ts'
import type { SigningKey } from './key.ts'
import { ENDPOINT_ID_BYTES, MESH_ID_BYTES, type EndpointId } from './roster-bodies.ts'
import { openRecord, signRecord, type SignedRecord } from './signed.ts'

const KIND = 'mark'
const VERSION = 1

/** By a mark the writer says: this is my head number `seq`. */
export interface Mark {
  v: number
  mesh: Uint8Array
  endpoint: EndpointId
  seq: number
  /** The id of the head. */
  head: Hash
  /** Milliseconds since 1970. */
  time: number
}

/** Vouches for a head. `key` is the writer's peer key. */
export function signMark(bytes: Uint8Array, key: SigningKey): SignedRecord {
  const { mesh, endpoint, seq, time } = decodeHead(bytes)
  const mark: Mark = { v: VERSION, mesh, endpoint, seq, head: headId(bytes), time }
  return signRecord(KIND, mark, key)
}

/**
 * Checks a mark. Who may write is for the fold: pass `mayIssue`.
 *
 * @throws {Malformed}
 * @throws {NotSigned}
 */
export function openMark(
  record: SignedRecord,
  mesh: Uint8Array,
  mayIssue?: (mark: Mark) => boolean
): Mark {
  const read = (value: unknown, what: string): Mark =>
    readMap<Mark>(value, what, {
      v: integerOf(VERSION, VERSION),
      mesh: bytesOf(MESH_ID_BYTES),
      endpoint: bytesOf(ENDPOINT_ID_BYTES),
      seq: integerOf(),
      head: bytesOf(HASH_BYTES),
      time: integerOf()
    })
  return openRecord(record, { kind: KIND, mesh, read, mayIssue })
}

/**
 * The head that a checked mark vouches for.
 *
 * @throws {Malformed} if `bytes` are not it, or say another place than the mark.
 */
export function markedHead(
  { body, record }: { body: Mark; record: SignedRecord },
  bytes: Uint8Array
): Head {
  if (bytes.length > HEAD_BYTES_MAX) throw new Malformed(`a head of ${bytes.length} bytes`)
  if (Buffer.compare(headId(bytes), body.head) !== 0) {
    throw new Malformed('a head is not the one that its mark names')
  }
  const head = decodeHead(bytes)
  const same =
    head.seq === body.seq &&
    Buffer.compare(head.mesh, body.mesh) === 0 &&
    Buffer.compare(head.endpoint, body.endpoint) === 0 &&
    Buffer.compare(head.writer, record.issuer) === 0
  if (!same) throw new Malformed('a head says another place than its mark')
  return head
}
