// The one walker that writes to a real disk. Every entry is made under a temporary name in its own
// directory and renamed into place, so a name leads to the old thing or to the whole new one. Every path
// goes through Directories: no link is followed, nothing lands outside the root, whatever changes
// meanwhile. Temporary names that a killed run left are cleared when their directory is finished.

import { linkSync, lstatSync, mkdirSync, openSync, readdirSync } from 'node:fs'
import { constants, renameSync, statfsSync, symlinkSync, unlinkSync } from 'node:fs'
import type { Random } from '../../store/random.ts'
import { NotWritable } from '../errors.ts'
import { Directories, placeOf, setMode } from './directories.ts'
import type { DirectoriesComponents, Place } from './directories.ts'
import { codeOf, unwritable } from './failures.ts'
import { applyMetadata } from './metadata.ts'
import type { Asked } from './metadata.ts'
import { isTemporary, isWithin, joinPath, nameOf, ROOT, showPath } from './path.ts'
import { RealFileWriter, WRITE_AT_ONCE_MAX } from './real-file-writer.ts'
import { removeAll } from './remove.ts'
import { isSameFile, joinDevice, modeOfType } from './stat.ts'
import type { TreeFileWriter, TreeMetadata, TreePath, TreeStat, TreeWriter } from './tree.ts'
import type { XattrCalls } from './xattr.ts'

const PRIVATE_DIRECTORY = 0o700
const PRIVATE_FILE = 0o600
const OWNER_WRITES = 0o200
const CREATE =
  constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0)

export interface WriterComponents extends DirectoriesComponents {
  xattrs: XattrCalls | undefined
  where: string
  random: Random
  /** Everything at once, as there is no other work in this thread. */
  inStep: boolean
}

/**
 * Starts writing at the root, which is made if it is missing. Without directory descriptors only a new
 * or empty folder that nobody else can enter is safe, and anything else is refused.
 *
 * @throws {NotWritable}
 */
export async function startWriting(
  components: WriterComponents,
  asked: Asked
): Promise<TreeWriter> {
  const { root, where, descriptors } = components
  try {
    mkdirSync(root, { recursive: true, mode: PRIVATE_DIRECTORY })
    if (!descriptors) assertAlone(root, where)
  } catch (error) {
    throw unwritable(where, error)
  }
  return new RealWriter(components, asked)
}

function assertAlone(root: string, where: string): void {
  const { mode, uid } = lstatSync(root)
  const isOurs = process.getuid === undefined || (uid === process.getuid() && (mode & 0o77) === 0)
  if (isOurs && readdirSync(root).length === 0) return
  throw new NotWritable(where, 'on this system only a new folder of your own is safe to write to')
}

class RealWriter implements TreeWriter {
  readonly #components: WriterComponents
  readonly #directories: Directories
  /** A second way down, for calls that take two paths. */
  readonly #others: Directories
  readonly #asked: Asked
  /** Entries of the tree itself that are named like our temporary files, by their shown paths. */
  readonly #lookalikes = new Set<string>()

  constructor(components: WriterComponents, asked: Asked) {
    this.#components = components
    this.#directories = new Directories(components)
    this.#others = new Directories(components)
    this.#asked = asked
  }

  async makeDirectory(path: TreePath): Promise<void> {
    this.#writing(path, () => {
      const place = this.#directories.locate(path)
      const now = this.#look(place)
      if (now === undefined) return mkdirSync(place.path, PRIVATE_DIRECTORY)
      if (now.type !== 'directory') throw this.#refuse(path, 'something else is in the way')
      // A run that was killed after it finished this directory may have left it read-only.
      if ((now.mode & PRIVATE_DIRECTORY) === PRIVATE_DIRECTORY) return
      setMode(place, now.mode | PRIVATE_DIRECTORY)
    })
  }

  async finishDirectory(path: TreePath, metadata: TreeMetadata): Promise<string[]> {
    return this.#writing(path, () => {
      const directory = this.#directories.enter(path)
      for (const name of readdirSync(directory.prefix, { encoding: 'buffer' })) {
        if (!isTemporary(name)) continue
        if (this.#lookalikes.has(this.#show(joinPath(path, name)))) continue
        const place = placeOf(directory, name)
        if (this.#look(place)?.type !== 'directory') unlinkSync(place.path)
      }
      return this.#apply(path, this.#directories.locate(path), metadata)
    })
  }

  async createFile(path: TreePath): Promise<TreeFileWriter> {
    return this.#writing(path, () => {
      const place = this.#directories.locate(path)
      this.#mayReplace(path, place)
      const temporary = this.#temporary(place)
      const descriptor = openSync(temporary.path, CREATE, PRIVATE_FILE)
      // By name, not by place: the way down moves on while the file is written.
      const find = (): Place => {
        return placeOf(this.#directories.locate(path).directory, temporary.name)
      }
      // What is set goes to the open file, wherever it is; only names need their directory.
      const opened = (): Place => {
        return this.#directories.isHeld(temporary.directory) ? temporary : find()
      }
      return new RealFileWriter(descriptor, this.#show(path), {
        atOnceMax: this.#components.inStep ? Number.POSITIVE_INFINITY : WRITE_AT_ONCE_MAX,
        apply: (metadata) => this.#apply(path, opened(), metadata, descriptor),
        name: () => this.#writing(path, () => this.#name(path, find())),
        remove: () => unlinkSync(find().path)
      })
    })
  }

  async setMetadata(path: TreePath, metadata: TreeMetadata): Promise<string[]> {
    return this.#writing(path, () => {
      const place = this.#directories.locate(path)
      const now = this.#look(place)
      if (now?.type !== metadata.type) throw this.#refuse(path, `it is not a ${metadata.type}`)
      this.#remember(path)
      // A read-only file refuses attributes; its mode is set again at the end.
      const isReadOnly = now.type !== 'symlink' && (now.mode & OWNER_WRITES) === 0
      if (isReadOnly && now.uid === process.geteuid?.()) setMode(place, now.mode | OWNER_WRITES)
      return this.#apply(path, place, metadata)
    })
  }

  async symlink(path: TreePath, target: Uint8Array, metadata: TreeMetadata): Promise<string[]> {
    return this.#writing(path, () => {
      if (target.length === 0 || target.includes(0))
        throw this.#refuse(path, 'no link has this target')
      return this.#make(path, (temporary) => {
        symlinkSync(Buffer.from(target), temporary.path)
        return this.#apply(path, temporary, metadata)
      })
    })
  }

  async hardLink(path: TreePath, existing: TreePath): Promise<void> {
    this.#writing(path, () => {
      const { from, seen } = this.#writing(existing, () => {
        const place = this.#others.locate(existing)
        return { from: place, seen: this.#others.stat(place) }
      })
      if (seen.type !== 'file')
        throw this.#refuse(existing, 'only a regular file gets another name')
      const now = this.#mayReplace(path)
      // Renaming one name of a file over another does nothing and would leave the first behind.
      if (now !== undefined && isSameFile(now, seen)) return
      this.#make(path, (temporary) => {
        linkSync(from.path, temporary.path)
        if (isSameFile(this.#directories.stat(temporary), seen)) return
        throw this.#refuse(existing, 'another file took its place')
      })
    })
  }

  async special(
    path: TreePath,
    metadata: TreeMetadata,
    major: number,
    minor: number
  ): Promise<string[]> {
    return this.#writing(path, () => {
      const { type } = metadata
      const isDevice = type === 'block' || type === 'character'
      if (!isDevice && type !== 'fifo' && type !== 'socket') {
        throw this.#refuse(path, `a ${type} is not special`)
      }
      const leftOut = (why: string): string[] => [`${this.#show(path)}: ${type} left out: ${why}`]
      if (isDevice && !this.#asked.privileges) return leftOut('not asked for')
      const makeNode = this.#components.native?.makeNode
      const device = isDevice ? joinDevice(major, minor) : 0n
      const mode = modeOfType(type) | PRIVATE_FILE
      return this.#make(path, (temporary) => {
        const { descriptor } = temporary.directory
        if (makeNode === undefined || descriptor === undefined) {
          return leftOut('this system has no way to make one')
        }
        try {
          makeNode(descriptor, temporary.name, { mode, device })
        } catch (error) {
          if (codeOf(error) === 'EPERM') return leftOut('only root may make one')
          throw error
        }
        return this.#apply(path, temporary, metadata)
      })
    })
  }

  async remove(path: TreePath): Promise<void> {
    if (path.length === 0) throw this.#refuse(path, 'the root itself is not removed')
    await removeAll(this.#directories, path, (here, error) => unwritable(this.#show(here), error))
  }

  async rename(from: TreePath, to: TreePath): Promise<void> {
    this.#writing(to, () => {
      if (from.length === 0 || isWithin(to, from))
        throw this.#refuse(to, 'it lies in what is moved')
      const source = this.#others.locate(from)
      this.#mayReplace(to)
      renameSync(source.path, this.#directories.locate(to).path)
      this.#remember(to)
    })
  }

  async free(): Promise<number> {
    return this.#writing(ROOT, () => {
      const { bavail, bsize } = statfsSync(this.#directories.locate(ROOT).path)
      return bavail * bsize
    })
  }

  async close(): Promise<void> {
    this.#directories.close()
    this.#others.close()
  }

  /** Makes something under a temporary name and gives it its own; clears up if that fails. */
  #make<T>(path: TreePath, make: (temporary: Place) => T): T {
    this.#mayReplace(path)
    const temporary = this.#temporary(this.#directories.locate(path))
    try {
      const made = make(temporary)
      if (this.#look(temporary) !== undefined) this.#name(path, temporary)
      return made
    } catch (error) {
      if (this.#look(temporary) !== undefined) unlinkSync(temporary.path)
      throw error
    }
  }

  #name(path: TreePath, temporary: Place): void {
    renameSync(temporary.path, placeOf(temporary.directory, nameOf(path)).path)
    this.#remember(path)
  }

  #temporary({ directory }: Place): Place {
    const hex = Buffer.from(this.#components.random.bytes(8)).toString('hex')
    return placeOf(directory, new Uint8Array(Buffer.from(`.drystone-${hex}`)))
  }

  /** What stands at `path` now, if it may be replaced. @throws {NotWritable} if it is a directory */
  #mayReplace(path: TreePath, place = this.#directories.locate(path)): TreeStat | undefined {
    const now = this.#look(place)
    if (now?.type === 'directory') throw this.#refuse(path, 'a directory is in the way')
    return now
  }

  #look(place: Place): TreeStat | undefined {
    return this.#directories.statIn(place.directory, place.name)
  }

  #apply(path: TreePath, place: Place, metadata: TreeMetadata, descriptor?: number): string[] {
    const subject = { place, shown: this.#show(path), descriptor }
    return applyMetadata(this.#components, subject, { metadata, asked: this.#asked })
  }

  #remember(path: TreePath): void {
    if (isTemporary(path)) this.#lookalikes.add(this.#show(path))
  }

  #show(path: TreePath): string {
    const { where } = this.#components
    return path.length === 0 ? where : `${where}/${showPath(path)}`
  }

  #refuse(path: TreePath, why: string): NotWritable {
    return new NotWritable(this.#show(path), why)
  }

  #writing<T>(path: TreePath, work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw unwritable(this.#show(path), error)
    }
  }
}
