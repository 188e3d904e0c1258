// Base images: the signed word of publishers that a state is a base, by name and serial number. Several
// publishers may have to say the same before it counts; each signs a record of its own with the very same
// body, and the base's id is the hash of what they all sign. Which bases hold is a pure function of the
// records and the roster, like the roster itself.

import { CID_BYTES, HASH_BYTES, sha256, toHex, type CID, type Hash } from './block.ts'
import { bytesOf, decode, integerOf, listOf, optional, readMap, textOf } from './codec.ts'
import { Malformed } from './errors.ts'
import { rootFromBytes } from './head.ts'
import type { SigningKey } from './key.ts'
import { MESH_ID_BYTES, nameOf } from './roster-bodies.ts'
import type { Roster } from './roster.ts'
import { openRecord, signRecord, signedMessage, type SignedRecord } from './signed.ts'

const VERSION = 1
const KIND = 'base'
const RULES_MAX = 256
const RULE_LENGTH_MAX = 1024

/** What a publisher says of a base. */
export interface BaseFields {
  /** Of the line of bases, such as "office". */
  name: string
  /** Rises along a name; orders its bases. */
  serial: number
  /** Of this one, such as "2026.11": for people. */
  label: string
  /** Id of the base that this one was made from. */
  parent?: Hash | undefined
  /** Its state's top page. */
  root: CID
  /** What the state contains. */
  digest: Hash
  /** What was left out or put in, as it was written. */
  rules: readonly string[]
  /** Milliseconds since 1970. */
  time: number
}

export interface Base extends BaseFields {
  /** SHA-256 of what its publishers sign; the same for all of them. */
  id: Hash
  /** Keys in hex of all who signed, whether or not they still may. */
  signers: ReadonlySet<string>
  /** True if as many of today's publishers signed as the roster asks. Only then may it be applied. */
  approved: boolean
}

/** The id of the base that a record speaks of. */
export function baseId(record: SignedRecord): Hash {
  return sha256(signedMessage(KIND, record.body))
}

/** Signs a base as one of its publishers. @throws {Malformed} if the record gets too large. */
export function signBase(
  base: BaseFields,
  { key, mesh }: { key: SigningKey; mesh: Uint8Array }
): SignedRecord {
  const { name, serial, label, parent, root, digest, rules, time } = base
  const body = { v: VERSION, mesh, name, serial, label, root: root.bytes, digest, rules, time }
  return signRecord(KIND, parent === undefined ? body : { ...body, parent }, key)
}

/**
 * Checks a base record. Who may publish is for the fold: pass `mayIssue`.
 *
 * @throws {Malformed}
 * @throws {NotSigned}
 */
export function openBase(
  record: SignedRecord,
  mesh: Uint8Array,
  mayIssue?: (base: BaseFields) => boolean
): BaseFields {
  return fieldsOf(openRecord(record, { kind: KIND, mesh, read: readBase, mayIssue }))
}

/**
 * The bases that a set of checked records speaks of, by id in hex. One that is not approved is still good
 * for what was made on it. Of two approved bases with one name and serial neither is, and both are named
 * in `problems`.
 */
export function foldBases(
  records: Iterable<SignedRecord>,
  roster: Roster
): { bases: Map<string, Base>; problems: string[] } {
  const found = new Map<string, { base: BaseFields; id: Hash; signers: Set<string> }>()
  for (const record of records) {
    const base = readOwnBase(record, roster.mesh)
    if (base === undefined) continue
    const id = baseId(record)
    const known = found.get(toHex(id)) ?? { base, id, signers: new Set() }
    known.signers.add(toHex(record.issuer))
    found.set(toHex(id), known)
  }
  const claims = new Map<string, Base[]>()
  const bases = new Map<string, Base>()
  for (const [hex, { base, id, signers }] of [...found].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const today = [...signers].filter((signer) => roster.publishers.has(signer))
    const approved = today.length >= roster.threshold
    const folded = { ...base, id, signers, approved }
    bases.set(hex, folded)
    const place = `${base.name}\0${base.serial}`
    if (approved) claims.set(place, [...(claims.get(place) ?? []), folded])
  }
  const problems: string[] = []
  for (const rivals of claims.values()) {
    const [first, second] = rivals
    if (first === undefined || second === undefined) continue
    for (const rival of rivals) rival.approved = false
    problems.push(`two bases are called ${first.name} number ${first.serial}: neither is used`)
  }
  return { bases, problems: problems.sort() }
}

/** The serial number for the next base of a name. */
export function nextSerial(bases: Iterable<Base>, name: string): number {
  let highest = 0
  for (const base of bases) if (base.name === name) highest = Math.max(highest, base.serial)
  return highest + 1
}

function readOwnBase(record: SignedRecord, mesh: Uint8Array): BaseFields | undefined {
  if (record.kind !== KIND) return undefined
  try {
    const base = readBase(decode(record.body), KIND)
    return Buffer.compare(base.mesh, mesh) === 0 ? fieldsOf(base) : undefined
  } catch (error) {
    if (error instanceof Malformed) return undefined
    throw error
  }
}

interface BaseBody extends BaseFields {
  v: number
  mesh: Uint8Array
}

function readBase(value: unknown, what: string): BaseBody {
  const { root, ...fields } = readMap(value, what, {
    v: integerOf(VERSION, VERSION),
    mesh: bytesOf(MESH_ID_BYTES),
    name: nameOf,
    serial: integerOf(1),
    label: nameOf,
    parent: optional(bytesOf(HASH_BYTES)),
    root: bytesOf(CID_BYTES),
    digest: bytesOf(HASH_BYTES),
    rules: listOf(textOf(RULE_LENGTH_MAX), RULES_MAX),
    time: integerOf()
  })
  return { ...fields, root: rootFromBytes(root) }
}

function fieldsOf({
  name,
  serial,
  label,
  parent,
  root,
  digest,
  rules,
  time
}: BaseBody): BaseFields {
  return { name, serial, label, parent, root, digest, rules, time }
}
