// The way down from the root to a directory, component by component, following no symbolic link. Each
// directory on the way is held open, and is checked before every use to still be what its name leads to:
// a directory that was swapped for a link, or for another directory, is noticed, and what is done through
// the descriptor meanwhile stays in the directory that was meant. On Linux a name in an open directory is
// reached as /proc/self/fd/N/name; elsewhere by plain paths, checked but not held.

import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  statSync
} from 'node:fs'
import { stat as statLater } from 'node:fs/promises'
import { systemError } from './failures.ts'
import { AT_CURRENT, type Native } from './native.ts'
import { refuseName, splitPath } from './path.ts'
import { isSameFile, statOf } from './stat.ts'
import type { TreePath, TreeStat } from './tree.ts'

/** O_PATH: a descriptor that only names a file. Needs no right to read it. node:fs has no name for it. */
const O_PATH = 0o10000000
const THIS = new Uint8Array(Buffer.from('.'))

/** True if this system has directory descriptors that can be used in paths. */
export function hasDescriptors(): boolean {
  return process.platform === 'linux' && existsSync('/proc/self/fd')
}

/** A directory on the way. */
export interface OpenDirectory {
  readonly name: Uint8Array
  /** Undefined where there are no descriptors. */
  readonly descriptor: number | undefined
  /** What stands before a name to make it a path: ends in '/'. */
  readonly prefix: Buffer
  readonly stat: TreeStat
}

/** A name in an open directory. */
export interface Place {
  directory: OpenDirectory
  /** One name; '.' for the root, which has none. */
  name: Uint8Array
  /** For node:fs; only its last component is still to be resolved. */
  path: Buffer
}

export interface DirectoriesComponents {
  /** The root's absolute path. It is the user's own, and may be a link itself. */
  root: string
  native: Native | undefined
  descriptors: boolean
}

/** One way down at a time. All work is synchronous, so nothing moves it between finding and using. */
export class Directories {
  readonly #components: DirectoriesComponents
  readonly #native: Native | undefined
  readonly #root: Uint8Array
  /** From the root down; the deepest may lie below what was asked for last. */
  #way: OpenDirectory[] = []

  constructor(components: DirectoriesComponents) {
    this.#components = components
    this.#native = components.native
    this.#root = Buffer.from(components.root)
  }

  /** The directory at `path`, open until the next call. @throws an error with a system code */
  enter(path: TreePath): OpenDirectory {
    return this.#descend(splitPath(path))
  }

  #descend(names: readonly Uint8Array[]): OpenDirectory {
    let here = this.#enterRoot()
    let depth = 0
    for (const name of names) {
      depth++
      const known = this.#way[depth]
      if (known !== undefined && this.#isStill(here, known, name)) {
        here = known
        continue
      }
      const why = refuseName(name)
      if (why !== undefined) throw systemError('EINVAL', why)
      this.#leave(depth)
      here = this.#openBelow(here, name)
      this.#way.push(here)
    }
    return here
  }

  /** Where the entry at `path` stands, or would stand. @throws an error with a system code */
  locate(path: TreePath): Place {
    const names = splitPath(path)
    const last = names.pop()
    if (last === undefined) return placeOf(this.#enterRoot(), THIS)
    const why = refuseName(last)
    if (why !== undefined) throw systemError('EINVAL', why)
    return placeOf(this.#descend(names), new Uint8Array(last))
  }

  /** What stands at a place. @throws an error with a system code */
  stat({ directory, name }: Place): TreeStat {
    const stat = this.statIn(directory, name)
    if (stat === undefined) throw systemError('ENOENT', 'nothing is there')
    return stat
  }

  /**
   * What has this name in a directory that is open; undefined if nothing has.
   *
   * @throws an error with a system code
   */
  statIn(directory: OpenDirectory, name: Uint8Array): TreeStat | undefined {
    const { native } = this.#components
    const { descriptor } = directory
    if (native !== undefined && descriptor !== undefined) return native.stat(descriptor, name)
    const options = { bigint: true, throwIfNoEntry: false } as const
    const stat = lstatSync(placeOf(directory, name).path, options)
    return stat && statOf(stat)
  }

  /** True if a directory that was entered is still held open: what is done through it stays in it. */
  isHeld(directory: OpenDirectory): boolean {
    return directory.descriptor !== undefined && this.#way.includes(directory)
  }

  /** Closes every descriptor; the next call opens them again. */
  close(): void {
    this.#leave(0)
  }

  #enterRoot(): OpenDirectory {
    const { root, descriptors } = this.#components
    const known = this.#way[0]
    if (known !== undefined && this.#native?.isStill(AT_CURRENT, this.#root, known.stat))
      return known
    const now = statOf(statSync(root, { bigint: true }))
    if (known !== undefined && isSameFile(known.stat, now)) return known
    this.#leave(0)
    if (now.type !== 'directory') throw systemError('ENOTDIR', root)
    const opened = descriptors
      ? this.#hold(THIS, openSync(root, O_PATH | constants.O_DIRECTORY))
      : { name: THIS, descriptor: undefined, prefix: Buffer.from(`${root}/`), stat: now }
    this.#way.push(opened)
    return opened
  }

  #isStill(above: OpenDirectory, known: OpenDirectory, name: Uint8Array): boolean {
    if (Buffer.compare(known.name, name) !== 0) return false
    if (this.#native !== undefined && above.descriptor !== undefined) {
      return this.#native.isStill(above.descriptor, known.name, known.stat)
    }
    const now = this.statIn(above, known.name)
    return now !== undefined && isSameFile(known.stat, now)
  }

  #openBelow(above: OpenDirectory, view: Uint8Array): OpenDirectory {
    const name = new Uint8Array(view)
    const place = placeOf(above, name)
    if (this.#components.descriptors) {
      const flags = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW
      return this.#hold(name, openSync(place.path, flags))
    }
    const stat = this.stat(place)
    if (stat.type !== 'directory') throw systemError('ENOTDIR', 'not a directory')
    const prefix = Buffer.concat([place.path, Buffer.from('/')])
    return { name, descriptor: undefined, prefix, stat }
  }

  #hold(name: Uint8Array, descriptor: number): OpenDirectory {
    const stat = statOf(fstatSync(descriptor, { bigint: true }))
    return { name, descriptor, prefix: Buffer.from(`/proc/self/fd/${descriptor}/`), stat }
  }

  #leave(depth: number): void {
    for (const { descriptor } of this.#way.splice(depth)) {
      if (descriptor !== undefined) closeSync(descriptor)
    }
  }
}

/** A name in a directory that is open. */
export function placeOf(directory: OpenDirectory, name: Uint8Array): Place {
  return { directory, name, path: Buffer.concat([directory.prefix, name]) }
}

/**
 * Runs `work` with a path that leads to the very file at `place`, even if its name is given to another
 * file meanwhile. That path is to be followed, and leads to a symbolic link itself. Undefined where there
 * are no descriptors. If the file is open already, its descriptor serves.
 */
export function withPinned<T>(
  { directory, path }: Place,
  open: number | undefined,
  work: (pinned: string | undefined) => T
): T {
  if (directory.descriptor === undefined) return work(undefined)
  const descriptor = open ?? openSync(path, O_PATH | constants.O_NOFOLLOW)
  try {
    return work(`/proc/self/fd/${descriptor}`)
  } finally {
    if (open === undefined) closeSync(descriptor)
  }
}

/** Changes the mode of what is at `place`, which is not a link. */
export function setMode(place: Place, mode: number): void {
  withPinned(place, undefined, (pinned) => chmodSync(pinned ?? place.path, mode))
}

/** Lets the rest of the program run: waits for a round trip through the thread pool, not for a timer. */
export async function breathe(): Promise<void> {
  await statLater('/')
}
