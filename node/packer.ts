// The packer: a file in, blocks out. Pieces flow read → cut → hash → known? → sink; a chunk that the
// previous version of the file or the base already has costs nothing more than its hash. The fingerprint
// is over every byte that went by, so what is stored is what was read. Who packs is a crew: this file's own
// does it inline; the one in node/threads/ gives the same blocks and counts, and uses every core.

import { createHash, type Hash as HashStream } from 'node:crypto'
import { pipe } from 'it-pipe'
import { sha256, type CID, type Hash } from '../store/block.ts'
import { buildList } from '../store/chunk-list.ts'
import { cut } from '../store/chunker.ts'
import type { ChunkRef, FileContent } from '../store/entry.ts'
import { needsList } from '../store/page.ts'
import type { Sink } from '../store/sink.ts'
import type { TreeFile } from './tree/tree.ts'

/** Read at once; between two pieces a file may change. */
export const PIECE_BYTES = 1 << 20

/** Where a chunk with this hash is stored already; undefined if it is not. */
export type KnownChunk = (hash: Hash) => CID | undefined

export interface Packed {
  /** SHA-256 of all bytes. */
  fingerprint: Hash
  size: number
  content: FileContent
}

/** A file to be packed. It stays open until its packing has ended, either way. */
export interface PackJob {
  file: TreeFile
  /** As it was seen, for planning only. */
  size: number
  known: KnownChunk
}

/** Packs files for one sink. */
export interface Crew {
  /** How many files should be under way, so that there is work for every hand. */
  readonly ahead: number
  /** @throws {Unreadable} and whatever the sink throws */
  pack(job: PackJob): Promise<Packed>
  /** Called once, when no more files come; what has not ended fails. */
  stop(): Promise<void>
}

/** Gathers a crew for a sink. When `signal` aborts, whatever the crew has not packed fails. */
export type OpenCrew = (sink: Sink, options: { signal?: AbortSignal | undefined }) => Crew

/** Enough that one file is stored while the next is read. */
const INLINE_AHEAD = 8

export const inlineCrew: OpenCrew = (sink) => ({
  ahead: INLINE_AHEAD,
  pack: ({ file, known }) => packFile(file, sink, known),
  stop: async () => {}
})

/** Reads an open file to its end, and stores what is not known yet. */
export async function packFile(file: TreeFile, sink: Sink, known: KnownChunk): Promise<Packed> {
  return packBytes(readPieces(file), sink, known)
}

/** The same for any stream of bytes. */
export async function packBytes(
  source: AsyncIterable<Uint8Array>,
  sink: Sink,
  known: KnownChunk
): Promise<Packed> {
  const fingerprint = new Fingerprint()
  const chunks: ChunkRef[] = []
  await pipe(
    source,
    cut,
    (pieces: AsyncIterable<Uint8Array>) => fingerprint.follow(pieces),
    (hashed: AsyncIterable<HashedChunk>) => storeChunks(hashed, sink, known),
    async (stored: AsyncIterable<ChunkRef>) => {
      for await (const chunk of stored) chunks.push(chunk)
    }
  )
  return describePacked(chunks, fingerprint.digest(), sink)
}

/** What a file's chunks, all of them stored, make it. */
export async function describePacked(
  chunks: ChunkRef[],
  fingerprint: Hash,
  sink: Sink
): Promise<Packed> {
  const size = chunks.reduce((sum, { length }) => sum + length, 0)
  return { fingerprint, size, content: await contentOf(chunks, sink) }
}

async function contentOf(chunks: ChunkRef[], sink: Sink): Promise<FileContent> {
  if (!needsList(chunks)) return { chunks }
  return { list: await buildList(chunks, ({ body, links }) => sink.put('list', body, links)) }
}

async function* readPieces(file: TreeFile): AsyncGenerator<Uint8Array> {
  for (;;) {
    const piece = await file.read(PIECE_BYTES)
    if (piece.length === 0) return
    yield piece
  }
}

interface HashedChunk {
  bytes: Uint8Array
  hash: Hash
}

/** Hashes chunks and the whole; a file of one chunk is hashed once, since both are the same. */
class Fingerprint {
  #whole: HashStream | undefined
  #first: HashedChunk | undefined

  async *follow(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<HashedChunk> {
    for await (const bytes of chunks) {
      const chunk = { bytes, hash: sha256(bytes) }
      if (this.#first === undefined) {
        this.#first = chunk
      } else {
        this.#whole ??= createHash('sha256').update(this.#first.bytes)
        this.#whole.update(bytes)
      }
      yield chunk
    }
  }

  digest(): Hash {
    if (this.#whole !== undefined) return new Uint8Array(this.#whole.digest())
    return this.#first?.hash ?? sha256(new Uint8Array())
  }
}

async function* storeChunks(
  chunks: AsyncIterable<HashedChunk>,
  sink: Sink,
  known: KnownChunk
): AsyncGenerator<ChunkRef> {
  for await (const { bytes, hash } of chunks) {
    const cid = known(hash) ?? (await sink.put('chunk', bytes, []))
    yield { cid, length: bytes.length, hash }
  }
}
