// Procedures that look after what is kept: proving that a restore point can be restored, and that the
// blocks in this home are what they should be.

import { z } from 'zod'
import { BASE_SCOPE, RAW, toHex, type CID } from '../../store/block.ts'
import { check } from '../../store/check.ts'
import { audit, worstOf, type Verdict } from '../auditor.ts'
import { Endpoint } from '../endpoint.ts'
import { NoHead, NoRoot } from '../errors.ts'
import type { Node } from '../node.ts'
import { proveState } from '../prover.ts'
import { nameOfPeer, procedure } from './procedure.ts'

/** Asks every peer that signed for the endpoint's head to prove that it has a sample of the blocks. */
async function auditCopies(
  node: Node,
  { endpoint, sample }: { endpoint: Endpoint; sample: readonly CID[] },
  signal: AbortSignal
): Promise<{ peer: string; verdict: Verdict }[]> {
  const { network, ports, heads, replicator } = node
  const { clock, random } = ports
  const last = heads.last(endpoint.id)
  if (last === undefined) throw new NoHead()
  // A receipt is for the base's chunks as well: they are raw.
  const subjects = [
    { scope: endpoint.scope, cids: sample.filter(({ code }) => code !== RAW) },
    { scope: BASE_SCOPE, cids: sample.filter(({ code }) => code === RAW) }
  ]
  const reading = node.read(endpoint)
  try {
    const copies: { peer: string; verdict: Verdict }[] = []
    const { source } = reading
    for (const keeper of replicator.copiesOf(last)) {
      const verdicts: Verdict[] = []
      for (const subject of subjects) {
        const asked = { ...subject, keeper, source }
        verdicts.push(await audit({ network, clock, random }, asked, { signal }))
      }
      copies.push({ peer: nameOfPeer(node, keeper), verdict: worstOf(verdicts) })
    }
    return copies
  } finally {
    await reading.close()
  }
}

export const careProcedures = {
  verify: procedure(
    z.strictObject({
      which: z.union([z.literal('latest'), z.int().min(0)]),
      deep: z.boolean()
    }),
    async ({ which, deep }, { node, onProgress, signal }) => {
      const secret = await node.home.endpoint()
      if (secret === undefined) throw new NoRoot()
      const endpoint = new Endpoint(secret)
      const last = node.heads.last(endpoint.id)
      if (last === undefined) throw new NoHead()
      const point = endpoint.point(last.head, which)
      const reading = node.read(endpoint)
      try {
        const { reader } = reading
        const { root, digest } = point
        const proof = await proveState({
          ...{ reader, root, digest, deep, signal },
          onProgress: ({ entries, bytes }) => onProgress({ entries, bytes })
        })
        const { blocks, bytes, damaged, missing, sample } = proof
        const audited = await auditCopies(node, { endpoint, sample }, signal)
        const isWhole = damaged.length === 0 && missing.length === 0
        if (isWhole && deep) await node.home.saveMilestones({ provenAt: node.ports.clock.now() })
        const copies = audited
          .filter(({ verdict }) => verdict === 'right')
          .map(({ peer }) => peer)
          .sort()
        const { fromPeers } = reading
        return { point: point.number, blocks, bytes, damaged, missing, copies, audited, fromPeers }
      } finally {
        await reading.close()
      }
    }
  ),

  check: procedure(
    z.strictObject({ deep: z.boolean(), rebuildIndex: z.boolean() }),
    async ({ deep, rebuildIndex }, { node, onProgress, signal }) => {
      const { store } = node
      if (rebuildIndex) await store.rebuildIndex()
      const report = await check({ blockstore: store }, { deep, signal, onProgress })
      // What stands above them is not complete any more, and the keeper must know before it signs.
      for (const { scope, hash } of report.damaged) await store.blame(scope, hash)
      const { blocks, bytes, unindexed, unreadable } = report
      const damaged = report.damaged.map(({ scope, hash }) => `${scope}/${toHex(hash)}`)
      return { blocks, bytes, damaged, quarantined: [], unindexed, unreadable }
    }
  )
}
