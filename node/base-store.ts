// The base's blocks on this computer: whole, where it keeps or publishes the base, or only its pages, where
// it has the base installed and needs to know what is in it. Pages without chunks lie in a scope of their
// own, so that a block in the base's scope always has everything below it.

import { BASE_SCOPE, DAG_CBOR, RAW, cidFromHash, hashOf, toHex } from '../store/block.ts'
import type { CID, Hash, Scope } from '../store/block.ts'
import type { Base } from '../store/base.ts'
import type { Blockstore } from '../store/blockstore.ts'
import { readFile, writeFile, type Disk } from '../store/disk.ts'
import type { PeerKey } from '../store/peer.ts'
import { BlockMissing, Malformed } from '../store/errors.ts'
import type { Ref } from '../store/links.ts'
import { BodyStateReader, openBodies } from '../store/reader.ts'
import { firstOf, type Source } from '../store/source.ts'
import type { Clock } from '../store/clock.ts'
import type { CallOptions, Network } from '../protocol/network.ts'
import { labelOf, type Bases } from './bases.ts'
import { fill, plainClosure, type FillCount } from './closure.ts'
import { Fetcher } from './fetcher.ts'
import { HashList } from './hash-list.ts'
import type { Members } from './mesh/members.ts'
import { proveState } from './prover.ts'

/** Pages of bases, without their chunks. */
export const PAGES_SCOPE: Scope = 'pages'
const LIST_BYTES_MAX = 1 << 30

export interface BaseStoreComponents {
  disk: Disk
  store: Blockstore
  network: Network
  clock: Clock
  members: Members
  bases: Bases
}

export interface Brought extends FillCount {
  fromPeers: Record<string, number>
}

export interface BringOptions extends CallOptions {
  onBlock?: ((bytes: number) => void) | undefined
}

export class BaseStore {
  readonly #components: BaseStoreComponents

  constructor(components: BaseStoreComponents) {
    this.#components = components
  }

  /** True if everything that the base reaches is here; false also where damage leaves that open. */
  async hasWhole({ root }: Base): Promise<boolean> {
    const { store } = this.#components
    return (await store.has(BASE_SCOPE, hashOf(root))) && (await store.isWhole(BASE_SCOPE))
  }

  async hasPages(base: Base): Promise<boolean> {
    const { store } = this.#components
    if (await this.hasWhole(base)) return true
    return (await store.has(PAGES_SCOPE, hashOf(base.root))) && store.isWhole(PAGES_SCOPE)
  }

  /** Brings the whole base here, durably. @throws {BlockMissing} */
  async bringWhole(base: Base, options: BringOptions = {}): Promise<Brought> {
    return this.#bring(base, { scope: BASE_SCOPE, pagesOnly: false }, options)
  }

  /** Brings the base's pages here, durably. @throws {BlockMissing} */
  async bringPages(base: Base, options: BringOptions = {}): Promise<Brought> {
    if (await this.hasPages(base)) return { blocks: 0, bytes: 0, fromPeers: {} }
    return this.#bring(base, { scope: PAGES_SCOPE, pagesOnly: true }, options)
  }

  /** Base blocks as they are here, without asking anybody. */
  localSource(): Source {
    const { store } = this.#components
    return firstOf(store.source(BASE_SCOPE), store.source(PAGES_SCOPE))
  }

  /** Who may hold base blocks: those with a receipt first, then every storage peer and signer. */
  holders(base: Base | undefined): PeerKey[] {
    const { bases, members } = this.#components
    const all = [
      ...(base === undefined ? [] : bases.holders(base.id)),
      ...members.withRole('storage').map(({ peer }) => peer),
      ...(base === undefined ? [] : [...base.signers].map((hex) => Buffer.from(hex, 'hex')))
    ]
    return all.filter((peer, i) => all.findIndex((other) => toHex(other) === toHex(peer)) === i)
  }

  /** The hashes of the base's chunks, sorted; from a file that is made on first need. */
  async chunkHashes(base: Base): Promise<HashList> {
    const { disk } = this.#components
    const path = `base-chunks/${toHex(hashOf(base.root))}`
    const kept = await readFile(disk, path, { bytesMax: LIST_BYTES_MAX })
    if (kept !== undefined && kept.length % 32 === 0) return new HashList(kept)
    const list = HashList.from(await this.#collectChunks(base.root))
    await disk.makeDirectory('base-chunks')
    await writeFile(disk, path, list.bytes)
    return list
  }

  /**
   * Sees to it that every block of a base is here, and that they are what was signed. A publisher's root
   * can be here without all it reaches: pages of the parent may refer to chunks that never came.
   *
   * @throws {BlockMissing} if nobody has a block.
   * @throws {Malformed} if the state is another than the record says.
   */
  async makeWhole(base: Base): Promise<{ blocks: number; bytes: number }> {
    if (!(await this.hasWhole(base))) await this.bringWhole(base)
    const size = await this.#sizeOf(base).catch(async (error: unknown) => {
      if (!(error instanceof BlockMissing)) throw error
      await this.bringWhole(base)
      return this.#sizeOf(base)
    })
    const reader = new BodyStateReader(openBodies(this.#components.store.source(BASE_SCOPE)))
    const { root, digest } = base
    const { damaged, missing } = await proveState({ reader, root, digest, deep: false })
    if (missing.length > 0) throw new BlockMissing(root.toString())
    if (damaged.length > 0) {
      throw new Malformed(`base ${labelOf(base)} is not the state that was signed`)
    }
    return size
  }

  /** Blocks, and their bytes at rest. What is not here is noted, so that the next fill walks to it. */
  async #sizeOf({ root }: Base): Promise<{ blocks: number; bytes: number }> {
    const { store } = this.#components
    const size = { blocks: 0, bytes: 0 }
    const get = async (hash: Hash): Promise<Uint8Array | undefined> => {
      const bytes = await store.get(BASE_SCOPE, hash)
      if (bytes === undefined) await store.blame(BASE_SCOPE, hash)
      return bytes
    }
    for await (const { hash } of plainClosure(get, rootRef(root))) {
      const stored = await store.getStored(BASE_SCOPE, hash)
      if (stored === undefined) {
        await store.blame(BASE_SCOPE, hash)
        throw new BlockMissing(cidFromHash(RAW, hash).toString())
      }
      size.blocks++
      size.bytes += stored.body.length
    }
    return size
  }

  async #collectChunks(root: CID): Promise<Hash[]> {
    const source = this.localSource()
    const chunks: Hash[] = []
    const get = (hash: Hash): Promise<Uint8Array | undefined> =>
      source.get(cidFromHash(DAG_CBOR, hash))
    for await (const { hash, kind } of plainClosure(get, rootRef(root))) {
      if (kind === 'chunk') chunks.push(hash)
    }
    return chunks
  }

  async #bring(
    base: Base,
    { scope, pagesOnly }: { scope: Scope; pagesOnly: boolean },
    { signal, onBlock }: BringOptions
  ): Promise<Brought> {
    const { store } = this.#components
    const fetcher = new Fetcher(this.#components, this.holders(base))
    try {
      const filling = {
        store,
        scope,
        pagesOnly,
        // Whatever scope it is put in here, others serve it from the base's.
        pull: (_: Scope, hashes: readonly Hash[]) => fetcher.pull(BASE_SCOPE, hashes, { signal }),
        ...(onBlock && { onBlock })
      }
      const count = await store.holding(async () => {
        const filled = await fill(filling, [rootRef(base.root)])
        await store.flush()
        return filled
      })
      return { ...count, fromPeers: fetcher.fromPeers }
    } finally {
      await fetcher.close()
    }
  }
}

function rootRef(root: CID): Ref {
  return { hash: hashOf(root), kind: 'directory' }
}
