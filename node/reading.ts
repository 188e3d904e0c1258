// Readings: a state that is opened for a while, to look at it or to restore from it. Blocks come from here
// where they are here, else from the holders; a reading remembers who gave how much.

import { BASE_SCOPE, RAW, type CID, type Scope } from '../store/block.ts'
import type { Blockstore } from '../store/blockstore.ts'
import {
  BodyStateReader,
  openBodies,
  type BodyReader,
  type Keyring,
  type StateReader
} from '../store/reader.ts'
import { firstOf, getMany, type Source } from '../store/source.ts'
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
