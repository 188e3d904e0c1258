// The reader of states: opens the blocks of one tree, plain or sealed, as the type that their parent says
// they are, and no other. It proves what it returns: a sealed block's links are the references in its
// body, a chunk has the hash and length that its reference promises.

import { RAW, hashOf, sha256, type CID, type Hash } from './block.ts'
import { decodeList, listLinks, type ChunkList } from './chunk-list.ts'
import { decodeDirectory, type DirectoryBlock } from './directory.ts'
import type { ChunkRef, Entry } from './entry.ts'
import { BlockDamaged, Malformed, NotOpened } from './errors.ts'
import { Page } from './page.ts'
import { isSealed, unseal, type BlockType, type Keyring } from './seal.ts'
import { demand, demandMany, type GetOptions, type Source } from './source.ts'
import { rawBlock, type StoredBlock, type StoredPlace } from './stored.ts'

export type { Keyring }

/** Opens the blocks of states. @throws {BlockMissing} @throws {NotOpened} @throws {Malformed} */
export interface StateReader {
  /** The root directory's own entry, under the empty name. */
  top(root: CID, options?: GetOptions): Promise<Entry>
  directory(cid: CID, options?: GetOptions): Promise<DirectoryBlock>
  list(cid: CID, options?: GetOptions): Promise<ChunkList>
  /** The bytes of a chunk, checked against the reference. */
  chunk(ref: ChunkRef, options?: GetOptions): Promise<Uint8Array>
  /** Chunks as they lie, in the order asked, unproved: who unpacks them holds them to their references. */
  stored(refs: readonly ChunkRef[], options?: GetOptions): Promise<StoredBlock[]>
  /** The same, but only where they lie, of those that this process may read itself. */
  places?(refs: readonly ChunkRef[], options?: GetOptions): Promise<(StoredBlock | StoredPlace)[]>
}

/** Gives the body of a block that was opened as a type; what a StateReader stands on. */
export interface BodyReader {
  body(type: BlockType, cid: CID, options?: GetOptions): Promise<Uint8Array>
  /** The same for several blocks of one type at once, in the order asked. */
  bodies(type: BlockType, cids: readonly CID[], options?: GetOptions): Promise<Uint8Array[]>
}

/** Reads bodies from a Source with the keys at hand; a base needs none. */
export function openBodies(source: Source, keys: Keyring = new Map()): BodyReader {
  return {
    body: async (type, cid, options) =>
      openBody({ type, cid, bytes: await demand(source, cid, options) }, keys),
    async bodies(type, cids, options) {
      const blocks = await demandMany(source, cids, options)
      return cids.map((cid, i) => openBody({ type, cid, bytes: blocks[i] as Uint8Array }, keys))
    }
  }
}

/** The body of a block that was verified, opened as the type that its parent says. */
function openBody(
  { type, cid, bytes }: { type: BlockType; cid: CID; bytes: Uint8Array },
  keys: Keyring
): Uint8Array {
  if (cid.code === RAW) {
    if (type !== 'chunk') throw new Malformed(`a raw block stands where a ${type} should`)
    return bytes
  }
  if (!isSealed(bytes)) {
    if (type === 'chunk') throw new Malformed('a plain page stands where a chunk should')
    return bytes
  }
  const { body, links } = unseal(keys, type, bytes)
  checkLinks(type, body, links)
  return body
}

/** The links in the clear, by which keepers walk, must be exactly what the content refers to. */
function checkLinks(type: BlockType, body: Uint8Array, links: readonly Hash[]): void {
  const referred = new Set(references(type, body).map((cid) => key(hashOf(cid))))
  if (links.length !== referred.size || !links.every((link) => referred.has(key(link)))) {
    throw new NotOpened(`the links of a ${type} are not what it refers to`)
  }
}

function key(hash: Hash): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString('latin1')
}

/** Every address that a block's body refers to. @throws {Malformed} */
export function references(type: BlockType, body: Uint8Array): CID[] {
  if (type === 'chunk') return []
  if (type === 'list') return listLinks(decodeList(body))
  const block = decodeDirectory(body)
  if ('node' in block) return block.node.map(({ cid }) => cid)
  return [...block.page.addresses()]
}

/** Decodes bodies; keeps the directory blocks it read last, since walks return to them. */
export class BodyStateReader implements StateReader {
  readonly #bodies: BodyReader
  /** The oldest comes first. */
  readonly #recent = new Map<string, { block: DirectoryBlock; bytes: number }>()
  readonly #recentMax: number
  #recentBytes = 0

  /** @param init.recentBytes how much of such blocks is kept. */
  constructor(bodies: BodyReader, { recentBytes = DEFAULT_RECENT_BYTES } = {}) {
    this.#bodies = bodies
    this.#recentMax = recentBytes
  }

  async top(root: CID, options?: GetOptions): Promise<Entry> {
    const page = new Page(await this.#bodies.body('top', root, options))
    const entry = page.length === 1 ? page.entry(0) : undefined
    if (entry?.name.length !== 0 || entry.type !== 'directory')
      throw new Malformed('a state does not have exactly one root')
    return entry
  }

  async directory(cid: CID, options?: GetOptions): Promise<DirectoryBlock> {
    const id = cid.toString()
    const known = this.#recent.get(id)
    if (known !== undefined) return known.block
    const body = await this.#bodies.body('page', cid, options)
    const block = decodeDirectory(body)
    if ('page' in block && block.page.length > 0 && block.page.name(0).length === 0)
      throw new Malformed('the top of a state stands where a directory should')
    this.#keep(id, { block, bytes: body.length })
    return block
  }

  #keep(id: string, kept: { block: DirectoryBlock; bytes: number }): void {
    this.#recentBytes += kept.bytes - (this.#recent.get(id)?.bytes ?? 0)
    this.#recent.set(id, kept)
    for (const [oldest, { bytes }] of this.#recent) {
      if (this.#recentBytes <= this.#recentMax) break
      this.#recent.delete(oldest)
      this.#recentBytes -= bytes
    }
  }

  async list(cid: CID, options?: GetOptions): Promise<ChunkList> {
    return decodeList(await this.#bodies.body('list', cid, options))
  }

  async chunk(ref: ChunkRef, options?: GetOptions): Promise<Uint8Array> {
    return checkChunk(ref, await this.#bodies.body('chunk', ref.cid, options))
  }

  async stored(refs: readonly ChunkRef[], options?: GetOptions): Promise<StoredBlock[]> {
    const cids = refs.map(({ cid }) => cid)
    return (await this.#bodies.bodies('chunk', cids, options)).map(rawBlock)
  }
}

/** @throws {BlockDamaged} if the bytes are not what the reference promises. */
function checkChunk(ref: ChunkRef, bytes: Uint8Array): Uint8Array {
  const right = bytes.length === ref.length && Buffer.compare(sha256(bytes), ref.hash) === 0
  if (!right) throw new BlockDamaged(ref.cid.toString())
  return bytes
}

const DEFAULT_RECENT_BYTES = 1 << 20
