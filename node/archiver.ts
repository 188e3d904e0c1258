// The archiver: a tree becomes a state. It walks the tree beside the previous state and the base, reads
// only what the scanner cannot vouch for, and encodes bottom-up only the directories that changed. What it
// cannot read it carries forward and names; it never mistakes a failure for a deletion. It walks ahead of
// what is being packed: work begins in the order of the walk, and a directory ends when all below it has.

import type { CID, Hash } from '../store/block.ts'
import { directoryDigest, stateDigest } from '../store/digest.ts'
import { writeDirectory } from '../store/directory.ts'
import type { Entry } from '../store/entry.ts'
import { encodePage } from '../store/page.ts'
import type { Sink } from '../store/sink.ts'
import { directoryEntries, joinPath, sameMetadata } from '../store/tree.ts'
import type { Clock } from '../store/clock.ts'
import { Unreadable } from './errors.ts'
import {
  FileArchiver,
  sameHash,
  withoutLink,
  type Known,
  type Place,
  type Seen
} from './file-archiver.ts'
import { Flow, Gathering } from './flow.ts'
import { inlineCrew, type Crew, type OpenCrew } from './packer.ts'
import {
  isContentKnown,
  isEntryKnown,
  isHome,
  isProtected,
  mergeSights,
  type Sense,
  type Sight
} from './scanner.ts'
import { CHANGED, describeSteadily } from './steady.ts'
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
  /** Who packs files; inline, if absent. */
  openCrew?: OpenCrew | undefined
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

/** Everything below a directory has begun; its entry comes when that has ended. */
interface Begun {
  entry: Promise<Entry>
}

/** What was seen of a directory before anything in it was read. */
interface Listed {
  listing: Awaited<ReturnType<Tree['list']>>
  /** Wall time just before. */
  listedMs: number
  known: DirectoryWitnesses
  before: readonly Entry[]
  baseEntries: readonly Entry[]
}

const SLASH = 0x2f

class Archive {
  readonly #input: ArchiveInput
  readonly #crew: Crew
  readonly #flow: Flow
  readonly #files: FileArchiver
  readonly #skipped: { path: TreePath; why: string }[] = []
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
    const { sink, signal, openCrew = inlineCrew } = input
    this.#input = input
    this.#crew = openCrew(sink, { signal })
    this.#flow = new Flow(this.#crew.ahead)
    this.#files = new FileArchiver({ ...input, crew: this.#crew }, this.#count)
  }

  async run(): Promise<Archived> {
    try {
      return await this.#run()
    } finally {
      await this.#crew.stop()
      // Nothing reads from the tree any more.
      await this.#flow.settled().catch(() => undefined)
    }
  }

  async #run(): Promise<Archived> {
    const { tree, previous, base, sink } = this.#input
    const path = new Uint8Array()
    const stat = await tree.stat(path)
    if (stat?.type !== 'directory') throw new Unreadable(tree.where, 'there is no directory here')
    const before = previous && (await previous.reader.top(previous.root))
    const baseTop = base && (await base.reader.top(base.root))
    const sight = { name: path, stat, before, witness: undefined }
    const begun = await this.#begin({ path, sight, base: baseTop })
    if (begun === undefined) throw new Unreadable(tree.where, 'it is itself a Drystone home')
    const top = await begun.entry
    const digest = stateDigest(top)
    const { body, links } = encodePage([top])
    const root = this.#sameRoot(digest, top, [baseTop, base?.root], [before, previous?.root])
    return {
      root: root ?? (await sink.put('top', body, links)),
      digest,
      count: this.#count,
      skipped: this.#skipped.toSorted(inWalkOrder).map(({ path, why }) => ({
        path: showPath(path),
        why
      }))
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

  /** Begins a directory and all below it; undefined for a Drystone home. @throws {Unreadable} */
  async #begin(place: Place): Promise<Begun | undefined> {
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
    const children = await this.#beginChildren(place, {
      listing: present,
      listedMs,
      known,
      before,
      baseEntries
    })
    await this.#flow.room()
    const ending = this.#flow.start(async () => {
      const entries = await children()
      entry.hash = directoryDigest(entries)
      entry.page = await this.#page(entry.hash, entries, [base, sight.before])
      return entry
    })
    return { entry: ending }
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

  /** Begins whatever is in a directory; what it gives ends when all of that has. */
  async #beginChildren(place: Place, listed: Listed): Promise<() => Promise<Entry[]>> {
    const { includes } = this.#input
    const { path } = place
    const baseByName = new Map(listed.baseEntries.map((entry) => [witnessKey(entry.name), entry]))
    const listing = listed.listing.filter(
      ({ name, stat }) => includes?.(joinPath(path, name), stat.type) ?? true
    )
    const { sights, gone } = mergeSights(listing, listed.before, listed.known)
    this.#count.deleted += gone.length
    const found: (Seen | undefined)[] = Array.from({ length: sights.length })
    const gathering = new Gathering()
    for (const [i, sight] of sights.entries()) {
      const keep = (seen: Seen | undefined): void => {
        if (seen !== undefined) this.#note(seen.entry, sight.before)
        found[i] = seen
      }
      const child = {
        path: joinPath(path, sight.name),
        sight,
        base: baseByName.get(witnessKey(sight.name))
      }
      this.#count.examined++
      const { stat } = sight
      if (stat.type === 'directory') {
        const begun = await this.#orCarried(child, () => this.#begin(child))
        if (begun === undefined || 'whole' in begun) keep(begun)
        else gathering.follow(begun.entry.then((entry) => keep({ entry, stat, whole: true })))
      } else if (isEntryKnown(sight) && (stat.type !== 'file' || stat.links === 1)) {
        keep({ entry: withoutLink(sight.before as Entry), stat, whole: true })
      } else {
        await this.#flow.room()
        gathering.follow(this.#flow.start(async () => keep(await this.#child(child))))
      }
    }
    return async () => {
      await gathering.ended()
      this.#keepWitnesses(place, listed, { sights, found })
      return found.filter((seen) => seen !== undefined).map(({ entry }) => entry)
    }
  }

  #keepWitnesses(
    { path, sight: { stat } }: Place,
    { listedMs }: Listed,
    { sights, found }: { sights: Sight[]; found: (Seen | undefined)[] }
  ): void {
    const { witnesses } = this.#input
    if (witnesses === undefined) return
    const fresh: DirectoryWitnesses = new Map([[SELF, selfWitness(stat)]])
    for (const [i, sight] of sights.entries()) {
      const child = found[i]
      if (child === undefined) continue
      const key = witnessKey(sight.name)
      const isCalm = !isRacy(child.stat, listedMs)
      if (child.whole && isCalm) fresh.set(key, witnessOf(child.stat))
      // A witness that vouched once still does; only a new one has to wait until the file is calm.
      else if (isContentKnown(sight) && sight.witness) fresh.set(key, sight.witness)
    }
    witnesses.set(path, fresh)
  }

  /** What `look` finds; what was there before, if that cannot be read now. */
  async #orCarried<T>(
    { path, sight }: Place,
    look: () => Promise<T>
  ): Promise<T | Seen | undefined> {
    try {
      return await look()
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
      this.#skipped.push({ path, why: error.message })
      if (sight.before === undefined) return undefined
      return { entry: sight.before, stat: sight.stat, whole: false }
    }
  }

  /** One name that is no directory; undefined if it is not kept. */
  async #child(place: Place): Promise<Seen | undefined> {
    const { path, sight } = place
    return this.#orCarried(place, async () => {
      if (sight.stat.type !== 'file') {
        return { ...(await describeSteadily(this.#input, path, sight)), whole: true }
      }
      const seen = await this.#files.look(place)
      if (!seen.whole) this.#skipped.push({ path, why: CHANGED })
      return seen
    })
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

/** Names of a directory in byte order, and what is in a directory right behind its name. */
function inWalkOrder(a: { path: TreePath }, b: { path: TreePath }): number {
  return Buffer.compare(orderOf(a.path), orderOf(b.path))
}

function orderOf(path: TreePath): Uint8Array {
  return path.map((byte) => (byte === SLASH ? 0 : byte))
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
