// The keeper: the part of a storage peer that holds what others entrust to it. It accepts a head only from
// who may write it, takes what it lacks children first, and signs a receipt only when everything that the
// head reaches, bases included, is durable and was read back. It reads no endpoint's content, and nobody
// can tell it to forget.

import { BASE_SCOPE, hashOf, toHex, type Hash, type Scope } from '../store/block.ts'
import type { Base } from '../store/base.ts'
import type { Blockstore } from '../store/blockstore.ts'
import type { Clock } from '../store/clock.ts'
import { BlockDamaged, BlockMissing, DrystoneError, Malformed } from '../store/errors.ts'
import { headId, type Head } from '../store/head.ts'
import type { SigningKey } from '../store/key.ts'
import type { PeerKey } from '../store/peer.ts'
import { signReceipt } from '../store/receipt.ts'
import { decodeRecord, encodeRecord, isBadRecord, type SignedRecord } from '../store/signed.ts'
import { AUDIT_PROTOCOL, answerChallenge } from '../protocol/audit.ts'
import { BLOCKS_PROTOCOL, provideBlocks } from '../protocol/blocks.ts'
import { Channel, converse } from '../protocol/framing.ts'
import { HEADS_PROTOCOL, answerHeads, type KeptHead } from '../protocol/heads.ts'
import type { Network, Wire } from '../protocol/network.ts'
import { OFFER_PROTOCOL, answerOffer, type OfferedHead, type Pull } from '../protocol/offer.ts'
import type { BaseStore } from './base-store.ts'
import { labelOf, type Bases } from './bases.ts'
import { fill } from './closure.ts'
import { BaseUnknown } from './errors.ts'
import type { Heads, MarkedHead } from './heads.ts'
import { mayAsk, mayAskScope, type Asking } from './mesh/access.ts'
import type { Members } from './mesh/members.ts'
import { rank } from './placement.ts'

export interface KeeperComponents {
  network: Network
  clock: Clock
  key: SigningKey
  store: Blockstore
  members: Members
  heads: Heads
  bases: Bases
  baseStore: BaseStore
}

export class Keeper {
  readonly #components: KeeperComponents
  /** Offers of one endpoint take their turn. */
  readonly #turns = new Map<string, Promise<unknown>>()
  #keepingBases: Promise<boolean> | undefined
  /** Ids in hex of bases that are not what was signed: nothing that comes makes them so. */
  readonly #falseBases = new Set<string>()

  constructor(components: KeeperComponents) {
    this.#components = components
  }

  start(): void {
    const { network, store } = this.#components
    this.#answer(BLOCKS_PROTOCOL, (channel) =>
      provideBlocks(channel, {
        allows: (scope) => mayAskScope('blocks', scope, this.#asking(channel.peer)),
        has: (scope, hash) => store.has(scope, hash),
        get: (scope, hash) => store.getStored(scope, hash)
      })
    )
    this.#answer(HEADS_PROTOCOL, (channel) =>
      answerHeads(channel, async (endpoint) =>
        mayAsk('heads', endpoint, this.#asking(channel.peer)) ? this.#kept(endpoint) : undefined
      )
    )
    this.#answer(AUDIT_PROTOCOL, (channel) =>
      answerChallenge(channel, {
        self: network.self,
        allows: (scope) => mayAskScope('audit', scope, this.#asking(channel.peer)),
        get: (scope, hash) => store.get(scope, hash)
      })
    )
    this.#answer(OFFER_PROTOCOL, (channel) =>
      answerOffer(channel, (head, pull) => this.#consider(channel.peer, head, pull))
    )
  }

  /** True if this peer has the storage role. */
  get isStorage(): boolean {
    const { members, network } = this.#components
    return members.member(network.self)?.roles.has('storage') === true
  }

  /**
   * Keeps the bases that are this peer's to keep: brings what is missing, and signs for what is whole.
   * Calls `onKept` for each. One run at a time. Resolves to false if something is left to do.
   */
  async keepBases(onKept: () => void): Promise<boolean> {
    if (!this.isStorage) return true
    this.#keepingBases ??= this.#keepBases(onKept).finally(() => {
      this.#keepingBases = undefined
    })
    return this.#keepingBases
  }

  /**
   * Signs for a head whose blocks are here already, such as a courier brought, if its writer might offer it
   * now; undefined if not, or if this is no storage peer.
   *
   * @throws {BlockMissing} @throws {BaseUnknown} if not all of it is here
   */
  async take(marked: MarkedHead): Promise<SignedRecord | undefined> {
    if (!this.isStorage || !this.#mayOffer(marked.mark.issuer, marked)) return undefined
    return this.#inTurn(toHex(marked.head.endpoint), async () => {
      if (!this.#isNext(marked)) return undefined
      const { store } = this.#components
      return store.holding(() => this.#accept(marked, nothing))
    })
  }

  #answer(protocol: string, conversation: (channel: Channel) => Promise<void>): void {
    const { network, clock, members } = this.#components
    network.handle(protocol, async (wire: Wire) => {
      if (!members.isMember(wire.peer)) return wire.abort()
      await converse(new Channel({ wire, clock }), conversation)
    })
  }

  #asking(peer: PeerKey): Asking {
    const { members, clock } = this.#components
    return { roster: members.roster, peer, now: clock.now() }
  }

  #kept(endpoint: Uint8Array): KeptHead[] {
    const { heads } = this.#components
    return heads.lines(endpoint).map(({ mark, body }) => ({
      mark: encodeRecord(mark),
      body,
      receipts: heads.receiptsFor(body).map(({ record }) => encodeRecord(record))
    }))
  }

  /** Accepts an offered head or refuses it. */
  async #consider(
    from: PeerKey,
    offered: OfferedHead,
    pull: Pull
  ): Promise<Uint8Array | undefined> {
    const { heads } = this.#components
    try {
      const marked = heads.check(decodeRecord(offered.mark), offered.body)
      if (!this.isStorage || !this.#mayOffer(from, marked)) return undefined
      return await this.#inTurn(toHex(marked.head.endpoint), async () => {
        if (!this.#isNext(marked)) return undefined
        const { store } = this.#components
        return encodeRecord(await store.holding(() => this.#accept(marked, pull)))
      })
    } catch (error) {
      if (isUnacceptable(error)) return undefined
      throw error
    }
  }

  /** The writer itself, or another storage peer that passes its head on. */
  #mayOffer(from: PeerKey, { mark, head }: MarkedHead): boolean {
    const { members } = this.#components
    const asking = this.#asking(from)
    const isByWriter = mayAsk('offer', head.endpoint, { ...asking, peer: mark.issuer })
    const endpoint = members.roster.endpoints.get(toHex(head.endpoint))
    const isWriter = endpoint !== undefined && toHex(endpoint.writer) === toHex(mark.issuer)
    return isWriter && isByWriter && mayAsk('offer', head.endpoint, asking)
  }

  /** Above the last of its line; or that very head again, when a receipt went missing. */
  #isNext({ head, body }: MarkedHead): boolean {
    const { heads } = this.#components
    const last = heads
      .lines(head.endpoint)
      .find((line) => toHex(line.head.writer) === toHex(head.writer))
    if (last === undefined || head.seq > last.head.seq) return true
    return toHex(headId(last.body)) === toHex(headId(body))
  }

  async #accept(marked: MarkedHead, pull: Pull): Promise<SignedRecord> {
    const { store, heads, members, clock, key } = this.#components
    const { head, body } = marked
    const scope = toHex(head.endpoint)
    const based = await this.#haveBases(head)
    await fill(
      {
        store,
        scope,
        pull,
        isElsewhere: (hash) => store.has(BASE_SCOPE, hash)
      },
      head.roots.map((root) => ({ hash: hashOf(root), kind: 'sealed' }))
    )
    await store.flush()
    await heads.put(marked)
    const known = heads
      .receiptsFor(body)
      .find(({ record }) => toHex(record.issuer) === toHex(key.public))
    if (known !== undefined) return known.record
    const held = await store.usage(scope)
    const receipt = signReceipt(
      {
        mesh: head.mesh,
        endpoint: head.endpoint,
        head: headId(body),
        blocks: held.blocks + based.blocks,
        bytes: held.bytes + based.bytes,
        at: clock.now(),
        undoDays: members.roster.policy.undoDays
      },
      key
    )
    await heads.receipts.put([receipt])
    return receipt
  }

  /** Every base that the head stands on, whole and durable. @throws {BlockMissing} */
  async #haveBases({ bases: ids }: Head): Promise<{ blocks: number; bytes: number }> {
    const { bases } = this.#components
    const size = { blocks: 0, bytes: 0 }
    for (const id of ids) {
      const base = bases.get(id)
      if (base === undefined) throw new BaseUnknown(toHex(id), bases.list().map(labelOf))
      const receipt = await this.#haveBase(base)
      size.blocks += receipt.blocks
      size.bytes += receipt.bytes
    }
    return size
  }

  /** Brings a base, proves it and signs for it, unless that was done. */
  async #haveBase(base: Base): Promise<{ blocks: number; bytes: number }> {
    const { store, baseStore, bases, members, clock, key, network } = this.#components
    return this.#inTurn(`base ${toHex(base.id)}`, async () => {
      const own = bases.receiptOf(base.id, network.self)
      if (own !== undefined && (await baseStore.hasWhole(base))) return own
      const size = await store.holding(() => baseStore.makeWhole(base))
      if (own !== undefined) return own
      const { mesh, policy } = members.roster
      const { undoDays } = policy
      const fields = { mesh, head: base.id, ...size, at: clock.now(), undoDays }
      await bases.receipts.put([signReceipt(fields, key)])
      return size
    })
  }

  async #keepBases(onKept: () => void): Promise<boolean> {
    const { bases, network } = this.#components
    let areKept = true
    for (const base of bases.list()) {
      if (!base.approved || !this.#isOurs(base)) continue
      if (bases.receiptOf(base.id, network.self) !== undefined) continue
      if (this.#falseBases.has(toHex(base.id))) continue
      try {
        await this.#haveBase(base)
        onKept()
      } catch (error) {
        if (error instanceof Malformed) this.#falseBases.add(toHex(base.id))
        // Tried again when a holder turns up.
        if (!(error instanceof DrystoneError)) throw error
        areKept = false
      }
    }
    return areKept
  }

  /** Among the first of the ranking; or here already. */
  #isOurs({ id, signers }: Base): boolean {
    const { members, network } = this.#components
    const { copies, sites } = members.roster.policy
    const ranked = rank(id, members.withRole('storage'), sites)
    const self = toHex(network.self)
    return signers.has(self) || ranked.slice(0, copies).some(({ peer }) => toHex(peer) === self)
  }

  #inTurn<T>(what: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(what) ?? Promise.resolve()).then(work, work)
    this.#turns.set(
      what,
      turn.catch(() => undefined)
    )
    return turn
  }
}

/** Gives no block. */
async function* nothing(_: Scope, hashes: readonly Hash[]): AsyncGenerator<undefined> {
  for (let i = 0; i < hashes.length; i++) yield undefined
}

/** True if what was offered is at fault, or lacks something that nobody has; else it is our failure. */
function isUnacceptable(error: unknown): boolean {
  return (
    isBadRecord(error) ||
    error instanceof BlockMissing ||
    error instanceof BlockDamaged ||
    error instanceof BaseUnknown
  )
}
