// The records of the roster, one by one: checking what came from outside, and reading what was checked
// before. A record is a fact that one key signed; what the facts add up to is decided in store/roster.ts.

import { toHex } from './block.ts'
import { decode } from './codec.ts'
import { Malformed } from './errors.ts'
import { isRosterKind, readBody, type Bodies, type RosterKind } from './roster-bodies.ts'
import { decodeRecord, openRecord, type SignedRecord } from './signed.ts'

/** A record with its body read, and its issuer and id in hex. */
export interface Entry<K extends RosterKind = RosterKind> {
  kind: K
  body: Bodies[K]
  record: SignedRecord
  issuer: string
  id: string
}

/**
 * Checks a record that came from outside: size, kind, strict decoding, mesh, issuer, signature, meaning.
 * `mayIssue` tells whether the issuer has standing in the mesh (store/roster-admit.ts); without it only
 * what the record itself shows is checked.
 *
 * @throws {Malformed} also for a kind that this version does not know.
 * @throws {NotSigned}
 */
export function checkRecord(
  record: SignedRecord,
  mesh: Uint8Array,
  mayIssue?: (entry: Entry) => boolean
): Entry {
  const { kind } = record
  if (!isRosterKind(kind)) throw new Malformed(`no roster record is called ${kind}`)
  const body = openRecord<Bodies[RosterKind]>(record, {
    kind,
    mesh,
    read: (value) => readBody(kind, value),
    mayIssue: (read) => {
      const entry = entryOf(kind, record, read)
      return isOwnGenesis(entry, mesh) && mayIssue?.(entry) !== false
    },
    meaning: (read) => {
      if ('join' in read) checkRecord(joinIn(read), mesh)
    }
  })
  return entryOf(kind, record, body)
}

/**
 * Reads a record that was checked before. Undefined if it is no roster record of this mesh after all.
 */
export function readEntry(record: SignedRecord): Entry | undefined {
  const { kind } = record
  if (!isRosterKind(kind)) return undefined
  try {
    const entry = entryOf(kind, record, readBody(kind, decode(record.body)))
    return isOwnGenesis(entry) ? entry : undefined
  } catch (error) {
    if (error instanceof Malformed) return undefined
    throw error
  }
}

export function isKind<K extends RosterKind>(entry: Entry, kind: K): entry is Entry<K> {
  return entry.kind === kind
}

/** The join that a sponsor wraps. @throws {Malformed} */
function joinIn(sponsor: { join: Uint8Array }): SignedRecord {
  const join = decodeRecord(sponsor.join)
  if (join.kind !== 'join') throw new Malformed(`a sponsor wraps a ${join.kind}`)
  return join
}

function entryOf<K extends RosterKind>(kind: K, record: SignedRecord, body: Bodies[K]): Entry<K> {
  return { kind, body, record, issuer: toHex(record.issuer), id: toHex(record.id) }
}

/** A genesis is signed by the authority that it names, and is the mesh's own. */
function isOwnGenesis({ body, record }: Entry, mesh = record.id): boolean {
  if (!('authority' in body)) return true
  return (
    Buffer.compare(body.authority, record.issuer) === 0 && Buffer.compare(mesh, record.id) === 0
  )
}

/** A join with the records around it. */
export interface Join {
  sponsor: Entry<'sponsor'>
  body: Bodies['join']
  invite: Entry<'invite'>
  /** The joiner in hex. */
  peer: string
}

/** The join inside a sponsor that was checked before; undefined if it is none. */
export function wrappedJoin(sponsor: Entry<'sponsor'>): Entry<'join'> | undefined {
  try {
    const entry = readEntry(joinIn(sponsor.body))
    return entry !== undefined && isKind(entry, 'join') ? entry : undefined
  } catch (error) {
    if (error instanceof Malformed) return undefined
    throw error
  }
}
