// What was promised: the roots that this peer signed for, each with all that it reaches. Checks and scrubs
// hold what is here against it.

import { BASE_SCOPE, hashOf, toHex } from '../store/block.ts'
import type { Root } from '../store/check.ts'
import type { PeerKey } from '../store/peer.ts'
import type { Bases } from './bases.ts'
import type { Heads } from './heads.ts'

/** Roots of bases and of last heads that carry a receipt of `self`. */
export function promisedRoots(
  { heads, bases }: { heads: Heads; bases: Bases },
  self: PeerKey
): Root[] {
  const roots: Root[] = []
  for (const { id, root } of bases.list()) {
    if (bases.receiptOf(id, self) === undefined) continue
    roots.push({ scope: BASE_SCOPE, ref: { hash: hashOf(root), kind: 'directory' } })
  }
  for (const scope of heads.endpoints()) {
    for (const { head, body } of heads.lines(Buffer.from(scope, 'hex'))) {
      const receipts = heads.receiptsFor(body)
      if (!receipts.some(({ record }) => toHex(record.issuer) === toHex(self))) continue
      for (const root of head.roots) {
        roots.push({ scope, ref: { hash: hashOf(root), kind: 'sealed' } })
      }
    }
  }
  return roots
}
