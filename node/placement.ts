// Placement: which storage peers keep an endpoint's history. Rendezvous hashing (Thaler and Ravishankar,
// 1998): every member computes the same ranking from the roster alone, and when a peer comes or goes only
// what it kept moves. Per endpoint, so that one holder has a whole history.

import { createHash } from 'node:crypto'
import type { PeerKey } from '../store/peer.ts'

/** A storage peer that may be chosen. */
export interface Candidate {
  peer: PeerKey
  site: string
}

/**
 * The candidates, best first. With `sites` above 1, the first `sites` of them are on different sites as
 * far as there are that many.
 */
export function rank(
  subject: Uint8Array,
  candidates: readonly Candidate[],
  sites = 1
): Candidate[] {
  const scored = candidates
    .map((candidate) => ({ candidate, score: score(subject, candidate.peer) }))
    .sort((a, b) => Buffer.compare(b.score, a.score))
    .map(({ candidate }) => candidate)
  const first: Candidate[] = []
  for (const candidate of scored) {
    if (first.length >= sites) break
    if (!first.some(({ site }) => site === candidate.site)) first.push(candidate)
  }
  return [...first, ...scored.filter((candidate) => !first.includes(candidate))]
}

function score(subject: Uint8Array, peer: PeerKey): Buffer {
  return createHash('sha256').update('drystone/1/placement\0').update(subject).update(peer).digest()
}
