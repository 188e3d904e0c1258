// Recovery: bringing an endpoint's keys and heads to a computer that has neither. Storage peers are asked
// for the endpoint's heads; the mesh's words open the escrow in one. Heads prove themselves by their
// writers' marks, and of several writers the latest counts, so all that a peer can do by lying is to show
// an older head: the highest of that writer that any peer shows is taken.

import { toHex } from '../store/block.ts'
import type { Clock } from '../store/clock.ts'
import { DrystoneError, NotOpened } from '../store/errors.ts'
import { endpointKeys, meshKeys } from '../store/key.ts'
import type { PeerKey } from '../store/peer.ts'
import { decodeRecord, isBadRecord } from '../store/signed.ts'
import { wordsToPhrase } from '../store/words.ts'
import { Channel, converse } from '../protocol/framing.ts'
import { HEADS_PROTOCOL, askHeads, type KeptHead } from '../protocol/heads.ts'
import type { CallOptions, Network } from '../protocol/network.ts'
import { NoHead } from './errors.ts'
import type { Heads, MarkedHead } from './heads.ts'
import type { EndpointSecret } from './home.ts'
import { openEscrow } from './mesh/escrow.ts'
import type { Members } from './mesh/members.ts'

/** Within this time a new member and the others have heard of each other. */
const NEWS_MS = 5_000
const ASK_AGAIN_MS = 250

export interface RecoveryComponents {
  network: Network
  clock: Clock
  members: Members
  heads: Heads
}

/** Asks every storage peer for the heads of an endpoint; keeps what is new. Returns how many answered. */
export async function gatherHeads(
  { network, clock, members, heads }: RecoveryComponents,
  endpoint: Uint8Array,
  options: CallOptions = {}
): Promise<number> {
  const storage = members
    .withRole('storage')
    .filter(({ peer }) => toHex(peer) !== toHex(network.self))
  const answers = await Promise.all(
    storage.map(({ peer }) => askKeeper({ network, clock }, { peer, endpoint }, options))
  )
  for (const kept of answers.flatMap((answer) => answer ?? [])) {
    const marked = readKept(heads, kept)
    // Who sends a false head is not believed; the others are.
    if (marked === undefined || toHex(marked.head.endpoint) !== toHex(endpoint)) continue
    if (!isKnown(heads, marked)) await heads.put(marked)
    await heads.addReceipts(marked, kept.receipts)
  }
  return answers.filter((answer) => answer !== undefined).length
}

/**
 * What a keeper answers, if it does. One that does not may not have heard yet who asks, nor this peer
 * where it is.
 */
async function askKeeper(
  { network, clock }: Pick<RecoveryComponents, 'network' | 'clock'>,
  { peer, endpoint }: { peer: PeerKey; endpoint: Uint8Array },
  options: CallOptions
): Promise<KeptHead[] | undefined> {
  const untilMs = clock.monotonic() + NEWS_MS
  for (;;) {
    try {
      const wire = await network.dial(peer, HEADS_PROTOCOL, options)
      const channel = new Channel({ wire, clock })
      return await converse(channel, () => askHeads(channel, endpoint, options))
    } catch (error) {
      if (!(error instanceof DrystoneError)) throw error
      if (clock.monotonic() >= untilMs) return undefined
    }
    await clock.sleep(ASK_AGAIN_MS, options)
  }
}

function readKept(heads: Heads, { mark, body }: KeptHead): MarkedHead | undefined {
  try {
    return heads.check(decodeRecord(mark), body)
  } catch (error) {
    if (isBadRecord(error)) return undefined
    throw error
  }
}

/**
 * The keys of an endpoint: from the escrow of its newest head by the words of the mesh, or straight from
 * its own words.
 *
 * @throws {WrongWords} @throws {NoHead} @throws {NotOpened}
 */
export function recoverSecret(
  { heads, members }: Pick<RecoveryComponents, 'heads' | 'members'>,
  endpoint: Uint8Array,
  words: string
): EndpointSecret {
  const phrase = wordsToPhrase(words)
  const claimKey = members.roster.endpoints.get(toHex(endpoint))?.claimKey
  if (claimKey !== undefined && toHex(claimKey) === toHex(endpointKeys(phrase).claim.public)) {
    return { endpoint, epochs: [phrase] }
  }
  const last = heads.last(endpoint)
  if (last === undefined) throw new NoHead()
  const secret = openEscrow(last.head.escrow, meshKeys(phrase).recoveryIdentity)
  if (toHex(secret.endpoint) === toHex(endpoint)) return secret
  throw new NotOpened('the escrow holds the keys of another endpoint')
}

/** True if this head, or a later one of its line, is here. */
export function isKnown(heads: Heads, { head }: MarkedHead): boolean {
  return heads
    .lines(head.endpoint)
    .some((line) => toHex(line.head.writer) === toHex(head.writer) && line.head.seq >= head.seq)
}
