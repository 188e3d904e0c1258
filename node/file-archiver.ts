// Files on their way into a state: which of them have to be read, and what becomes of those with several
// names. A file is read once, under the first of its names that the walk meets and that can be read; the
// others refer to it.

import type { CID, Hash } from '../store/block.ts'
import type { ChunkRef, Entry, FileContent } from '../store/entry.ts'
import type { StateReader } from '../store/reader.ts'
import { fileChunks, sameMetadata } from '../store/tree.ts'
import type { Crew, KnownChunk } from './packer.ts'
import { isContentKnown, isEntryKnown, type Sight } from './scanner.ts'
import {
  describeSteadily,
  isStillThere,
  readSteadily,
  type Described,
  type SteadyComponents
} from './steady.ts'
import { isSameFile } from './tree/stat.ts'
import type { TreePath } from './tree/tree.ts'

/** A state to compare with. */
export interface Known {
  reader: StateReader
  root: CID
}

/** One name on its way, with the entries it is compared to. */
export interface Place {
  path: TreePath
  sight: Sight
  base: Entry | undefined
}

/** An entry as it was found. */
export interface Seen extends Described {
  /** It is what was there at one moment: not torn, nor carried forward. */
  whole: boolean
}

export interface FileArchiverComponents extends SteadyComponents {
  crew: Crew
  /** The state before: chunks that a file had are not stored again. */
  previous?: Known | undefined
  /** Where the base has a chunk with this hash. */
  inBase?: KnownChunk | undefined
}

/** What reading costs. */
export interface FileCount {
  hashedBytes: number
  /** Of those, bytes of files that lie unchanged in their place in the base. */
  baseHashedBytes: number
}

/** The name under which a file with several names is kept. */
interface FirstName {
  path: TreePath
  entry: Entry
}

export class FileArchiver {
  readonly #components: FileArchiverComponents
  readonly #count: FileCount
  /** Of each file with several names, by device and inode: the first that could be read, of those so far. */
  readonly #links = new Map<string, Promise<FirstName | undefined>>()

  /** @param count goes up as files are read. */
  constructor(components: FileArchiverComponents, count: FileCount) {
    this.#components = components
    this.#count = count
  }

  /** A file, under one of its names. Called in the order of the walk. @throws {Unreadable} */
  look(place: Place): Promise<Seen> {
    return place.sight.stat.links > 1 ? this.#linked(place) : this.#file(place)
  }

  /** Looks at the names of one file one after the other. */
  async #linked(place: Place): Promise<Seen> {
    const { stat } = place.sight
    const id = `${stat.device}:${stat.inode}`
    const earlier = this.#links.get(id)
    const looking = this.#oneOfSeveral(place, earlier)
    const first = looking.then(({ first }) => first).catch(() => earlier)
    this.#links.set(id, first)
    return (await looking).seen
  }

  async #oneOfSeveral(
    place: Place,
    earlier: Promise<FirstName | undefined> | undefined
  ): Promise<{ seen: Seen; first: FirstName | undefined }> {
    const { path, sight } = place
    const { stat } = sight
    const first = await earlier
    if (first !== undefined && (await isStillThere(this.#components.tree, path, stat))) {
      const entry = { ...first.entry, name: sight.name, linkTo: first.path }
      return { seen: { entry, stat, whole: true }, first }
    }
    const seen = await this.#file(place)
    // The others must not refer to what was torn, nor to another file that has taken this name meanwhile.
    const isIt = seen.whole && isSameFile(seen.stat, stat)
    return { seen, first: isIt ? { path, entry: seen.entry } : first }
  }

  async #file({ path, sight, base }: Place): Promise<Seen> {
    if (isEntryKnown(sight)) {
      return { entry: withoutLink(sight.before as Entry), stat: sight.stat, whole: true }
    }
    if (isContentKnown(sight)) {
      const { entry, stat } = await describeSteadily(this.#components, path, sight)
      // Changed meanwhile, it has to be read after all.
      if (stat === sight.stat) {
        return { entry: { ...entry, ...contentOf(sight.before) }, stat, whole: true }
      }
    }
    const known = await this.#knownChunks(sight.before)
    const { packed, entry, stat, whole } = await readSteadily(
      this.#components,
      { path, sight },
      (file) => this.#components.crew.pack({ file, size: sight.stat.size, known })
    )
    const full: Entry = {
      ...entry,
      size: packed.size,
      hash: packed.fingerprint,
      content: packed.content
    }
    this.#count.hashedBytes += packed.size
    if (base?.type === 'file' && sameHash(base, full)) {
      if (sameMetadata(base, full)) this.#count.baseHashedBytes += packed.size
      if (base.content !== undefined) full.content = base.content
    }
    return { entry: full, stat, whole }
  }

  /** Where chunks are that the base has, or the file had before. */
  async #knownChunks(before: Entry | undefined): Promise<KnownChunk> {
    const { inBase } = this.#components
    const earlier = await this.#chunksBefore(before)
    return (hash) => inBase?.(hash) ?? earlier.get(Buffer.from(hash).toString('latin1'))
  }

  async #chunksBefore(before: Entry | undefined): Promise<Map<string, CID>> {
    const chunks = new Map<string, CID>()
    const reader = this.#components.previous?.reader
    if (reader === undefined || before?.type !== 'file') return chunks
    for await (const { hash, cid } of fileChunks(reader, before) as AsyncIterable<ChunkRef>) {
      chunks.set(Buffer.from(hash).toString('latin1'), cid)
    }
    return chunks
  }
}

function contentOf(before: Entry | undefined): { hash?: Hash; content?: FileContent } {
  return {
    ...(before?.hash && { hash: before.hash }),
    ...(before?.content && { content: before.content })
  }
}

/** The first name of a linked file carries no link, whatever it carried before. */
export function withoutLink(entry: Entry): Entry {
  if (entry.linkTo === undefined) return entry
  const first = { ...entry }
  delete first.linkTo
  return first
}

/** True if both have content, and the same. */
export function sameHash(a: { hash?: Hash } | undefined, b: { hash?: Hash } | undefined): boolean {
  if (a?.hash === undefined || b?.hash === undefined) return false
  return Buffer.compare(a.hash, b.hash) === 0
}
