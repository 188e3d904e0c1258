// The restorer: a state, or a part of one, becomes files. It asks the target what is there already and
// reuses it, writes the rest through the one walker that cannot leave the target, and sets directories'
// times last. Every byte is hashed while it is written; a file whose bytes are not what its entry promises
// is not given its name. One file that cannot be had does not keep the others from coming back.

import { toHex, type CID, type Hash } from '../store/block.ts'
import { stateDigest } from '../store/digest.ts'
import type { Entry } from '../store/entry.ts'
import { DiskFull, DrystoneError, Malformed } from '../store/errors.ts'
import type { StateReader } from '../store/reader.ts'
import { directoryEntries, joinPath } from '../store/tree.ts'
import { NotWritable, TargetNotEmpty } from './errors.ts'
import { Flow, Gathering } from './flow.ts'
import { Placer, metadataOf, type OpenHands } from './placer.ts'
import { hashFile } from './tree/hash.ts'
import { showPath } from './tree/path.ts'
import type { Tree, TreePath, TreeStat, TreeWriter } from './tree/tree.ts'

/** An entry, its path in the state, and its path in the target; the empty path is the target itself. */
export interface Piece {
  entry: Entry
  from: TreePath
  to: TreePath
  /** Of a directory only these, by their path in the state; on the way to them only directories are made. */
  only?: Only | undefined
}

/** Paths, one character a byte: what is brought back with all that is in it, and what leads there. */
export type Only = ReadonlyMap<string, 'wanted' | 'way'>

/** Files under way: enough that small ones are brought together. */
const FILES_MAX = 256

/** What to do with a file that stands where the restored one goes and differs from it. */
export type Conflict = 'keep-both' | 'overwrite' | 'skip'

export interface RestoreInput {
  reader: StateReader
  pieces: readonly Piece[]
  target: Tree
  conflict?: Conflict
  /** Threads that write below the same root; without them files are written here. */
  openHands?: OpenHands
  /** Says what would be done, and does nothing. */
  dryRun?: boolean
  onProgress?: (count: RestoreCount) => void
  /** Told of each entry that could not be restored; the first of them is thrown at the end. */
  onFailure?: (path: string, failure: DrystoneError) => void
  signal?: AbortSignal | undefined
}

export interface RestoreCount {
  files: number
  bytes: number
  /** Bytes that were taken from the holders. */
  writtenBytes: number
  /** Bytes that the target had already. */
  reusedBytes: number
}

export interface Restored {
  count: RestoreCount
  warnings: string[]
}

/**
 * Restores all that can be restored; fails at the end with the first thing that could not, and at once
 * when the disk is full.
 *
 * @throws {NotWritable} @throws {BlockMissing} @throws {BlockDamaged} @throws {DiskFull}
 */
export async function restore(input: RestoreInput): Promise<Restored> {
  // A dry run must not even make the target.
  const writer = input.dryRun === true ? undefined : await input.target.writer()
  return new Restore(input, writer).run()
}

/** A bare target is missing or empty. @throws {TargetNotEmpty} */
export async function assertBare(target: Tree): Promise<void> {
  const stat = await target.stat(new Uint8Array())
  if (stat === undefined) return
  if ((await target.list(new Uint8Array())).length > 0) throw new TargetNotEmpty(target.where)
}

/** A file that was begun: where it goes, and whether it came to be there. */
interface Begun {
  to: TreePath
  isDone: Promise<boolean>
}

class Restore {
  readonly #input: RestoreInput
  /** Absent in a dry run. */
  readonly #writer: TreeWriter | undefined
  readonly #placer: Placer | undefined
  readonly #count: RestoreCount = { files: 0, bytes: 0, writtenBytes: 0, reusedBytes: 0 }
  readonly #warnings: string[] = []
  /** The last name of each file, by what `linkKey` says. */
  readonly #begun = new Map<string, Begun>()
  /** Files of the target that were reused, by device and inode: each for one file only. */
  readonly #reused = new Set<string>()
  readonly #files = new Flow(FILES_MAX)
  #failure: DrystoneError | undefined
  /** What ends all of it at once. */
  #end: { error: unknown } | undefined

  constructor(input: RestoreInput, writer: TreeWriter | undefined) {
    const { reader, openHands, signal } = input
    this.#input = input
    this.#writer = writer
    this.#placer = writer && new Placer({ reader, writer, openHands, signal })
  }

  async run(): Promise<Restored> {
    const all = new Gathering()
    try {
      for (const piece of this.#input.pieces) await this.#tryEntry(piece, false, all)
    } finally {
      await all.ended()
      await this.#placer?.close()
      await this.#writer?.close()
    }
    if (this.#end !== undefined) throw this.#end.error
    if (this.#failure !== undefined) throw this.#failure
    return { count: this.#count, warnings: this.#warnings }
  }

  /** Restores an entry; what is still under way when it resolves is added to `below`. */
  async #tryEntry(piece: Piece, isFresh: boolean, below: Gathering): Promise<void> {
    await this.#trying(piece, () => this.#entry(piece, isFresh, below))
  }

  /** Remembers a failure and lets the rest go on; a full disk would only fail again. False if it failed. */
  async #trying(piece: Piece, work: () => Promise<void>): Promise<boolean> {
    if (this.#end !== undefined) return false
    try {
      this.#input.signal?.throwIfAborted()
      await work()
      return true
    } catch (error) {
      if (!(error instanceof DrystoneError) || error instanceof DiskFull) {
        this.#end ??= { error }
        return false
      }
      this.#failure ??= error
      this.#input.onFailure?.(showPath(piece.to), error)
      return false
    }
  }

  /** `isFresh` says that the directory was made just now: nothing can lie there. */
  async #entry(piece: Piece, isFresh: boolean, below: Gathering): Promise<void> {
    const { entry, to } = piece
    const stat = isFresh ? undefined : await this.#input.target.stat(to)
    const isThere = stat !== undefined && (await this.#isThere(entry, to, stat))
    if (stat !== undefined && !isThere && !(await this.#makeRoom(entry, to, stat))) return
    if (entry.type === 'directory') await this.#directory(piece, stat === undefined, below)
    else if (entry.type === 'file') await this.#file(piece, isThere, below)
    else await this.#other(entry, to, isThere)
  }

  async #directory(piece: Piece, isFresh: boolean, above: Gathering): Promise<void> {
    const below = new Gathering()
    let isWalked = false
    try {
      await this.#writer?.makeDirectory(piece.to)
      await this.#children(piece, isFresh, below)
      isWalked = true
    } finally {
      // The walk goes on while files are under way; a directory's time is set when all in it is done.
      const finish = async (): Promise<unknown> => {
        // What only leads there, and was there, stays as it was.
        return piece.only && !isFresh ? true : this.#trying(piece, () => this.#finish(piece))
      }
      above.follow(isWalked ? below.ended().then(finish) : below.ended())
    }
  }

  async #children(piece: Piece, isFresh: boolean, below: Gathering): Promise<void> {
    const { entry, from, to, only } = piece
    if (entry.page === undefined) return
    const names = new Map<string, TreePath>()
    for await (const child of directoryEntries(this.#input.reader, entry.page)) {
      if (this.#end !== undefined) return
      const [childFrom, childTo] = [joinPath(from, child.name), joinPath(to, child.name)]
      const part = only?.get(Buffer.from(childFrom).toString('latin1'))
      if (only !== undefined && part === undefined) continue
      const like = likeness(child.name)
      const other = names.get(like)
      if (other === undefined) names.set(like, childTo)
      else if (child.linkTo === undefined && (await this.#isOneName(other, childTo))) {
        this.#warnings.push(
          `${showPath(childTo)} was left out: here it is the same name as ${showPath(other)}`
        )
        continue
      }
      const next = {
        entry: child,
        from: childFrom,
        to: childTo,
        only: part === 'way' ? only : undefined
      }
      await this.#tryEntry(next, isFresh, below)
    }
  }

  async #finish({ entry, to }: Piece): Promise<void> {
    if (this.#writer === undefined) return
    this.#warn(await this.#writer.finishDirectory(to, metadataOf(entry)))
  }

  /** True if a file system takes two names for one: what bears the first must be there to tell. */
  async #isOneName(a: TreePath, b: TreePath): Promise<boolean> {
    await this.#files.settled()
    return this.#isSameFile(a, b)
  }

  /** Deals with what stands in the way; false if it stays and the entry is skipped. */
  async #makeRoom(entry: Entry, to: TreePath, stat: TreeStat): Promise<boolean> {
    if (this.#conflict() === 'skip') {
      this.#warnings.push(`${showPath(to)} was left as it is`)
      return false
    }
    if (this.#conflict() === 'keep-both') await this.#setAside(to)
    else if (stat.type === 'directory' || to.length === 0) {
      const what = `a ${stat.type} stands where a ${entry.type} should`
      throw new NotWritable(showPath(to), what)
    } else if (entry.type !== 'file' || stat.type !== 'file') await this.#writer?.remove(to)
    return true
  }

  #conflict(): Conflict {
    return this.#input.conflict ?? 'keep-both'
  }

  /** Moves what stands at `to` to a name that is free. */
  async #setAside(to: TreePath): Promise<void> {
    for (let n = 1; ; n++) {
      const aside = Buffer.concat([to, Buffer.from(`.kept-${n}`)])
      if ((await this.#input.target.stat(aside)) !== undefined) continue
      await this.#writer?.rename(to, aside)
      this.#warnings.push(`${showPath(to)} differed and was kept as ${showPath(aside)}`)
      return
    }
  }

  /** Begins a file, once there is room for one more. */
  async #file(piece: Piece, isThere: boolean, below: Gathering): Promise<void> {
    const { entry, from, to } = piece
    this.#count.files++
    this.#count.bytes += entry.size
    const key = linkKey(entry, from)
    const other = entry.linkTo && this.#begun.get(key)
    await this.#files.room()
    const work = async (): Promise<void> => {
      if (other === undefined || !(await this.#link(other, to))) await this.#content(piece, isThere)
    }
    const isDone = this.#files.start(() => this.#trying(piece, work))
    // Its next name waits for this one, and is given the content where this one could not be.
    this.#begun.set(key, { to, isDone })
    below.follow(isDone)
  }

  /** Makes `to` another name of a file that was begun; false if that one failed. */
  async #link(other: Begun, to: TreePath): Promise<boolean> {
    if (!(await other.isDone)) return false
    if (await this.#isSameFile(other.to, to)) return true
    if ((await this.#input.target.stat(to)) !== undefined) await this.#writer?.remove(to)
    await this.#writer?.hardLink(to, other.to)
    return true
  }

  async #content({ entry, to }: Piece, isThere: boolean): Promise<void> {
    if (isThere) this.#count.reusedBytes += entry.size
    else this.#count.writtenBytes += entry.size
    if (isThere) await this.#setMetadata(entry, to)
    else if (this.#placer !== undefined) this.#warn(await this.#placer.place(entry, to))
    this.#input.onProgress?.(this.#count)
  }

  async #isSameFile(a: TreePath, b: TreePath): Promise<boolean> {
    const { target } = this.#input
    const [x, y] = [await target.stat(a), await target.stat(b)]
    return x !== undefined && x.inode === y?.inode && x.device === y.device
  }

  /** Tells whether what stands there is the entry, metadata aside; of a file, by reading it. */
  async #isThere(entry: Entry, to: TreePath, stat: TreeStat): Promise<boolean> {
    if (stat.type !== entry.type) return false
    if (stat.type === 'symlink') {
      return equal(await this.#input.target.readLink(to), entry.target ?? new Uint8Array())
    }
    if (stat.type === 'block' || stat.type === 'character') {
      return stat.major === entry.device?.[0] && stat.minor === entry.device[1]
    }
    if (stat.type !== 'file') return true
    if (stat.size !== entry.size) return false
    if (!equal(await hashFile(this.#input.target, to, stat), entry.hash as Hash)) return false
    if (stat.links === 1) return true
    const id = `${stat.device}:${stat.inode}`
    const isFree = entry.linkTo !== undefined || !this.#reused.has(id)
    this.#reused.add(id)
    return isFree
  }

  async #setMetadata(entry: Entry, to: TreePath): Promise<void> {
    if (this.#writer === undefined) return
    this.#warn(await this.#writer.setMetadata(to, metadataOf(entry)))
  }

  async #other(entry: Entry, to: TreePath, isThere: boolean): Promise<void> {
    if (isThere) return this.#setMetadata(entry, to)
    if (this.#writer === undefined) return
    const metadata = metadataOf(entry)
    if (entry.type === 'symlink') {
      this.#warn(await this.#writer.symlink(to, entry.target ?? new Uint8Array(), metadata))
      return
    }
    const [major, minor] = entry.device ?? [0, 0]
    this.#warn(await this.#writer.special(to, metadata, major, minor))
  }

  #warn(warnings: readonly string[]): void {
    this.#warnings.push(...warnings)
  }
}

/** Equal for names that some file system may take for one: whether this one does, its files tell. */
function likeness(name: Uint8Array): string {
  return Buffer.from(name).toString('utf8').normalize('NFKD').toUpperCase()
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

/**
 * Equal for all names of one file: the path of its first, and what they share. The second matters where one
 * name could not be read and stands as it was before, while the first is another file by now.
 */
function linkKey({ linkTo, hash, mode, uid, gid, mtimeNs }: Entry, from: TreePath): string {
  const [path, content] = [linkTo ?? from, hash ?? []].map((bytes) => {
    return Buffer.from(bytes).toString('latin1')
  })
  return [path, content, mode, uid, gid, mtimeNs].join('\0')
}

/**
 * The root entry of a state, which must have the digest that was signed for it.
 *
 * @throws {Malformed}
 */
export async function openTop(
  reader: StateReader,
  { root, digest }: { root: CID; digest: string }
): Promise<Entry> {
  const top = await reader.top(root)
  if (toHex(stateDigest(top)) === digest) return top
  throw new Malformed('a state is not what was signed for it', {
    next: 'Try another restore point, and tell an admin of the mesh.'
  })
}
