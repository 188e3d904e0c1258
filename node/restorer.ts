// The restorer: a state, or a part of one, becomes files. It asks the target what is there already and
// reuses it, writes the rest through the one walker that cannot leave the target, and sets directories'
// times last. Every byte is hashed while it is written; a file whose bytes are not what its entry promises
// is not given its name.

import { createHash } from 'node:crypto'
import type { Hash } from '../store/block.ts'
import type { Entry } from '../store/entry.ts'
import { BlockDamaged } from '../store/errors.ts'
import type { StateReader } from '../store/reader.ts'
import { directoryEntries, fileChunks, joinPath } from '../store/tree.ts'
import { NotWritable, TargetNotEmpty } from './errors.ts'
import { showPath } from './tree/path.ts'
import type {
  Tree,
  TreeFileWriter,
  TreeMetadata,
  TreePath,
  TreeStat,
  TreeWriter
} from './tree/tree.ts'

const READ_BYTES = 1 << 20
/** A run of zero bytes at least this long, at a multiple of it, becomes a hole. */
const HOLE_BYTES = 4096

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

/** @throws {NotWritable} @throws {BlockMissing} @throws {BlockDamaged} @throws {DiskFull} */
export async function restore(input: RestoreInput): Promise<Restored> {
  return new Restore(input, await input.target.writer()).run()
}

/** A bare target is missing or empty. @throws {TargetNotEmpty} */
export async function assertBare(target: Tree): Promise<void> {
  const stat = await target.stat(new Uint8Array())
  if (stat === undefined) return
  if ((await target.list(new Uint8Array())).length > 0) throw new TargetNotEmpty(target.where)
}

class Restore {
  readonly #input: RestoreInput
  readonly #writer: TreeWriter
  readonly #count: RestoreCount = { files: 0, bytes: 0, writtenBytes: 0, reusedBytes: 0 }
  readonly #warnings: string[] = []
  /** Where the first name of a hard-linked file went, by its path in the state. */
  readonly #placed = new Map<string, TreePath>()

  constructor(input: RestoreInput, writer: TreeWriter) {
    this.#input = input
    this.#writer = writer
  }

  async run(): Promise<Restored> {
    try {
      for (const piece of this.#input.pieces) await this.#entry(piece)
    } finally {
      await this.#writer.close()
    }
    return { count: this.#count, warnings: this.#warnings }
  }

  async #entry({ entry, from, to }: Piece): Promise<void> {
    this.#input.signal?.throwIfAborted()
    const stat = await this.#input.target.stat(to)
    if (entry.type === 'directory') return this.#directory({ entry, from, to }, stat)
    const isThere = entry.type === 'file' && (await this.#isThere(entry, to, stat))
    if (this.#input.dryRun !== true && !isThere && stat !== undefined) {
      if (!(await this.#makeRoom(entry, to, stat))) return
    }
    if (entry.type === 'file') await this.#file({ entry, from, to }, isThere)
    else await this.#other(entry, to)
  }

  async #directory({ entry, from, to }: Piece, stat: TreeStat | undefined): Promise<void> {
    const { reader, dryRun } = this.#input
    if (stat !== undefined && stat.type !== 'directory') {
      throw new NotWritable(showPath(to), `a ${stat.type} stands where a directory should`)
    }
    if (dryRun !== true) await this.#writer.makeDirectory(to)
    if (entry.page !== undefined) {
      for await (const child of directoryEntries(reader, entry.page)) {
        const paths = { from: joinPath(from, child.name), to: joinPath(to, child.name) }
        await this.#entry({ entry: child, ...paths })
      }
    }
    if (dryRun !== true) this.#warn(await this.#writer.finishDirectory(to, metadataOf(entry)))
  }

  /** Deals with what stands in the way; false if it stays and the entry is skipped. */
  async #makeRoom(entry: Entry, to: TreePath, stat: TreeStat): Promise<boolean> {
    if (stat.type === 'directory') {
      throw new NotWritable(showPath(to), `a directory stands where a ${entry.type} should`)
    }
    if (this.#conflict() === 'skip') {
      this.#warnings.push(`${showPath(to)} was left as it is`)
      return false
    }
    if (this.#conflict() === 'keep-both') await this.#setAside(to)
    else if (entry.type !== 'file' || stat.type !== 'file') await this.#writer.remove(to)
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
      await this.#writer.rename(to, aside)
      this.#warnings.push(`${showPath(to)} differed and was kept as ${showPath(aside)}`)
      return
    }
  }

  async #file({ entry, from, to }: Piece, isThere: boolean): Promise<void> {
    const { target, dryRun, onProgress } = this.#input
    this.#count.files++
    this.#count.bytes += entry.size
    const first = entry.linkTo && this.#placed.get(Buffer.from(entry.linkTo).toString('latin1'))
    if (first !== undefined) {
      if (dryRun === true || (await this.#isSameFile(first, to))) return
      if ((await target.stat(to)) !== undefined) await this.#writer.remove(to)
      await this.#writer.hardLink(to, first)
      return
    }
    if (isThere) this.#count.reusedBytes += entry.size
    else this.#count.writtenBytes += entry.size
    if (dryRun !== true) {
      if (isThere) this.#warn(await this.#writer.setMetadata(to, metadataOf(entry)))
      else await this.#write(entry, to)
    }
    this.#placed.set(Buffer.from(entry.linkTo ?? from).toString('latin1'), to)
    onProgress?.(this.#count)
  }

  async #isSameFile(a: TreePath, b: TreePath): Promise<boolean> {
    const { target } = this.#input
    const [x, y] = [await target.stat(a), await target.stat(b)]
    return x !== undefined && x.inode === y?.inode && x.device === y.device
  }

  /** Reads the file that stands there, and tells whether it has the entry's content. */
  async #isThere(entry: Entry, to: TreePath, stat: TreeStat | undefined): Promise<boolean> {
    if (stat?.type !== 'file' || stat.size !== entry.size) return false
    const file = await this.#input.target.open(to, stat)
    try {
      const hash = createHash('sha256')
      for (;;) {
        const piece = await file.read(READ_BYTES)
        if (piece.length === 0) break
        hash.update(piece)
      }
      return Buffer.compare(hash.digest(), entry.hash as Hash) === 0
    } finally {
      await file.close()
    }
  }

  async #write(entry: Entry, to: TreePath): Promise<void> {
    const file = await this.#writer.createFile(to)
    try {
      const hash = createHash('sha256')
      for await (const ref of fileChunks(this.#input.reader, entry)) {
        const bytes = await this.#input.reader.chunk(ref, { signal: this.#input.signal })
        hash.update(bytes)
        await writeSparse(file, bytes)
      }
      if (Buffer.compare(hash.digest(), entry.hash as Hash) !== 0) {
        throw new BlockDamaged(showPath(to))
      }
      this.#warn(await file.commit(metadataOf(entry)))
    } catch (error) {
      await file.discard()
      throw error
    }
  }

  async #other(entry: Entry, to: TreePath): Promise<void> {
    if (this.#input.dryRun === true) return
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

/** Writes bytes, leaving out long runs of zeros. */
async function writeSparse(file: TreeFileWriter, bytes: Uint8Array): Promise<void> {
  let start = 0
  let at = 0
  while (at < bytes.length) {
    const end = Math.min(at + HOLE_BYTES, bytes.length)
    const isZero = end - at === HOLE_BYTES && ZEROS.equals(bytes.subarray(at, end))
    if (isZero) {
      if (at > start) await file.write(bytes.subarray(start, at))
      await file.skip(HOLE_BYTES)
      start = end
    }
    at = end
  }
  if (start < bytes.length) await file.write(bytes.subarray(start))
}

const ZEROS = Buffer.alloc(HOLE_BYTES)

function metadataOf(entry: Entry): TreeMetadata {
  const { type, mode, uid, gid, mtimeNs, xattrs = [] } = entry
  return { type, mode, uid, gid, mtimeNs, xattrs }
}
