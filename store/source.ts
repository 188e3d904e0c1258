// Source: the one way to obtain a block. A peer's own store, a base's installed files, and other peers
// all implement it, so restore, repair and healing are one code path. Whatever comes out of a Source has
// been verified against its CID: bytes that do not match are never returned.

import { BlockMissing } from './errors.ts'
import type { CID } from './block.ts'

export interface GetOptions {
  signal?: AbortSignal | undefined
}

export interface Source {
  /** The verified bytes of `cid`, or undefined where they are not to be had. */
  get(cid: CID, options?: GetOptions): Promise<Uint8Array | undefined>
}

/** Asks each source in turn; the first that has the block gives it. */
export function firstOf(...sources: readonly Source[]): Source {
  return {
    async get(cid, options) {
      for (const source of sources) {
        const bytes = await source.get(cid, options)
        if (bytes !== undefined) return bytes
      }
      return undefined
    }
  }
}

/** The block, or a failure that names it. @throws {BlockMissing} */
export async function demand(source: Source, cid: CID, options?: GetOptions): Promise<Uint8Array> {
  const bytes = await source.get(cid, options)
  if (bytes === undefined) {
    throw new BlockMissing(cid.toString(), { next: 'Start a peer that holds it, then try again.' })
  }
  return bytes
}
