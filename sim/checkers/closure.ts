// Who has a block has all below it, and who signed for a root has all that it reaches: on the disk as the
// power would leave it now. What a keeper says it holds must be true at that very moment, not soon.

import { danglingIn, missingBelow, type Missing } from '../model/closure.ts'
import type { Home } from '../model/home.ts'
import type { Checker, Office, SeenComputer } from './checker.ts'
import { answerable, durableHome, few, lastOf, nameOf, pointOf } from './seen.ts'
import { publishedIn, publishersIn } from './seen.ts'

const BASE = 'base'
/** What was fetched to look at; nothing is concluded from it. */
const CACHE = 'pages'

interface KnownBases {
  /** Hashes of all blocks that a published base reaches. */
  blocks: ReadonlySet<string>
  /** Peers that may publish. */
  publishers: ReadonlySet<string>
}

type Line = { endpoint: string; writer: string; seq: number }

export class Closure implements Checker {
  readonly name = 'closure'
  /** By id: also of heads that only another computer still has. */
  readonly #heads = new Map<string, Line>()

  async check(office: Office): Promise<string[]> {
    const homes = answerable(office).map((computer) => [computer, durableHome(computer)] as const)
    for (const [, { heads }] of homes) {
      for (const head of heads) this.#heads.set(head.id, head)
    }
    const all = homes.map(([, home]) => home)
    const bases = { blocks: publishedIn(all), publishers: publishersIn(all) }
    return homes.flatMap(([computer, home]) => {
      const scopes = this.#scopes(computer, home, bases)
      const signed = few(this.#signed(computer, home))
      const claimed = few(claimedOf(office, computer, home))
      return [...scopes, ...signed, ...claimed].map((what) => `${computer.name} ${what}`)
    })
  }

  /** Every block whole, with all that it refers to. */
  #scopes(computer: SeenComputer, home: Home, bases: KnownBases): string[] {
    const damaged = home.damaged
      .filter(({ path }) => path.startsWith('blocks/'))
      .map(({ path, what }) => `has ${what} damaged in ${path}`)
    const dangling = [...home.blocks.keys()].flatMap((scope) => {
      if (scope === CACHE || isContinued(home, scope, computer)) return []
      const missing = danglingIn(home, scope, scope === BASE ? [BASE] : [scope, BASE])
      const isExcused = mayLackBase(scope, computer, bases)
      const counts = isExcused ? missing.filter(({ hash }) => !bases.blocks.has(hash)) : missing
      return few(counts.map((each) => `has ${show(each)} in scope ${scope.slice(0, 8)}`))
    })
    return [...few(damaged), ...dangling]
  }

  /** All that its own receipts say. */
  #signed({ peer }: SeenComputer, home: Home): string[] {
    const own = (issuer: string): boolean => issuer === peer
    const heads = home.receipts.flatMap(({ issuer, head: id }) => {
      if (!own(issuer)) return []
      const head = home.heads.find((each) => each.id === id)
      if (head !== undefined) return unheld(home, head)
      const line = this.#heads.get(id)
      const last = line && lastOf(home, line.endpoint, line.writer)
      const isReplaced = last !== undefined && line !== undefined && last.seq > line.seq
      return isReplaced ? [] : [`signed for head ${id.slice(0, 8)}, which it does not have`]
    })
    const bases = home.baseReceipts.flatMap(({ issuer, head: id }) => {
      return own(issuer) ? unheldBase(home, id) : []
    })
    return [...heads, ...bases]
  }
}

/** Who stands on a base need not have it; nor who makes the next one, until it signs that it holds it. */
function mayLackBase(scope: string, { endpoint, peer }: SeenComputer, bases: KnownBases): boolean {
  return scope === BASE ? bases.publishers.has(peer) : scope === endpoint
}

/** Where somebody took an endpoint over, what its former computer wrote stays with the keepers. */
function isContinued({ heads }: Home, scope: string, { endpoint, peer }: SeenComputer): boolean {
  if (scope !== endpoint) return false
  return heads.some((head) => head.endpoint === scope && head.writer !== peer)
}

function unheld(home: Home, head: Home['heads'][number]): string[] {
  const missing = missingBelow(home, [head.endpoint, BASE], head.roots)
  const blocks = missing.map(
    (each) => `signed for head ${head.id.slice(0, 8)} and has ${show(each)}`
  )
  return [...few(blocks, 1), ...head.bases.flatMap((id) => unheldBase(home, id))]
}

function unheldBase(home: Home, id: string): string[] {
  const base = home.bases.find((each) => each.id === id)
  const what = `signed for base ${base?.name ?? id.slice(0, 8)}`
  if (base === undefined) return [`${what}, whose record it does not have`]
  const missing = missingBelow(home, [BASE], [base.root])
  return few(
    missing.map((each) => `${what} and has ${show(each)}`),
    1
  )
}

/** What others were told that this computer holds. */
function claimedOf(office: Office, { peer }: SeenComputer, home: Home): string[] {
  return office.protected.flatMap(({ saved, holders }) => {
    if (!holders.includes(peer)) return []
    const { endpoint, writer, seq } = saved
    const last = lastOf(home, endpoint, writer)
    const what = `is said to hold ${pointOf(saved)} (head ${seq} of ${nameOf(office, writer)})`
    if (last === undefined) return [`${what}, and has no head of it`]
    return last.seq < seq ? [`${what}, and has only head ${last.seq}`] : []
  })
}

function show({ hash, from }: Missing): string {
  return from === undefined
    ? `no block ${hash.slice(0, 8)}`
    : `block ${from.slice(0, 8)} without ${hash.slice(0, 8)} below it`
}
