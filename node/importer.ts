// The importer: takes in what a courier brought, by the rules of an offer. The opening must be of this mesh
// and its head signed by who may write it; then the roots are filled from the parcel, children before
// parents, each block proved; and only when all of it is durable is the head kept, and signed for where all
// that it names is here. Whoever reads the parcel is asked for blocks one portion after the other, so only
// what is missing here is read. A parcel that turns out damaged leaves blocks, and no head.

import { BASE_SCOPE, hashOf, toHex, type Hash, type Scope } from '../store/block.ts'
import type { Base } from '../store/base.ts'
import { BlockMissing, Malformed } from '../store/errors.ts'
import type { Ref } from '../store/links.ts'
import type { CarriedPoint, Opening } from '../store/parcel.ts'
import { isRosterKind } from '../store/roster-bodies.ts'
import { decodeRecord, encodeRecord } from '../store/signed.ts'
import type { StoredBlock } from '../store/stored.ts'
import { holds, labelOf } from './bases.ts'
import { fill, type FillCount, type PullBlocks } from './closure.ts'
import { BaseUnknown } from './errors.ts'
import type { MarkedHead } from './heads.ts'
import type { Node } from './node.ts'
import { BaseNeeded, OtherMesh, PointNeeded } from './parcel-errors.ts'
import { isKnown } from './recovery.ts'

/** What came of it. */
export interface Imported extends FillCount {
  /** The endpoint's name. */
  endpoint: string
  point: number
  since: number | undefined
  /** Points of the endpoint's head that can be restored from here, and how many there are. */
  pointsHere: number
  points: number
  /** This peer signed for the head: the endpoint gets the receipt when it offers it. */
  isSigned: boolean
}

/** Whoever reads the parcel has to give these next, in this order; or all is done. */
export type ImportStep = { wants: Hash[] } | { done: Imported }

/** Nobody gave anything for this long: the courier has left. */
export const DEFAULT_GIVEN_MS = 10 * 60_000

type Rooms = Pick<
  Node,
  'store' | 'members' | 'heads' | 'bases' | 'baseStore' | 'keeper' | 'network' | 'ports' | 'signal'
>

interface Asked {
  hash: Hash
  coming: PromiseWithResolvers<StoredBlock | undefined>
}

export class Importer {
  readonly #rooms: Rooms
  readonly #opening: Opening
  readonly #marked: MarkedHead
  readonly #left = new AbortController()
  /** Not given yet, in order. */
  #asked: Asked[] = []
  #news = Promise.withResolvers<undefined>()
  #running: Promise<Imported> | undefined
  #patience: { cancel: () => void } | undefined

  private constructor(rooms: Rooms, opening: Opening, marked: MarkedHead) {
    this.#rooms = rooms
    this.#opening = opening
    this.#marked = marked
  }

  /**
   * Checks an opening. Papers in it that hold are kept, as from any member.
   *
   * @throws {OtherMesh} @throws {NotSigned} @throws {Malformed}
   * @throws {PointNeeded} @throws {BaseNeeded} if something has to be here first
   */
  static async open(rooms: Rooms, opening: Opening): Promise<Importer> {
    const { members, heads, store } = rooms
    if (toHex(opening.mesh) !== toHex(members.roster.mesh)) throw new OtherMesh()
    await keepPapers(rooms, opening.papers)
    const marked = heads.check(decodeRecord(opening.mark), opening.head)
    const { point, since } = opening
    const isOf = toHex(marked.head.endpoint) === toHex(opening.endpoint)
    const named = [point, ...(since === undefined ? [] : [since])]
    if (!isOf || !named.every(({ root }) => marked.head.roots.some((each) => each.equals(root)))) {
      throw new Malformed('its opening names points that the signed head in it does not')
    }
    const scope = toHex(opening.endpoint)
    if (since !== undefined && !(await hasRoot(store, scope, since))) {
      throw new PointNeeded(nameOf(rooms, scope), since.number)
    }
    for (const id of opening.bases) await needBase(rooms, opening, id)
    return new Importer(rooms, opening, marked)
  }

  /**
   * Takes the first of the blocks that are wanted, in their order; undefined for one that is not in the
   * parcel. Resolves when others are wanted, or all is done.
   *
   * @throws {BlockMissing} @throws {BlockDamaged} @throws {Malformed}
   * @throws {DiskFull} @throws {DiskFailed} @throws {StorePoisoned}
   */
  async step(given: readonly (StoredBlock | undefined)[]): Promise<ImportStep> {
    this.#patience?.cancel()
    for (const stored of given) {
      const asked = this.#asked.shift()
      if (asked === undefined) throw new Malformed('more blocks came than were asked for')
      asked.coming.resolve(stored)
    }
    if (this.#running === undefined) {
      this.#running = this.#rooms.store.holding(() => this.#import())
      this.#running.catch(() => undefined)
      this.#rooms.signal.addEventListener('abort', this.close, { once: true })
    }
    while (this.#asked.length === 0) {
      const done = await Promise.race([this.#running, this.#news.promise])
      if (done !== undefined) return { done }
      this.#news = Promise.withResolvers()
    }
    const { signal, cancel } = this.#rooms.ports.clock.timeout(DEFAULT_GIVEN_MS)
    this.#patience = { cancel }
    signal.addEventListener('abort', this.close, { once: true })
    return { wants: this.#asked.map(({ hash }) => hash) }
  }

  /** Gives up; nothing if all is done. What is complete by then stays. */
  readonly close = (): void => {
    this.#patience?.cancel()
    this.#rooms.signal.removeEventListener('abort', this.close)
    this.#left.abort(new DOMException('the import was given up', 'AbortError'))
    for (const { coming } of this.#asked) coming.reject(this.#left.signal.reason)
    this.#asked = []
  }

  readonly #pull: PullBlocks = async function* (this: Importer, _: Scope, hashes: readonly Hash[]) {
    this.#left.signal.throwIfAborted()
    const asked = hashes.map((hash): Asked => ({ hash, coming: Promise.withResolvers() }))
    for (const { coming } of asked) coming.promise.catch(() => undefined)
    this.#asked.push(...asked)
    this.#news.resolve(undefined)
    for (const { coming } of asked) yield await coming.promise
  }.bind(this)

  async #import(): Promise<Imported> {
    const { store, bases } = this.#rooms
    const { endpoint, point, since, inside } = this.#opening
    const scope = toHex(endpoint)
    const count: FillCount = { blocks: 0, bytes: 0 }
    for (const id of inside) {
      const root = bases.get(id)?.root
      if (root === undefined) throw new Malformed('a base is inside, and its record is not')
      await this.#fill(BASE_SCOPE, { hash: hashOf(root), kind: 'directory' }, count)
      // Before anything stands on it.
      await store.flush()
    }
    await this.#fill(scope, { hash: hashOf(point.root), kind: 'sealed' }, count)
    await store.flush()
    const { head } = this.#marked
    let pointsHere = 0
    for (const root of head.roots) if (await hasRoot(store, scope, { root })) pointsHere++
    const isSigned = await this.#keep(pointsHere === head.roots.length)
    return {
      endpoint: nameOf(this.#rooms, scope),
      point: point.number,
      since: since?.number,
      ...count,
      pointsHere,
      points: head.roots.length,
      isSigned
    }
  }

  async #fill(scope: Scope, root: Ref, count: FillCount): Promise<void> {
    const { store } = this.#rooms
    const isElsewhere = (hash: Hash): Promise<boolean> => store.has(BASE_SCOPE, hash)
    const filling = { store, scope, pull: this.#pull }
    try {
      const filled = await fill(scope === BASE_SCOPE ? filling : { ...filling, isElsewhere }, [
        root
      ])
      count.blocks += filled.blocks
      count.bytes += filled.bytes
    } catch (error) {
      if (!(error instanceof BlockMissing)) throw error
      throw new BlockMissing(error.cid, { next: NOT_WHOLE, cause: error })
    }
  }

  /** Keeps the head, and signs for it if that is this peer's to do. @returns whether it has signed */
  async #keep(isAllHere: boolean): Promise<boolean> {
    const { heads, keeper, network } = this.#rooms
    const { head } = this.#marked
    if (isAllHere) {
      try {
        if ((await keeper.take(this.#marked)) !== undefined) return true
      } catch (error) {
        // A base that other points stand on is not to be had: as good as a point that is not.
        if (!(error instanceof BlockMissing || error instanceof BaseUnknown)) throw error
      }
    }
    // Where a writer stands it knows itself, or learns from keepers.
    const isOwn = toHex(head.writer) === toHex(network.self)
    if (!isOwn && !isKnown(heads, this.#marked)) await heads.put(this.#marked)
    return false
  }
}

const NOT_WHOLE =
  'What is kept here, or the export, is not whole: run `drystone repair`, or export that point in full.'

/** A root that is here with all it reaches. */
async function hasRoot(
  store: Rooms['store'],
  scope: Scope,
  { root }: Pick<CarriedPoint, 'root'>
): Promise<boolean> {
  return (await store.has(scope, hashOf(root))) || store.has(BASE_SCOPE, hashOf(root))
}

/** Each set takes what holds by its own rules: the roster first, as who may sign follows from it. */
async function keepPapers({ members, bases }: Rooms, papers: readonly Uint8Array[]): Promise<void> {
  const read = papers.filter((paper) => holds(() => decodeRecord(paper))).map(decodeRecord)
  const ofKind = (is: (kind: string) => boolean): Uint8Array[] =>
    read.filter(({ kind }) => is(kind)).map(encodeRecord)
  await members.records.add(ofKind(isRosterKind))
  await bases.records.add(ofKind((kind) => kind === 'base'))
  await bases.receipts.add(ofKind((kind) => kind === 'receipt'))
}

/** A base that is not inside has to be here, or to be had. @throws {BaseNeeded} @throws {Malformed} */
async function needBase({ bases, baseStore }: Rooms, opening: Opening, id: Hash): Promise<void> {
  const base: Base | undefined = bases.get(id)
  if (base === undefined) throw new Malformed('it names a base whose record is not to be had')
  if (opening.inside.some((each) => toHex(each) === toHex(id))) return
  if (await baseStore.hasWhole(base)) return
  try {
    await baseStore.bringWhole(base)
  } catch (error) {
    if (!(error instanceof BlockMissing)) throw error
    throw new BaseNeeded(labelOf(base), { cause: error })
  }
}

function nameOf({ members }: Rooms, scope: Scope): string {
  return members.roster.endpoints.get(scope)?.name ?? scope
}
