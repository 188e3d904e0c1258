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
  /** Virtual milliseconds at which a newest head of a line still named it. */
  namedAt: number
}

export class Undo implements Checker {
  readonly name = 'undo'
  /** By peer, then by endpoint and root. */
  /** By peer, then by id. */
  readonly #heads = new Map<string, Map<string, SeenHead>>()
  readonly #signed = new Map<string, Map<string, Signed>>()

  async check(office: Office): Promise<string[]> {
    return answerable(office).flatMap((computer) => {
      const home = durableHome(computer)
      const signed = this.#signed.get(computer.peer) ?? new Map<string, Signed>()
      this.#signed.set(computer.peer, signed)
      for (const each of rootsSigned(office, computer, home)) {
        const key = `${each.endpoint}/${each.root}`
        if (!signed.has(key)) signed.set(key, { ...each, namedAt: office.now })
      }
      for (const { endpoint, roots } of lastHeads(home)) {
        for (const root of roots) {
          const known = signed.get(`${endpoint}/${root}`)
          if (known !== undefined) known.namedAt = office.now
        }
      }
      const gone = [...goneOf(office, home, signed), ...this.#headsGone(office, computer, home)]
      return few(gone).map((what) => `${computer.name} ${what}`)
    })
  }

  /** A head that was replaced says what must not be let go of yet. */
  #headsGone({ now, policy }: Office, { peer }: SeenComputer, { heads }: Home): string[] {
    const seen = this.#heads.get(peer) ?? new Map<string, SeenHead>()
    this.#heads.set(peer, seen)
    const present = new Set(heads.map(({ id }) => id))
    for (const head of heads) if (!seen.has(head.id)) seen.set(head.id, { head, at: now })
    return [...seen.values()]
      .filter(({ head, at }) => !present.has(head.id) && now - at < policy.undoDays * DAY_MS)
      .map(
        ({ head }) => `had head ${head.seq} of an endpoint, and let go of it within its undo time`
      )
  }
}

interface SeenHead {
  head: HeadFact
  /** Virtual milliseconds at which it was first seen. */
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
    if (now - namedAt >= policy.undoDays * DAY_MS) continue
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
