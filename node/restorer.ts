// The restorer: a state, or a part of one, becomes files. It asks the target what is there already and
// reuses it, writes the rest through the one walker that cannot leave the target, and sets directories'
// times last. Every byte is hashed while it is written; a file whose bytes are not what its entry promises
// is not given its name. One file that cannot be had does not keep the others from coming back.

import { createHash } from 'node:crypto'
import { toHex, type CID, type Hash } from '../store/block.ts'
import { stateDigest } from '../store/digest.ts'
import type { Entry } from '../store/entry.ts'
import { BlockDamaged, DiskFull, DrystoneError, Malformed } from '../store/errors.ts'
import type { StateReader } from '../store/reader.ts'
import { directoryEntries, fileChunks, joinPath, walkEntries } from '../store/tree.ts'
import { NotWritable, TargetNotEmpty } from './errors.ts'
import { writeSparse } from './sparse.ts'
import { hashFile } from './tree/hash.ts'
import { ROOT, showPath } from './tree/path.ts'
import type { Tree, TreeMetadata, TreePath, TreeStat, TreeWriter } from './tree/tree.ts'

/** An entry, its path in the state, and its path in the target; the empty path is the target itself. */
export interface Piece {
  entry: Entry
  from: TreePath
  to: TreePath
}

/** What to do with a file that stands where the restored one goes and differs from it. */
export type Conflict = 'keep-both' | 'overwrite' | 'skip'

export interface RestoreInput {
  reader: StateReader
  pieces: readonly Piece[]
  target: Tree
  conflict?: Conflict
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

class Restore {
  readonly #input: RestoreInput
  /** Absent in a dry run. */
  readonly #writer: TreeWriter | undefined
  readonly #count: RestoreCount = { files: 0, bytes: 0, writtenBytes: 0, reusedBytes: 0 }
  readonly #warnings: string[] = []
  /** Where the first name of a hard-linked file went, by what `linkKey` says. */
  readonly #placed = new Map<string, TreePath>()
  /** Files of the target that were reused, by device and inode: each for one file only. */
  readonly #reused = new Set<string>()
  #failure: DrystoneError | undefined
  #isOver = false

  constructor(input: RestoreInput, writer: TreeWriter | undefined) {
    this.#input = input
    this.#writer = writer
  }

  async run(): Promise<Restored> {
    // A failure to fetch ahead is met again, and told, where the chunk is needed.
    this.#expectAll(this.#input.pieces).catch(() => undefined)
    try {
      for (const piece of this.#input.pieces) await this.#tryEntry(piece, false)
    } finally {
      this.#isOver = true
      await this.#writer?.close()
    }
    if (this.#failure !== undefined) throw this.#failure
    return { count: this.#count, warnings: this.#warnings }
  }

  /** Lets the reader fetch ahead what will be written, as fast as it is written. */
  async #expectAll(pieces: readonly Piece[]): Promise<void> {
    const { reader, target, dryRun, signal } = this.#input
    const [piece] = pieces
    if (dryRun === true || reader.expect === undefined || piece === undefined) return
    // What lies in the target already need not be fetched, and only the writing itself will tell.
    const lies = await target.stat(ROOT)
    if (lies !== undefined && (await target.list(ROOT)).length > 0) return
    for (const { entry, from } of pieces) {
      for await (const found of walkEntries(reader, { path: from, entry }, { signal })) {
        if (this.#isOver) return
        const { content, linkTo } = found.entry
        if (content === undefined || linkTo !== undefined || 'list' in content) continue
        await reader.expect(content.chunks)
      }
    }
  }

  /** Remembers a failure and lets the rest go on; a full disk would only fail again. */
  async #tryEntry(piece: Piece, isFresh: boolean): Promise<void> {
    try {
      await this.#entry(piece, isFresh)
    } catch (error) {
      if (!(error instanceof DrystoneError) || error instanceof DiskFull) throw error
      this.#failure ??= error
      this.#input.onFailure?.(showPath(piece.to), error)
    }
  }

  /** `isFresh` says that the directory was made just now: nothing can lie there. */
  async #entry({ entry, from, to }: Piece, isFresh: boolean): Promise<void> {
    this.#input.signal?.throwIfAborted()
    const stat = isFresh ? undefined : await this.#input.target.stat(to)
    const isThere = stat !== undefined && (await this.#isThere(entry, to, stat))
    if (stat !== undefined && !isThere && !(await this.#makeRoom(entry, to, stat))) return
    if (entry.type === 'directory') await this.#directory({ entry, from, to }, stat === undefined)
    else if (entry.type === 'file') await this.#file({ entry, from, to }, isThere)
    else await this.#other(entry, to, isThere)
  }

  async #directory({ entry, from, to }: Piece, isFresh: boolean): Promise<void> {
    const { reader } = this.#input
    await this.#writer?.makeDirectory(to)
    const names = new Map<string, TreePath>()
    if (entry.page !== undefined) {
      for await (const child of directoryEntries(reader, entry.page)) {
        const piece = {
          entry: child,
          from: joinPath(from, child.name),
          to: joinPath(to, child.name)
        }
        const like = likeness(child.name)
        const other = names.get(like)
        if (other === undefined) names.set(like, piece.to)
        else if (child.linkTo === undefined && (await this.#isSameFile(other, piece.to))) {
          this.#warnings.push(
            `${showPath(piece.to)} was left out: here it is the same name as ${showPath(other)}`
          )
          continue
        }
        await this.#tryEntry(piece, isFresh)
      }
    }
    if (this.#writer !== undefined) {
      this.#warn(await this.#writer.finishDirectory(to, metadataOf(entry)))
    }
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

  async #file({ entry, from, to }: Piece, isThere: boolean): Promise<void> {
    const { target, onProgress } = this.#input
    this.#count.files++
    this.#count.bytes += entry.size
    const key = linkKey(entry, from)
    const first = entry.linkTo && this.#placed.get(key)
    if (first !== undefined) {
      if (await this.#isSameFile(first, to)) return
      if ((await target.stat(to)) !== undefined) await this.#writer?.remove(to)
      await this.#writer?.hardLink(to, first)
      return
    }
    if (isThere) this.#count.reusedBytes += entry.size
    else this.#count.writtenBytes += entry.size
    if (isThere) await this.#setMetadata(entry, to)
    else await this.#write(entry, to)
    this.#placed.set(key, to)
    onProgress?.(this.#count)
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

  async #write(entry: Entry, to: TreePath): Promise<void> {
    const file = await this.#writer?.createFile(to)
    if (file === undefined) return
    try {
      const hash = createHash('sha256')
      for await (const ref of fileChunks(this.#input.reader, entry)) {
        const bytes = await this.#input.reader.chunk(ref, { signal: this.#input.signal })
        hash.update(bytes)
        await writeSparse(file, bytes)
      }
      if (!equal(hash.digest(), entry.hash as Hash)) throw new BlockDamaged(showPath(to))
      this.#warn(await file.commit(metadataOf(entry)))
    } catch (error) {
      await file.discard()
      throw error
    }
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

function metadataOf(entry: Entry): TreeMetadata {
  const { type, mode, uid, gid, mtimeNs, xattrs = [] } = entry
  return { type, mode, uid, gid, mtimeNs, xattrs }
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
