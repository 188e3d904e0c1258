// What each kind of roster record says, and its strict reading. A new kind is one more entry in BODIES and
// a step of the fold; a kind that is not in BODIES is refused.

import {
  booleanOf,
  bytesOf,
  integerOf,
  listOf,
  oneOf,
  optional,
  readMap,
  textOf,
  type Fields
} from './codec.ts'
import { Malformed } from './errors.ts'
import { PEER_KEY_BYTES, type PeerKey } from './peer.ts'
import { readKeepRules, type KeepRules } from './retention.ts'
import { RECORD_BYTES_MAX } from './signed.ts'

export type EndpointId = Uint8Array
export const ENDPOINT_ID_BYTES = 16
export const MESH_ID_BYTES = 32
const ID_BYTES = 32
const KEY_BYTES = 32
const NAME_LENGTH_MAX = 64

/** What a member may do. Admin and publisher are given by the authority, the rest by `member`. */
export type Role = 'admin' | 'publisher' | 'storage' | 'endpoint'
export type MemberRole = Extract<Role, 'storage' | 'endpoint'>

/** Desired state of the mesh. Higher is safer, in every field. */
export interface Policy {
  /** Storage peers that hold every restore point. */
  copies: number
  /** Sites that the copies are spread over. */
  sites: number
  /** Days that keepers keep what a newer head dropped. */
  undoDays: number
}

export const DEFAULT_POLICY: Policy = { copies: 2, sites: 1, undoDays: 30 }

/** In every body. */
interface Common {
  v: number
  /** Number in the issuer's chain, from 0; always 0 for invite and claim keys, which do not chain. */
  seq: number
  /** Id of the issuer's record before; empty for the first, and where nothing chains. */
  prev: Uint8Array
  /** One more than the highest that the issuer had seen. Orders rival facts. */
  lamport: number
  /** Milliseconds since 1970 by the issuer's clock. For people. */
  time: number
}

interface InMesh extends Common {
  /** Id of the genesis record. */
  mesh: Uint8Array
}

export interface Bodies {
  genesis: Common & {
    name: string
    authority: Uint8Array
    /** An age X25519 recipient: every escrow is sealed to it. */
    recovery: string
    random: Uint8Array
    policy: Policy
  }
  admin: InMesh & { peer: PeerKey }
  publisher: InMesh & { peer: PeerKey; threshold: number }
  recovery: InMesh & { recipient: string }
  /** `upTo`: id of the last record of `peer` that counts; empty if none does. */
  void: InMesh & { peer: PeerKey; upTo: Uint8Array }
  policy: InMesh & { field: keyof Policy; value: number }
  /** `endpoint`: empty for the whole mesh. `rules`: all of them, so that none acts on half. */
  keep: InMesh & { endpoint: Uint8Array; rules: KeepRules }
  member: InMesh & {
    peer: PeerKey
    name: string
    roles: MemberRole[]
    site: string
    quota?: number | undefined
    endpoint?: EndpointId | undefined
    claimKey?: Uint8Array | undefined
  }
  invite: InMesh & {
    id: Uint8Array
    key: Uint8Array
    mac: Uint8Array
    roles: MemberRole[]
    site: string
    uses: number
    expires: number
    replaces?: EndpointId | undefined
  }
  cancel: InMesh & { id: Uint8Array }
  /** Signed by the invite key; counts only inside a member's `sponsor`. */
  join: InMesh & {
    invite: Uint8Array
    peer: PeerKey
    name: string
    endpoint?: EndpointId | undefined
    claimKey?: Uint8Array | undefined
  }
  /** `join`: an encoded record. `at`: the sponsor's clock, milliseconds since 1970. */
  sponsor: InMesh & { join: Uint8Array; at: number }
  /** `endpoint`: empty for all, which only the authority may read. */
  claim: InMesh & {
    endpoint: Uint8Array
    peer: PeerKey
    can: 'read' | 'write'
    claimKey?: Uint8Array | undefined
  }
  revoke: InMesh & { peer: PeerKey; upTo: Uint8Array; stolen: boolean }
}

export type RosterKind = keyof Bodies

const COMMON: Fields<Common> = {
  v: integerOf(1, 1),
  seq: integerOf(),
  prev: emptyOr(ID_BYTES),
  lamport: integerOf(),
  time: integerOf()
}
const IN_MESH: Fields<InMesh> = {
  ...COMMON,
  mesh: bytesOf(MESH_ID_BYTES)
}
const peer = bytesOf(PEER_KEY_BYTES)
const key = bytesOf(KEY_BYTES)
const endpointId = bytesOf(ENDPOINT_ID_BYTES)
const inviteId = bytesOf(16)

const POLICY: Fields<Policy> = {
  copies: integerOf(1, 32),
  sites: integerOf(1, 32),
  undoDays: integerOf(7, 3650)
}

const BODIES: { [K in RosterKind]: Fields<Bodies[K]> } = {
  genesis: {
    ...COMMON,
    name: nameOf,
    authority: key,
    recovery: recipientOf,
    random: bytesOf(32),
    policy: (value, field) => readMap(value, field, POLICY)
  },
  admin: { ...IN_MESH, peer },
  publisher: { ...IN_MESH, peer, threshold: integerOf(1, 16) },
  recovery: { ...IN_MESH, recipient: recipientOf },
  void: { ...IN_MESH, peer, upTo: emptyOr(ID_BYTES) },
  policy: { ...IN_MESH, field: oneOf('copies', 'sites', 'undoDays'), value: integerOf(1) },
  keep: { ...IN_MESH, endpoint: emptyOr(ENDPOINT_ID_BYTES), rules: readKeepRules },
  member: {
    ...IN_MESH,
    peer,
    name: nameOf,
    roles: rolesOf,
    site: siteOf,
    quota: optional(integerOf()),
    endpoint: optional(endpointId),
    claimKey: optional(key)
  },
  invite: {
    ...IN_MESH,
    id: inviteId,
    key,
    mac: bytesOf(32),
    roles: rolesOf,
    site: siteOf,
    uses: integerOf(1, 10_000),
    expires: integerOf(),
    replaces: optional(endpointId)
  },
  cancel: { ...IN_MESH, id: inviteId },
  join: {
    ...IN_MESH,
    invite: inviteId,
    peer,
    name: nameOf,
    endpoint: optional(endpointId),
    claimKey: optional(key)
  },
  sponsor: { ...IN_MESH, join: bytesOf(1, RECORD_BYTES_MAX), at: integerOf() },
  claim: {
    ...IN_MESH,
    endpoint: emptyOr(ENDPOINT_ID_BYTES),
    peer,
    can: oneOf('read', 'write'),
    claimKey: optional(key)
  },
  revoke: { ...IN_MESH, peer, upTo: emptyOr(ID_BYTES), stolen: booleanOf }
}

export function isRosterKind(kind: string): kind is RosterKind {
  return Object.hasOwn(BODIES, kind)
}

/** Reads the decoded body of a record. @throws {Malformed} */
export function readBody<K extends RosterKind>(kind: K, value: unknown): Bodies[K] {
  const body = readMap<Bodies[K]>(value, kind, BODIES[kind])
  checkTogether(body)
  return body
}

/** What must hold between the fields of one body. @throws {Malformed} */
function checkTogether(body: Bodies[RosterKind]): void {
  if ((body.seq === 0) !== (body.prev.length === 0)) {
    throw new Malformed('the first record of a chain, and no other, has no record before it')
  }
  if ('authority' in body && (body.seq !== 0 || body.lamport !== 0)) {
    throw new Malformed('a genesis is the first of all records')
  }
  if ('value' in body) POLICY[body.field](body.value, `policy.${body.field}`)
  if ('can' in body) {
    const all = body.endpoint.length === 0
    if (body.can === 'write' && all) throw new Malformed('nobody can write all endpoints')
    if (body.can === 'read' && body.claimKey !== undefined) {
      throw new Malformed('a reader brings no claim key')
    }
  } else if ('claimKey' in body && body.claimKey !== undefined && body.endpoint === undefined) {
    throw new Malformed('a claim key without an endpoint')
  }
}

export function emptyOr(length: number): (value: unknown, field: string) => Uint8Array {
  return (value, field) => {
    const bytes = bytesOf(0, length)(value, field)
    if (bytes.length !== 0 && bytes.length !== length) {
      throw new Malformed(`${field} has ${bytes.length} bytes`)
    }
    return bytes
  }
}

/** A name that a terminal can show: no control or invisible characters, no space at either end. */
export function nameOf(value: unknown, field: string): string {
  const name = textOf(NAME_LENGTH_MAX, 1)(value, field)
  if (/[\p{C}\p{Zl}\p{Zp}]/u.test(name) || name.trim() !== name) {
    throw new Malformed(`${field} holds characters that a name may not have`)
  }
  return name
}

/** A site may go unnamed. */
function siteOf(value: unknown, field: string): string {
  return value === '' ? '' : nameOf(value, field)
}

function rolesOf(value: unknown, field: string): MemberRole[] {
  const roles = listOf(oneOf<MemberRole>('endpoint', 'storage'), 2)(value, field)
  if (roles.length === 2 && roles[0] !== 'endpoint') throw new Malformed(`${field} are not sorted`)
  if (roles[0] !== undefined && roles[0] === roles[1]) {
    throw new Malformed(`${field} names a role twice`)
  }
  return roles
}

function recipientOf(value: unknown, field: string): string {
  const text = textOf(128, 1)(value, field)
  if (!/^age1[02-9ac-hj-np-z]{58}$/.test(text)) {
    throw new Malformed(`${field} is not an age recipient`)
  }
  return text
}
