// The port for hearing of changes in a tree, directory by directory, as inotify tells them. A directory that
// is attended tells once that something in it changed, and then no more until it is attended again: so a
// busy tree costs no more than one event a directory between two backups, and a queue hardly overflows.
// Whoever attends a directory before listing it misses nothing.

import type { TreePath, TreeStat } from './tree.ts'

/** A directory that is heard of. */
export interface Attended {
  /** The same for one directory as long as it is attended, by whatever path. */
  id: number
  /** Which directory it is. */
  stat: Pick<TreeStat, 'device' | 'inode'>
}

export interface Heard {
  /** Directories in which a name came, went or changed, or that changed themselves; attended no more. */
  ids: readonly number[]
  /** More happened than could be told: any directory may have changed. */
  isLost: boolean
}

export interface TreeWatch {
  /**
   * Hears of the directory at `path` from now on; undefined if that cannot be, since it is gone, or no
   * directory, or may not be read.
   *
   * @throws {NotWatched} if this computer lets nothing more be heard of
   */
  attend(path: TreePath): Attended | undefined
  /** All that happened before this call, and was not told by an earlier one. */
  heard(): Heard
  /** Directories with a file that a program can write to through its memory: nobody tells of that. */
  mapped(): Promise<TreePath[]>
  /**
   * What is mounted on the way to the root and below it, as text to compare.
   *
   * @throws {NotWatched} if one of these file systems does not tell of all changes
   */
  mounts(): Promise<string>
  close(): void
}
