// The exporter: a restore point, or what it adds to another, made ready for a courier. It reads from stores
// alone, this peer's own and those of other holders; never from the protected tree. Blocks go as they lie,
// so a parcel holds nothing that a storage peer might not see. Which blocks they are is known before the
// first one goes, so that the opening can say what is inside.

import { BASE_SCOPE, DAG_CBOR, cidFromHash, hashOf, toHex } from '../store/block.ts'
import type { Hash, Scope } from '../store/block.ts'
import { baseId, type Base } from '../store/base.ts'
import { BlockMissing } from '../store/errors.ts'
import { HashLog } from '../store/hash-order.ts'
import type { Point } from '../store/head.ts'
import type { Opening } from '../store/parcel.ts'
import type { PeerKey } from '../store/peer.ts'
import { openReceipt } from '../store/receipt.ts'
import { encodeRecord } from '../store/signed.ts'
import type { StoredBlock } from '../store/stored.ts'
import { PAGES_SCOPE } from './base-store.ts'
import { plainClosure } from './closure.ts'
import type { Endpoint } from './endpoint.ts'
import { Fetcher } from './fetcher.ts'
import type { MarkedHead } from './heads.ts'
import type { Node } from './node.ts'
import { stateBlocks, type StateBlocks } from './state-blocks.ts'

/** A block on its way, as it lies. */
export interface CarriedBlock {
  hash: Hash
  stored: StoredBlock
}

export interface ExportInput {
  endpoint: Endpoint
  /** Where the endpoint stands; it names both points. */
  last: MarkedHead
  point: Point
  /** What this one reaches is left out. */
  since?: Point | undefined
  /** With the bases that the point stands on. */
  withBase: boolean
  signal?: AbortSignal | undefined
}

/** Blocks of one scope that go. */
interface Part {
  scope: Scope
  hashes: HashLog
}

/** Obtained together: at most as many MiB. */
const STEP = 16
/** After this many bytes a portion is enough. */
const PORTION_BYTES = 8 << 20
/** And after so many blocks, however small: what one answer may hold has a bound. */
const PORTION_BLOCKS = 4096

type Rooms = Pick<Node, 'store' | 'members' | 'bases' | 'baseStore' | 'network' | 'ports' | 'read'>

export class Exporter {
  readonly opening: Opening
  /** How many there are. */
  readonly blocks: number
  readonly #rooms: Rooms
  readonly #parts: readonly Part[]
  readonly #fetcher: Fetcher
  #part = 0
  #place = 0

  private constructor(
    rooms: Rooms,
    { opening, parts, holders }: { opening: Opening; parts: Part[]; holders: readonly PeerKey[] }
  ) {
    this.opening = opening
    this.blocks = parts.reduce((sum, { hashes }) => sum + hashes.size, 0)
    this.#rooms = rooms
    this.#parts = parts
    this.#fetcher = new Fetcher({ network: rooms.network, clock: rooms.ports.clock }, holders)
  }

  /**
   * Finds out what goes; reads pages, and no file's content.
   *
   * @throws {BlockMissing} if nobody has a page. @throws {NotOpened}
   */
  static async plan(rooms: Rooms, input: ExportInput): Promise<Exporter> {
    const { endpoint, last, point, since, withBase, signal } = input
    const reading = rooms.read(endpoint)
    const { source } = reading
    try {
      const keys = { source, keyring: endpoint.keyring }
      const before = since && (await stateBlocks(keys, since.root, { signal }))
      const after = await stateBlocks(keys, point.root, { without: before, signal })
      const under = new Bases(rooms, last, signal)
      const had = await under.below(before)
      // A base below what was left out is one that whoever takes the parcel in must have, too.
      const needed = await under.below(after)
      const extra = withBase ? needed.filter(({ id }) => !isIn(had, id)) : []
      const opening: Opening = {
        mesh: last.head.mesh,
        endpoint: endpoint.id,
        point: { number: point.number, root: point.root },
        since: since && { number: since.number, root: since.root },
        bases: needed.map(({ id }) => id),
        inside: extra.map(({ id }) => id),
        mark: encodeRecord(last.mark),
        head: last.body,
        papers: papersOf(rooms, last)
      }
      const parts = [
        { scope: BASE_SCOPE, hashes: await under.blocks(extra, had) },
        { scope: endpoint.scope, hashes: after.sealed }
      ]
      const holders = [...needed, undefined].flatMap((base) => rooms.baseStore.holders(base))
      return new Exporter(rooms, { opening, parts, holders: once(holders) })
    } finally {
      await reading.close()
    }
  }

  /** The next blocks; none once all are gone. @throws {BlockMissing} if nobody has one. */
  async next(signal: AbortSignal): Promise<CarriedBlock[]> {
    const out: CarriedBlock[] = []
    let bytes = 0
    while (
      bytes < PORTION_BYTES &&
      out.length < PORTION_BLOCKS &&
      this.#part < this.#parts.length
    ) {
      const { scope, hashes } = this.#parts[this.#part] as Part
      const step: Hash[] = []
      while (step.length < STEP && this.#place < hashes.size) step.push(hashes.at(this.#place++))
      if (step.length === 0) {
        this.#part++
        this.#place = 0
        continue
      }
      for (const [i, stored] of (await this.#obtain(scope, step, signal)).entries()) {
        out.push({ hash: step[i] as Hash, stored })
        bytes += stored.body.length
      }
    }
    return out
  }

  close(): Promise<void> {
    return this.#fetcher.close()
  }

  /** From here, or from whoever has it. */
  async #obtain(
    scope: Scope,
    hashes: readonly Hash[],
    signal: AbortSignal
  ): Promise<StoredBlock[]> {
    const { store } = this.#rooms
    const found: (StoredBlock | undefined)[] = []
    for (const hash of hashes) {
      const stored = await store.getStored(scope, hash)
      const isPage = stored === undefined && scope === BASE_SCOPE
      found.push(isPage ? await store.getStored(PAGES_SCOPE, hash) : stored)
    }
    const lacking = [...hashes.keys()].filter((i) => found[i] === undefined)
    if (lacking.length > 0) {
      const wanted = lacking.map((i) => hashes[i] as Hash)
      let at = 0
      for await (const stored of this.#fetcher.pull(scope, wanted, { signal })) {
        found[lacking[at++] as number] = stored
      }
    }
    return found.map((stored, i) => {
      if (stored !== undefined) return stored
      const cid = cidFromHash(DAG_CBOR, hashes[i] as Hash).toString()
      throw new BlockMissing(cid, scope === BASE_SCOPE ? { next: NO_BASE } : { next: NO_BLOCK })
    })
  }
}

const NO_BASE =
  'It is of a base: start a peer that holds that, or leave the base out with --without-base.'
const NO_BLOCK = 'Start a storage peer that keeps this endpoint, and export again.'

/** The bases that an endpoint's points stand on. */
class Bases {
  readonly #rooms: Rooms
  readonly #known: readonly Base[]
  readonly #signal: AbortSignal | undefined
  /** By id in hex. */
  readonly #closures = new Map<string, HashLog>()

  constructor(rooms: Rooms, { head }: MarkedHead, signal: AbortSignal | undefined) {
    this.#rooms = rooms
    this.#known = rooms.bases.list().filter(({ id }) => head.bases.some((each) => isSame(each, id)))
    this.#signal = signal
  }

  /**
   * Those whose blocks a state refers to, the newest first: an older one only for what is in no newer.
   *
   * @throws {BlockMissing} if a block is of no base that is known.
   */
  async below(blocks: StateBlocks | undefined): Promise<Base[]> {
    let left: Hash[] = []
    for (let i = 0; i < (blocks?.plain.size ?? 0); i++) left.push(blocks?.plain.at(i) as Hash)
    const found: Base[] = []
    for (const base of this.#known) {
      if (left.length === 0) break
      const closure = await this.#closureOf(base)
      const others = left.filter((hash) => !closure.has(hash))
      if (others.length < left.length) found.push(base)
      left = others
    }
    const [unknown] = left
    if (unknown !== undefined) throw new BlockMissing(cidFromHash(DAG_CBOR, unknown).toString())
    return found
  }

  /** All blocks of some bases that are not in others. */
  async blocks(bases: readonly Base[], others: readonly Base[]): Promise<HashLog> {
    const had = await Promise.all(others.map((base) => this.#closureOf(base)))
    const blocks = new HashLog()
    for (const base of bases) {
      const closure = await this.#closureOf(base)
      for (let i = 0; i < closure.size; i++) {
        const hash = closure.at(i)
        if (!had.some((other) => other.has(hash))) blocks.add(hash)
      }
    }
    return blocks
  }

  async #closureOf(base: Base): Promise<HashLog> {
    const known = this.#closures.get(toHex(base.id))
    if (known !== undefined) return known
    const { baseStore } = this.#rooms
    await baseStore.bringPages(base, { signal: this.#signal })
    const source = baseStore.localSource()
    const closure = new HashLog()
    const get = (hash: Hash): Promise<Uint8Array | undefined> =>
      source.get(cidFromHash(DAG_CBOR, hash))
    const top = { hash: hashOf(base.root), kind: 'directory' } as const
    for await (const { hash } of plainClosure(get, top)) closure.add(hash)
    this.#closures.set(toHex(base.id), closure)
    return closure
  }
}

/** What proves the head to a peer that has not heard of the endpoint: the roster, and its bases. */
function papersOf({ members, bases }: Rooms, { head }: MarkedHead): Uint8Array[] {
  const isOurs = (id: Hash): boolean => head.bases.some((each) => isSame(each, id))
  const records = [...bases.records.records()].filter((record) => isOurs(baseId(record)))
  const receipts = [...bases.receipts.records()].filter((record) =>
    isOurs(openReceipt(record, members.roster.mesh).head)
  )
  return [...members.records.records(), ...records, ...receipts].map(encodeRecord)
}

function isIn(bases: readonly Base[], id: Hash): boolean {
  return bases.some((base) => isSame(base.id, id))
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

function once(peers: readonly PeerKey[]): PeerKey[] {
  return [...new Map(peers.map((peer) => [toHex(peer), peer])).values()]
}
