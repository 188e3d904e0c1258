// Issuing: signing a new fact, so that it lands in the right place of its issuer's chain. The roster tells
// where that chain ends, so issue one record, add it to the set, fold, and only then issue the next: two
// records made from one roster fork the chain.

import { toHex } from './block.ts'
import type { SigningKey } from './key.ts'
import type { Bodies, Policy, RosterKind } from './roster-bodies.ts'
import type { Roster } from './roster.ts'
import { signRecord, type SignedRecord } from './signed.ts'

const VERSION = 1

/** What a kind says beside what every record says. */
export type FieldsOf<K extends RosterKind> = Omit<
  Bodies[K],
  'v' | 'mesh' | 'seq' | 'prev' | 'lamport' | 'time'
>

export interface IssueContext {
  key: SigningKey
  /** Of all records that are known. */
  roster: Roster
  /** Milliseconds since 1970. */
  time: number
}

/** Signs the first record of a mesh: its id is the mesh's. */
export function issueGenesis(
  fields: { name: string; recovery: string; random: Uint8Array; policy: Policy },
  { key, time }: { key: SigningKey; time: number }
): SignedRecord {
  const { name, recovery, random, policy } = fields
  const place = { v: VERSION, seq: 0, prev: new Uint8Array(0), lamport: 0, time }
  const body: Bodies['genesis'] = {
    ...place,
    name,
    authority: key.public,
    recovery,
    random,
    policy: { copies: policy.copies, sites: policy.sites, undoDays: policy.undoDays }
  }
  return signRecord('genesis', body, key)
}

/**
 * Signs a fact. Whether `key` may say it is decided by the fold: a record by anybody else counts for
 * nothing.
 */
export function issue<K extends Exclude<RosterKind, 'genesis'>>(
  kind: K,
  fields: FieldsOf<K>,
  { key, roster, time }: IssueContext
): SignedRecord {
  const issuer = toHex(key.public)
  const byAuthority = issuer === toHex(roster.authority)
  const chains = kind !== 'join' && (kind !== 'claim' || byAuthority)
  const end = chains ? roster.ends.get(issuer) : undefined
  const body = {
    ...withoutAbsent(fields),
    v: VERSION,
    mesh: roster.mesh,
    seq: end === undefined ? 0 : end.seq + 1,
    prev: end?.id ?? new Uint8Array(0),
    lamport: roster.version + 1,
    time
  }
  return signRecord(kind, body, key)
}

/** DAG-CBOR has no undefined: a field that is absent is left out. */
function withoutAbsent(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
