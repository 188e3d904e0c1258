// The auditor: do those who signed for a head still have the bytes? It asks each for proofs over blocks
// that it has itself or got from another, under a fresh nonce. A right answer shows possession, a wrong one
// is guilt. Who says that a block is missing is honest, and no copy. Silence only means that somebody else
// should be asked, and where there was nothing to compare nothing is shown.

import { hashOf, toHex, type CID, type Hash, type Scope } from '../store/block.ts'
import type { Clock } from '../store/clock.ts'
import { DrystoneError } from '../store/errors.ts'
import type { PeerKey } from '../store/peer.ts'
import type { Random } from '../store/random.ts'
import type { Source } from '../store/source.ts'
import { AUDIT_PROTOCOL, auditProof, challenge } from '../protocol/audit.ts'
import { Channel, converse } from '../protocol/framing.ts'
import type { CallOptions, Network } from '../protocol/network.ts'

const NONCE_BYTES = 32

export interface AuditorComponents {
  network: Network
  clock: Clock
  random: Random
}

/** From the worst to the one that says least. */
const VERDICTS = ['wrong', 'missing', 'silent', 'right', 'unproven'] as const
export type Verdict = (typeof VERDICTS)[number]

/** What several audits of one keeper come to. */
export function worstOf(verdicts: readonly Verdict[]): Verdict {
  return VERDICTS.find((verdict) => verdicts.includes(verdict)) ?? 'unproven'
}

/** Challenges one keeper over blocks of a scope that it signed for; they are read from `source`. */
export async function audit(
  { network, clock, random }: AuditorComponents,
  {
    keeper,
    scope,
    cids,
    source
  }: { keeper: PeerKey; scope: Scope; cids: readonly CID[]; source: Source },
  options: CallOptions = {}
): Promise<Verdict> {
  if (cids.length === 0) return 'unproven'
  const nonce = random.bytes(NONCE_BYTES)
  let answers: (Hash | undefined)[]
  try {
    const wire = await network.dial(keeper, AUDIT_PROTOCOL, options)
    const channel = new Channel({ wire, clock })
    const hashes = cids.map(hashOf)
    answers = await converse(channel, () => challenge(channel, { nonce, scope, hashes }, options))
  } catch (error) {
    if (error instanceof DrystoneError) return 'silent'
    throw error
  }
  const parties = { auditor: network.self, answerer: keeper }
  const verdicts: Verdict[] = []
  for (const [i, cid] of cids.entries()) {
    const answer = answers[i]
    const block = answer && (await source.get(cid, options))
    if (answer === undefined) verdicts.push('missing')
    else if (block !== undefined) {
      const isRight = toHex(answer) === toHex(auditProof(nonce, parties, block))
      verdicts.push(isRight ? 'right' : 'wrong')
    }
  }
  return worstOf(verdicts)
}
