// Procedures that look after what is kept: proving that a restore point can be restored, and that all that
// lies in this home is what it should be; and bringing back what is not.

import { z } from 'zod'
import { BASE_SCOPE, RAW, type CID } from '../../store/block.ts'
import { blockText } from '../../store/quarantine.ts'
import { audit, worstOf, type Verdict } from '../auditor.ts'
import { Endpoint } from '../endpoint.ts'
import { NoHead, NoRoot } from '../errors.ts'
import { inspect, namesOf, quarantined } from '../inspection.ts'
import type { Node } from '../node.ts'
import { overhaul } from '../overhaul.ts'
import { proveState } from '../prover.ts'
import { showPath } from '../tree/path.ts'
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

  audit: procedure(z.strictObject({ all: z.boolean() }), async ({ all }, context) => {
    const { node, onProgress, signal } = context
    await node.endpoint()
    const found = await node.bets.audit({ isAll: all, signal, onProgress })
    if (found === undefined) throw new NoHead()
    const { files, bytes, differing } = found
    const { pass } = await node.bets.state()
    return { files, bytes, differing: differing.map(showPath), unproven: pass !== undefined }
  }),

  check: procedure(
    z.strictObject({
      deep: z.boolean(),
      rebuildIndex: z.boolean(),
      fullSpeed: z.boolean().default(false)
    }),
    async ({ deep, rebuildIndex, fullSpeed }, { node, onProgress, signal }) => {
      const { store, quarantine } = node
      if (rebuildIndex) {
        await store.rebuildIndex()
        await quarantine.recall()
      }
      const found = await inspect(node, { deep, fullSpeed, signal, onProgress })
      const { blocks, bytes, missing, unindexed, unreadable } = found.report
      return {
        ...{ blocks, bytes, unindexed, unreadable },
        damaged: namesOf(found),
        missing: missing.map(blockText),
        quarantined: await quarantined(node)
      }
    }
  ),

  repair: procedure(
    z.strictObject({ fullSpeed: z.boolean() }),
    async ({ fullSpeed }, { node, onProgress, signal }) =>
      overhaul(node, { fullSpeed, signal, onProgress })
  )
}
