// The placer: gives files their content. Chunks come through the feed as they lie, and are unpacked,
// proved and written by a hand: a thread of its own where there is much to do, else here. Nothing gets its
// name unless every byte is what its entry promises. What a hand cannot do is done again here, block by
// block from wherever it can be had: so a failure is named in one place only.

import type { Hash } from '../store/block.ts'
import type { ChunkRef, Entry } from '../store/entry.ts'
import { BlockDamaged, DrystoneError } from '../store/errors.ts'
import type { StateReader } from '../store/reader.ts'
import { unpackBlock, type StoredBlock, type StoredPlace } from '../store/stored.ts'
import { fileChunks } from '../store/tree.ts'
import { Feed } from './feed.ts'
import { writeSparse } from './sparse.ts'
import { isTemporary, showPath } from './tree/path.ts'
import type { TreeFileWriter, TreeMetadata, TreePath, TreeWriter } from './tree/tree.ts'
import { WholeHash } from './whole-hash.ts'

/** Chunks of one file that are brought while an earlier one is written. */
const AHEAD = 16
/** A few small files are back before a thread would run. */
const LITTLE_BYTES = 8 << 20

/** A file that a hand has begun. */
export interface HandFile {
  /** Resolves when the block is written, or dropped; what goes wrong shows at the end. */
  write(hash: Hash, stored: StoredBlock | StoredPlace): Promise<void>
  /** What could not be set; undefined if the file could not be placed, and then nothing is left of it. */
  commit(): Promise<string[] | undefined>
  /** No more of it comes. */
  discard(): void
}

/** Unpacks, proves and writes, beside this thread. */
export interface Hand {
  /** Bytes and files that it was given and has not written, in bytes. */
  readonly backlog: number
  begin(file: { to: TreePath; hash: Hash; metadata: TreeMetadata }): HandFile
  /** Resolves when it touches nothing any more. */
  end(): Promise<void>
}

/** Hands that write below the same root as a writer. Called once there is enough to do. */
export type OpenHands = () => Hand[]

export interface PlacerInit {
  reader: StateReader
  writer: TreeWriter
  openHands?: OpenHands | undefined
  signal?: AbortSignal | undefined
  /** So much is written here before there are hands. */
  littleBytes?: number | undefined
}

/** A chunk on its way. */
interface Coming<T> {
  ref: ChunkRef
  stored: Promise<T>
}

export class Placer {
  readonly #init: PlacerInit
  /** For hands, which read from the store's files themselves where they may. */
  readonly #places: Feed<StoredBlock | StoredPlace>
  readonly #blocks: Feed<StoredBlock>
  #bytes = 0
  #hands: Hand[] | undefined

  constructor(init: PlacerInit) {
    this.#init = init
    const { reader, signal } = init
    this.#blocks = new Feed((refs, options) => reader.stored(refs, options), { signal })
    this.#places = new Feed(
      (refs, options) => (reader.places ?? reader.stored).call(reader, refs, options),
      { signal }
    )
  }

  /**
   * Makes a file, in the place of one that stands there. @returns what could not be set
   *
   * @throws {NotWritable} @throws {DiskFull} @throws {BlockMissing} @throws {BlockDamaged}
   */
  async place(entry: Entry, to: TreePath): Promise<string[]> {
    const hands = this.#handsFor(entry, to)
    const placed = hands.length === 0 ? undefined : await this.#byHand(hands, entry, to)
    return placed ?? this.#here(entry, to)
  }

  /** Called once, when nothing is under way any more. */
  async close(): Promise<void> {
    await Promise.all((this.#hands ?? []).map((hand) => hand.end()))
  }

  /** None where there is little to do. */
  #handsFor({ size }: Entry, to: TreePath): readonly Hand[] {
    this.#bytes += size
    // A name like that of a file which is not whole: only the writer itself knows it from one.
    if (this.#bytes <= (this.#init.littleBytes ?? LITTLE_BYTES) || isTemporary(to)) return []
    this.#hands ??= this.#init.openHands?.() ?? []
    return this.#hands
  }

  async #byHand(hands: readonly Hand[], entry: Entry, to: TreePath): Promise<string[] | undefined> {
    const about = { to, hash: entry.hash as Hash, metadata: metadataOf(entry) }
    let file: HandFile | undefined
    // No file is opened before there is something to write: many wait for their chunks at a time.
    const begun = (): HandFile => (file ??= leastBusy(hands).begin(about))
    try {
      for await (const { ref, stored } of this.#chunks(entry, this.#places)) {
        const release = (): void => this.#places.release(ref)
        const written = stored.then((block) => begun().write(ref.hash, block))
        written.then(release, release)
        // Here the next chunk waits its turn; when it is written, is for the room alone.
        await stored
      }
      return await begun().commit()
    } catch (error) {
      file?.discard()
      this.#init.signal?.throwIfAborted()
      if (error instanceof DrystoneError) return undefined
      throw error
    }
  }

  async #here(entry: Entry, to: TreePath): Promise<string[]> {
    const { writer } = this.#init
    const whole = new WholeHash(entry.hash as Hash)
    let file: TreeFileWriter | undefined
    try {
      for await (const coming of this.#chunks(entry, this.#blocks)) {
        const { ref } = coming
        try {
          const bytes = await this.#proved(coming)
          whole.add(ref.hash, bytes)
          file ??= await writer.createFile(to)
          await writeSparse(file, bytes)
        } finally {
          this.#blocks.release(ref)
        }
      }
      if (!whole.isRight()) throw new BlockDamaged(showPath(to))
      file ??= await writer.createFile(to)
      return await file.commit(metadataOf(entry))
    } catch (error) {
      await file?.discard()
      throw error
    }
  }

  /** A chunk that is what its reference promises, from somebody else if need be. */
  async #proved({ ref, stored }: Coming<StoredBlock>): Promise<Uint8Array> {
    const { reader, signal } = this.#init
    const block = await stored.catch((error: unknown) => {
      if (!(error instanceof DrystoneError)) throw error
    })
    const bytes = block && unpackBlock(ref.hash, block)
    if (bytes?.length === ref.length) return bytes
    return reader.chunk(ref, { signal })
  }

  /** The chunks of a file in order, each asked for some time before it is its turn. */
  async *#chunks<T extends { plainLength: number }>(
    entry: Entry,
    feed: Feed<T>
  ): AsyncGenerator<Coming<T>> {
    const { reader, signal } = this.#init
    const coming: Coming<T>[] = []
    try {
      for await (const ref of fileChunks(reader, entry, { signal })) {
        coming.push({ ref, stored: feed.take(ref) })
        // What is yielded is its taker's to give back.
        if (coming.length === AHEAD) yield coming.shift() as Coming<T>
      }
      while (coming.length > 0) yield coming.shift() as Coming<T>
    } finally {
      for (const { ref, stored } of coming) {
        const release = (): void => feed.release(ref)
        stored.then(release, release)
      }
    }
  }
}

function leastBusy(hands: readonly Hand[]): Hand {
  return hands.reduce((a, b) => (b.backlog < a.backlog ? b : a))
}

/** What an entry says that is set on its file. */
export function metadataOf(entry: Entry): TreeMetadata {
  const { type, mode, uid, gid, mtimeNs, xattrs = [] } = entry
  return { type, mode, uid, gid, mtimeNs, xattrs }
}
