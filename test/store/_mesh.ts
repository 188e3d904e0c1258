// A mesh made of records only: tests let keys say things, in and out of turn, and look at what the fold
// makes of it. Keys and ids come from names, so the same story always gives the same records.

import { sha256, toHex } from '../../store/block.ts'
import { signingKey, type SigningKey } from '../../store/key.ts'
import { DEFAULT_POLICY, type RosterKind } from '../../store/roster-bodies.ts'
import { issue, issueGenesis, type FieldsOf } from '../../store/roster-issue.ts'
import { fold, type Roster } from '../../store/roster.ts'
import { encodeRecord, type SignedRecord } from '../../store/signed.ts'

export const RECIPIENT = `age1${'q'.repeat(58)}`
export const NOWHERE = new Uint8Array(0)

/** The key of whoever is called so. */
export function keyOf(name: string): SigningKey {
  return signingKey(sha256(Buffer.from(name)))
}

export function hexOf(name: string): string {
  return toHex(keyOf(name).public)
}

/** A 16-byte id. */
export function idOf(name: string): Uint8Array {
  return sha256(Buffer.from(name)).slice(0, 16)
}

type Issued = Exclude<RosterKind, 'genesis'>

export class Mesh {
  readonly records: SignedRecord[]
  readonly id: Uint8Array
  #time = 1_000_000

  constructor(random = 0) {
    const fields = { name: 'office', recovery: RECIPIENT, policy: { ...DEFAULT_POLICY } }
    const genesis = issueGenesis(
      { ...fields, random: new Uint8Array(32).fill(random) },
      { key: keyOf('authority'), time: this.#time }
    )
    this.records = [genesis]
    this.id = genesis.id
  }

  roster(): Roster {
    return fold(this.records)
  }

  /** Signs a fact as `by` would, without adding it. */
  make<K extends Issued>(kind: K, by: string, fields: FieldsOf<K>): SignedRecord {
    this.#time += 1000
    return issue(kind, fields, { key: keyOf(by), roster: this.roster(), time: this.#time })
  }

  say<K extends Issued>(kind: K, by: string, fields: FieldsOf<K>): SignedRecord {
    const record = this.make(kind, by, fields)
    this.records.push(record)
    return record
  }

  /** Some more of the same mesh, which goes another way from here. */
  branch(): Mesh {
    const other = new Mesh()
    other.records.splice(0, 1, ...this.records)
    return Object.assign(other, { id: this.id })
  }

  admin(peer: string): SignedRecord {
    return this.say('admin', 'authority', { peer: keyOf(peer).public })
  }

  member(by: string, peer: string, more: Partial<FieldsOf<'member'>> = {}): SignedRecord {
    const fields = { name: peer, roles: ['endpoint' as const], site: 'hq' }
    return this.say('member', by, { peer: keyOf(peer).public, ...fields, ...more })
  }

  invite(by: string, code: string, more: Partial<FieldsOf<'invite'>> = {}): SignedRecord {
    const key = keyOf(`code ${code}`).public
    const mac = new Uint8Array(32)
    const fields = { roles: ['endpoint' as const], site: 'hq', uses: 1, expires: 10_000_000 }
    return this.say('invite', by, { id: idOf(code), key, mac, ...fields, ...more })
  }

  /** `peer` comes in by `code`; with `endpoint`, it brings or takes one, claimed by the key of that name. */
  join(
    sponsor: string,
    peer: string,
    { code, at, endpoint }: { code: string; at: number; endpoint?: string }
  ): SignedRecord {
    const join = this.make('join', `code ${code}`, {
      invite: idOf(code),
      peer: keyOf(peer).public,
      name: peer,
      ...(endpoint === undefined
        ? {}
        : { endpoint: idOf(endpoint), claimKey: keyOf(`${endpoint} of ${peer}`).public })
    })
    return this.say('sponsor', sponsor, { join: encodeRecord(join), at })
  }

  claim(
    by: string,
    peer: string,
    { endpoint, can = 'write', key }: { endpoint: string; can?: 'read' | 'write'; key?: string }
  ): SignedRecord {
    const claimKey = key === undefined ? undefined : keyOf(key).public
    const fields = { endpoint: idOf(endpoint), peer: keyOf(peer).public, can }
    return this.say('claim', by, { ...fields, claimKey })
  }

  revoke(by: string, peer: string, upTo: Uint8Array = NOWHERE, stolen = false): SignedRecord {
    return this.say('revoke', by, { peer: keyOf(peer).public, upTo, stolen })
  }
}

/** A mesh with one admin, who is the first member and brought the endpoint `first`. */
export function setUp(): Mesh {
  const mesh = new Mesh()
  const nas = keyOf('nas').public
  mesh.say('publisher', 'authority', { peer: nas, threshold: 1 })
  mesh.admin('nas')
  mesh.member('authority', 'nas', {
    roles: ['endpoint', 'storage'],
    endpoint: idOf('first'),
    claimKey: keyOf('first of nas').public
  })
  return mesh
}

/** What the fold decided: a roster without what every new record changes. */
export function decided(roster: Roster): Partial<Roster> {
  const rest: Partial<Roster> = { ...roster }
  delete rest.digest
  delete rest.version
  delete rest.ends
  return rest
}
