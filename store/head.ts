// Heads: an endpoint's list of restore points. What a keeper must know stands in the clear (the roots,
// which are its links, and the bases); what happened when, and the digests, are sealed. A head is not
// signed itself: the writer vouches for its hash by a mark (store/mark.ts). Every head is sealed under a
// key of its own, drawn by a fresh salt, so a nonce never meets two messages; a head that is published
// again is published with the same bytes.

import { createCipheriv, createDecipheriv } from 'node:crypto'
import {
  CID_BYTES,
  DAG_CBOR,
  HASH_BYTES,
  cidFromBytes,
  sha256,
  type CID,
  type Hash
} from './block.ts'
import { bytesOf, decode, encode, integerOf, listOf, readList, readMap } from './codec.ts'
import { Malformed, NotOpened } from './errors.ts'
import { kdf } from './key.ts'
import { PEER_KEY_BYTES, type PeerKey } from './peer.ts'
import { ENDPOINT_ID_BYTES, MESH_ID_BYTES, emptyOr, type EndpointId } from './roster-bodies.ts'
import { isRung, rungs } from './seal.ts'

export const HEAD_BYTES_MAX = 1 << 20
export const ESCROW_BYTES_MAX = 1 << 10
export const SALT_BYTES = 32
const VERSION = 1
const ROOTS_MAX = 1 << 15
const BASES_MAX = 1 << 10
const TAG_BYTES = 16
const PAYLOAD_HEADER_BYTES = 5
const METHOD_RAW = 0
const NONCE = new Uint8Array(12)

/** A flag of a point: retention may not drop it. */
export const PINNED = 1

/** A restore point. */
export interface Point {
  /** Rises by at least one from point to point, across all of an endpoint's writers. */
  number: number
  /** Milliseconds since 1970, by the writer's clock. */
  time: number
  /** What the state contains. */
  digest: Hash
  /** Where the state is stored. */
  root: CID
  /** Sum of flags such as PINNED. */
  flags: number
}

/** Who wrote a head, and where it stands. */
interface HeadPlace {
  /** 32 bytes. */
  mesh: Uint8Array
  endpoint: EndpointId
  writer: PeerKey
  seq: number
  /** Id of the head before; of a line's first, the endpoint's last known; undefined if there is none. */
  prev?: Hash | undefined
  /** Milliseconds since 1970. */
  time: number
  /** Ids of the bases that the points stand on. */
  bases: readonly Hash[]
  /** The endpoint root as an age file for the mesh's recovery recipient; empty with own recovery. */
  escrow: Uint8Array
}

/** A head as anyone can read it. */
export interface Head extends HeadPlace {
  /** Sorted, each once: the roots of all points. The links of the head. */
  roots: readonly CID[]
  salt: Uint8Array
  sealed: Uint8Array
}

/** Who a head is. */
export function headId(bytes: Uint8Array): Hash {
  return sha256(bytes)
}

/**
 * The bytes of a new head. `salt` is 32 fresh random bytes; `headKey` comes from the endpoint root.
 *
 * @throws {Malformed} if it gets larger than HEAD_BYTES_MAX.
 */
export function encodeHead(
  head: HeadPlace & { points: readonly Point[] },
  { headKey, salt }: { headKey: Uint8Array; salt: Uint8Array }
): Uint8Array {
  const bytes = encode({
    v: VERSION,
    mesh: head.mesh,
    endpoint: head.endpoint,
    writer: head.writer,
    seq: head.seq,
    prev: head.prev ?? new Uint8Array(0),
    time: head.time,
    bases: sortedOnce(head.bases),
    roots: rootsOf(head.points),
    escrow: head.escrow,
    salt,
    sealed: sealPoints(head, kdf(headKey, 'head', salt))
  })
  if (bytes.length > HEAD_BYTES_MAX) throw tooLarge()
  return bytes
}

/** Reads a head; that its writer vouches for it is for the mark to say. @throws {Malformed} */
export function decodeHead(bytes: Uint8Array): Head {
  if (bytes.length > HEAD_BYTES_MAX) throw new Malformed(`a head of ${bytes.length} bytes`)
  const { prev, roots, ...head } = readMap(decode(bytes), 'head', {
    v: integerOf(VERSION, VERSION),
    mesh: bytesOf(MESH_ID_BYTES),
    endpoint: bytesOf(ENDPOINT_ID_BYTES),
    writer: bytesOf(PEER_KEY_BYTES),
    seq: integerOf(),
    prev: emptyOr(HASH_BYTES),
    time: integerOf(),
    bases: listOf(bytesOf(HASH_BYTES), BASES_MAX),
    roots: listOf(bytesOf(CID_BYTES), ROOTS_MAX),
    escrow: bytesOf(0, ESCROW_BYTES_MAX),
    salt: bytesOf(SALT_BYTES),
    sealed: bytesOf(PAYLOAD_HEADER_BYTES + TAG_BYTES, HEAD_BYTES_MAX)
  })
  assertSortedOnce(head.bases, 'bases')
  assertSortedOnce(roots, 'roots')
  return { ...head, prev: prev.length === 0 ? undefined : prev, roots: roots.map(rootFromBytes) }
}

/**
 * The restore points of a head, in order.
 *
 * @throws {NotOpened} if it was sealed under another key, for another place, or not by the rules.
 */
export function openPoints(head: Head, headKey: Uint8Array): Point[] {
  const payload = decrypt(head, kdf(headKey, 'head', head.salt))
  const end = PAYLOAD_HEADER_BYTES + payload.readUInt32BE(1)
  const fits =
    payload[0] === METHOD_RAW &&
    end <= payload.length &&
    isRung(head.sealed.length) &&
    payload.subarray(end).every((byte) => byte === 0)
  if (!fits) throw new NotOpened('a head is not padded by the rules')
  let points: Point[]
  try {
    points = listOf(readPoint, ROOTS_MAX)(
      decode(payload.subarray(PAYLOAD_HEADER_BYTES, end)),
      'points'
    )
  } catch (cause) {
    throw new NotOpened('a head seals something else than points', { cause })
  }
  if (points.some(({ number }, i) => number <= (points[i - 1]?.number ?? -1))) {
    throw new NotOpened('the points of a head are not in order')
  }
  const roots = head.roots.map((root) => root.bytes)
  if (Buffer.compare(Buffer.concat(rootsOf(points)), Buffer.concat(roots)) !== 0) {
    throw new NotOpened('the links of a head are not the roots of its points')
  }
  return points
}

function sealPoints(head: HeadPlace & { points: readonly Point[] }, key: Uint8Array): Uint8Array {
  const body = encode(
    head.points.map(({ number, time, digest, root, flags }) => [
      number,
      time,
      digest,
      root.bytes,
      flags
    ])
  )
  const least = PAYLOAD_HEADER_BYTES + body.length + TAG_BYTES
  const rung = rungs().find((length) => length >= least)
  if (rung === undefined) throw tooLarge()
  const payload = Buffer.alloc(rung - TAG_BYTES)
  payload[0] = METHOD_RAW
  payload.writeUInt32BE(body.length, 1)
  payload.set(body, PAYLOAD_HEADER_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, NONCE).setAAD(placeBytes(head))
  return Buffer.concat([cipher.update(payload), cipher.final(), cipher.getAuthTag()])
}

function decrypt(head: Head, key: Uint8Array): Buffer {
  const boxed = head.sealed.subarray(0, head.sealed.length - TAG_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', key, NONCE, { authTagLength: TAG_BYTES })
  decipher.setAAD(placeBytes(head)).setAuthTag(head.sealed.subarray(boxed.length))
  try {
    return Buffer.concat([decipher.update(boxed), decipher.final()])
  } catch (cause) {
    throw new NotOpened('a head does not open with this key', { cause })
  }
}

/** What a sealed list is bound to: mesh, endpoint, writer, seq. */
function placeBytes({ mesh, endpoint, writer, seq }: HeadPlace): Uint8Array {
  const number = Buffer.alloc(8)
  number.writeBigUInt64BE(BigInt(seq))
  return Buffer.concat([mesh, endpoint, writer, number])
}

function readPoint(value: unknown, field: string): Point {
  const [number, time, digest, root, flags] = readList(value, field, 5)
  return {
    number: integerOf()(number, `${field}.number`),
    time: integerOf()(time, `${field}.time`),
    digest: bytesOf(HASH_BYTES)(digest, `${field}.digest`),
    root: rootFromBytes(bytesOf(CID_BYTES)(root, `${field}.root`)),
    flags: integerOf(0, 255)(flags, `${field}.flags`)
  }
}

/** A state's top is a page, sealed or plain, and never a bare chunk. */
export function rootFromBytes(bytes: Uint8Array): CID {
  const root = cidFromBytes(bytes)
  if (root.code !== DAG_CBOR) throw new Malformed('a root that is no page')
  return root
}

function rootsOf(points: readonly Point[]): Uint8Array[] {
  return sortedOnce(points.map(({ root }) => root.bytes))
}

function sortedOnce(all: readonly Uint8Array[]): Uint8Array[] {
  const sorted = [...all].sort((a, b) => Buffer.compare(a, b))
  return sorted.filter((bytes, i) => {
    const before = sorted[i - 1]
    return before === undefined || Buffer.compare(before, bytes) !== 0
  })
}

function assertSortedOnce(all: readonly Uint8Array[], what: string): void {
  for (const [i, bytes] of all.entries()) {
    const before = all[i - 1]
    if (before !== undefined && Buffer.compare(before, bytes) >= 0) {
      throw new Malformed(`${what} of a head are not sorted and unique`)
    }
  }
}

function tooLarge(): Malformed {
  return new Malformed('the restore points do not fit into one head', {
    next: 'Thin out the history with `drystone retention apply`.'
  })
}
