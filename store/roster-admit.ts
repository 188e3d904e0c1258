// Admission: which records from others a peer keeps. Only those whose issuer the set itself gives
// standing, within limits, so a stranger cannot fill a disk. Standing only grows with the set (a record by
// somebody shut out is kept, and the fold ignores it), so what is kept does not hang on the order in which
// records come, and two peers that exchange theirs end with the same set.

import { toHex } from './block.ts'
import { NotSigned, type DrystoneError } from './errors.ts'
import { checkRecord, isKind, readEntry, wrappedJoin, type Entry } from './roster-records.ts'
import { isBadRecord, type SignedRecord } from './signed.ts'

export const RECORDS_PER_ISSUER_MAX = 4096
/** Joins kept for an invite beyond its uses: enough to see that it leaked. */
export const SURPLUS_JOINS_MAX = 8
/** Claims kept that one claim key signed. Per key, so one key cannot use up the room of another. */
export const CLAIMS_PER_KEY_MAX = 16

export interface Admission {
  /** Checked, new, in an order in which each has its standing from those before it. */
  accepted: SignedRecord[]
  /** What is not kept, and why. A record may find its standing later, with others. */
  refused: { record: SignedRecord; failure: DrystoneError }[]
}

/** Decides which of `incoming` join the set `known`, which was admitted before. Never throws for them. */
export function admit(
  known: Iterable<SignedRecord>,
  incoming: Iterable<SignedRecord>,
  mesh: Uint8Array
): Admission {
  const standing = new Standings(mesh)
  const ids = new Set<string>()
  // Read once, since one may come behind many others on which it stands.
  let waiting = [...known].map(read)
  for (const { record } of waiting) ids.add(toHex(record.id))
  for (let before = -1; before !== waiting.length;) {
    before = waiting.length
    waiting = waiting.filter(({ entry }) => {
      if (entry === undefined) return false
      if (!standing.mayIssue(entry)) return true
      standing.note(entry)
      return false
    })
  }

  const admission: Admission = { accepted: [], refused: [] }
  let pending = [...incoming].filter(({ id }) => !ids.has(toHex(id))).map(read)
  for (let before = -1; before !== pending.length;) {
    before = pending.length
    pending = pending.filter(({ record, entry }) => {
      if (entry !== undefined && !standing.mayIssue(entry)) return !ids.has(entry.id)
      if (ids.has(toHex(record.id))) return false
      try {
        standing.note(checkRecord(record, mesh))
        admission.accepted.push(record)
        ids.add(toHex(record.id))
      } catch (failure) {
        if (!isBadRecord(failure)) throw failure
        admission.refused.push({ record, failure })
      }
      return false
    })
  }
  for (const { record } of pending) {
    const failure = new NotSigned(`a ${record.kind} record by somebody who may not sign it`)
    admission.refused.push({ record, failure })
  }
  return admission
}

function read(record: SignedRecord): { record: SignedRecord; entry: Entry | undefined } {
  return { record, entry: readEntry(record) }
}

interface InviteStanding {
  keys: Set<string>
  uses: number
  joins: number
}

/** Who was ever given what say, whether or not it was taken away since. */
class Standings {
  readonly #mesh: string
  #authority: string | undefined
  readonly #admins = new Set<string>()
  readonly #members = new Set<string>()
  readonly #invites = new Map<string, InviteStanding>()
  readonly #claimKeys = new Map<string, Set<string>>()
  /** Records by issuer in hex. */
  readonly #records = new Map<string, number>()
  /** Claims by endpoint and claim key in hex. */
  readonly #claims = new Map<string, number>()

  constructor(mesh: Uint8Array) {
    this.#mesh = toHex(mesh)
  }

  mayIssue(entry: Entry): boolean {
    const { issuer } = entry
    if ((this.#records.get(issuer) ?? 0) >= RECORDS_PER_ISSUER_MAX) return false
    const isAuthority = issuer === this.#authority
    const isAdmin = this.#admins.has(issuer)
    switch (entry.kind) {
      case 'genesis':
        return entry.id === this.#mesh
      case 'admin':
      case 'publisher':
      case 'recovery':
      case 'void':
        return isAuthority
      case 'policy':
      case 'keep':
      case 'member':
      case 'revoke':
        return isAuthority || isAdmin
      case 'invite':
      case 'cancel':
        return isAdmin
      case 'sponsor':
        return this.#members.has(issuer) && this.#mayJoin(entry)
      case 'claim':
        return isAuthority || this.#mayClaim(entry)
      case 'join':
        return false
    }
  }

  note(entry: Entry): void {
    this.#records.set(entry.issuer, (this.#records.get(entry.issuer) ?? 0) + 1)
    if (isKind(entry, 'genesis')) this.#authority = entry.issuer
    else if (isKind(entry, 'admin')) this.#admins.add(toHex(entry.body.peer))
    else if (isKind(entry, 'invite')) this.#noteInvite(entry)
    else if (isKind(entry, 'member')) this.#noteMember(entry.body)
    else if (isKind(entry, 'sponsor')) {
      const join = wrappedJoin(entry)
      if (join === undefined) return
      this.#noteMember(join.body)
      const invite = this.#invites.get(toHex(join.body.invite))
      if (invite !== undefined) invite.joins++
    } else if (isKind(entry, 'claim')) {
      if (entry.body.can === 'write') this.#noteMember(entry.body)
      if (entry.issuer === this.#authority) return
      const place = claimPlace(entry)
      this.#claims.set(place, (this.#claims.get(place) ?? 0) + 1)
    }
  }

  #mayJoin(entry: Entry): boolean {
    const join = isKind(entry, 'sponsor') ? wrappedJoin(entry) : undefined
    if (join === undefined) return false
    const invite = this.#invites.get(toHex(join.body.invite))
    return (
      invite !== undefined &&
      invite.keys.has(join.issuer) &&
      invite.joins < invite.uses + SURPLUS_JOINS_MAX
    )
  }

  #mayClaim(entry: Entry): boolean {
    if (!isKind(entry, 'claim')) return false
    const keys = this.#claimKeys.get(toHex(entry.body.endpoint))
    const claims = this.#claims.get(claimPlace(entry)) ?? 0
    return keys?.has(entry.issuer) === true && claims < CLAIMS_PER_KEY_MAX
  }

  #noteInvite({ body }: Entry<'invite'>): void {
    const id = toHex(body.id)
    const invite = this.#invites.get(id) ?? { keys: new Set(), uses: 0, joins: 0 }
    invite.keys.add(toHex(body.key))
    invite.uses = Math.max(invite.uses, body.uses)
    this.#invites.set(id, invite)
  }

  #noteMember(body: {
    peer: Uint8Array
    endpoint?: Uint8Array | undefined
    claimKey?: Uint8Array | undefined
  }): void {
    this.#members.add(toHex(body.peer))
    if (body.endpoint === undefined || body.claimKey === undefined) return
    const endpoint = toHex(body.endpoint)
    const keys = this.#claimKeys.get(endpoint) ?? new Set()
    keys.add(toHex(body.claimKey))
    this.#claimKeys.set(endpoint, keys)
  }
}

function claimPlace({ body, issuer }: Entry<'claim'>): string {
  return `${toHex(body.endpoint)}/${issuer}`
}
