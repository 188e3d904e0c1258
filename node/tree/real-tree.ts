// The protected tree on a real disk, for reading. Listing is synchronous (four times as fast as through
// the thread pool) and pauses between portions. A listing is whole or an error: a name that vanishes
// while it is read is simply not there, and anything else that fails, fails the listing. No link is
// followed, and nothing is opened that is not the regular file which was seen.

import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync
} from 'node:fs'
import { read, readSync } from 'node:fs'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { systemClock, type Clock } from '../../store/clock.ts'
import { systemRandom } from '../../store/random.ts'
import type { Random } from '../../store/random.ts'
import { NotWatched, Unreadable } from '../errors.ts'
import { breathe, Directories, hasDescriptors } from './directories.ts'
import type { DirectoriesComponents, OpenDirectory } from './directories.ts'
import { codeOf, isAbsent, unreadable } from './failures.ts'
import { loadInotify } from './inotify.ts'
import { virtualDevices } from './mounts.ts'
import { loadNative } from './native.ts'
import { showPath } from './path.ts'
import { RealWatch } from './real-watch.ts'
import { startWriting } from './real-writer.ts'
import { isSameFile, statOf } from './stat.ts'
import type { Tree, TreeEntry, TreeFile, TreePath, TreeStat, TreeWriter, Xattr } from './tree.ts'
import type { TreeWatch } from './watch.ts'
import { loadXattrCalls, readXattrs } from './xattr.ts'
import type { XattrCalls } from './xattr.ts'

/** Entries of one directory that are looked at before other work gets its turn. */
const PORTION = 4096
/** Reads up to this long are faster at once than through the thread pool. */
const READ_AT_ONCE_MAX = 128 * 1024
const READ_BEYOND_END = 4096

const readLater = promisify(read)

export interface RealTreeInit {
  /** Writing sets owners. Default: no; files belong to whoever runs. */
  owners?: boolean
  /** Writing sets setuid, setgid, sticky and capabilities, and makes devices. Default: no. */
  privileges?: boolean
  /** Names for temporary files. */
  random?: Random
  /** When to look whether something was heard. */
  clock?: Clock
  /** False: do as on a system without directory descriptors. */
  descriptors?: boolean
  /** False: do without the calls that node:fs lacks. */
  native?: boolean
  /** Writing does everything at once: for a thread that has no other work. Default: no. */
  inStep?: boolean
}

/** The tree at `root`, which need not exist yet. */
export async function openTree(root: string, init: RealTreeInit = {}): Promise<RealTree> {
  const descriptors = init.descriptors ?? hasDescriptors()
  const native = init.native === false ? undefined : await loadNative()
  const xattrs = await loadXattrCalls(native)
  return new RealTree({ root: realRoot(root), native, descriptors, xattrs }, root, init)
}

/** A root that is a link is followed once, now: that is what its user named. */
function realRoot(root: string): string {
  try {
    return realpathSync(root)
  } catch {
    return resolve(root)
  }
}

export interface RealTreeComponents extends DirectoriesComponents {
  xattrs: XattrCalls | undefined
}

export class RealTree implements Tree {
  readonly where: string
  readonly #components: RealTreeComponents
  readonly #directories: Directories
  readonly #init: RealTreeInit

  constructor(components: RealTreeComponents, where: string, init: RealTreeInit) {
    this.where = where
    this.#components = components
    this.#directories = new Directories(components)
    this.#init = init
  }

  async stat(path: TreePath): Promise<TreeStat | undefined> {
    return this.#reading(path, () => {
      try {
        const { directory, name } = this.#directories.locate(path)
        return this.#directories.statIn(directory, name)
      } catch (error) {
        if (isAbsent(error)) return undefined
        throw error
      }
    })
  }

  async list(path: TreePath): Promise<TreeEntry[]> {
    const entries: TreeEntry[] = []
    const names = this.#reading(path, () => {
      const directory = this.#directories.enter(path)
      // One character a byte: sorts by bytes, and costs half of what buffers cost.
      const all = readdirSync(directory.prefix, { encoding: 'latin1' }).sort()
      this.#look(directory, all.slice(0, PORTION), entries)
      return all
    })
    for (let from = PORTION; from < names.length; from += PORTION) {
      await breathe()
      const portion = names.slice(from, from + PORTION)
      // By path again: meanwhile others went their own way down.
      this.#reading(path, () => this.#look(this.#directories.enter(path), portion, entries))
    }
    return entries
  }

  #look(directory: OpenDirectory, names: readonly string[], entries: TreeEntry[]): void {
    for (const text of names) {
      const bytes = Buffer.from(text, 'latin1')
      const name = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
      const stat = this.#directories.statIn(directory, name)
      if (stat !== undefined) entries.push({ name, stat })
    }
  }

  async open(path: TreePath, expected: TreeStat): Promise<TreeFile> {
    return this.#reading(path, () => {
      const shown = this.#show(path)
      if (expected.type !== 'file') throw new Unreadable(shown, 'it is not a regular file')
      const descriptor = openQuietly(this.#directories.locate(path).path)
      const file = new RealFile(descriptor, shown)
      if (isSameFile(file.seen, expected)) return file
      void file.close()
      throw new Unreadable(shown, 'another file took its place')
    })
  }

  async readLink(path: TreePath): Promise<Uint8Array> {
    return this.#reading(path, () => {
      const { path: at } = this.#directories.locate(path)
      return new Uint8Array(readlinkSync(at, { encoding: 'buffer' }))
    })
  }

  async xattrs(path: TreePath): Promise<Xattr[]> {
    return this.#reading(path, () => {
      return readXattrs(this.#components.xattrs, this.#directories.locate(path))
    })
  }

  async virtual(): Promise<ReadonlySet<bigint>> {
    return virtualDevices()
  }

  async watch(): Promise<TreeWatch> {
    const { root, descriptors } = this.#components
    const inotify = descriptors ? await loadInotify() : undefined
    if (inotify === undefined) throw new NotWatched('this system does not tell of changes')
    const directories = new Directories(this.#components)
    return new RealWatch({ root, directories, inotify, clock: this.#init.clock ?? systemClock })
  }

  async writer(): Promise<TreeWriter> {
    const { where } = this
    const { owners = false, privileges = false, random = systemRandom, inStep = false } = this.#init
    return startWriting({ ...this.#components, where, random, inStep }, { owners, privileges })
  }

  /** Lets go of the directories that are held open (they keep a disk from being unmounted). */
  close(): void {
    this.#directories.close()
  }

  #show(path: TreePath): string {
    return path.length === 0 ? this.where : `${this.where}/${showPath(path)}`
  }

  #reading<T>(path: TreePath, work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw unreadable(this.#show(path), error)
    }
  }
}

/** Opens without following a link, waiting for a fifo, or (where we may) touching the time of access. */
function openQuietly(path: Buffer): number {
  // Windows has none of the others.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
  try {
    return openSync(path, flags | (constants.O_NOATIME ?? 0))
  } catch (error) {
    if (codeOf(error) !== 'EPERM') throw error
    return openSync(path, flags)
  }
}

class RealFile implements TreeFile {
  /** As it was when it was opened. */
  readonly seen: TreeStat
  readonly descriptor: number
  readonly #shown: string
  #position = 0
  #open = true

  constructor(descriptor: number, shown: string) {
    this.descriptor = descriptor
    this.#shown = shown
    this.seen = statOf(fstatSync(descriptor, { bigint: true }))
  }

  async stat(): Promise<TreeStat> {
    try {
      return statOf(fstatSync(this.descriptor, { bigint: true }))
    } catch (error) {
      throw unreadable(this.#shown, error)
    }
  }

  async read(length: number): Promise<Uint8Array> {
    // A file may have grown since: past the expected end, look a little further until nothing comes.
    const left = this.seen.size - this.#position
    const want = Math.min(length, left > 0 ? left : READ_BEYOND_END)
    const bytes = new Uint8Array(want)
    const count = await this.#readInto(bytes)
    this.#position += count
    return bytes.subarray(0, count)
  }

  async #readInto(bytes: Uint8Array): Promise<number> {
    const { length } = bytes
    const at = this.#position
    try {
      if (length <= READ_AT_ONCE_MAX) return readSync(this.descriptor, bytes, 0, length, at)
      return (await readLater(this.descriptor, bytes, 0, length, at)).bytesRead
    } catch (error) {
      throw unreadable(this.#shown, error)
    }
  }

  async close(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    // In step: nothing was written, so nothing can fail or wait, and a thread hop costs more than all else.
    closeSync(this.descriptor)
  }
}
