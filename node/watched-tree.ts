// A source of changes that watches every directory for itself. A watch is known by the path under which its
// directory was listed last, and by its inode: a directory that was moved here, or came back, is not the one
// that was watched. It ends with its first event, and the next listing starts it anew.

import { NotWatched } from './errors.ts'
import type { ChangeSource, PathKey } from './changes.ts'
import type { Tree, TreePath, TreeStat } from './tree/tree.ts'
import type { Attended, TreeWatch } from './tree/watch.ts'
import { witnessKey } from './witness.ts'

export class WatchedTree implements ChangeSource {
  readonly #watch: TreeWatch
  /** As it was when watching began. */
  readonly #mounts: string
  readonly #byPath = new Map<PathKey, Attended>()
  readonly #paths = new Map<number, PathKey>()
  /** Directories whose watch went to another path. */
  #displaced = new Set<PathKey>()

  private constructor(watch: TreeWatch, mounts: string) {
    this.#watch = watch
    this.#mounts = mounts
  }

  /** @throws {NotWatched} */
  static async open(tree: Tree): Promise<WatchedTree> {
    const watch = await tree.watch?.()
    if (watch === undefined) throw new NotWatched('this system does not tell of changes')
    try {
      return new WatchedTree(watch, await watch.mounts())
    } catch (error) {
      watch.close()
      throw error
    }
  }

  async changed(): Promise<Set<PathKey>> {
    if ((await this.#watch.mounts()) !== this.#mounts) {
      throw new NotWatched('a file system was mounted or unmounted')
    }
    const { ids, isLost } = this.#watch.heard()
    if (isLost) throw new NotWatched('so much changed at once that not all was heard')
    const changed = this.#displaced
    this.#displaced = new Set()
    for (const id of ids) {
      const path = this.#paths.get(id)
      // It was told of already, or is known under a newer watch.
      if (path === undefined) continue
      this.#forget(id, path)
      changed.add(path)
    }
    for (const path of await this.#watch.mapped()) changed.add(witnessKey(path))
    return changed
  }

  attend(path: TreePath): void {
    const key = witnessKey(path)
    const attended = this.#watch.attend(path)
    const before = this.#byPath.get(key)
    if (before !== undefined) this.#forget(before.id, key)
    if (attended === undefined) return
    // One directory under two paths: moved, or mounted twice. Only one of them can be told of.
    const other = this.#paths.get(attended.id)
    if (other !== undefined) {
      this.#forget(attended.id, other)
      this.#displaced.add(other)
    }
    this.#byPath.set(key, attended)
    this.#paths.set(attended.id, key)
  }

  isAttended(path: TreePath, { device, inode }: TreeStat): boolean {
    const attended = this.#byPath.get(witnessKey(path))
    return attended?.stat.inode === inode && attended.stat.device === device
  }

  close(): void {
    this.#watch.close()
  }

  #forget(id: number, path: PathKey): void {
    this.#paths.delete(id)
    this.#byPath.delete(path)
  }
}
