// Which records of a set count: the first five steps of the fold. Records chain by issuer, so that an
// issuer that was shut out cannot add a fact "from before": what counts of it is the ancestry of one
// record, not everything below a number. All of it is a pure function of the set, whatever its order.

import { toHex } from './block.ts'
import type { RosterKind } from './roster-bodies.ts'
import { isKind, readEntry, type Entry } from './roster-records.ts'
import { peerIdText } from './peer.ts'
import type { SignedRecord } from './signed.ts'

/**
 * A lamport number further than this above the next lower one of the set does not count. Honest ones
 * rise by one; without a bound a single record could use all numbers up, and order would be lost.
 */
export const LAMPORT_LEAP_MAX = 1 << 16

/** The last record of an issuer's chain: where its next one goes on. */
export interface ChainEnd {
  seq: number
  id: Uint8Array
}

/** What counts of a set of records. */
export interface Counted {
  /** Sorted by (lamport, id): of two rival facts the later in this list holds. */
  entries: Entry[]
  /** Peers in hex that the authority made admins, shut out or not. */
  admins: Set<string>
  /** By peer in hex: the revocations that hold, in order. */
  revocations: Map<string, Entry<'revoke'>[]>
  /** Peers in hex whose chain the authority cut. */
  voided: Set<string>
  /** Where each chain that counts ends, by issuer in hex. */
  ends: Map<string, ChainEnd>
  problems: string[]
}

/** Reads each record once, drops what is no roster record; sorted by (lamport, id). */
export function readEntries(records: Iterable<SignedRecord>): Entry[] {
  const byId = new Map<string, Entry>()
  for (const record of records) {
    const entry = readEntry(record)
    if (entry !== undefined) byId.set(entry.id, entry)
  }
  return [...byId.values()].sort(byRank)
}

/** Steps 1 to 5 of the fold. `entries` come from `readEntries`. */
export function countRecords(entries: readonly Entry[], genesis: Entry<'genesis'>): Counted {
  const authority = genesis.issuer
  const own = entries.filter((entry) => entry === genesis || isOfMesh(entry, genesis))
  const problems: string[] = []
  const chained = keepChained(withoutLeaps(own, problems), genesis)
  const ancestry = ancestryIn(chained)

  const fromAuthority = chained.filter(({ issuer }) => issuer === authority)
  const admins = new Set(entriesOf(fromAuthority, 'admin').map(({ body }) => toHex(body.peer)))
  const voids = new Map(entriesOf(fromAuthority, 'void').map((e) => [toHex(e.body.peer), e.body]))
  const standing = chained.filter((entry) => {
    const cut = entry.issuer === authority ? undefined : voids.get(entry.issuer)
    return cut === undefined || ancestry(entry.issuer, cut.upTo).has(entry.id)
  })

  const revocations = new Map<string, Entry<'revoke'>[]>()
  for (const entry of entriesOf(standing, 'revoke')) {
    if (entry.issuer !== authority && !admins.has(entry.issuer)) continue
    const peer = toHex(entry.body.peer)
    revocations.set(peer, [...(revocations.get(peer) ?? []), entry])
  }
  const counted = standing.filter((entry) => {
    // A revocation by somebody revoked still holds: else two could revoke each other, and who wins
    // would hang on an order that does not exist.
    if (entry.issuer === authority || entry.kind === 'revoke') return true
    const cuts = revocations.get(entry.issuer) ?? []
    return cuts.every(({ body }) => ancestry(entry.issuer, body.upTo).has(entry.id))
  })
  const chains = counted.filter((entry) => !isUnchained(entry, authority))
  return {
    entries: counted,
    admins,
    revocations,
    voided: new Set(voids.keys()),
    ends: endsOf(chains),
    problems: [...problems, ...forksIn(chains)]
  }
}

/** The entries of one kind, in the order given. */
export function entriesOf<K extends RosterKind>(entries: readonly Entry[], kind: K): Entry<K>[] {
  return entries.filter((entry): entry is Entry<K> => isKind(entry, kind))
}

/** Order of rival facts: (lamport, id). */
export function byRank(a: Entry, b: Entry): number {
  return a.body.lamport - b.body.lamport || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}

/** A key in hex as people see it: a PeerId. */
export function keyText(key: string): string {
  return peerIdText(Buffer.from(key, 'hex'))
}

/** True for a claim by an endpoint's own key, which has no chain. */
export function isUnchained(entry: Entry, authority: string): boolean {
  return entry.kind === 'claim' && entry.issuer !== authority
}

function isOfMesh({ body }: Entry, genesis: Entry): boolean {
  return 'mesh' in body && Buffer.compare(body.mesh, genesis.record.id) === 0
}

function withoutLeaps(entries: readonly Entry[], problems: string[]): Entry[] {
  let highest = 0
  const kept: Entry[] = []
  for (const entry of entries) {
    if (entry.body.lamport - highest > LAMPORT_LEAP_MAX) {
      problems.push(`a record of ${keyText(entry.issuer)} leaps far ahead and does not count`)
      continue
    }
    highest = entry.body.lamport
    kept.push(entry)
  }
  return kept
}

/** Step 1. A chain may fork; every branch that reaches back to a first record is kept. */
function keepChained(entries: readonly Entry[], genesis: Entry): Entry[] {
  const byId = new Map<string, Entry>()
  for (const entry of [...entries].sort((a, b) => a.body.seq - b.body.seq)) {
    // A join counts only inside the sponsor that wraps it.
    if (entry.kind === 'join') continue
    if (isUnchained(entry, genesis.issuer)) {
      if (entry.body.seq === 0) byId.set(entry.id, entry)
      continue
    }
    if (hasPlace(entry, byId, genesis)) byId.set(entry.id, entry)
  }
  return entries.filter(({ id }) => byId.has(id))
}

function hasPlace(entry: Entry, byId: ReadonlyMap<string, Entry>, genesis: Entry): boolean {
  const { seq, prev } = entry.body
  if (entry === genesis) return seq === 0
  if (seq === 0) return entry.issuer !== genesis.issuer
  const before = byId.get(toHex(prev))
  return (
    before !== undefined &&
    before.issuer === entry.issuer &&
    before.body.seq === seq - 1 &&
    !isUnchained(before, genesis.issuer)
  )
}

/** Ids of a record of `issuer` and of all before it in its chain; empty if it is not that issuer's. */
function ancestryIn(chained: readonly Entry[]): (issuer: string, upTo: Uint8Array) => Set<string> {
  const byId = new Map(chained.map((entry) => [entry.id, entry]))
  const known = new Map<string, Set<string>>()
  return (issuer, upTo) => {
    const place = `${issuer}/${toHex(upTo)}`
    const found = known.get(place)
    if (found !== undefined) return found
    const ids = new Set<string>()
    let entry = byId.get(toHex(upTo))
    while (entry !== undefined && entry.issuer === issuer) {
      ids.add(entry.id)
      entry = byId.get(toHex(entry.body.prev))
    }
    known.set(place, ids)
    return ids
  }
}

function forksIn(entries: readonly Entry[]): string[] {
  const places = new Set<string>()
  const forks = new Set<string>()
  for (const { issuer, body } of entries) {
    const place = `${issuer}/${body.seq}`
    if (places.has(place)) forks.add(`${keyText(issuer)} signed two records numbered ${body.seq}`)
    places.add(place)
  }
  return [...forks]
}

function endsOf(entries: readonly Entry[]): Map<string, ChainEnd> {
  const ends = new Map<string, ChainEnd>()
  for (const { issuer, body, record } of entries) {
    const end = ends.get(issuer)
    if (end === undefined || body.seq >= end.seq) ends.set(issuer, { seq: body.seq, id: record.id })
  }
  return ends
}
