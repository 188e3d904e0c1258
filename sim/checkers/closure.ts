// Who has a block has all below it, and who signed for a root has all that it reaches: on the disk as the
// power would leave it now. What a keeper says it holds must be true at that very moment, not soon. And
// blocks lie in an order in which whatever beginning of them survives is closed as well; but what has been
// durable once may be moved anywhere.

import { danglingIn, missingBelow, writtenTooEarly, type Missing } from '../model/closure.ts'
import type { Home } from '../model/home.ts'
import type { HeadFact } from '../model/record.ts'
import type { Checker, Office, SeenComputer } from './checker.ts'
import { answerable, durableHome, few, isAnswerable, lastOf, nameOf, pointOf } from './seen.ts'
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

type Line = Pick<HeadFact, 'endpoint' | 'writer' | 'seq'>

export class Closure implements Checker {
  readonly name = 'closure'
  /** By id: also of heads that only another computer still has. */
  readonly #heads = new Map<string, Line>()
  /** By peer and scope: what was durable at an earlier look, and may have been moved since. */
  readonly #durable = new Map<string, Set<string>>()
  /** By peer: what its promises were already found to rest on. */
  readonly #proved = new Map<string, Proved>()

  async check(office: Office): Promise<string[]> {
    const homes = answerable(office).map((computer) => [computer, durableHome(computer)] as const)
    for (const [, { heads }] of homes) {
      for (const head of heads) this.#heads.set(head.id, head)
    }
    const all = homes.map(([, home]) => home)
    const bases = { blocks: publishedIn(all), publishers: publishersIn(all) }
    return homes.flatMap(([computer, home]) => {
      const scopes = this.#scopes(computer, home, bases)
      const signed = few([...savedOf(computer, home, bases), ...this.#signed(computer, home)])
      const claimed = few(claimedOf(office, computer, home))
      return [...scopes, ...signed, ...claimed].map((what) => `${computer.name} ${what}`)
    })
  }

  /** Who puts a head or a receipt in place has all that it reaches, and had it before. */
  atPromise(office: Office, computer: SeenComputer): string[] {
    if (!isAnswerable(computer)) return []
    const { peer, endpoint } = computer
    const home = durableHome(computer)
    for (const head of home.heads) this.#heads.set(head.id, head)
    const proved: Proved = this.#proved.get(peer) ?? { ids: new Set(), walked: new Map() }
    this.#proved.set(peer, proved)
    const isNew = ({ id }: { id: string }): boolean => !proved.ids.has(id)
    const heads = home.heads.filter((head) => isNew(head) && head.endpoint !== endpoint)
    const receipts = home.receipts.filter((each) => isNew(each) && each.issuer === peer)
    const baseReceipts = home.baseReceipts.filter((each) => isNew(each) && each.issuer === peer)
    for (const { id } of [...heads, ...receipts, ...baseReceipts]) proved.ids.add(id)
    const part = { ...home, receipts, baseReceipts }
    const walks = new Walks(part, proved.walked)
    const kept = heads.flatMap((head) => unheld(walks, head, 'keeps'))
    const claimed = claimedOf(office, computer, home, office.now)
    const said = few([...kept, ...this.#signed(computer, part, walks), ...claimed])
    return said.map((what) => `${computer.name} ${what}`)
  }

  /** The order is judged while it can be seen; what is early is told unless it need not be closed. */
  beforeRemoval(computer: SeenComputer, path: string): string[] {
    const [, scope = ''] = path.split('/')
    if (!isAnswerable(computer) || scope === CACHE) return []
    const home = durableHome(computer)
    const early = this.#early(computer, home, scope)
    if (scope === BASE || isContinued(home, scope, computer)) return []
    return early.map((what) => `${computer.name} ${what}`)
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
      const early = this.#early(computer, home, scope)
      return [
        ...few(counts.map((each) => `has ${show(each)} ${placeOf(scope)}`)),
        ...(scope === BASE && isExcused ? [] : early)
      ]
    })
    return [...few(damaged), ...dangling]
  }

  /** What is written in the wrong order. All that is durable now may be moved from now on. */
  #early(computer: SeenComputer, home: Home, scope: string): string[] {
    const known = this.#durableOf(computer, scope)
    const early = writtenTooEarly(home, scope).filter(({ before }) => !known.has(before))
    for (const hash of home.blocks.get(scope)?.keys() ?? []) known.add(hash)
    return few(early.map((each) => `wrote ${showEarly(each)} ${placeOf(scope)}`))
  }

  #durableOf({ peer }: SeenComputer, scope: string): Set<string> {
    const key = `${peer}/${scope}`
    const known = this.#durable.get(key) ?? new Set<string>()
    this.#durable.set(key, known)
    return known
  }

  /** All that its own receipts say. */
  #signed({ peer }: SeenComputer, home: Home, walks = new Walks(home)): string[] {
    const heads = new Map(home.heads.map((head) => [head.id, head]))
    const signed = home.receipts
      .filter(({ issuer }) => issuer === peer)
      .flatMap(({ head: id }) => {
        const head = heads.get(id)
        return head === undefined ? this.#unlessReplaced(home, id) : unheld(walks, head)
      })
    const bases = home.baseReceipts
      .filter(({ issuer }) => issuer === peer)
      .flatMap(({ head: id }) => unheldBase(walks, id))
    return [...signed, ...bases]
  }

  /** A head need not be kept as a file once there is a later one of its line. */
  #unlessReplaced(home: Home, id: string): string[] {
    const line = this.#heads.get(id)
    const last = line && lastOf(home, line.endpoint, line.writer)
    if (line !== undefined && last !== undefined && last.seq > line.seq) return []
    return [`signed for head ${id.slice(0, 8)}, which it does not have`]
  }
}

/** By scopes, the hashes that were met below some root. */
type Walked = Map<string, Set<string>>

interface Proved {
  /** Of heads and of receipts. */
  ids: Set<string>
  walked: Walked
}

/** Looks below many roots of one home, and nowhere twice: what is missing is told of one of them. */
class Walks {
  readonly home: Home
  readonly #walked: Walked

  constructor(home: Home, walked: Walked = new Map()) {
    this.home = home
    this.#walked = walked
  }

  missing(scopes: readonly string[], roots: readonly string[]): Missing[] {
    const key = scopes.join('/')
    const walked = this.#walked.get(key) ?? new Set<string>()
    this.#walked.set(key, walked)
    return missingBelow(this.home, scopes, roots, walked)
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

/** What its own heads name, but for blocks of the base. */
function savedOf(computer: SeenComputer, home: Home, bases: KnownBases): string[] {
  const { endpoint, peer } = computer
  if (endpoint === undefined || isContinued(home, endpoint, computer)) return []
  const walks = new Walks(home)
  const own = home.heads.filter((head) => head.endpoint === endpoint && head.writer === peer)
  return own.flatMap(({ seq, roots }) => {
    const missing = walks.missing([endpoint, BASE], roots)
    const counts = missing.filter(({ hash }) => !bases.blocks.has(hash)).slice(0, 1)
    return counts.map((each) => `saved head ${seq} of its own and has ${show(each)}`)
  })
}

function unheld(
  walks: Walks,
  { id, endpoint, roots, bases }: HeadFact,
  does = 'signed for'
): string[] {
  const missing = walks.missing([endpoint, BASE], roots).slice(0, 1)
  const blocks = missing.map((each) => `${does} head ${id.slice(0, 8)} and has ${show(each)}`)
  return [...blocks, ...bases.flatMap((base) => unheldBase(walks, base))]
}

function unheldBase(walks: Walks, id: string): string[] {
  const base = walks.home.bases.find((each) => each.id === id)
  const what = `signed for base ${base?.name ?? id.slice(0, 8)}`
  if (base === undefined) return [`${what}, whose record it does not have`]
  const missing = walks.missing([BASE], [base.root]).slice(0, 1)
  return missing.map((each) => `${what} and has ${show(each)}`)
}

/** What others were told that this computer holds. */
function claimedOf(office: Office, { peer }: SeenComputer, home: Home, sinceMs = 0): string[] {
  return office.protected.flatMap(({ at, saved, holders }) => {
    if (at < sinceMs || !holders.includes(peer)) return []
    const { endpoint, writer, seq } = saved
    const last = lastOf(home, endpoint, writer)
    const what = `is said to hold ${pointOf(saved)} (head ${seq} of ${nameOf(office, writer)})`
    if (last === undefined) return [`${what}, and has no head of it`]
    return last.seq < seq ? [`${what}, and has only head ${last.seq}`] : []
  })
}

function placeOf(scope: string): string {
  return `in scope ${scope.slice(0, 8)}`
}

function showEarly({ hash, before }: { hash: string; before: string }): string {
  return `block ${hash.slice(0, 8)} before ${before.slice(0, 8)} below it`
}

function show({ hash, from }: Missing): string {
  return from === undefined
    ? `no block ${hash.slice(0, 8)}`
    : `block ${from.slice(0, 8)} without ${hash.slice(0, 8)} below it`
}
