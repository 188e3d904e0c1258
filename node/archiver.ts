// The archiver: a tree becomes a state. It walks the tree beside the previous state and the base, reads
// only what the scanner cannot vouch for, and encodes bottom-up only the directories that changed. What it
// cannot read it carries forward and names; it never mistakes a failure for a deletion.

import type { CID, Hash } from '../store/block.ts'
import { directoryDigest, stateDigest } from '../store/digest.ts'
import { writeDirectory } from '../store/directory.ts'
import type { ChunkRef, Entry, FileContent } from '../store/entry.ts'
import { encodePage } from '../store/page.ts'
import type { StateReader } from '../store/reader.ts'
import type { Sink } from '../store/sink.ts'
import { directoryEntries, fileChunks, joinPath, sameMetadata } from '../store/tree.ts'
import type { Clock } from '../store/clock.ts'
import { Unreadable } from './errors.ts'
import { inOrder } from './in-order.ts'
import { packFile, type KnownChunk } from './packer.ts'
import {
  isContentKnown,
  isEntryKnown,
  isHome,
  isProtected,
  mergeSights,
  type Sense,
  type Sight
} from './scanner.ts'
import { CHANGED, describeSteadily, isStillThere, readSteadily, type Described } from './steady.ts'
import { showPath } from './tree/path.ts'
import type { Tree, TreePath, TreeStat } from './tree/tree.ts'
import {
  isElsewhere,
  isRacy,
  SELF,
  selfWitness,
  witnessKey,
  witnessOf,
  type DirectoryWitnesses,
  type Witness,
  type WitnessBook
} from './witness.ts'

/** A state to compare with. */
export interface Known {
  reader: StateReader
  root: CID
}

export interface ArchiveInput {
  tree: Tree
  clock: Clock
  sink: Sink
  sense: Sense
  /** The state before: what is equal to it is not read again. */
  previous?: Known | undefined
  /** The base: what is equal to it is neither stored nor sent. */
  base?: Known | undefined
  /** True where the base has a chunk with this hash. */
  inBase?: (hash: Hash) => CID | undefined
  witnesses?: WitnessBook | undefined
  /** What takes part; everything, if absent. */
  includes?: (path: TreePath, type: TreeStat['type']) => boolean
  onProgress?: (count: ArchiveCount) => void
  signal?: AbortSignal | undefined
}

export interface ArchiveCount {
  /** Entries looked at. */
  examined: number
  entries: number
  files: number
  /** Bytes of all files, read or not. */
  bytes: number
  /** Entries that are new or differ. */
  changed: number
  deleted: number
  hashedBytes: number
  /** Of those, bytes of files that lie unchanged in their place in the base. */
  baseHashedBytes: number
}

/** Something that could not be kept as it is now. */
export interface Skipped {
  path: string
  why: string
}

export interface Archived {
  root: CID
  digest: Hash
  count: ArchiveCount
  skipped: Skipped[]
}

/** Makes the state of a tree. Durable only after the store's flush. @throws {Unreadable} for the root */
export async function archive(input: ArchiveInput): Promise<Archived> {
  return new Archive(input).run()
}

/** One directory on its way, with the entries it is compared to. */
interface Place {
  path: TreePath
  sight: Sight
  base: Entry | undefined
}

/** An entry as it was found. */
interface Seen extends Described {
  /** It is what was there at one moment: not torn, nor carried forward. */
  whole: boolean
}

class Archive {
  readonly #input: ArchiveInput
  readonly #skipped: Skipped[] = []
  /** The first path of each file with several names, by device and inode. */
  readonly #links = new Map<string, { path: TreePath; entry: Entry }>()
  readonly #count: ArchiveCount = {
    examined: 0,
    entries: 0,
    files: 0,
    bytes: 0,
    changed: 0,
    deleted: 0,
    hashedBytes: 0,
    baseHashedBytes: 0
  }

  constructor(input: ArchiveInput) {
    this.#input = input
  }

  async run(): Promise<Archived> {
    const { tree, previous, base, sink } = this.#input
    const path = new Uint8Array()
    const stat = await tree.stat(path)
    if (stat?.type !== 'directory') throw new Unreadable(tree.where, 'there is no directory here')
    const before = previous && (await previous.reader.top(previous.root))
    const baseTop = base && (await base.reader.top(base.root))
    const sight = { name: path, stat, before, witness: undefined }
    const top = await this.#directory({ path, sight, base: baseTop })
    if (top === undefined) throw new Unreadable(tree.where, 'it is itself a Drystone home')
    const digest = stateDigest(top)
    const { body, links } = encodePage([top])
    const root = this.#sameRoot(digest, top, [baseTop, base?.root], [before, previous?.root])
    return {
      root: root ?? (await sink.put('top', body, links)),
      digest,
      count: this.#count,
      skipped: this.#skipped
    }
  }

  /** The root of a state that is stored already and equal to this one. */
  #sameRoot(
    digest: Hash,
    top: Entry,
    ...known: readonly (readonly [Entry | undefined, CID | undefined])[]
  ): CID | undefined {
    const same = known.find(
      ([entry]) =>
        entry !== undefined && equal(stateDigest(entry), digest) && entry.page?.equals(top.page)
    )
    return same?.[1]
  }

  /** The entry of a directory and all below it; undefined for a Drystone home. */
  async #directory(place: Place): Promise<Entry | undefined> {
    const { tree, signal, witnesses } = this.#input
    signal?.throwIfAborted()
    const { path, sight, base } = place
    const listedMs = this.#input.clock.now()
    const listing = await tree.list(path)
    if (isHome(listing)) return undefined
    const before = await this.#entriesOf(sight.before, this.#input.previous)
    const known: DirectoryWitnesses = (await witnesses?.get(path)) ?? new Map<string, Witness>()
    const present = listing.filter((item) => isProtected(item))
    if (present.length === 0 && before.length > 0) await this.#assertMounted(path, known)
    const baseEntries = sameHash(sight.before, base)
      ? before
      : await this.#entriesOf(base, this.#input.base)
    const { entry } = await describeSteadily(this.#input, path, sight)
    const entries = await this.#children(place, {
      listing: present,
      listedMs,
      known,
      before,
      baseEntries
    })
    entry.hash = directoryDigest(entries)
    entry.page = await this.#page(entry.hash, entries, [base, sight.before])
    return entry
  }

  /** That all is gone is only believed of the file system on which it was. @throws {Unreadable} */
  async #assertMounted(path: TreePath, known: DirectoryWitnesses): Promise<void> {
    const { tree } = this.#input
    const now = await tree.stat(path)
    if (now === undefined || !isElsewhere(now, known)) return
    const shown = path.length === 0 ? tree.where : showPath(path)
    throw new Unreadable(
      shown,
      'it is empty, and on another file system than before: is it mounted?'
    )
  }

  async #children(
    { path, sight: { stat } }: Place,
    sides: {
      listing: Awaited<ReturnType<Tree['list']>>
      /** Wall time just before. */
      listedMs: number
      known: DirectoryWitnesses
      before: readonly Entry[]
      baseEntries: readonly Entry[]
    }
  ): Promise<Entry[]> {
    const { witnesses, includes } = this.#input
    const fresh: DirectoryWitnesses = new Map([[SELF, selfWitness(stat)]])
    const baseByName = new Map(sides.baseEntries.map((entry) => [witnessKey(entry.name), entry]))
    const listing = sides.listing.filter(
      ({ name, stat }) => includes?.(joinPath(path, name), stat.type) ?? true
    )
    const { sights, gone } = mergeSights(listing, sides.before, sides.known)
    this.#count.deleted += gone.length
    const entries: Entry[] = []
    const read = async (sight: Sight) => ({
      sight,
      child: await this.#child({
        path: joinPath(path, sight.name),
        sight,
        base: baseByName.get(witnessKey(sight.name))
      })
    })
    for await (const { sight, child } of inOrder(sights, read, { isAlone: mustBeAlone })) {
      if (child === undefined) continue
      entries.push(child.entry)
      const key = witnessKey(sight.name)
      const isCalm = !isRacy(child.stat, sides.listedMs)
      if (child.whole && isCalm) fresh.set(key, witnessOf(child.stat))
      // A witness that vouched once still does; only a new one has to wait until the file is calm.
      else if (isContentKnown(sight) && sight.witness) fresh.set(key, sight.witness)
    }
    witnesses?.set(path, fresh)
    return entries
  }

  /** One name; undefined if it is not kept. */
  async #child(place: Place): Promise<Seen | undefined> {
    const { sight } = place
    this.#count.examined++
    try {
      const seen = await this.#read(place)
      if (seen === undefined) return undefined
      this.#note(seen.entry, sight.before)
      return seen
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
      this.#skipped.push({ path: showPath(place.path), why: error.message })
      if (sight.before === undefined) return undefined
      this.#note(sight.before, sight.before)
      return { entry: sight.before, stat: sight.stat, whole: false }
    }
  }

  async #read(place: Place): Promise<Seen | undefined> {
    const { path, sight } = place
    const { stat } = sight
    if (stat.type === 'directory') {
      const entry = await this.#directory(place)
      return entry && { entry, stat, whole: true }
    }
    if (stat.type !== 'file') {
      if (isEntryKnown(sight)) return { entry: sight.before as Entry, stat, whole: true }
      return { ...(await describeSteadily(this.#input, path, sight)), whole: true }
    }
    const several = stat.links > 1
    const id = `${stat.device}:${stat.inode}`
    const first = several ? this.#links.get(id) : undefined
    if (first !== undefined && (await isStillThere(this.#input.tree, path, stat))) {
      const entry = { ...first.entry, name: sight.name, linkTo: first.path }
      return { entry, stat, whole: true }
    }
    const seen = await this.#file(place)
    if (several) this.#links.set(id, { path, entry: seen.entry })
    return seen
  }

  async #file({ path, sight, base }: Place): Promise<Seen> {
    if (isEntryKnown(sight)) {
      return { entry: withoutLink(sight.before as Entry), stat: sight.stat, whole: true }
    }
    if (isContentKnown(sight)) {
      const { entry, stat } = await describeSteadily(this.#input, path, sight)
      // Changed meanwhile, it has to be read after all.
      if (stat === sight.stat) {
        return { entry: { ...entry, ...contentOf(sight.before) }, stat, whole: true }
      }
    }
    const { sink } = this.#input
    const known = await this.#knownChunks(sight.before)
    const { packed, entry, stat, whole } = await readSteadily(
      this.#input,
      { path, sight },
      (file) => packFile(file, sink, known)
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
    if (!whole) this.#skipped.push({ path: showPath(path), why: CHANGED })
    return { entry: full, stat, whole }
  }

  /** Where chunks are that the base has, or the file had before. */
  async #knownChunks(before: Entry | undefined): Promise<KnownChunk> {
    const { inBase } = this.#input
    const earlier = await this.#chunksBefore(before)
    return (hash) => inBase?.(hash) ?? earlier.get(Buffer.from(hash).toString('latin1'))
  }

  async #chunksBefore(before: Entry | undefined): Promise<Map<string, CID>> {
    const chunks = new Map<string, CID>()
    const reader = this.#input.previous?.reader
    if (reader === undefined || before?.type !== 'file') return chunks
    for await (const { hash, cid } of fileChunks(reader, before) as AsyncIterable<ChunkRef>) {
      chunks.set(Buffer.from(hash).toString('latin1'), cid)
    }
    return chunks
  }

  async #entriesOf(entry: Entry | undefined, known: Known | undefined): Promise<Entry[]> {
    if (entry?.page === undefined || known === undefined) return []
    return Array.fromAsync(directoryEntries(known.reader, entry.page))
  }

  /** The page of a directory: one that is stored already if it says the same, else a new one. */
  async #page(
    digest: Hash,
    entries: readonly Entry[],
    known: readonly (Entry | undefined)[]
  ): Promise<CID> {
    const same = known.find(
      (entry) => entry?.page !== undefined && sameHash(entry, { hash: digest })
    )
    if (same?.page !== undefined) return same.page
    return writeDirectory(entries, ({ body, links }) => this.#input.sink.put('page', body, links))
  }

  #note(entry: Entry, before: Entry | undefined): void {
    this.#count.entries++
    if (entry.type === 'file') {
      this.#count.files++
      this.#count.bytes += entry.size
    }
    const isNew = before === undefined
    if (isNew || (entry.type !== 'directory' && !sameMetadata(before, entry))) this.#count.changed++
    this.#input.onProgress?.(this.#count)
  }
}

/** Directories, whose own files run ahead; and linked files, whose first name must be known first. */
function mustBeAlone({ stat }: Sight): boolean {
  return stat.type === 'directory' || stat.links > 1
}

function contentOf(before: Entry | undefined): { hash?: Hash; content?: FileContent } {
  return {
    ...(before?.hash && { hash: before.hash }),
    ...(before?.content && { content: before.content })
  }
}

/** The first name of a linked file carries no link, whatever it carried before. */
function withoutLink(entry: Entry): Entry {
  if (entry.linkTo === undefined) return entry
  const first = { ...entry }
  delete first.linkTo
  return first
}

function sameHash(a: { hash?: Hash } | undefined, b: { hash?: Hash } | undefined): boolean {
  return a?.hash !== undefined && b?.hash !== undefined && equal(a.hash, b.hash)
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
