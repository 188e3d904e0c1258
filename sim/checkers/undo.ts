// Nothing within its undo time is gone: a root that a keeper signed for, and that the endpoint's newest
// head named less than the undo time ago, is still there with all that it reaches.

import { missingBelow } from '../model/closure.ts'
import type { Home } from '../model/home.ts'
import type { HeadFact } from '../model/record.ts'
import type { Checker, Office, SeenComputer } from './checker.ts'
import { answerable, DAY_MS, durableHome, few, lastHeads } from './seen.ts'

interface Signed {
  endpoint: string
  root: string
  /** Virtual milliseconds: a newest head of a line named it then, or later. */
  namedAt: number
}

export class Undo implements Checker {
  readonly name = 'undo'
  /** By peer, then by id. */
  readonly #heads = new Map<string, Map<string, SeenHead>>()
  /** By peer, then by endpoint and root. */
  readonly #signed = new Map<string, Map<string, Signed>>()
  /** By peer: when it was looked at last. What came since was not replaced before. */
  readonly #lookedAt = new Map<string, number>()

  async check(office: Office): Promise<string[]> {
    return answerable(office).flatMap((computer) => {
      const home = durableHome(computer)
      const signed = this.#signed.get(computer.peer) ?? new Map<string, Signed>()
      this.#signed.set(computer.peer, signed)
      for (const each of rootsSigned(office, computer, home)) {
        const key = `${each.endpoint}/${each.root}`
        if (!signed.has(key)) signed.set(key, { ...each, namedAt: this.#lastLook(computer) })
      }
      for (const { endpoint, roots } of lastHeads(home)) {
        for (const root of roots) {
          const known = signed.get(`${endpoint}/${root}`)
          if (known !== undefined) known.namedAt = office.now
        }
      }
      const gone = [...goneOf(office, home, signed), ...this.#headsGone(office, computer, home)]
      this.#lookedAt.set(computer.peer, office.now)
      return few(gone).map((what) => `${computer.name} ${what}`)
    })
  }

  #lastLook({ peer }: SeenComputer): number {
    return this.#lookedAt.get(peer) ?? 0
  }

  /** A head that was replaced says what must not be let go of yet. */
  #headsGone({ now, policy }: Office, computer: SeenComputer, { heads }: Home): string[] {
    const { peer } = computer
    const at = this.#lastLook(computer)
    const seen = this.#heads.get(peer) ?? new Map<string, SeenHead>()
    this.#heads.set(peer, seen)
    const present = new Set(heads.map(({ id }) => id))
    for (const head of heads) if (!seen.has(head.id)) seen.set(head.id, { head, at })
    return [...seen.values()]
      .filter((each) => !present.has(each.head.id) && now - each.at < undoMs(policy))
      .map(
        ({ head }) => `had head ${head.seq} of an endpoint, and let go of it within its undo time`
      )
  }
}

/** Keepers go by their own quartz, which may run a little fast. */
function undoMs({ undoDays }: Office['policy']): number {
  return 0.99 * undoDays * DAY_MS
}

interface SeenHead {
  head: HeadFact
  /** Virtual milliseconds: it came then, or later. */
  at: number
}

function rootsSigned(
  office: Office,
  { peer }: SeenComputer,
  home: Home
): { endpoint: string; root: string }[] {
  const heads = new Map(home.heads.map((head) => [head.id, head]))
  const own = home.receipts.filter(({ issuer }) => issuer === peer)
  const receipted = own.flatMap(({ head: id }) => {
    const head = heads.get(id)
    return head === undefined ? [] : head.roots.map((root) => ({ endpoint: head.endpoint, root }))
  })
  const claimed = office.protected
    .filter(({ holders }) => holders.includes(peer))
    .map(({ saved: { endpoint, root } }) => ({ endpoint, root }))
  return [...receipted, ...claimed]
}

function goneOf({ now, policy }: Office, home: Home, signed: Map<string, Signed>): string[] {
  const violations: string[] = []
  /** By endpoint: what was walked once need not be walked for the next root. */
  const walked = new Map<string, Set<string>>()
  for (const { endpoint, root, namedAt } of signed.values()) {
    if (now - namedAt >= undoMs(policy)) continue
    const seen = walked.get(endpoint) ?? new Set<string>()
    walked.set(endpoint, seen)
    const [missing] = missingBelow(home, [endpoint, 'base'], [root], seen)
    if (missing === undefined) continue
    const days = Math.floor((now - namedAt) / DAY_MS)
    violations.push(
      `lacks block ${missing.hash.slice(0, 8)} of root ${root.slice(0, 8)}, ` +
        `which was named ${days} days ago and is kept for ${policy.undoDays}`
    )
  }
  return violations
}
