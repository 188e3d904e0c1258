// The fetcher: blocks from many holders at once. A batch is split among those that answer; what one does
// not have, or sends wrong, the others are asked for, and one that sends wrong bytes is dropped and named.
// It is a Source like any other.

import { DAG_CBOR, cidFromHash, hashOf, toHex, type Hash, type Scope } from '../store/block.ts'
import type { Clock } from '../store/clock.ts'
import { DrystoneError } from '../store/errors.ts'
import { peerIdText, type PeerKey } from '../store/peer.ts'
import type { Source } from '../store/source.ts'
import { unpackBlock, type StoredBlock } from '../store/stored.ts'
import { BLOCKS_PROTOCOL, BlocksConsumer } from '../protocol/blocks.ts'
import { PeerLied } from '../protocol/errors.ts'
import { Channel } from '../protocol/framing.ts'
import { WANTED_MAX } from '../protocol/limits.ts'
import type { CallOptions, Network } from '../protocol/network.ts'

export interface FetcherComponents {
  network: Network
  clock: Clock
}

/** A holder that did not answer is asked again after this long. */
const RETRY_MS = 3_000

/** A holder that is being asked. Its channel carries one request at a time. */
interface Holder {
  peer: PeerKey
  consumer: BlocksConsumer
  turn: Promise<unknown>
  /** It has answered before: then a failure may only mean that the channel grew old. */
  isUsed: boolean
}

export class Fetcher {
  readonly #components: FetcherComponents
  readonly #candidates: readonly PeerKey[]
  readonly #holders = new Map<string, Promise<Holder | undefined>>()
  readonly #failedAt = new Map<string, number>()
  /** Bytes at rest that came from each peer, by its peer id. */
  readonly fromPeers: Record<string, number> = {}
  /** Peers that sent wrong bytes. */
  readonly liars: PeerLied[] = []

  /** @param candidates who may hold the blocks, best first. */
  constructor(components: FetcherComponents, candidates: readonly PeerKey[]) {
    this.#components = components
    this.#candidates = candidates.filter((peer) => toHex(peer) !== toHex(components.network.self))
  }

  /** Blocks in the order asked; undefined for one that nobody has. At most WANTED_MAX of them. */
  async *pull(
    scope: Scope,
    hashes: readonly Hash[],
    options?: CallOptions
  ): AsyncGenerator<StoredBlock | undefined> {
    const holders = await this.#open(options)
    const found = new Array<StoredBlock | undefined>(hashes.length)
    const share = Math.ceil(hashes.length / Math.max(1, holders.length))
    await Promise.all(
      holders.map((holder, i) =>
        this.#ask(holder, { scope, hashes, found, from: i * share, to: (i + 1) * share }, options)
      )
    )
    for (const holder of holders) {
      if (!found.includes(undefined)) break
      await this.#ask(holder, { scope, hashes, found, from: 0, to: hashes.length }, options)
    }
    yield* found
  }

  /** One scope as a Source. */
  source(scope: Scope): Source {
    return {
      get: async (cid, options) => {
        const hash = hashOf(cid)
        for await (const stored of this.pull(scope, [hash], options)) {
          return stored && unpackBlock(hash, stored)
        }
        return undefined
      },
      getMany: async (cids, options) => {
        const found: (Uint8Array | undefined)[] = []
        for (let at = 0; at < cids.length; at += WANTED_MAX) {
          const hashes = cids.slice(at, at + WANTED_MAX).map(hashOf)
          let i = 0
          for await (const stored of this.pull(scope, hashes, options)) {
            const hash = hashes[i++] as Hash
            found.push(stored && unpackBlock(hash, stored))
          }
        }
        return found
      }
    }
  }

  async close(): Promise<void> {
    for (const opening of this.#holders.values()) {
      const holder = await opening
      await holder?.consumer.end().catch(() => holder.consumer.abort())
    }
    this.#holders.clear()
  }

  async #open(options?: CallOptions): Promise<Holder[]> {
    const opened = await Promise.all(this.#candidates.map((peer) => this.#holder(peer, options)))
    return opened.filter((holder) => holder !== undefined)
  }

  #holder(peer: PeerKey, options?: CallOptions): Promise<Holder | undefined> {
    const id = toHex(peer)
    if (this.#isLiar(peer)) return Promise.resolve(undefined)
    const known = this.#holders.get(id)
    if (known !== undefined) return known
    const failedAt = this.#failedAt.get(id) ?? Number.NEGATIVE_INFINITY
    if (this.#components.clock.monotonic() - failedAt < RETRY_MS) return Promise.resolve(undefined)
    const opening = this.#dial(peer, options)
    this.#holders.set(id, opening)
    return opening
  }

  async #dial(peer: PeerKey, options?: CallOptions): Promise<Holder | undefined> {
    const { network, clock } = this.#components
    try {
      const wire = await network.dial(peer, BLOCKS_PROTOCOL, options)
      const consumer = new BlocksConsumer(new Channel({ wire, clock }))
      return { peer, consumer, turn: Promise.resolve(), isUsed: false }
    } catch (error) {
      this.#forget(peer)
      if (error instanceof DrystoneError) return undefined
      throw error
    }
  }

  /** Asks one holder for what is not found yet between `from` and `to`, when its turn comes. */
  #ask(holder: Holder, part: Part, options?: CallOptions): Promise<void> {
    const turn = holder.turn.then(() => this.#askNow(holder, part, options))
    holder.turn = turn.catch(() => {})
    return turn
  }

  async #askNow(holder: Holder, part: Part, options?: CallOptions): Promise<void> {
    const { scope, hashes, found, from, to } = part
    const wanted = [...hashes.keys()].slice(from, to).filter((i) => found[i] === undefined)
    if (wanted.length === 0) return
    try {
      let next = 0
      const asked = wanted.slice(0, WANTED_MAX).map((i) => hashes[i] as Hash)
      for await (const stored of holder.consumer.get(scope, asked, options)) {
        const i = wanted[next++] as number
        if (stored === undefined) continue
        this.#check(holder, hashes[i] as Hash, stored)
        found[i] = stored
        holder.isUsed = true
        const id = peerIdText(holder.peer)
        this.fromPeers[id] = (this.fromPeers[id] ?? 0) + stored.body.length
      }
    } catch (error) {
      holder.consumer.abort(error instanceof Error ? error : undefined)
      options?.signal?.throwIfAborted()
      if (!(error instanceof DrystoneError)) throw error
      await this.#again(holder, part, options)
    }
  }

  /** After a failure: an old channel is opened anew; a fresh one that failed is left alone for a while. */
  async #again(holder: Holder, part: Part, options?: CallOptions): Promise<void> {
    const id = toHex(holder.peer)
    // Another request may have opened it anew already.
    const isCurrent = (await this.#holders.get(id)) === holder
    if (isCurrent) this.#holders.delete(id)
    if (this.#isLiar(holder.peer)) return
    if (isCurrent && !holder.isUsed) return this.#forget(holder.peer)
    const anew = await this.#holder(holder.peer, options)
    if (anew !== undefined) await this.#ask(anew, part, options)
  }

  #isLiar(peer: PeerKey): boolean {
    return this.liars.some((lie) => lie.peer === peerIdText(peer))
  }

  #forget(peer: PeerKey): void {
    this.#holders.delete(toHex(peer))
    this.#failedAt.set(toHex(peer), this.#components.clock.monotonic())
  }

  #check({ peer }: Holder, hash: Hash, stored: StoredBlock): void {
    if (unpackBlock(hash, stored) !== undefined) return
    const cid = cidFromHash(DAG_CBOR, hash)
    const lie = new PeerLied(peerIdText(peer), `sent wrong bytes for block ${cid.toString()}`)
    this.liars.push(lie)
    throw lie
  }
}

/** A part of a batch. */
interface Part {
  scope: Scope
  hashes: readonly Hash[]
  /** Filled in as blocks arrive. */
  found: (StoredBlock | undefined)[]
  from: number
  to: number
}
