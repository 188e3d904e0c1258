// The replicator: brings this computer's own head to as many storage peers as policy asks, and more when
// one is gone. It offers; the keepers pull what they lack. What counts as protected is only what keepers
// have signed for. No keeper, slow or lying, keeps the next from being asked, nor a newer head from going
// out.

import { BASE_SCOPE, toHex } from '../store/block.ts'
import type { Blockstore } from '../store/blockstore.ts'
import type { Clock } from '../store/clock.ts'
import { DrystoneError } from '../store/errors.ts'
import { headId } from '../store/head.ts'
import { peerIdText, type PeerKey } from '../store/peer.ts'
import { encodeRecord } from '../store/signed.ts'
import { PeerLied, Refused } from '../protocol/errors.ts'
import { Channel, converse } from '../protocol/framing.ts'
import type { CallOptions, Network } from '../protocol/network.ts'
import { OFFER_PROTOCOL, offerHead, type Provide } from '../protocol/offer.ts'
import { Backoff } from './backoff.ts'
import { Fetcher } from './fetcher.ts'
import type { Heads, MarkedHead } from './heads.ts'
import type { Members } from './mesh/members.ts'
import type { Presence } from './mesh/presence.ts'
import { rank } from './placement.ts'
import { Wanted } from './wanted.ts'

export interface ReplicatorComponents {
  network: Network
  clock: Clock
  store: Blockstore
  members: Members
  heads: Heads
  presence: Presence
}

/** Bytes that left for one head. */
export interface Sent {
  bytes: number
  baseBytes: number
}

/** What a run of the replicator did. */
export interface Replicated {
  /** Bytes of blocks that were sent for this head so far, as they lie at rest; and of these the base's. */
  sent: Sent
  /** Peers that signed for the head, now or before. */
  copies: PeerKey[]
  /** True if as many as policy asks. */
  isProtected: boolean
  /** Why a peer that should keep the head does not, by peer id. */
  failures: Record<string, string>
}

export interface ReplicateOptions extends CallOptions {
  /**
   * Somebody waits for it: ask those again that refused just now, and wait for slow keepers as well, if the
   * head is not protected before.
   */
  isPatient?: boolean
}

/** An offer that has not come to its end. */
interface Offer {
  /** Id of the head in hex. */
  head: string
  ended: Promise<void>
  leave: () => void
}

/** Another keeper is asked while one takes longer than this; a first backup may take it days. */
export const DEFAULT_PATIENCE_MS = 5 * 60_000

/** Who refused a head, being full for one, is asked again for the same one after growing pauses. */
const REFUSED_MS = { leastMs: 15_000, mostMs: 10 * 60_000 }

export class Replicator {
  readonly #components: ReplicatorComponents
  readonly #sent = new Map<string, Sent>()
  /** By peer key in hex. */
  readonly #offers = new Map<string, Offer>()
  /** By peer key in hex, for the head below. */
  readonly #refusals: Backoff
  /** Id in hex of the head that was offered last. */
  #offered = ''
  #turn: Promise<unknown> = Promise.resolve()

  constructor(components: ReplicatorComponents) {
    this.#components = components
    this.#refusals = new Backoff(components.clock, REFUSED_MS)
  }

  /** Storage peers that signed for a head. */
  copiesOf({ body }: MarkedHead): PeerKey[] {
    const { heads, members } = this.#components
    return heads
      .receiptsFor(body)
      .map(({ record }) => record.issuer)
      .filter((peer) => members.member(peer)?.roles.has('storage') === true)
  }

  /** Of those that signed, the ones that count: they were there of late. */
  presentCopiesOf(head: MarkedHead): PeerKey[] {
    const { presence } = this.#components
    return this.copiesOf(head).filter((peer) => presence.isPresent(peer))
  }

  /** True if as many present storage peers, on as many sites, signed for a head as policy asks. */
  isProtected(head: MarkedHead): boolean {
    const { members } = this.#components
    const copies = this.presentCopiesOf(head)
    const sites = new Set(copies.map((peer) => members.member(peer)?.site))
    const { policy } = members.roster
    return copies.length >= policy.copies && sites.size >= policy.sites
  }

  /**
   * Offers a head until it is protected or nobody is left to ask. One run at a time; offers to slow keepers
   * go on behind it, until a newer head takes their place: what they have by then, they keep.
   */
  async replicate(
    marked: MarkedHead,
    { isPatient = false, ...options }: ReplicateOptions = {}
  ): Promise<Replicated> {
    const failures: Record<string, string> = {}
    const turn = this.#turn.then(() => {
      const head = toHex(headId(marked.body))
      if (isPatient || head !== this.#offered) this.#refusals.clear()
      this.#offered = head
      return this.#askAll(marked, failures, options)
    })
    this.#turn = turn.catch(() => undefined)
    await turn
    while (isPatient && !this.isProtected(marked)) {
      const running = this.#offersOf(marked)
      if (running.length === 0) break
      await Promise.race(running.map(({ ended }) => ended))
    }
    options.signal?.throwIfAborted()
    const copies = this.copiesOf(marked)
    return { sent: this.#sentFor(marked), copies, isProtected: this.isProtected(marked), failures }
  }

  /** Leaves the offers that still run. */
  async stop(): Promise<void> {
    const running = [...this.#offers.values()]
    for (const { leave } of running) leave()
    await Promise.allSettled(running.map(({ ended }) => ended))
  }

  #offersOf({ body }: MarkedHead): Offer[] {
    const id = toHex(headId(body))
    return [...this.#offers.values()].filter(({ head }) => head === id)
  }

  async #askAll(
    marked: MarkedHead,
    failures: Record<string, string>,
    options: CallOptions
  ): Promise<void> {
    const { members, network } = this.#components
    const { policy } = members.roster
    const wanted = this.#offersOf(marked)
    const others = [...this.#offers.values()].filter((offer) => !wanted.includes(offer))
    for (const { leave } of others) leave()
    await Promise.all(others.map(({ ended }) => ended))
    const candidates = members
      .withRole('storage')
      .filter(({ peer }) => toHex(peer) !== toHex(network.self))
    for (const { peer } of rank(marked.head.endpoint, candidates, policy.sites)) {
      const copies = new Set(this.copiesOf(marked).map(toHex))
      if (this.isProtected(marked)) break
      // One that was slow already is not waited for again.
      if (copies.has(toHex(peer)) || this.#offers.has(toHex(peer))) continue
      if (!this.#refusals.isDue(toHex(peer))) continue
      await this.#patiently(this.#begin(marked, peer, { ...options, failures }))
      options.signal?.throwIfAborted()
    }
  }

  /** Resolves when the offer has ended, or has taken too long to wait for it alone. */
  async #patiently(offer: Promise<void>): Promise<void> {
    const { clock } = this.#components
    const done = new AbortController()
    const patience = clock
      .sleep(DEFAULT_PATIENCE_MS, { signal: done.signal })
      .catch(() => undefined)
    await Promise.race([offer, patience]).finally(() => done.abort())
  }

  /** Resolves when the offer has ended, whether or not the peer signed. */
  #begin(
    marked: MarkedHead,
    peer: PeerKey,
    { signal, failures }: CallOptions & { failures: Record<string, string> }
  ): Promise<void> {
    const left = new AbortController()
    const both = signal === undefined ? left.signal : AbortSignal.any([signal, left.signal])
    const key = toHex(peer)
    const ended = this.#offer(marked, peer, { signal: both })
      .catch((error: unknown) => {
        if (both.aborted) return
        if (!(error instanceof DrystoneError)) throw error
        if (error instanceof Refused || error instanceof PeerLied) this.#refusals.pause(key)
        failures[peerIdText(peer)] = error.message
      })
      .finally(() => this.#offers.delete(key))
    const head = toHex(headId(marked.body))
    this.#offers.set(key, { head, ended, leave: () => left.abort() })
    return ended
  }

  async #offer(marked: MarkedHead, peer: PeerKey, options: CallOptions): Promise<void> {
    const { network, clock, store, heads } = this.#components
    const wire = await network.dial(peer, OFFER_PROTOCOL, options)
    const channel = new Channel({ wire, clock }, { idleMs: KEEPER_MS })
    const sent = this.#sentFor(marked)
    const others = this.#othersThan(peer)
    const wanted = new Wanted(peerIdText(peer), { links: marked.head.roots.length })
    const provide: Provide = async (scope, hash) => {
      wanted.ask()
      const stored =
        (await store.getStored(scope, hash)) ?? (await first(others.pull(scope, [hash], options)))
      if (stored !== undefined) wanted.give(hash, stored)
      const bytes = stored?.body.length ?? 0
      sent.bytes += bytes
      if (scope === BASE_SCOPE) sent.baseBytes += bytes
      return stored
    }
    const head = { mark: encodeRecord(marked.mark), body: marked.body }
    const answer = await converse(channel, () =>
      offerHead(channel, { head, provide }, options)
    ).finally(() => others.close())
    await heads.addReceipts(marked, [answer])
    if (!this.copiesOf(marked).some((copy) => toHex(copy) === toHex(peer))) {
      throw new PeerLied(peerIdText(peer), 'sent a receipt for something else')
    }
  }

  /** What this computer does not have itself, since another wrote it, comes from the other keepers. */
  #othersThan(peer: PeerKey): Fetcher {
    const storage = this.#components.members.withRole('storage').map((member) => member.peer)
    const others = storage.filter((other) => toHex(other) !== toHex(peer))
    return new Fetcher(this.#components, others)
  }

  #sentFor({ body }: MarkedHead): Sent {
    const id = toHex(headId(body))
    const sent = this.#sent.get(id) ?? { bytes: 0, baseBytes: 0 }
    this.#sent.set(id, sent)
    return sent
  }
}

async function first<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item
  return undefined
}

/** A keeper may have to bring a whole base from others before it asks us for anything. */
const KEEPER_MS = 15 * 60_000
