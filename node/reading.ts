// Readings: a state that is opened for a while, to look at it or to restore from it. Blocks come from here
// where they are here, else from the holders; a reading remembers who gave how much.

import { BASE_SCOPE, RAW, hashOf, type CID, type Hash, type Scope } from '../store/block.ts'
import type { Blockstore } from '../store/blockstore.ts'
import {
  BodyStateReader,
  openBodies,
  type BodyReader,
  type Keyring,
  type StateReader
} from '../store/reader.ts'
import { firstOf, getMany, type GetOptions, type Source } from '../store/source.ts'
import { rawBlock, type StoredBlock, type StoredPlace } from '../store/stored.ts'
import { PAGES_SCOPE } from './base-store.ts'
import type { Fetcher } from './fetcher.ts'

export interface ReadingComponents {
  store: Blockstore
  fetcher: Fetcher
}

export interface ReadingInit {
  /** The endpoint's scope; absent for a base. */
  scope?: Scope | undefined
  keyring?: Keyring | undefined
  /** Keep what is fetched here, for the next time: only where no chunk is read. */
  remember?: boolean
}

export class Reading {
  readonly source: Source
  readonly bodies: BodyReader
  readonly reader: StateReader
  readonly #components: ReadingComponents

  constructor(components: ReadingComponents, init: ReadingInit) {
    this.#components = components
    this.source = sourceOf(components, init)
    this.bodies = openBodies(this.source, init.keyring)
    this.reader = new BodyStateReader(this.bodies)
  }

  /**
   * Chunks in the order asked. Those of a base that lie here are given as they lie, unproved, and are smaller
   * so; all others are opened.
   */
  chunks(cids: readonly CID[], options?: GetOptions): Promise<StoredBlock[]> {
    const { store } = this.#components
    return this.#lyingOr(cids, (hash) => store.getStored(BASE_SCOPE, hash), options)
  }

  /** The same for who may read the store's files: only where they lie. */
  places(cids: readonly CID[], options?: GetOptions): Promise<(StoredBlock | StoredPlace)[]> {
    const { store } = this.#components
    return this.#lyingOr<StoredPlace>(cids, (hash) => store.place(BASE_SCOPE, hash), options)
  }

  async #lyingOr<T>(
    cids: readonly CID[],
    look: (hash: Hash) => Promise<T | undefined>,
    options?: GetOptions
  ): Promise<(T | StoredBlock)[]> {
    const lying = async (cid: CID): Promise<T | undefined> => {
      return cid.code === RAW ? look(hashOf(cid)) : undefined
    }
    const found = await Promise.all(cids.map(lying))
    const others = cids.filter((_, i) => found[i] === undefined)
    const opened = others.length === 0 ? [] : await this.bodies.bodies('chunk', others, options)
    let next = 0
    return found.map((stored) => stored ?? rawBlock(opened[next++] as Uint8Array))
  }

  get fromPeers(): Record<string, number> {
    return this.#components.fetcher.fromPeers
  }

  get fetchedBytes(): number {
    return Object.values(this.fromPeers).reduce((sum, bytes) => sum + bytes, 0)
  }

  close(): Promise<void> {
    return this.#components.fetcher.close()
  }
}

/** Where the blocks of a state come from, nearest first. */
function sourceOf({ store, fetcher }: ReadingComponents, { scope, remember }: ReadingInit): Source {
  const scopes = scope === undefined ? [BASE_SCOPE] : [scope, BASE_SCOPE]
  const local = firstOf(...[...scopes, PAGES_SCOPE].map((each) => store.source(each)))
  const remote = firstOf(...scopes.map((each) => only(each, fetcher.source(each))))
  return firstOf(local, remember === true ? remembering(store, remote) : remote)
}

/** A raw block is the base's, so nobody is asked for one among an endpoint's. */
function only(scope: Scope, source: Source): Source {
  if (scope === BASE_SCOPE) return source
  return {
    get: async (cid, options) => (cid.code === RAW ? undefined : source.get(cid, options)),
    async getMany(cids, options) {
      const sealed = cids.filter(({ code }) => code !== RAW)
      const found = sealed.length === 0 ? [] : await getMany(source, sealed, options)
      let i = 0
      return cids.map(({ code }) => (code === RAW ? undefined : found[i++]))
    }
  }
}

function remembering(store: Blockstore, source: Source): Source {
  return {
    async get(cid: CID, options) {
      const bytes = await source.get(cid, options)
      if (bytes !== undefined) await store.put(PAGES_SCOPE, cid, bytes)
      return bytes
    }
  }
}
