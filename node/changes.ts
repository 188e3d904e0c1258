// Where something changed since one looked last: what a tracker is told by, whatever tells it. inotify tells
// directory by directory (watched-tree.ts); fanotify, a USN journal, FSEvents or the generations of btrfs
// would tell of all at once, behind the same few calls. A source may name too much, never too little: what
// it may have missed, it has to say.

import type { TreePath, TreeStat } from './tree/tree.ts'

/** A path as text, one character a byte: it can be kept in a set. */
export type PathKey = string

export interface ChangeSource {
  /**
   * Directories in which something changed since the last call, or may change without being told.
   *
   * @throws {NotWatched} if something may have been missed: only a look at everything helps
   */
  changed(): Promise<Iterable<PathKey>>
  /**
   * Called before a directory is listed: all that changes in it from now on is told.
   *
   * @throws {NotWatched}
   */
  attend(path: TreePath): void
  /** True if all changes of this very directory, under this path, were told since it was last listed. */
  isAttended(path: TreePath, stat: TreeStat): boolean
  close(): void
}
