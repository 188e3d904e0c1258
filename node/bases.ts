// Bases: the published base images that this peer knows, and who holds them whole. Which of them count is
// the fold of their records with the roster; one is ready to be used once a storage peer other than its
// publisher has signed for it, where there is one.

import { toHex, type Hash } from '../store/block.ts'
import { baseId, foldBases, openBase, type Base } from '../store/base.ts'
import type { Disk } from '../store/disk.ts'
import type { PeerKey } from '../store/peer.ts'
import { openReceipt, type Receipt } from '../store/receipt.ts'
import { isBadRecord, type SignedRecord } from '../store/signed.ts'
import { BaseUnknown } from './errors.ts'
import type { Members } from './mesh/members.ts'
import { RecordFolder } from './record-folder.ts'

export class Bases {
  readonly records: RecordFolder
  readonly receipts: RecordFolder
  readonly #members: Members

  private constructor(members: Members, records: RecordFolder, receipts: RecordFolder) {
    this.#members = members
    this.records = records
    this.receipts = receipts
  }

  static async open({ disk, members }: { disk: Disk; members: Members }): Promise<Bases> {
    const ids = new Set<string>()
    const receipts = await RecordFolder.open({
      disk,
      directory: 'base-receipts',
      judge: (known, incoming, wereKept) =>
        judgeReceipts(members, { known, incoming, wereKept }, ids)
    })
    const records = await RecordFolder.open({
      disk,
      directory: 'bases',
      judge: (known, incoming, wereKept) => {
        const { mesh } = members.roster
        const receipted = [...receipts.records()].map((each) => openReceipt(each, mesh).head)
        const judged = { known, incoming, wereKept }
        return { keep: judgeBases(members, judged, new Set(receipted.map(toHex))) }
      }
    })
    const note = (added: Iterable<SignedRecord>): void => {
      for (const record of added) ids.add(toHex(baseId(record)))
    }
    note(records.records())
    records.onAdd(note)
    return new Bases(members, records, receipts)
  }

  /** Every base that is known, newest of each name first. */
  list(): Base[] {
    const { bases } = foldBases(this.records.records(), this.#members.roster)
    return [...bases.values()].sort((a, b) => compare(a.name, b.name) || b.serial - a.serial)
  }

  problems(): string[] {
    return foldBases(this.records.records(), this.#members.roster).problems
  }

  get(id: Hash): Base | undefined {
    return this.list().find((base) => toHex(base.id) === toHex(id))
  }

  /** A base by `name@label`, by name (its newest), or by the CID of its root. @throws {BaseUnknown} */
  named(text: string): Base {
    const bases = this.list()
    const found = bases.find(
      (base) => labelOf(base) === text || base.name === text || base.root.toString() === text
    )
    if (found === undefined) throw new BaseUnknown(text, bases.map(labelOf))
    return found
  }

  /** Peers that signed that they hold all of a base. */
  holders(id: Hash): PeerKey[] {
    const { roster } = this.#members
    return [...this.receipts.records()]
      .filter((record) => toHex(this.#open(record).head) === toHex(id))
      .map(({ issuer }) => issuer)
      .filter((peer) => roster.members.has(toHex(peer)))
  }

  /** What a peer signed for a base, if it did. */
  receiptOf(id: Hash, peer: PeerKey): Receipt | undefined {
    const record = [...this.receipts.records()].find(
      (each) => toHex(each.issuer) === toHex(peer) && toHex(this.#open(each).head) === toHex(id)
    )
    return record && this.#open(record)
  }

  /** True once it may be adopted, deployed and leaned on. */
  isReady(base: Base): boolean {
    if (!base.approved) return false
    const others = this.#members
      .withRole('storage')
      .filter(({ peer }) => !base.signers.has(toHex(peer)))
    const holders = new Set(this.holders(base.id).map(toHex))
    return others.length === 0 || others.some(({ peer }) => holders.has(toHex(peer)))
  }

  #open(record: SignedRecord): Receipt {
    return openReceipt(record, this.#members.roster.mesh)
  }
}

/** How people name a base: `name@label`. */
export function labelOf({ name, label }: Base): string {
  return `${name}@${label}`
}

interface Judged {
  known: ReadonlyMap<string, SignedRecord>
  incoming: readonly SignedRecord[]
  wereKept: boolean
}

/**
 * A name's list only goes on: below the highest number that enough publishers signed nothing new comes in.
 * The same number is let in, so that all see that there are two, and use neither. What this peer has a
 * receipt for (`receipted`, ids in hex) was here before. Lower numbers come first, so that a crash leaves
 * none of them out.
 */
function judgeBases(
  { roster }: Members,
  { known, incoming, wereKept }: Judged,
  receipted: ReadonlySet<string>
): SignedRecord[] {
  const { bases } = foldBases(known.values(), roster)
  const highest = new Map<string, number>()
  for (const { name, serial, signers } of bases.values()) {
    const signed = [...signers].filter((signer) => roster.publishers.has(signer)).length
    if (signed < roster.threshold) continue
    highest.set(name, Math.max(serial, highest.get(name) ?? 0))
  }
  const serialOf = (record: SignedRecord): number => openBase(record, roster.mesh).serial
  const isInOrder = (record: SignedRecord): boolean => {
    const id = toHex(baseId(record))
    const { name, serial } = openBase(record, roster.mesh)
    return serial >= (highest.get(name) ?? 0) || bases.has(id) || receipted.has(id)
  }
  return incoming
    .filter((record) =>
      holds(() =>
        openBase(record, roster.mesh, () => wereKept || roster.publishers.has(toHex(record.issuer)))
      )
    )
    .filter((record) => wereKept || isInOrder(record))
    .sort((a, b) => serialOf(a) - serialOf(b))
}

/** Receipts for bases that are known (`bases`, ids in hex), by storage peers: of each the newest. */
function judgeReceipts(
  members: Members,
  { known, incoming, wereKept }: Judged,
  bases: ReadonlySet<string>
): { keep: SignedRecord[]; drop: string[] } {
  const { mesh } = members.roster
  const mayIssue = ({ issuer }: SignedRecord, { endpoint, head }: Receipt): boolean =>
    endpoint === undefined &&
    (wereKept || (bases.has(toHex(head)) && members.member(issuer)?.roles.has('storage') === true))
  const good = incoming.filter((record) =>
    holds(() => openReceipt(record, mesh, (receipt) => mayIssue(record, receipt)))
  )
  const newest = new Map<string, { id: string; at: number }>()
  for (const record of [...known.values(), ...good]) {
    const { head, at } = openReceipt(record, mesh)
    const place = `${toHex(head)}/${toHex(record.issuer)}`
    const id = toHex(record.id)
    const other = newest.get(place)
    if (other === undefined || at > other.at || (at === other.at && id > other.id)) {
      newest.set(place, { id, at })
    }
  }
  const stay = new Set([...newest.values()].map(({ id }) => id))
  return {
    keep: good.filter(({ id }) => stay.has(toHex(id))),
    drop: [...known.keys()].filter((id) => !stay.has(id))
  }
}

/** True unless `open` finds the record bad. */
export function holds(open: () => unknown): boolean {
  try {
    open()
    return true
  } catch (error) {
    if (isBadRecord(error)) return false
    throw error
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
