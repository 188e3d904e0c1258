// Audit: does a keeper still have the bytes? The auditor sends a fresh nonce and some addresses; the answer
// for each is SHA-256(nonce ‖ auditor ‖ answerer ‖ block), which nobody can give without the block, nor copy
// from another's answer. Only a wrong answer is guilt; silence only means to look for another copy.

import { sha256, type Hash, type Scope } from '../store/block.ts'
import { bytesOf, listOf } from '../store/codec.ts'
import { Malformed } from '../store/errors.ts'
import type { PeerKey } from '../store/peer.ts'
import { hashesFromWire, scopeFromWire, scopeToWire } from './blocks.ts'
import type { Channel } from './framing.ts'
import { AUDITED_MAX } from './limits.ts'
import type { CallOptions } from './network.ts'

export const AUDIT_PROTOCOL = '/drystone/audit/1'
const NONCE_BYTES = 32

export interface Parties {
  auditor: PeerKey
  answerer: PeerKey
}

/** What proves that `block` is held by `answerer` now. */
export function auditProof(nonce: Uint8Array, parties: Parties, block: Uint8Array): Hash {
  return sha256(Buffer.concat([nonce, parties.auditor, parties.answerer, block]))
}

/** Challenges the other side; an answer for each hash, undefined where it does not have the block. */
export async function challenge(
  channel: Channel,
  { nonce, scope, hashes }: { nonce: Uint8Array; scope: Scope; hashes: readonly Hash[] },
  options?: CallOptions
): Promise<(Hash | undefined)[]> {
  await channel.send(['challenge', nonce, scopeToWire(scope), hashes], options)
  const [, answers] = await channel.expect('answer', options)
  await channel.end(options)
  const read = listOf(
    (item, field) => (item === null ? undefined : bytesOf(32)(item, field)),
    AUDITED_MAX
  )
  const proofs = read(answers, 'answers')
  if (proofs.length !== hashes.length) throw new Malformed('an answer for something else')
  return proofs
}

/** Answers one challenge. */
export async function answerChallenge(
  channel: Channel,
  {
    self,
    allows,
    get
  }: {
    self: PeerKey
    allows: (scope: Scope) => boolean
    get: (scope: Scope, hash: Hash) => Promise<Uint8Array | undefined>
  }
): Promise<void> {
  const [, nonceValue, scopeValue, hashesValue] = await channel.expect('challenge')
  const nonce = bytesOf(NONCE_BYTES)(nonceValue, 'nonce')
  const scope = scopeFromWire(scopeValue)
  if (!allows(scope)) return channel.refuse()
  const answers: (Hash | null)[] = []
  for (const hash of hashesFromWire(hashesValue)) {
    const block = await get(scope, hash)
    const parties = { auditor: channel.peer, answerer: self }
    answers.push(block === undefined ? null : auditProof(nonce, parties, block))
  }
  await channel.send(['answer', answers])
  await channel.end()
}
