// Members: the roster of this mesh as this peer knows it. It holds the records and their fold in
// memory, tells who may connect, and signs this peer's own facts, one at a time, so that its chain
// never forks.

import { toHex } from '../../store/block.ts'
import type { Clock } from '../../store/clock.ts'
import type { Disk } from '../../store/disk.ts'
import type { SigningKey } from '../../store/key.ts'
import type { PeerKey } from '../../store/peer.ts'
import { admit } from '../../store/roster-admit.ts'
import type { RosterKind } from '../../store/roster-bodies.ts'
import type { Endpoint } from '../../store/roster-endpoints.ts'
import { issue, type FieldsOf } from '../../store/roster-issue.ts'
import { fold, type Member, type Roster } from '../../store/roster.ts'
import type { SignedRecord } from '../../store/signed.ts'
import type { Gate } from '../../protocol/network.ts'
import { EndpointUnknown, PeerUnknown } from '../errors.ts'
import { RecordFolder } from '../record-folder.ts'

export interface RosterPlace {
  disk: Disk
  /** Told which files were found damaged and made whole. */
  onMended?: (path: string) => void
}

export interface MembersInit extends RosterPlace {
  key: SigningKey
  clock: Clock
}

export class Members implements Gate {
  readonly records: RecordFolder
  readonly #key: SigningKey
  readonly #clock: Clock
  #roster: Roster
  #issuing: Promise<unknown> = Promise.resolve()

  private constructor(records: RecordFolder, { key, clock }: { key: SigningKey; clock: Clock }) {
    this.records = records
    this.#key = key
    this.#clock = clock
    this.#roster = fold(records.records())
    records.onAdd(() => {
      this.#roster = fold(records.records())
    })
  }

  /** Opens the roster of a home. @throws {NotSigned} if its records are gone. */
  static async open({ key, clock, ...rest }: MembersInit, mesh: Uint8Array): Promise<Members> {
    return new Members(await openRosterFolder(rest, mesh), { key, clock })
  }

  get roster(): Roster {
    return this.#roster
  }

  isMember(peer: PeerKey): boolean {
    return this.#roster.members.has(toHex(peer))
  }

  member(peer: PeerKey): Member | undefined {
    return this.#roster.members.get(toHex(peer))
  }

  /** Members with the role, this peer among them where it has it. */
  withRole(role: 'storage' | 'endpoint'): Member[] {
    return [...this.#roster.members.values()].filter(({ roles }) => roles.has(role))
  }

  /** A member by its name or peer id. @throws {PeerUnknown} */
  named(name: string, idOf: (peer: PeerKey) => string): Member {
    const members = [...this.#roster.members.values()]
    const found = members.filter((each) => each.name === name || idOf(each.peer) === name)
    const [member] = found
    if (member === undefined || found.length > 1) throw new PeerUnknown(name, members.map(nameOf))
    return member
  }

  /** An endpoint by its name or hex id. @throws {EndpointUnknown} */
  endpoint(name: string): Endpoint {
    const endpoints = [...this.#roster.endpoints.values()]
    const found = endpoints.find((each) => each.name === name || toHex(each.id) === name)
    if (found === undefined) throw new EndpointUnknown(name, endpoints.map(nameOf))
    return found
  }

  /** Signs a fact with this peer's key, or another, and adds it. */
  issue<K extends Exclude<RosterKind, 'genesis'>>(
    kind: K,
    fields: FieldsOf<K>,
    key = this.#key
  ): Promise<SignedRecord> {
    const turn = this.#issuing.then(async () => {
      const record = issue(kind, fields, { key, roster: this.#roster, time: this.#clock.now() })
      await this.records.put([record])
      return record
    })
    this.#issuing = turn.catch(() => {})
    return turn
  }
}

/** The folder of a mesh's roster records; only what has standing in the mesh is kept. */
export function openRosterFolder(
  { disk, onMended = () => undefined }: RosterPlace,
  mesh: Uint8Array
): Promise<RecordFolder> {
  return RecordFolder.open({
    disk,
    directory: 'roster',
    spare: { onMended },
    judge: (known, incoming) => ({ keep: admit(known.values(), incoming, mesh).accepted })
  })
}

function nameOf({ name }: { name: string }): string {
  return name
}
