// Restore points stay: what its computer saved is named by its last head, but for what the rules let go of.
// The latest, pinned ones, and what was saved less long ago than `within` stay whatever the dates, the
// clocks and the number of points. Of two clocks of keepers one has to be right for that.

import type { Home } from '../model/home.ts'
import type { Checker, Office, SavedClaim, SeenComputer } from './checker.ts'
import { durableHome, few, isAnswerable, lastOf, pointOf } from './seen.ts'

/** Clocks that drift, and receipts that take a moment. */
const SLACK = 0.98

export class Keeps implements Checker {
  readonly name = 'keeps'
  /** Let go of while that was right: of these nothing is to be said later. */
  readonly #gone = new WeakSet<SavedClaim>()

  async check(office: Office): Promise<string[]> {
    return office.computers.flatMap((computer) => this.atPromise(office, computer))
  }

  /** With a new point old ones may go. */
  atPromise(office: Office, computer: SeenComputer): string[] {
    if (!isAnswerable(computer)) return []
    const lost = this.#lostIn(office, computer, durableHome(computer))
    return few(lost).map((what) => `${computer.name} ${what}`)
  }

  #lostIn(office: Office, { name, peer }: SeenComputer, home: Home): string[] {
    const own = office.saved.filter(({ computer, writer }) => computer === name && writer === peer)
    const latest = Math.max(...own.map(({ point }) => point))
    return own.flatMap((claim) => {
      const { endpoint, root, seq } = claim
      const last = lastOf(home, endpoint, peer)
      if (last === undefined || last.seq < seq || last.roots.includes(root)) return []
      if (this.#gone.has(claim)) return []
      const why = mustStay(office, claim, latest)
      if (why === undefined) this.#gone.add(claim)
      return why === undefined ? [] : [`let go of ${pointOf(claim)}, ${why}`]
    })
  }
}

/** Why no rule may let go of a point; undefined if one may. */
function mustStay(
  { policy: { keep }, pinned, now }: Office,
  claim: SavedClaim,
  latest: number
): string | undefined {
  if (keep === undefined) return 'and there are no rules'
  if (claim.point === latest) return 'which is its latest'
  if (pinned.includes(claim)) return 'which is pinned'
  const agoMs = now - claim.at
  if (agoMs >= keep.withinMs * SLACK) return undefined
  const [ago, within] = [agoMs, keep.withinMs].map((ms) => (ms / 3_600_000).toFixed(1))
  return `saved ${ago} hours ago, and what is younger than ${within} is kept`
}
