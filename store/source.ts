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
  /** The same for several at once, in the order asked, where that saves waiting. */
  getMany?(cids: readonly CID[], options?: GetOptions): Promise<(Uint8Array | undefined)[]>
}

/** Several blocks in the order asked; undefined for one that is not to be had. */
export async function getMany(
  source: Source,
  cids: readonly CID[],
  options?: GetOptions
): Promise<(Uint8Array | undefined)[]> {
  if (source.getMany !== undefined) return source.getMany(cids, options)
  const found: (Uint8Array | undefined)[] = []
  for (const cid of cids) found.push(await source.get(cid, options))
  return found
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
    },
    async getMany(cids, options) {
      const found = new Array<Uint8Array | undefined>(cids.length)
      for (const source of sources) {
        const missing = [...cids.keys()].filter((i) => found[i] === undefined)
        if (missing.length === 0) break
        const wanted = missing.map((i) => cids[i] as CID)
        const given = await getMany(source, wanted, options)
        missing.forEach((i, at) => (found[i] = given[at]))
      }
      return found
    }
  }
}

/** The block, or a failure that names it. @throws {BlockMissing} */
export async function demand(source: Source, cid: CID, options?: GetOptions): Promise<Uint8Array> {
  const bytes = await source.get(cid, options)
  return present(cid, bytes)
}

/** The same for several at once. @throws {BlockMissing} */
export async function demandMany(
  source: Source,
  cids: readonly CID[],
  options?: GetOptions
): Promise<Uint8Array[]> {
  const found = await getMany(source, cids, options)
  return cids.map((cid, i) => present(cid, found[i]))
}

function present(cid: CID, bytes: Uint8Array | undefined): Uint8Array {
  if (bytes !== undefined) return bytes
  throw new BlockMissing(cid.toString(), { next: 'Start a peer that holds it, then try again.' })
}
