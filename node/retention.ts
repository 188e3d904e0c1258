// Retention of this computer's own history: what the rules, the receipts and what is remembered of each point
// come to. A point's age is counted from when storage peers had it, noted here once; where the note is lost
// the count begins anew, which only keeps points longer. Nothing here drops anything: see node/own-tree.ts.

import { toHex } from '../store/block.ts'
import type { Clock } from '../store/clock.ts'
import { PINNED, type Point } from '../store/head.ts'
import type { PeerKey } from '../store/peer.ts'
import { keepRulesFor } from '../store/roster-keep.ts'
import { planRetention, type KeepRules, type KeptPoint, type Plan } from '../store/retention.ts'
import type { Endpoint } from './endpoint.ts'
import type { Heads, MarkedHead } from './heads.ts'
import type { Home, Taken } from './home.ts'
import type { Members } from './mesh/members.ts'

export interface RetentionComponents {
  self: PeerKey
  clock: Clock
  home: Home
  members: Members
  heads: Heads
}

export class Retention {
  readonly #components: RetentionComponents

  constructor(components: RetentionComponents) {
    this.#components = components
  }

  /** What the mesh says of an endpoint; undefined if nobody spoke: then everything stays. */
  rulesFor(endpoint: Endpoint): KeepRules | undefined {
    return keepRulesFor(this.#components.members.roster.keep, endpoint.id)
  }

  /** What would stay of points, of which the last may not be in `last` yet. */
  async plan(
    { last, points }: { last: MarkedHead | undefined; points: readonly Point[] },
    rules: KeepRules | undefined
  ): Promise<Plan> {
    const { home, clock } = this.#components
    const receipts = last === undefined ? [] : this.#receivedAt(last)
    const taken = await home.taken()
    const kept = keptPoints(points, taken)
    const now = receipts.length === 0 ? undefined : Math.min(clock.now(), ...receipts)
    return planRetention({ points: kept, rules, now })
  }

  /**
   * Notes when storage peers had the points of the last head, unless that is known, and forgets what is
   * remembered of points that are gone.
   */
  async note({ last, points }: { last: MarkedHead; points: readonly Point[] }): Promise<void> {
    const { home } = this.#components
    const receipts = this.#receivedAt(last)
    const taken = await home.taken()
    const oldest = points[0]?.number ?? 0
    const numbers = new Set(points.map(({ number }) => number))
    // Of a point that is gone what it lost still guards the one before it.
    const rest = Object.entries(taken).filter(
      ([number, { loss }]) =>
        numbers.has(Number(number)) || (loss !== undefined && Number(number) > oldest)
    )
    const next: Taken = Object.fromEntries(rest)
    let isNew = rest.length !== Object.keys(taken).length
    for (const { number } of points) {
      if (receipts.length === 0 || next[number]?.received !== undefined) continue
      next[number] = { ...next[number], received: Math.max(...receipts) }
      isNew = true
    }
    if (isNew) await home.saveTaken(next)
  }

  /** When each storage peer but this one signed for a head: milliseconds since 1970, by its own clock. */
  #receivedAt({ body }: MarkedHead): number[] {
    const { heads, members, self } = this.#components
    return heads
      .receiptsFor(body)
      .filter(({ record: { issuer } }) => toHex(issuer) !== toHex(self))
      .filter(({ record: { issuer } }) => members.member(issuer)?.roles.has('storage') === true)
      .map(({ receipt }) => receipt.at)
  }
}

/** Points with what is remembered of them. */
export function keptPoints(points: readonly Point[], taken: Taken): KeptPoint[] {
  const losses = Object.entries(taken)
    .filter(([, { loss }]) => loss !== undefined)
    .map(([number]) => Number(number))
  const before = new Set(
    losses.map((loss) => points.findLast(({ number }) => number < loss)?.number)
  )
  return points.map(({ number, time, flags }) => ({
    number,
    time,
    received: taken[number]?.received,
    pinned: (flags & PINNED) !== 0,
    beforeLoss: before.has(number)
  }))
}
