// Endpoints, folded: who writes each, which key may claim it, who may read it. An endpoint's facts are
// replayed in order; a claim counts only if it is signed by the authority or by the key that may claim the
// endpoint at that point, so a key that a takeover replaced is worth nothing afterwards. A join only brings
// what is not there yet. An endpoint stays when its writer is shut out: its history can still be restored.

import { toHex } from './block.ts'
import type { Bodies, EndpointId } from './roster-bodies.ts'
import { byRank, entriesOf } from './roster-chain.ts'
import { isKind, type Entry, type Join } from './roster-records.ts'
import type { PeerKey } from './peer.ts'

/** How long a read claim lasts. */
export const READ_CLAIM_MS = 7 * 24 * 60 * 60 * 1000

export interface Endpoint {
  /** 16 bytes. */
  id: EndpointId
  /** Unique in the mesh. */
  name: string
  /** Who writes it, or last did: it may have been revoked since, so ask `mayWrite`. */
  writer: PeerKey
  /** Peers in hex that write it or ever did, in the order in which they got it: the writer is the last. */
  writers: ReadonlySet<string>
  /** Whose signature claims it; undefined once it was on a stolen computer. */
  claimKey: Uint8Array | undefined
  /** Peers in hex that claimed to read it, and until when (milliseconds since 1970). */
  readers: Map<string, number>
}

export interface EndpointFold {
  /** By id in hex, sorted. */
  endpoints: Map<string, Endpoint>
  /** By peer in hex: what it writes; of several, the one it got last. */
  written: Map<string, EndpointId>
  /** Write claims that hold, in order. */
  takeovers: Entry<'claim'>[]
  problems: string[]
}

/** What the fold of endpoints is made from. */
export interface EndpointFacts {
  authority: string
  /** Records that count, by rank. */
  entries: readonly Entry[]
  /** Joins that hold. */
  joins: readonly Join[]
  /** Peers in hex whose computer was stolen. */
  stolen: ReadonlySet<string>
}

/** One fact about one endpoint, in the order in which they are replayed. */
interface Fact {
  /** The record that ranks it: of a join, its sponsor. */
  entry: Entry
  peer: PeerKey
  name: string | undefined
  claimKey: Uint8Array | undefined
  /** It is a join that brings the endpoint, which it can only do if nothing did before. */
  brings?: boolean
}

/** Where an endpoint stands after its facts. */
interface Standing {
  first: Fact
  /** The fact that made the writer. */
  last: Fact
  writer: PeerKey
  writers: Set<string>
  claimKey: Uint8Array | undefined
  readers: Map<string, number>
  /** Keys in hex that were ever on a stolen computer. */
  exposed: Set<string>
  takeovers: Entry<'claim'>[]
}

export function foldEndpoints(facts: EndpointFacts): EndpointFold {
  const problems: string[] = []
  const standings: [id: string, Standing][] = []
  for (const [id, own] of factsByEndpoint(facts, problems)) {
    // Twice: which keys were exposed shows only once the endpoint's story is known.
    const exposed = replay(own, facts, new Set())?.exposed
    const standing = replay(own, facts, exposed ?? new Set())
    if (standing === undefined) continue
    standings.push([id, standing])
    if (own.some(({ brings, peer }) => brings === true && !standing.writers.has(toHex(peer)))) {
      problems.push(`endpoint ${id.slice(0, 8)} was brought by more than one computer`)
    }
  }
  readAll(standings, facts)
  const names = uniqueNames(standings)
  const endpoints = new Map<string, Endpoint>()
  for (const [id, { writer, writers, claimKey, readers }] of standings.sort(([a], [b]) =>
    a < b ? -1 : 1
  )) {
    const name = names.get(id) ?? id
    endpoints.set(id, { id: fromId(id), name, writer, writers, claimKey, readers })
    if (claimKey === undefined) {
      problems.push(`endpoint ${name} has no claim key: only the recovery words can move it`)
    }
  }
  const takeovers = standings.flatMap(([, standing]) => standing.takeovers).sort(byRank)
  const byLast = [...standings].sort(([, a], [, b]) => byRank(a.last.entry, b.last.entry))
  const written = new Map(byLast.map(([id, { writer }]) => [toHex(writer), fromId(id)]))
  return { endpoints, written, takeovers, problems }
}

function factsByEndpoint(
  { entries, joins }: EndpointFacts,
  problems: string[]
): Map<string, Fact[]> {
  const all = new Map<string, Fact[]>()
  for (const { sponsor, body, invite } of joins) {
    if (body.endpoint === undefined || !invite.body.roles.includes('endpoint')) continue
    const { peer, name, claimKey } = body
    const { replaces } = invite.body
    const fact = { entry: sponsor, peer, name, claimKey, brings: replaces === undefined }
    if (replaces === undefined || Buffer.compare(replaces, body.endpoint) === 0) {
      push(all, body.endpoint, fact)
    } else problems.push(`${name} joined to replace an endpoint and brought another`)
  }
  for (const entry of entries) {
    if (isKind(entry, 'member') && entry.body.endpoint !== undefined) {
      push(all, entry.body.endpoint, { entry, ...only(entry.body) })
    } else if (isKind(entry, 'claim') && entry.body.endpoint.length > 0) {
      push(all, entry.body.endpoint, { entry, ...only(entry.body), name: undefined })
    }
  }
  for (const own of all.values()) own.sort((a, b) => byRank(a.entry, b.entry))
  return all
}

/** Undefined if no fact gives the endpoint a writer. */
function replay(
  facts: readonly Fact[],
  { authority, stolen }: EndpointFacts,
  exposed: ReadonlySet<string>
): Standing | undefined {
  let standing: Standing | undefined
  const usable = (key: Uint8Array | undefined): Uint8Array | undefined =>
    key !== undefined && exposed.has(toHex(key)) ? undefined : key
  for (const fact of facts) {
    const { entry, peer } = fact
    if (bringsAgain(fact, standing)) continue
    const claim = isKind(entry, 'claim') ? entry : undefined
    if (claim !== undefined && claim.issuer !== authority) {
      const current = standing?.claimKey
      if (current === undefined || toHex(current) !== claim.issuer) continue
      if (stolen.has(toHex(peer))) standing?.exposed.add(claim.issuer)
    }
    if (claim?.body.can === 'read') {
      if (standing !== undefined) read(standing, claim)
      continue
    }
    standing ??= {
      first: fact,
      last: fact,
      writer: peer,
      writers: new Set(),
      claimKey: undefined,
      readers: new Map(),
      exposed: new Set(),
      takeovers: []
    }
    standing.last = fact
    standing.writer = peer
    standing.writers.delete(toHex(peer))
    standing.writers.add(toHex(peer))
    if (fact.claimKey !== undefined) standing.claimKey = usable(fact.claimKey)
    // A computer that took an endpoint over without a new key works with the one there was.
    const held = fact.claimKey ?? standing.claimKey
    if (held !== undefined && stolen.has(toHex(peer))) standing.exposed.add(toHex(held))
    if (claim !== undefined) standing.takeovers.push(claim)
  }
  return standing
}

/** Whoever signs a join may say any endpoint; one that is there is not theirs to touch. */
function bringsAgain({ brings }: Fact, standing: Standing | undefined): boolean {
  return brings === true && standing !== undefined
}

function read(standing: Standing, { body }: Entry<'claim'>): void {
  const peer = toHex(body.peer)
  const until = body.time + READ_CLAIM_MS
  standing.readers.set(peer, Math.max(until, standing.readers.get(peer) ?? 0))
}

/** The authority may claim to read all endpoints at once. */
function readAll(standings: [string, Standing][], { entries, authority }: EndpointFacts): void {
  for (const claim of entriesOf(entries, 'claim')) {
    if (claim.issuer !== authority || claim.body.endpoint.length > 0) continue
    for (const [, standing] of standings) read(standing, claim)
  }
}

/** The name of the computer that brought it; a later one of the same name gets a number. */
function uniqueNames(standings: readonly [string, Standing][]): Map<string, string> {
  const names = new Map<string, string>()
  const taken = new Set<string>()
  const inOrder = [...standings].sort(
    ([idA, a], [idB, b]) => byRank(a.first.entry, b.first.entry) || (idA < idB ? -1 : 1)
  )
  const plain = new Set(inOrder.map(([, { first }]) => first.name))
  for (const [id, { first }] of inOrder) {
    const base = first.name ?? `endpoint-${id.slice(0, 8)}`
    let name = base
    for (let n = 2; taken.has(name) || (name !== base && plain.has(name)); n++)
      name = `${base}-${n}`
    taken.add(name)
    names.set(id, name)
  }
  return names
}

function only({
  peer,
  claimKey,
  ...rest
}: Bodies['member'] | Bodies['claim']): Omit<Fact, 'entry'> {
  return { peer, claimKey, name: 'name' in rest ? rest.name : undefined }
}

function push(facts: Map<string, Fact[]>, endpoint: EndpointId, fact: Fact): void {
  const id = toHex(endpoint)
  const known = facts.get(id)
  if (known === undefined) facts.set(id, [fact])
  else known.push(fact)
}

function fromId(id: string): EndpointId {
  return new Uint8Array(Buffer.from(id, 'hex'))
}
