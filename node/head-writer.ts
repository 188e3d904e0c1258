// Writing heads: every change of an endpoint's history, a new restore point or the letting go of old ones,
// is its next head, and is made here. A head goes on from the last that this computer knows, and is durable
// before it is told; where keepers know a later one of this very computer, nothing is written.

import type { Base } from '../store/base.ts'
import type { Clock } from '../store/clock.ts'
import { encodeHead, headId, type Point } from '../store/head.ts'
import type { SigningKey } from '../store/key.ts'
import { signMark } from '../store/mark.ts'
import type { Random } from '../store/random.ts'
import type { Endpoint } from './endpoint.ts'
import type { Heads, MarkedHead } from './heads.ts'
import { sealEscrow } from './mesh/escrow.ts'
import type { Members } from './mesh/members.ts'

export interface HeadWriterComponents {
  clock: Clock
  random: Random
  key: SigningKey
  members: Members
  heads: Heads
}

/** Where an endpoint stands. */
export interface History {
  last: MarkedHead | undefined
  /** Oldest first. */
  points: Point[]
}

export interface HeadInput {
  endpoint: Endpoint
  /** What it goes on from. */
  last: MarkedHead | undefined
  points: readonly Point[]
  /** What new points stand on. */
  base?: Base | undefined
  /** True if recovery is the owner's own: then the head carries no escrow. */
  ownRecovery: boolean
}

/** Where an endpoint that is written here stands. @throws {HeadForked} @throws {HistoryMoved} */
export function historyOf(
  { heads, key }: Pick<HeadWriterComponents, 'heads' | 'key'>,
  endpoint: Endpoint
): History {
  const failure = heads.moved(endpoint.id, key.public) ?? heads.fork(endpoint.id, key.public)
  if (failure !== undefined) throw failure
  const last = heads.last(endpoint.id)
  return { last, points: last === undefined ? [] : endpoint.points(last.head) }
}

/** Makes and keeps the next head. @throws {DiskFull} @throws {Malformed} if there are too many points */
export async function writeHead(
  { clock, random, key, members, heads }: HeadWriterComponents,
  { endpoint, last, points, base, ownRecovery }: HeadInput
): Promise<MarkedHead> {
  const { roster } = members
  const bases = [...(last?.head.bases ?? []), ...(base === undefined ? [] : [base.id])]
  const body = encodeHead(
    {
      mesh: roster.mesh,
      endpoint: endpoint.id,
      writer: key.public,
      seq: (last?.head.seq ?? 0) + 1,
      prev: last && headId(last.body),
      time: clock.now(),
      bases,
      escrow: ownRecovery ? new Uint8Array() : sealEscrow(endpoint.secret, roster.recovery, random),
      points
    },
    { headKey: endpoint.headKey, salt: random.bytes(32) }
  )
  const marked = heads.check(signMark(body, key), body)
  await heads.put(marked)
  return marked
}
