// Joins: who came in by an invite. No issuer is needed for one, so several members may let several
// computers in by the same code while they cannot talk to each other; the fold decides afterwards, the
// same everywhere, whose place it was. The others are suspended until an admin confirms them.

import { toHex } from './block.ts'
import { entriesOf, keyText } from './roster-chain.ts'
import { foldEndpoints, type EndpointFold } from './roster-endpoints.ts'
import { wrappedJoin, type Entry, type Join } from './roster-records.ts'

export interface JoinFold {
  /** Joins that hold, one for each (invite, peer), in the order in which they were let in. */
  joins: Join[]
  /** Peers in hex that joined beyond an invite's uses. */
  suspended: string[]
  /** By invite id in hex: how many computers it let in. */
  used: Map<string, number>
  /** The invite that holds for each id in hex, and whether it was cancelled. */
  invites: Map<string, { entry: Entry<'invite'>; cancelled: boolean }>
  /** As it stands with these joins. */
  endpoints: EndpointFold
  problems: string[]
}

/** What the fold of joins is made from. */
export interface JoinFacts {
  authority: string
  /** Records that count, by rank. */
  entries: readonly Entry[]
  admins: ReadonlySet<string>
  /** Peers in hex that a `member` record names. */
  confirmed: ReadonlySet<string>
  stolen: ReadonlySet<string>
}

/** What one run of `letIn` came to. */
interface Round extends Omit<JoinFold, 'invites' | 'problems'> {
  /** Joins whose sponsor is a member. */
  eligible: Join[]
}

/**
 * Decides whose place it was. Computers that an admin confirmed come first; which of them came by an
 * invite shows only once their sponsor is a member, so it starts again with each that is found.
 */
export function foldJoins(facts: JoinFacts): JoinFold {
  const invites = foldInvites(facts)
  const candidates = candidatesIn(facts, invites)
  const confirmed = new Map<string, Join>()
  for (;;) {
    const round = letIn(facts, candidates, [...confirmed.values()])
    const found = round.eligible.filter(
      (join) => facts.confirmed.has(join.peer) && !confirmed.has(placeOf(join))
    )
    if (found.length === 0) return { ...round, invites, problems: round.suspended.map(surplusText) }
    for (const join of found) confirmed.set(placeOf(join), join)
  }
}

/**
 * Lets joins in, round by round: a sponsor must be a member before its word counts, and a place once
 * given in an earlier round is not taken back by a later one. So a suspended computer cannot sponsor
 * itself into the place of another.
 */
function letIn(facts: JoinFacts, candidates: readonly Join[], confirmed: readonly Join[]): Round {
  const places = new Map<string, Set<string>>()
  for (const { invite, peer } of confirmed) placesOf(places, invite).add(peer)
  const joins = new Map<string, Join>()
  for (;;) {
    const endpoints = foldEndpoints({ ...facts, joins: [...joins.values()] })
    const members = new Set([...facts.confirmed, ...[...joins.values()].map(({ peer }) => peer)])
    for (const { body } of endpoints.takeovers) members.add(toHex(body.peer))
    const eligible = candidates.filter(({ sponsor }) => members.has(sponsor.issuer))
    const before = joins.size
    for (const join of eligible) {
      if (!joins.has(placeOf(join)) && takePlace(places, join)) joins.set(placeOf(join), join)
    }
    if (joins.size === before) {
      const outside = eligible.map(({ peer }) => peer).filter((peer) => !members.has(peer))
      const used = new Map([...places].map(([id, peers]) => [id, peers.size]))
      return {
        joins: [...joins.values()],
        eligible,
        suspended: [...new Set(outside)],
        used,
        endpoints
      }
    }
  }
}

function foldInvites({ entries, admins }: JoinFacts): JoinFold['invites'] {
  const byAdmin = entries.filter(({ issuer }) => admins.has(issuer))
  const cancelled = new Set(entriesOf(byAdmin, 'cancel').map(({ body }) => toHex(body.id)))
  const invites: JoinFold['invites'] = new Map()
  for (const entry of entriesOf(byAdmin, 'invite')) {
    const id = toHex(entry.body.id)
    invites.set(id, { entry, cancelled: cancelled.has(id) })
  }
  return invites
}

/** Joins that hold if their sponsor does and a place is free; by (at, id). */
function candidatesIn({ entries }: JoinFacts, invites: JoinFold['invites']): Join[] {
  const candidates: Join[] = []
  for (const sponsor of entriesOf(entries, 'sponsor')) {
    const entry = wrappedJoin(sponsor)
    if (entry === undefined) continue
    const { body } = entry
    const invite = invites.get(toHex(body.invite))
    if (invite === undefined || invite.cancelled) continue
    if (toHex(invite.entry.body.key) !== entry.issuer) continue
    if (Buffer.compare(body.mesh, sponsor.body.mesh) !== 0) continue
    if (sponsor.body.at > invite.entry.body.expires) continue
    candidates.push({ sponsor, body, invite: invite.entry, peer: toHex(body.peer) })
  }
  return candidates.sort((a, b) => a.sponsor.body.at - b.sponsor.body.at || byId(a, b))
}

function takePlace(places: Map<string, Set<string>>, { invite, peer }: Join): boolean {
  const taken = placesOf(places, invite)
  if (!taken.has(peer) && taken.size >= invite.body.uses) return false
  taken.add(peer)
  return true
}

function placesOf(places: Map<string, Set<string>>, invite: Entry<'invite'>): Set<string> {
  const id = toHex(invite.body.id)
  const taken = places.get(id) ?? new Set()
  places.set(id, taken)
  return taken
}

function placeOf({ invite, peer }: Join): string {
  return `${toHex(invite.body.id)}/${peer}`
}

function byId(a: Join, b: Join): number {
  return a.sponsor.id < b.sponsor.id ? -1 : a.sponsor.id > b.sponsor.id ? 1 : 0
}

function surplusText(peer: string): string {
  return `${keyText(peer)} joined by an invite that was used up, and is suspended`
}
