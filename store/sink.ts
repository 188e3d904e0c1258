// Sinks: the one way to make the blocks of a state. A plain sink stores bodies as they are, for a base
// that members share; a sealed sink seals them, for an endpoint's private content. A parent's body can only
// be made from the addresses of its children, so children are stored first.

import {
  BASE_SCOPE,
  BLOCK_BYTES_MAX,
  DAG_CBOR,
  RAW,
  cidOf,
  hashOf,
  type CID,
  type Hash,
  type Scope
} from './block.ts'
import { Malformed } from './errors.ts'
import { seal, type BlockType, type SealKeys } from './seal.ts'

/** Where a sink's blocks end: the part of a blockstore that it needs. */
export interface BlockTarget {
  has(scope: Scope, hash: Hash): Promise<boolean>
  put(scope: Scope, cid: CID, bytes: Uint8Array): Promise<void>
}

/** What a sink has stored so far that was not there before. */
export interface SinkCount {
  blocks: number
  newBlocks: number
  /** Bytes of new blocks, before compression at rest. */
  newBytes: number
}

export interface Sink {
  readonly scope: Scope
  readonly count: SinkCount
  /**
   * Stores a body as a block of this type; `links` are the hashes of all blocks that it refers to.
   *
   * @throws {Malformed} if it does not fit in one block.
   */
  put(type: BlockType, body: Uint8Array, links: Hash[]): Promise<CID>
}

export function plainSink(store: BlockTarget): Sink {
  const count = { blocks: 0, newBlocks: 0, newBytes: 0 }
  return {
    scope: BASE_SCOPE,
    count,
    async put(type, body) {
      if (body.length > BLOCK_BYTES_MAX) throw new Malformed(`a block of ${body.length} bytes`)
      const cid = cidOf(type === 'chunk' ? RAW : DAG_CBOR, body)
      await putNew({ store, count }, BASE_SCOPE, { cid, bytes: body })
      return cid
    }
  }
}

export function sealedSink(store: BlockTarget, scope: Scope, keys: SealKeys): Sink {
  const count = { blocks: 0, newBlocks: 0, newBytes: 0 }
  return {
    scope,
    count,
    async put(type, body, links) {
      const block = seal(keys, type, body, links)
      await putNew({ store, count }, scope, block)
      return block.cid
    }
  }
}

async function putNew(
  { store, count }: { store: BlockTarget; count: SinkCount },
  scope: Scope,
  { cid, bytes }: { cid: CID; bytes: Uint8Array }
): Promise<void> {
  count.blocks++
  if (await store.has(scope, hashOf(cid))) return
  await store.put(scope, cid, bytes)
  count.newBlocks++
  count.newBytes += bytes.length
}
