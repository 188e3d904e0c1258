// Sinks: the one way to make the blocks of a state. A plain sink stores bodies as they are, for a base
// that members share; a sealed sink seals them, for an endpoint's private content. A parent's body can only
// be made from the addresses of its children, so children are stored first. Chunks may be made into blocks
// elsewhere, such as in another thread, and put here as they are.

import {
  BASE_SCOPE,
  BLOCK_BYTES_MAX,
  DAG_CBOR,
  RAW,
  cidFromHash,
  cidOf,
  hashOf,
  toHex,
  type CID,
  type Hash,
  type Scope
} from './block.ts'
import { Malformed } from './errors.ts'
import { seal, type BlockType, type SealKeys } from './seal.ts'
import { packBlock, type StoredBlock } from './stored.ts'

/** Where a sink's blocks end: the part of a blockstore that it needs. */
export interface BlockTarget {
  /** In the order of `hashes`. */
  hasEach(scope: Scope, hashes: readonly Hash[]): Promise<boolean[]>
  put(scope: Scope, cid: CID, bytes: Uint8Array): Promise<void>
  /** Puts what is packed and proved already. */
  putPacked(scope: Scope, cid: CID, stored: StoredBlock): Promise<void>
}

/** What a sink has stored so far that was not there before. */
export interface SinkCount {
  blocks: number
  newBlocks: number
  /** Bytes of new blocks, before compression at rest. */
  newBytes: number
}

/** A block ready to be stored. */
export interface PackedBlock {
  cid: CID
  stored: StoredBlock
}

export interface Sink {
  readonly scope: Scope
  readonly count: SinkCount
  /** What chunks are sealed with before they are put; undefined where they stay plain. */
  readonly keys: SealKeys | undefined
  /**
   * Stores a body as a block of this type; `links` are the hashes of all blocks that it refers to.
   *
   * @throws {Malformed} if it does not fit in one block.
   */
  put(type: BlockType, body: Uint8Array, links: Hash[]): Promise<CID>
  /**
   * For each chunk with such a hash its address, if it is stored already: then it counts as put. Undefined
   * where it is not, or cannot be told before it is sealed.
   */
  findChunks(hashes: readonly Hash[]): Promise<(CID | undefined)[]>
  /** Stores blocks of chunks, as packChunk made them. Their bodies are not touched once it resolves. */
  putPacked(blocks: readonly PackedBlock[]): Promise<void>
}

/**
 * The block of a chunk, sealed with `keys` or plain, as a sink with these keys would store it. Works on
 * nothing but what it is given, so any thread may do it.
 *
 * @throws {Malformed} if it does not fit in one block.
 */
export function packChunk(bytes: Uint8Array, hash: Hash, keys: SealKeys | undefined): PackedBlock {
  if (keys === undefined) {
    return { cid: cidFromHash(RAW, hash), stored: packBlock(bytes, { compress: true }) }
  }
  const { cid, bytes: sealed } = seal(keys, 'chunk', bytes, [])
  return { cid, stored: packBlock(sealed, { compress: false }) }
}

export function plainSink(store: BlockTarget): Sink {
  const putting = new Putting(store, BASE_SCOPE)
  return {
    scope: BASE_SCOPE,
    count: putting.count,
    keys: undefined,
    async put(type, body) {
      if (body.length > BLOCK_BYTES_MAX) throw new Malformed(`a block of ${body.length} bytes`)
      const cid = cidOf(type === 'chunk' ? RAW : DAG_CBOR, body)
      return putting.put(cid, body.length, () => store.put(BASE_SCOPE, cid, body))
    },
    async findChunks(hashes) {
      const present = await store.hasEach(BASE_SCOPE, hashes)
      const found = hashes.map((hash, i) => (present[i] ? cidFromHash(RAW, hash) : undefined))
      putting.count.blocks += found.filter((each) => each !== undefined).length
      return found
    },
    putPacked: (blocks) => putting.putPacked(blocks)
  }
}

export function sealedSink(store: BlockTarget, scope: Scope, keys: SealKeys): Sink {
  const putting = new Putting(store, scope)
  return {
    scope,
    count: putting.count,
    keys,
    async put(type, body, links) {
      const { cid, bytes } = seal(keys, type, body, links)
      return putting.put(cid, bytes.length, () => store.put(scope, cid, bytes))
    },
    findChunks: async (hashes) => hashes.map(() => undefined),
    putPacked: (blocks) => putting.putPacked(blocks)
  }
}

/** Stores what is not there, each block once, and counts. */
class Putting {
  readonly count: SinkCount = { blocks: 0, newBlocks: 0, newBytes: 0 }
  readonly #store: BlockTarget
  readonly #scope: Scope
  /** Under way, by hash in hex: whoever puts the same waits for it, and does not count it as new. */
  readonly #running = new Map<string, Promise<void>>()

  constructor(store: BlockTarget, scope: Scope) {
    this.#store = store
    this.#scope = scope
  }

  async putPacked(blocks: readonly PackedBlock[]): Promise<void> {
    const hashes = blocks.map(({ cid }) => hashOf(cid))
    const present = await this.#store.hasEach(this.#scope, hashes)
    const putting = blocks.map(async ({ cid, stored }, i) => {
      const length = stored.plainLength
      if (present[i] === true) this.count.blocks++
      else await this.#once(cid, length, () => this.#store.putPacked(this.#scope, cid, stored))
    })
    await Promise.all(putting)
  }

  async put(cid: CID, length: number, store: () => Promise<void>): Promise<CID> {
    await this.#once(cid, length, async () => {
      const [isThere] = await this.#store.hasEach(this.#scope, [hashOf(cid)])
      return isThere === true ? false : store()
    })
    return cid
  }

  /** Runs `store`, which gives false for what is there already, unless it runs for this block. */
  async #once(cid: CID, length: number, store: () => Promise<void | false>): Promise<void> {
    this.count.blocks++
    const key = toHex(hashOf(cid))
    const running = this.#running.get(key)
    if (running !== undefined) return running
    const storing = store()
      .then((stored) => {
        if (stored === false) return
        this.count.newBlocks++
        this.count.newBytes += length
      })
      .finally(() => this.#running.delete(key))
    this.#running.set(key, storing)
    return storing
  }
}
