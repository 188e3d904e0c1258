// The roster: who is in the mesh, with which say. It is the sum of a set of signed records, and a pure
// function of that set: whoever holds the same records, in whatever order they came, folds the same
// roster, so nobody has to be asked. Records come through `checkRecord` before they get here.

import { createHash } from 'node:crypto'
import { toHex } from './block.ts'
import { NotSigned } from './errors.ts'
import type { PeerKey } from './peer.ts'
import type { Bodies, EndpointId, MemberRole, Policy, Role } from './roster-bodies.ts'
import {
  byRank,
  countRecords,
  entriesOf,
  readEntries,
  type ChainEnd,
  type Counted
} from './roster-chain.ts'
import type { Endpoint } from './roster-endpoints.ts'
import { foldJoins, type JoinFold } from './roster-joins.ts'
import { foldKeep, type KeepPolicy } from './roster-keep.ts'
import type { Entry } from './roster-records.ts'
import type { SignedRecord } from './signed.ts'

export interface Member {
  peer: PeerKey
  name: string
  /** Those of its record, and `admin` and `publisher` where the authority gave them. */
  roles: ReadonlySet<Role>
  /** Empty if unnamed. */
  site: string
  /** Bytes that a storage peer gives to the others. */
  quota?: number
  /** What it writes. */
  endpoint?: EndpointId
  /** Milliseconds since 1970, by the clock of whoever let it in. */
  since: number
}

export interface Invite {
  /** 16 bytes. */
  id: Uint8Array
  /** The key that signs joins. */
  key: Uint8Array
  /** HMAC of the mesh id: shows a joiner that this mesh made the invite. */
  mac: Uint8Array
  roles: ReadonlySet<MemberRole>
  site: string
  uses: number
  /** Computers that it let in. */
  used: number
  /** Milliseconds since 1970. */
  expires: number
  cancelled: boolean
  /** The endpoint whose writer the joiner becomes. */
  replaces?: EndpointId
}

export interface Revocation {
  peer: PeerKey
  /** The whole computer is in other hands: its endpoint's claim key is void. */
  stolen: boolean
  /** Milliseconds since 1970. */
  since: number
}

/** Maps and sets are keyed by ids and keys in lower-case hex. */
export interface Roster {
  /** Id of the genesis record. */
  mesh: Uint8Array
  name: string
  /** The key that may change who has a say. */
  authority: Uint8Array
  /** The age recipient that every escrow is sealed to. */
  recovery: string
  members: Map<string, Member>
  endpoints: Map<string, Endpoint>
  admins: Set<string>
  publishers: Map<string, PeerKey>
  /** Publishers that must sign a base. */
  threshold: number
  invites: Map<string, Invite>
  revoked: Map<string, Revocation>
  /** Joined beyond an invite's uses: not members until an admin confirms them. */
  suspended: Set<string>
  policy: Policy
  /** Which restore points stay. */
  keep: KeepPolicy
  /** The highest lamport number that counts. */
  version: number
  /** Sentences for people; sorted. */
  problems: string[]
  /** SHA-256 of the sorted ids of all records, those that do not count included. */
  digest: Uint8Array
  /** Where each issuer's chain goes on; see `issue`. */
  ends: Map<string, ChainEnd>
}

/**
 * Adds a set of checked records up. Order and duplicates do not matter.
 *
 * @throws {NotSigned} if there is no genesis among them. Nothing else is ever thrown.
 */
export function fold(records: Iterable<SignedRecord>): Roster {
  const entries = readEntries(records)
  const [genesis] = entriesOf(entries, 'genesis')
  if (genesis === undefined) {
    throw new NotSigned('the roster has lost its genesis record', {
      next: 'Put `roster` back as it was; or come back in a new home with `drystone recover`.'
    })
  }
  const counted = countRecords(entries, genesis)
  const rights = foldRights(counted, genesis)
  const ranked = counted.entries
  const memberRecords = entriesOf(ranked, 'member').filter((entry) =>
    isByAdmin(entry, counted, genesis)
  )
  const facts = ranked.filter((entry) => entry.kind !== 'member').concat(memberRecords)
  const joins = foldJoins({
    authority: genesis.issuer,
    entries: facts.sort(byRank),
    admins: counted.admins,
    confirmed: new Set(memberRecords.map(({ body }) => toHex(body.peer))),
    stolen: stolenIn(counted)
  })
  return {
    ...rights,
    members: foldMembers({ memberRecords, joins, counted, rights }),
    endpoints: joins.endpoints.endpoints,
    invites: foldInvites(joins),
    suspended: new Set(joins.suspended),
    problems: [...counted.problems, ...joins.problems, ...joins.endpoints.problems].sort(),
    digest: digestOf(entries),
    ends: counted.ends
  }
}

/** True if `peer` may publish heads of `endpoint`: its writer, and not shut out. */
export function mayWrite(roster: Roster, endpoint: EndpointId, peer: PeerKey): boolean {
  const writer = roster.endpoints.get(toHex(endpoint))?.writer
  return (
    writer !== undefined && Buffer.compare(writer, peer) === 0 && roster.members.has(toHex(peer))
  )
}

/** True if `peer` claimed to read `endpoint` and `now` (milliseconds since 1970) is within its time. */
export function mayRead(
  roster: Roster,
  endpoint: EndpointId,
  { peer, now }: { peer: PeerKey; now: number }
): boolean {
  const reader = toHex(peer)
  const until = roster.endpoints.get(toHex(endpoint))?.readers.get(reader)
  return until !== undefined && now <= until && !roster.revoked.has(reader)
}

type Rights = Pick<
  Roster,
  | 'mesh'
  | 'name'
  | 'authority'
  | 'recovery'
  | 'admins'
  | 'publishers'
  | 'threshold'
  | 'revoked'
  | 'policy'
  | 'keep'
  | 'version'
>

/** What the authority and the admins say about say itself. */
function foldRights(counted: Counted, genesis: Entry<'genesis'>): Rights {
  const { entries, revocations, voided } = counted
  const hasSay = (peer: string): boolean => !revocations.has(peer) && !voided.has(peer)
  const fromAuthority = entries.filter(({ issuer }) => issuer === genesis.issuer)
  const publishers = entriesOf(fromAuthority, 'publisher')
  const byPeer = new Map(publishers.map(({ body }) => [toHex(body.peer), body.peer]))
  return {
    mesh: genesis.record.id,
    name: genesis.body.name,
    authority: genesis.body.authority,
    recovery: entriesOf(fromAuthority, 'recovery').at(-1)?.body.recipient ?? genesis.body.recovery,
    admins: new Set([...counted.admins].filter(hasSay)),
    publishers: new Map([...byPeer].filter(([peer]) => hasSay(peer))),
    threshold: publishers.at(-1)?.body.threshold ?? 1,
    revoked: new Map([...revocations].map(([peer, records]) => [peer, toRevocation(records)])),
    policy: foldPolicy(counted, genesis),
    keep: foldKeep(counted, genesis),
    version: entries.at(-1)?.body.lamport ?? 0
  }
}

/** The authority's last value; after it, the safest that an admin gave. */
function foldPolicy(counted: Counted, genesis: Entry<'genesis'>): Policy {
  const policy = { ...genesis.body.policy }
  for (const entry of entriesOf(counted.entries, 'policy')) {
    const { field, value } = entry.body
    if (entry.issuer === genesis.issuer) policy[field] = value
    else if (counted.admins.has(entry.issuer)) policy[field] = Math.max(policy[field], value)
  }
  return policy
}

interface MemberFacts {
  memberRecords: readonly Entry<'member'>[]
  joins: JoinFold
  counted: Counted
  rights: Rights
}

/** A `member` record outranks a join, which cannot undo what an admin said since; a claim is weakest. */
function foldMembers({ memberRecords, joins, counted, rights }: MemberFacts): Map<string, Member> {
  const members = new Map<string, Member>()
  const put = (fact: Pick<Bodies['member'], 'peer' | 'name' | 'roles' | 'site'>, at: number) => {
    const hex = toHex(fact.peer)
    if (counted.revocations.has(hex)) return undefined
    const roles = new Set<Role>(fact.roles)
    if (rights.admins.has(hex)) roles.add('admin')
    if (rights.publishers.has(hex)) roles.add('publisher')
    const since = Math.min(at, members.get(hex)?.since ?? at)
    const { peer, name, site } = fact
    const member: Member = { peer, name, roles, site, since }
    members.set(hex, member)
    return member
  }
  const { endpoints, takeovers } = joins.endpoints
  for (const { body } of takeovers) {
    const name = endpoints.get(toHex(body.endpoint))?.name ?? toHex(body.endpoint)
    put({ peer: body.peer, name, roles: ['endpoint'], site: '' }, body.time)
  }
  for (const { body, invite, sponsor } of [...joins.joins].sort((a, b) =>
    byRank(a.sponsor, b.sponsor)
  )) {
    put({ ...body, roles: invite.body.roles, site: invite.body.site }, sponsor.body.at)
  }
  for (const { body } of memberRecords) {
    const member = put(body, body.time)
    if (member !== undefined && body.quota !== undefined) member.quota = body.quota
  }
  for (const [writer, endpoint] of joins.endpoints.written) {
    const member = members.get(writer)
    if (member !== undefined) member.endpoint = endpoint
  }
  return new Map([...members].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function foldInvites({ invites, used }: JoinFold): Map<string, Invite> {
  return new Map(
    [...invites].map(([hex, { entry, cancelled }]) => {
      const { id, key, mac, roles, site, uses, expires, replaces } = entry.body
      const taken = used.get(hex) ?? 0
      const invite = { id, key, mac, site, uses, expires, cancelled, used: taken }
      const all: Invite = { ...invite, roles: new Set(roles) }
      if (replaces !== undefined) all.replaces = replaces
      return [hex, all]
    })
  )
}

function isByAdmin({ issuer }: Entry, { admins }: Counted, genesis: Entry): boolean {
  return issuer === genesis.issuer || admins.has(issuer)
}

function stolenIn({ revocations }: Counted): Set<string> {
  const stolen = new Set<string>()
  for (const [peer, records] of revocations) {
    if (records.some(({ body }) => body.stolen)) stolen.add(peer)
  }
  return stolen
}

function toRevocation(records: readonly Entry<'revoke'>[]): Revocation {
  const [first] = records
  if (first === undefined) throw new Error('a revocation without a record')
  const { peer, time } = first.body
  return { peer, stolen: records.some(({ body }) => body.stolen), since: time }
}

function digestOf(entries: readonly Entry[]): Uint8Array {
  const hash = createHash('sha256')
  for (const id of entries.map((entry) => entry.id).sort()) hash.update(Buffer.from(id, 'hex'))
  return new Uint8Array(hash.digest())
}
