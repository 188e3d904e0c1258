// What one look at a tree has to look at, and what it leaves for the next. A directory is looked at if
// something changed in it, or may have; one that only leads to such a directory is passed; every other keeps
// the entry that it had. Without a source of changes, and without marks, everything is looked at.

import type { ChangeSource, PathKey } from './changes.ts'
import { NotWatched } from './errors.ts'
import type { Sight } from './scanner.ts'
import { joinPath } from './tree/path.ts'
import type { TreePath, TreeStat } from './tree/tree.ts'
import { witnessKey } from './witness.ts'

export interface AttentionInit {
  source?: ChangeSource | undefined
  /** The directories to look at; everything, if absent. */
  marks?: ReadonlySet<PathKey>
  /** Files with several names that are known, by device and inode. */
  linked?: ReadonlySet<string>
}

export class Attention {
  readonly #source: ChangeSource | undefined
  readonly #marks: ReadonlySet<PathKey> | undefined
  readonly #linked: ReadonlySet<string>
  /** Names in a directory that lead to one that is marked. */
  readonly #onTheWay = new Map<PathKey, Set<string>>()
  readonly #looked = new Set<PathKey>()
  readonly #unsettled = new Set<PathKey>()
  /** Names that were met of each file with several, and how many it has. */
  readonly #met = new Map<string, { names: number; links: number }>()
  #hasCarried = false
  #refusal: NotWatched | undefined

  constructor({ source, marks, linked = new Set() }: AttentionInit = {}) {
    this.#source = source
    this.#marks = marks
    this.#linked = linked
    for (const mark of marks ?? []) this.#leadTo(mark)
  }

  #leadTo(mark: PathKey): void {
    for (let key = mark; key !== '';) {
      const cut = key.lastIndexOf('/')
      const above = key.slice(0, Math.max(0, cut))
      const names = this.#onTheWay.get(above)
      if (names === undefined) this.#onTheWay.set(above, new Set([key.slice(cut + 1)]))
      else names.add(key.slice(cut + 1))
      // The way from there on is known.
      if (names !== undefined) return
      key = above
    }
  }

  /** True if nothing in or below a directory can have changed: its entry stands. */
  keeps(path: TreePath, { stat, before }: Sight): boolean {
    if (this.#marks === undefined || before?.type !== 'directory') return false
    const key = witnessKey(path)
    const isTold = !this.#marks.has(key) && !this.#onTheWay.has(key)
    const isSame = before.mtimeNs === stat.mtimeNs && before.mode === stat.mode
    return isTold && isSame && this.#isAttended(path, stat)
  }

  /** The names in a directory that lead on, if nothing else in it has to be looked at. */
  passes(path: TreePath, { stat, before }: Sight): Uint8Array[] | undefined {
    if (this.#marks === undefined || before?.type !== 'directory') return undefined
    const key = witnessKey(path)
    const names = this.#onTheWay.get(key)
    if (names === undefined || this.#marks.has(key) || !this.#isAttended(path, stat)) {
      return undefined
    }
    return Array.from(names, (name) => new Uint8Array(Buffer.from(name, 'latin1')))
  }

  #isAttended(path: TreePath, stat: TreeStat): boolean {
    return this.#source?.isAttended(path, stat) ?? false
  }

  /** Called before a directory is listed. */
  attend(path: TreePath): void {
    if (this.#source === undefined || this.#refusal !== undefined) return
    this.#looked.add(witnessKey(path))
    try {
      this.#source.attend(path)
    } catch (error) {
      if (!(error instanceof NotWatched)) throw error
      this.#refusal = error
    }
  }

  /** A name in a directory has to be looked at again, though nothing may change. */
  unsettle(directory: TreePath): void {
    this.#unsettled.add(witnessKey(directory))
  }

  /** A directory could not be looked at, nor anything below it. */
  carry(directory: TreePath): void {
    this.#hasCarried = true
    const key = witnessKey(directory)
    this.#unsettled.add(key)
    for (const mark of this.#marks ?? []) {
      if (key === '' || mark.startsWith(`${key}/`)) this.#unsettled.add(mark)
    }
  }

  /** A file with several names was met under one of them. */
  meet({ device, inode, links }: TreeStat): void {
    const id = `${device}:${inode}`
    const names = (this.#met.get(id)?.names ?? 0) + 1
    this.#met.set(id, { names, links })
  }

  /** A file that had one name has others now, not all of which were met: they may lie anywhere. */
  get hasMissedNames(): boolean {
    if (this.#marks === undefined) return false
    return [...this.#met].some(([id, { names, links }]) => names < links && !this.#linked.has(id))
  }

  /** Why the source has stopped to tell. */
  get refusal(): string | undefined {
    return this.#refusal?.why
  }

  /** What to look at next time, beside what changes. */
  get unsettled(): ReadonlySet<PathKey> {
    return this.#unsettled
  }

  /** Files with several names, by device and inode. */
  get linked(): Set<string> {
    return new Set([...(this.#hasCarried ? this.#linked : []), ...this.#met.keys()])
  }

  /** What has to be looked at again if nothing came of this look. */
  get wasted(): Iterable<PathKey> {
    return [...(this.#marks ?? []), ...this.#looked]
  }
}

/** The path of a name, as text. */
export function keyBelow(directory: TreePath, name: Uint8Array): PathKey {
  return witnessKey(joinPath(directory, name))
}
