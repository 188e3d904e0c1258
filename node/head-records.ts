// Which marks and receipts a peer keeps of heads. Of a line the highest mark, and both where it forked; of
// each storage peer one receipt for a head. Whoever judges the same records keeps the same ones, in any
// order.

import { toHex } from '../store/block.ts'
import { openMark } from '../store/mark.ts'
import { openReceipt, type Receipt } from '../store/receipt.ts'
import type { SignedRecord } from '../store/signed.ts'
import { holds } from './bases.ts'
import type { Members } from './mesh/members.ts'

/** Two marks with one number show that a line has forked; more show nothing else. */
const FORK_MARKS_MAX = 2

/** A keeper's word for a head. */
export interface HeadReceipt {
  record: SignedRecord
  receipt: Receipt
}

/** By head, then by keeper, in hex: who signs twice is still one copy. */
export type ReceiptTable = Map<string, Map<string, HeadReceipt>>

/**
 * Of each line the highest mark; of several with one number, which are a fork, the two with the lowest
 * ids, so that all peers end with the same two.
 */
export function judgeMarks(
  members: Members,
  known: ReadonlyMap<string, SignedRecord>,
  incoming: readonly SignedRecord[]
): { keep: SignedRecord[]; drop: string[] } {
  const { mesh, endpoints } = members.roster
  const good = incoming.filter((record) =>
    holds(() =>
      openMark(
        record,
        mesh,
        ({ endpoint }) => endpoints.get(toHex(endpoint))?.writers.has(toHex(record.issuer)) === true
      )
    )
  )
  const lines = new Map<string, { id: string; seq: number }[]>()
  for (const record of [...known.values(), ...good]) {
    const { endpoint, seq } = openMark(record, mesh)
    const line = `${toHex(endpoint)}/${toHex(record.issuer)}`
    lines.set(line, [...(lines.get(line) ?? []), { id: toHex(record.id), seq }])
  }
  const stay = new Set<string>()
  for (const marks of lines.values()) {
    const highest = Math.max(...marks.map(({ seq }) => seq))
    const last = new Set(marks.filter(({ seq }) => seq === highest).map(({ id }) => id))
    for (const id of [...last].sort().slice(0, FORK_MARKS_MAX)) stay.add(id)
  }
  return {
    keep: good.filter(({ id }) => stay.has(toHex(id))),
    drop: [...known.keys()].filter((id) => !stay.has(id))
  }
}

/** By storage peers, and of each for one head the first: a second says nothing that it did not. */
export function judgeReceipts(
  { members, table }: { members: Members; table: ReceiptTable },
  incoming: readonly SignedRecord[],
  wereKept: boolean
): { keep: SignedRecord[] } {
  const { mesh } = members.roster
  const mayIssue = ({ issuer }: SignedRecord, { endpoint }: Receipt): boolean =>
    endpoint !== undefined && (wereKept || members.member(issuer)?.roles.has('storage') === true)
  const good = incoming.filter((record) =>
    holds(() => openReceipt(record, mesh, (receipt) => mayIssue(record, receipt)))
  )
  const seen = new Set<string>()
  const isFirst = (record: SignedRecord): boolean => {
    const [head, keeper] = [toHex(openReceipt(record, mesh).head), toHex(record.issuer)]
    if (table.get(head)?.has(keeper) === true || seen.has(`${head}/${keeper}`)) return false
    seen.add(`${head}/${keeper}`)
    return true
  }
  return { keep: good.filter(isFirst) }
}
