// Repairing one scope: rounds of asking and putting, until one brings nothing more. What a round puts makes
// room for its parents in the next. A plain block does not say what it refers to, so in the base's scope the
// pages that are here are asked what they take it for.

import {
  BASE_SCOPE,
  DAG_CBOR,
  cidFromHash,
  hashOf,
  toHex,
  type Hash,
  type Scope
} from '../store/block.ts'
import { Malformed } from '../store/errors.ts'
import { childrenOf, type Kind, type Ref } from '../store/links.ts'
import { excuse, mendFromOwn } from '../store/mend.ts'
import type { PeerKey } from '../store/peer.ts'
import { isSealed } from '../store/seal.ts'
import { unpackBlock, type StoredBlock } from '../store/stored.ts'
import { WANTED_MAX } from '../protocol/limits.ts'
import { PAGES_SCOPE } from './base-store.ts'
import { Fetcher } from './fetcher.ts'
import type { RepairOptions, RepairerComponents } from './repairer.ts'

/** One run over one scope. */
export class ScopeRepair {
  readonly #components: RepairerComponents
  readonly #scope: Scope
  readonly #fetcher: Fetcher
  readonly #options: RepairOptions
  /** By hash in hex, in the base's scope: what its parent takes a block for. */
  readonly #kinds = new Map<string, Kind>()
  #learning: Promise<void> | undefined

  constructor(
    components: RepairerComponents,
    { scope, holders }: { scope: Scope; holders: readonly PeerKey[] },
    options: RepairOptions
  ) {
    this.#components = components
    this.#scope = scope
    this.#fetcher = new Fetcher(components, holders)
    this.#options = options
  }

  /** Rounds, until one brings nothing: each puts what the one before has made room for. */
  async run(): Promise<void> {
    try {
      await this.#fromHere()
      for (;;) {
        const noted = await this.#noted()
        if (noted.length === 0) return
        let brought = 0
        for (let at = 0; at < noted.length; at += WANTED_MAX) {
          brought += await this.#bring(noted.slice(at, at + WANTED_MAX))
        }
        await this.#components.store.flush()
        if (brought === 0) return
      }
    } finally {
      await this.#fetcher.close()
    }
  }

  async #noted(): Promise<Hash[]> {
    const all = await this.#components.quarantine.list()
    return all.filter(({ scope }) => scope === this.#scope).map(({ hash }) => hash)
  }

  async #fromHere(): Promise<void> {
    const { store } = this.#components
    const scope = this.#scope
    for (const hash of await this.#noted()) {
      // A disk that did not answer then may answer now.
      if ((await store.get(scope, hash)) !== undefined) continue
      if (scope !== PAGES_SCOPE) await excuse(store, { scope, hash, by: BASE_SCOPE })
    }
    const hashes = await this.#noted()
    if (hashes.length === 0) return
    await mendFromOwn(store, { scope, hashes }, this.#options)
    await store.flush()
  }

  /** Asks for blocks and puts those that have here what they refer to. @returns how many came nearer */
  async #bring(hashes: readonly Hash[]): Promise<number> {
    const { store } = this.#components
    const scope = this.#scope
    let brought = 0
    let i = 0
    for (const stored of await this.#pull(hashes)) {
      const hash = hashes[i++] as Hash
      if (stored === undefined) continue
      const { isComplete, unknown } = await this.#lacking(hash, stored)
      for (const child of unknown) await store.blame(scope, child)
      brought += unknown.length
      if (!isComplete) continue
      await store.putStored(scope, cidFromHash(DAG_CBOR, hash), stored)
      this.#options.onRepaired?.({ scope, hash })
      brought++
    }
    return brought
  }

  async #pull(hashes: readonly Hash[]): Promise<(StoredBlock | undefined)[]> {
    const { own, signal } = this.#options
    const asked = this.#scope === PAGES_SCOPE ? [BASE_SCOPE, own] : [this.#scope]
    const found = new Array<StoredBlock | undefined>(hashes.length)
    for (const scope of asked) {
      const left = [...hashes.keys()].filter((i) => found[i] === undefined)
      if (scope === undefined || left.length === 0) continue
      const wanted = left.map((i) => hashes[i] as Hash)
      let at = 0
      for await (const stored of this.#fetcher.pull(scope, wanted, { signal })) {
        found[left[at++] as number] = stored
      }
    }
    return found
  }

  /** Whether all that a block refers to is here and whole; and what is not, though nobody knew. */
  async #lacking(
    hash: Hash,
    stored: StoredBlock
  ): Promise<{ isComplete: boolean; unknown: Hash[] }> {
    const bytes = unpackBlock(hash, stored)
    if (bytes === undefined || this.#scope === PAGES_SCOPE) return { isComplete: true, unknown: [] }
    const { store } = this.#components
    const { hashes, areSure } = await this.#childrenOf(hash, bytes)
    const unknown: Hash[] = []
    const isNoted = (child: Hash): Promise<boolean> =>
      this.#components.quarantine.has({ scope: this.#scope, hash: child })
    for await (const child of store.missing(this.#scope, hashes)) {
      const isElsewhere = this.#scope !== BASE_SCOPE && (await store.has(BASE_SCOPE, child))
      if (!isElsewhere && !(await isNoted(child))) unknown.push(child)
    }
    let isComplete = unknown.length === 0
    for (const child of hashes) isComplete &&= !(await isNoted(child))
    return { isComplete, unknown: areSure ? unknown : [] }
  }

  async #childrenOf(hash: Hash, bytes: Uint8Array): Promise<Children> {
    if (this.#scope !== BASE_SCOPE) {
      const refs = isSealed(bytes) ? childrenOf('sealed', bytes) : []
      return { hashes: refs.map((child) => child.hash), areSure: true }
    }
    const { kind, areSure } = await this.#kindOf(hash, bytes)
    const refs = childrenOf(kind, bytes)
    if (areSure) for (const ref of refs) this.#note(ref)
    return { hashes: refs.map((child) => child.hash), areSure }
  }

  /**
   * A plain block does not say what it is; its parent does. Where no parent is known, what looks like a page
   * may be a file that holds the bytes of one: then nobody is blamed for what it seems to lack.
   */
  async #kindOf(hash: Hash, bytes: Uint8Array): Promise<{ kind: Kind; areSure: boolean }> {
    const looks = (['directory', 'list'] as const).find((kind) => isLike(kind, bytes))
    if (looks === undefined) return { kind: 'chunk', areSure: true }
    this.#learning ??= this.#learnKinds()
    await this.#learning
    const known = this.#kinds.get(toHex(hash))
    return { kind: known ?? looks, areSure: known !== undefined }
  }

  /** What the pages that are here take their children for. */
  async #learnKinds(): Promise<void> {
    const { store, bases } = this.#components
    const waiting = bases.list().map(({ root }): Ref => ({ hash: hashOf(root), kind: 'directory' }))
    const seen = new Set<string>()
    for (const ref of waiting) this.#note(ref)
    for (let ref = waiting.pop(); ref !== undefined; ref = waiting.pop()) {
      this.#options.signal?.throwIfAborted()
      if (seen.has(toHex(ref.hash))) continue
      seen.add(toHex(ref.hash))
      const bytes = await store.get(BASE_SCOPE, ref.hash)
      if (bytes === undefined || !isLike(ref.kind, bytes)) continue
      for (const child of childrenOf(ref.kind, bytes)) {
        if (child.kind !== 'chunk') waiting.push(child)
        if (child.kind !== 'chunk' || !(await store.has(BASE_SCOPE, child.hash))) this.#note(child)
      }
    }
  }

  /** Of a file that holds the bytes of a page that is one too, more is asked. */
  #note({ hash, kind }: Ref): void {
    const key = toHex(hash)
    if (kind !== 'chunk' || !this.#kinds.has(key)) this.#kinds.set(key, kind)
  }
}

interface Children {
  hashes: Hash[]
  /** False where the block may be something that has none. */
  areSure: boolean
}

function isLike(kind: Kind, bytes: Uint8Array): boolean {
  try {
    childrenOf(kind, bytes)
    return true
  } catch (error) {
    if (error instanceof Malformed) return false
    throw error
  }
}
