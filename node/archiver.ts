// The archiver: a tree becomes a state. It walks the tree beside the previous state and the base, as far as
// there is anything to look at, reads only what the scanner cannot vouch for, and encodes bottom-up only the
// directories that changed. What it cannot read it carries forward and names; it never mistakes a failure
// for a deletion. It walks ahead of what is being packed: work begins in the order of the walk, and a
// directory ends when all below it has.

import type { CID, Hash } from '../store/block.ts'
import { directoryDigest } from '../store/digest.ts'
import type { Entry } from '../store/entry.ts'
import type { Sink } from '../store/sink.ts'
import { joinPath, sameMetadata } from '../store/tree.ts'
import type { Clock } from '../store/clock.ts'
import { Attention } from './attention.ts'
import { Unreadable } from './errors.ts'
import { FileArchiver, withoutLink, type Known, type Place, type Seen } from './file-archiver.ts'
import { Flow, Gathering } from './flow.ts'
import type { Ignoring } from './ignoring.ts'
import { KnownPages } from './known-pages.ts'
import { lossOf, type Loss } from './loss.ts'
import { inlineCrew, type Crew, type OpenCrew } from './packer.ts'
import {
  isContentKnown,
  isEntryKnown,
  isHome,
  mergeSights,
  type Sense,
  type Sight
} from './scanner.ts'
import { hasOtherLines, Selection, type Rules, type SelectionInit } from './selection.ts'
import { CHANGED, describeSteadily } from './steady.ts'
import { comparePaths, showPath } from './tree/path.ts'
import type { Tree, TreePath } from './tree/tree.ts'
import {
  isElsewhere,
  isRacy,
  sameWitnesses,
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
  /** What to look at; everything, if absent. */
  attention?: Attention | undefined
  /** What is left out, beside what the tree itself says. */
  rules?: Rules | undefined
  /** What takes part; everything, if absent. */
  includes?: SelectionInit['includes']
  /** Who packs files; inline, if absent. */
  openCrew?: OpenCrew | undefined
  onProgress?: (count: ArchiveCount) => void
  signal?: AbortSignal | undefined
}

export interface ArchiveCount {
  /** Entries looked at. */
  examined: number
  /** Of those, what was kept; with the files among them, and their bytes, read or not. */
  entries: number
  files: number
  bytes: number
  /** Entries that are new or differ; of those, the new ones. */
  changed: number
  added: number
  /** Entries of the state before that are gone, with all that was below them. */
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
  /** So much is gone that somebody should be told. */
  loss?: Loss | undefined
}

/** Makes the state of a tree. Durable only after the store's flush. @throws {Unreadable} for the root */
export async function archive(input: ArchiveInput): Promise<Archived> {
  return new Archive(input).run()
}

/** Everything below a directory has begun; its entry comes when that has ended. */
interface Begun {
  entry: Promise<Entry>
}

/** A directory on its way. */
interface DirectoryPlace extends Place {
  /** The lines that hold above it. */
  ignoring: Ignoring
  /** What takes part of it may be other than before: nothing in it stands unseen. */
  isAnew: boolean
}

class Archive {
  readonly #input: ArchiveInput
  readonly #crew: Crew
  readonly #flow: Flow
  readonly #files: FileArchiver
  readonly #pages: KnownPages
  readonly #attention: Attention
  readonly #selection: Selection
  readonly #skipped: { path: TreePath; why: string }[] = []
  readonly #count: ArchiveCount = {
    examined: 0,
    entries: 0,
    files: 0,
    bytes: 0,
    changed: 0,
    added: 0,
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
    this.#pages = new KnownPages(input)
    this.#attention = input.attention ?? new Attention()
    this.#selection = new Selection(input.tree, input, (path, why) => {
      this.#skipped.push({ path, why })
    })
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
    const { tree } = this.#input
    const path = new Uint8Array()
    const stat = await tree.stat(path)
    if (stat?.type !== 'directory') throw new Unreadable(tree.where, 'there is no directory here')
    const ignoring = await this.#selection.begin(stat)
    const tops = await this.#pages.tops()
    const sight = { name: path, stat, before: tops.before, witness: undefined }
    const place = { path, sight, base: tops.base, ignoring, isAnew: false }
    const begun = this.#attention.keeps(path, sight)
      ? { entry: Promise.resolve(tops.before as Entry) }
      : await this.#begin(place)
    if (begun === undefined) throw new Unreadable(tree.where, 'it is itself a Drystone home')
    return {
      ...(await this.#pages.root(await begun.entry, tops)),
      count: this.#count,
      loss: await lossOf(this.#count, this.#pages, tops),
      skipped: this.#skipped
        .toSorted((a, b) => comparePaths(a.path, b.path))
        .map(({ path, why }) => ({
          path: showPath(path),
          why
        }))
    }
  }

  /** Begins a directory and all below it; undefined for a Drystone home. @throws {Unreadable} */
  async #begin(place: DirectoryPlace): Promise<Begun | undefined> {
    this.#input.signal?.throwIfAborted()
    const names = place.isAnew ? undefined : this.#attention.passes(place.path, place.sight)
    return (names && (await this.#pass(place, names))) ?? this.#look(place)
  }

  /** Begins a directory in which everything is looked at. */
  async #look(place: DirectoryPlace): Promise<Begun | undefined> {
    const { tree, witnesses } = this.#input
    const { path, sight, base, ignoring } = place
    const listedMs = this.#input.clock.now()
    this.#attention.attend(path)
    const listing = this.#selection.isForeign(sight.stat) ? [] : await tree.list(path)
    if (isHome(listing)) return undefined
    const twins = await this.#pages.entries({ before: sight.before, base })
    const known: DirectoryWitnesses = (await witnesses?.get(path)) ?? new Map<string, Witness>()
    if (listing.length === 0 && twins.before.length > 0) await this.#assertMounted(path, known)
    const { entry } = await describeSteadily(this.#input, path, sight)
    const selected = await this.#selection.of({ path, ignoring }, listing)
    const { sights, gone } = mergeSights(selected.names, twins.before, known)
    for (const entry of gone) this.#count.deleted += await this.#pages.count(entry)
    const isAnew = place.isAnew || hasOtherLines(selected.ignoreHash, twins.before)
    const here = { ...place, ignoring: selected.ignoring, isAnew }
    const children = await this.#beginChildren(here, sights, twins.base)
    return this.#end(place, { entry, before: twins.before }, async () => {
      const found = await children()
      this.#keepWitnesses(place, { listedMs, known }, { sights, found })
      return found.filter((seen) => seen !== undefined).map(({ entry }) => entry)
    })
  }

  /**
   * Begins a directory that only leads to others: the entries of all else in it stand. Undefined if it has to
   * be looked at after all, since what was told of it was not all.
   */
  async #pass(place: DirectoryPlace, names: readonly Uint8Array[]): Promise<Begun | undefined> {
    const { path, sight, base } = place
    const twins = await this.#pages.entries({ before: sight.before, base })
    const ignoring = await this.#selection.passing(place, twins.before)
    if (ignoring === undefined) return undefined
    const { entry } = await describeSteadily(this.#input, path, sight)
    const before = new Map(twins.before.map((each) => [witnessKey(each.name), each]))
    const sights: Sight[] = []
    for (const name of names) {
      const stat = await this.#input.tree.stat(joinPath(path, name))
      const known = before.get(witnessKey(name))
      if (stat?.type !== 'directory' || known?.type !== 'directory') return undefined
      sights.push({ name, stat, before: known, witness: undefined })
    }
    sights.sort((a, b) => Buffer.compare(a.name, b.name))
    const children = await this.#beginChildren({ ...place, ignoring }, sights, twins.base)
    return this.#end(place, { entry, before: twins.before }, async () => {
      for (const [i, seen] of (await children()).entries()) {
        const key = witnessKey((sights[i] as Sight).name)
        if (seen === undefined) before.delete(key)
        else before.set(key, seen.entry)
      }
      return [...before.values()]
    })
  }

  /** A directory ends with its page, when what it holds is known. */
  async #end(
    { sight, base }: Place,
    { entry, before }: { entry: Entry; before: readonly Entry[] },
    children: () => Promise<Entry[]>
  ): Promise<Begun> {
    await this.#flow.room()
    const ending = this.#flow.start(async () => {
      const entries = await children()
      const twins = { before: sight.before, base }
      const known = sameEntries(entries, before) ? sight.before : undefined
      entry.hash = known?.hash ?? directoryDigest(entries)
      entry.page = await this.#pages.page(entry.hash, entries, twins)
      const isKnown = known?.page?.equals(entry.page) === true && sameMetadata(known, entry)
      return isKnown ? known : entry
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

  /** Begins names of a directory; what it gives ends when all of that has, in the same order. */
  async #beginChildren(
    { path, ignoring, isAnew }: DirectoryPlace,
    sights: readonly Sight[],
    base: readonly Entry[]
  ): Promise<() => Promise<(Seen | undefined)[]>> {
    const baseByName = new Map(base.map((entry) => [witnessKey(entry.name), entry]))
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
      if (stat.type === 'file' && stat.links > 1) this.#attention.meet(stat)
      if (!isAnew && this.#attention.keeps(child.path, sight)) {
        keep({ entry: sight.before as Entry, stat, whole: true })
      } else if (stat.type === 'directory') {
        const below = { ...child, ignoring, isAnew }
        const begun = await this.#orCarried(child, () => this.#begin(below))
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
      return found
    }
  }

  #keepWitnesses(
    { path, sight: { stat } }: Place,
    { listedMs, known }: { listedMs: number; known: DirectoryWitnesses },
    { sights, found }: { sights: readonly Sight[]; found: readonly (Seen | undefined)[] }
  ): void {
    const fresh: DirectoryWitnesses = new Map([[SELF, selfWitness(stat)]])
    for (const [i, sight] of sights.entries()) {
      const child = found[i]
      const key = witnessKey(sight.name)
      if (child?.whole === true && !isRacy(child.stat, listedMs)) {
        fresh.set(key, witnessOf(child.stat))
      }
      // A witness that vouched once still does; only a new one has to wait until the file is calm.
      else if (child !== undefined && isContentKnown(sight) && sight.witness) {
        fresh.set(key, sight.witness)
      }
      const isFile = sight.stat.type === 'file'
      // A write through one name of a file is not told of under the others.
      const isVouched = fresh.has(key) && child?.stat.links === 1
      if (child?.whole !== true || (isFile && !isVouched)) this.#attention.unsettle(path)
    }
    if (!sameWitnesses(fresh, known)) this.#input.witnesses?.set(path, fresh)
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
      if (sight.stat.type === 'directory') this.#attention.carry(path)
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

  #note(entry: Entry, before: Entry | undefined): void {
    this.#count.entries++
    if (entry.type === 'file') {
      this.#count.files++
      this.#count.bytes += entry.size
    }
    const isNew = before === undefined
    const isSame = entry === before || entry.type === 'directory'
    if (isNew || !(isSame || sameMetadata(before, entry))) this.#count.changed++
    if (isNew) this.#count.added++
    this.#input.onProgress?.(this.#count)
  }
}

/** The very entries that were there before: what is equal is kept as it is. */
function sameEntries(now: readonly Entry[], before: readonly Entry[]): boolean {
  return now.length === before.length && now.every((entry, i) => entry === before[i])
}
