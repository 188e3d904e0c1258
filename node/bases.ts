// Bases: the published base images that this peer knows, and who holds them whole. Which of them count is
// the fold of their records with the roster; one is ready to be used once a storage peer other than its
// publisher has signed for it, where there is one.

import { toHex, type Hash } from '../store/block.ts'
import { foldBases, openBase, type Base } from '../store/base.ts'
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
    const { mesh } = members.roster
    const records = await RecordFolder.open({
      disk,
      directory: 'bases',
      judge: (_, incoming, wereKept) => ({
        keep: incoming.filter((record) =>
          holds(() =>
            openBase(
              record,
              mesh,
              () => wereKept || members.roster.publishers.has(toHex(record.issuer))
            )
          )
        )
      })
    })
    const receipts = await RecordFolder.open({
      disk,
      directory: 'base-receipts',
      judge: (_, incoming, wereKept) => ({
        keep: incoming.filter((record) =>
          holds(() =>
            openReceipt(record, mesh, (receipt) => wereKept || isKeeper(members, record, receipt))
          )
        )
      })
    })
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

function isKeeper(members: Members, { issuer }: SignedRecord, receipt: Receipt): boolean {
  const member = members.member(issuer)
  return receipt.endpoint === undefined && member?.roles.has('storage') === true
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
