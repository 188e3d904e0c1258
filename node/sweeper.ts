// The sweeper: says what must stay, and lets a sweep drop the rest. Nothing goes that a last head of any line
// reaches, or a head replaced less than its undo time ago, or a base; nor what came in the last week and may
// belong to an offer that is not at its end. Every head of an endpoint is read and verified first; if one
// cannot be, nothing of that endpoint is dropped (SECURITY-DESIGN 9).

import { BASE_SCOPE, hashOf, toHex, type Hash, type Scope } from '../store/block.ts'
import type { Blockstore } from '../store/blockstore.ts'
import type { Clock } from '../store/clock.ts'
import { DrystoneError } from '../store/errors.ts'
import { headId } from '../store/head.ts'
import type { Ref } from '../store/links.ts'
import type { PeerKey } from '../store/peer.ts'
import { sweep, type Roots, type Swept } from '../store/sweep.ts'
import { DAY_MS, type Ages } from './ages.ts'
import { PAGES_SCOPE, type BaseStore } from './base-store.ts'
import type { Bases } from './bases.ts'
import type { Heads, MarkedHead } from './heads.ts'
import type { Members } from './mesh/members.ts'

export interface SweeperComponents {
  self: PeerKey
  clock: Clock
  store: Blockstore
  members: Members
  heads: Heads
  bases: Bases
  baseStore: BaseStore
  ages: Ages
}

export interface SweeperOptions {
  isDryRun?: boolean | undefined
  /** Drop what unfinished backups and offers left as well, however young. */
  unfinished?: boolean | undefined
  signal?: AbortSignal | undefined
}

/** What nothing reaches stays for so long: an open offer may go on. */
export const DEFAULT_YOUNG_MS = 7 * DAY_MS
/** Between two portions of work. */
const REST_MS = 1

export class Sweeper {
  readonly #components: SweeperComponents
  /** Why the last sweep did not come to its end. */
  failure: DrystoneError | undefined
  #running: Promise<unknown> = Promise.resolve()

  constructor(components: SweeperComponents) {
    this.#components = components
  }

  /**
   * Sweeps every scope, one sweep at a time.
   *
   * @throws {SweepIncomplete} @throws {Malformed} @throws {NotSigned} for a head that does not verify
   * @throws {DiskFull} @throws {DiskFailed}
   */
  sweep(options: SweeperOptions = {}): Promise<Swept> {
    const turn = this.#running.then(() => this.#noting(() => this.#sweepAll(options)))
    this.#running = turn.catch(() => undefined)
    return turn
  }

  async #noting<T>(work: () => Promise<T>): Promise<T> {
    try {
      const done = await work()
      this.failure = undefined
      return done
    } catch (error) {
      if (error instanceof DrystoneError) this.failure = error
      throw error
    }
  }

  async #sweepAll(options: SweeperOptions): Promise<Swept> {
    const { store, ages } = this.#components
    const total: Swept = { blocks: 0, bytes: 0, keptByUndo: 0, young: 0, freedBytes: 0 }
    const scopes = await store.scopes()
    for (const scope of scopes) await this.#noteSegments(scope)
    await ages.save()
    // Endpoints first: what only they reach of a base is no reason to keep it.
    for (const scope of scopes.sort((a, b) => b.length - a.length)) {
      const swept = await this.#sweepOne(scope, options)
      for (const key of Object.keys(total) as (keyof Swept)[]) total[key] += swept[key]
    }
    await ages.save()
    return total
  }

  async #sweepOne(scope: Scope, { isDryRun, unfinished, signal }: SweeperOptions): Promise<Swept> {
    const { store, ages, clock } = this.#components
    return sweep({
      store,
      scope,
      roots: () => this.#rootsOf(scope, isDryRun === true),
      isElsewhere: await this.#elsewhere(scope),
      pagesOnly: scope === PAGES_SCOPE,
      isYoung: (segment) =>
        unfinished !== true && ages.of(`segment/${scope}/${segment}`) < DEFAULT_YOUNG_MS,
      isDryRun,
      signal,
      rest: () => clock.sleep(REST_MS, { signal })
    })
  }

  /** A segment is as old as the first look at it; what is in it may be older. */
  async #noteSegments(scope: Scope): Promise<void> {
    const { store, ages } = this.#components
    const shelf = await store.shelf(scope)
    const names = (await shelf.segments()).map((segment) => `segment/${scope}/${segment}`)
    ages.forget(`segment/${scope}/`, new Set(names))
    for (const name of names) ages.see(name)
  }

  async #rootsOf(scope: Scope, isDryRun: boolean): Promise<Roots> {
    const { bases } = this.#components
    if (scope !== BASE_SCOPE && scope !== PAGES_SCOPE) return this.#headRoots(scope, isDryRun)
    const here: Ref[] = []
    for (const { root } of bases.list()) {
      const ref: Ref = { hash: hashOf(root), kind: 'directory' }
      // A base of which nothing came yet is no root; one of which a part came stays whole or is damaged.
      const { store } = this.#components
      if ((await store.has(scope, ref.hash)) || !(await store.isWhole(scope))) here.push(ref)
    }
    return { kept: here, undo: [] }
  }

  /** Of an endpoint: what the last heads of all lines reach, and what those reach that may come back. */
  async #headRoots(scope: Scope, isDryRun: boolean): Promise<Roots> {
    const { heads, ages } = this.#components
    const kept: Ref[] = []
    const undo: Ref[] = []
    const all = new Set<string>()
    for (const line of await heads.all(scope)) {
      for (const marked of line) all.add(nameOf(marked))
      const accepted = line.map((marked) => ages.see(nameOf(marked)))
      for (const [i, marked] of line.entries()) {
        const replaced = accepted[i + 1]
        const roots = await this.#rootsHere(scope, marked)
        if (replaced === undefined) kept.push(...roots)
        else if (this.#mayComeBack(marked, replaced)) {
          undo.push(...roots)
        } else if (!isDryRun) {
          await heads.release(marked)
          all.delete(nameOf(marked))
        }
      }
    }
    ages.forget(`head/${scope}/`, all)
    return { kept, undo }
  }

  /**
   * Of a head that this peer neither wrote nor signed for, such as one that a courier brought with one of
   * its points, what never came is no root.
   */
  async #rootsHere(scope: Scope, { head, body }: MarkedHead): Promise<Ref[]> {
    const { store, heads, self } = this.#components
    const roots = head.roots.map((root): Ref => ({ hash: hashOf(root), kind: 'sealed' }))
    const signers = heads.receiptsFor(body).map(({ record }) => record.issuer)
    const isOurs = [head.writer, ...signers].some((peer) => toHex(peer) === toHex(self))
    if (isOurs || !(await store.isWhole(scope))) return roots
    const present = await store.hasEach(
      scope,
      roots.map(({ hash }) => hash)
    )
    return roots.filter((_, i) => present[i])
  }

  #mayComeBack({ body }: MarkedHead, replaced: number): boolean {
    const { heads, members, ages, self } = this.#components
    const own = heads.receiptsFor(body).find(({ record }) => toHex(record.issuer) === toHex(self))
    const undoDays = own?.receipt.undoDays ?? members.roster.policy.undoDays
    const sinceMs = ages.now() - replaced
    return sinceMs < undoDays * DAY_MS
  }

  /** Sealed blocks refer to chunks of the base, which lie in its scope, or are known by its pages alone. */
  async #elsewhere(scope: Scope): Promise<((hash: Hash) => Promise<boolean>) | undefined> {
    const { store, bases, baseStore, heads } = this.#components
    if (scope === BASE_SCOPE || scope === PAGES_SCOPE) return undefined
    const ids = new Set(
      (await heads.all(scope)).flat().flatMap(({ head }) => head.bases.map(toHex))
    )
    const known = bases.list().filter(({ id }) => ids.has(toHex(id)))
    const lists = new Map<string, Promise<{ has: (hash: Hash) => boolean }>>()
    return async (hash) => {
      if (await store.has(BASE_SCOPE, hash)) return true
      if (await store.has(PAGES_SCOPE, hash)) return true
      for (const base of known) {
        const id = toHex(base.id)
        const list = lists.get(id) ?? baseStore.chunkHashes(base)
        lists.set(id, list)
        if ((await list).has(hash)) return true
      }
      return false
    }
  }
}

function nameOf({ body, head }: MarkedHead): string {
  return `head/${toHex(head.endpoint)}/${toHex(headId(body))}`
}
