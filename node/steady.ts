// Reading what somebody may be changing: an entry and its content are of one moment, or it is said that they
// are not. A path is looked at again after it was read; if it is another file by then, or was changed, it is
// read again. So a mix of two states is never taken for either of them.

import type { Hash } from '../store/block.ts'
import type { Clock } from '../store/clock.ts'
import type { Entry } from '../store/entry.ts'
import { sameBytes, sameMetadata } from '../store/tree.ts'
import { Unreadable } from './errors.ts'
import { PIECE_BYTES, type Packed } from './packer.ts'
import { describe, type Sense, type Sight } from './scanner.ts'
import { showPath } from './tree/path.ts'
import { isSameFile } from './tree/stat.ts'
import type { Tree, TreeFile, TreePath, TreeStat } from './tree/tree.ts'

/** What changes while it is read is read again this often. */
const READ_ATTEMPTS = 3
/** No file system counts the times of changes more coarsely. */
const COARSE_MS = 2000

/** Why something is named as skipped. */
export const CHANGED = 'it changed while it was read'

export interface SteadyComponents {
  tree: Tree
  clock: Clock
  sense: Sense
}

/** An entry without content, and what it was described by. */
export interface Described {
  entry: Entry
  stat: TreeStat
}

/** The metadata of whatever is at a path, as they were at one moment. @throws {Unreadable} */
export async function describeSteadily(
  { tree, sense }: SteadyComponents,
  path: TreePath,
  sight: Sight
): Promise<Described> {
  let { stat } = sight
  for (let attempt = 1; ; attempt++) {
    const entry = await describe(tree, path, { ...sight, stat }, sense)
    // What is as it was before is no mix.
    if (sight.before !== undefined && sameMetadata(sight.before, entry)) return { entry, stat }
    const now = await lookAgain(tree, path)
    if (isSame(now, stat)) return { entry, stat }
    if (attempt === READ_ATTEMPTS || now.type !== stat.type) {
      throw new Unreadable(showPath(path), CHANGED)
    }
    stat = now
  }
}

/**
 * A file's metadata and content. If it never holds still, as it was read at last, and not `whole`.
 *
 * @throws {Unreadable}
 */
export async function readSteadily(
  { tree, clock, sense }: SteadyComponents,
  { path, sight }: { path: TreePath; sight: Sight },
  pack: (file: TreeFile) => Promise<Packed>
): Promise<Described & { packed: Packed; whole: boolean }> {
  let { stat } = sight
  let last: Hash | undefined
  for (let attempt = 1; ; attempt++) {
    const openedMs = clock.now()
    const file = await tree.open(path, stat)
    const packed = await pack(file).finally(() => file.close())
    const entry = await describe(tree, path, { ...sight, stat }, sense)
    const now = await lookAgain(tree, path)
    const isStill = isSame(now, stat) && packed.size === stat.size
    // If it was changed just now, a change between two pieces has the same time: only bytes can tell.
    const isSure = packed.size <= PIECE_BYTES || !isJustNow(stat, openedMs)
    const whole = isStill && (isSure || sameBytes(last ?? NOTHING, packed.fingerprint))
    if (whole || attempt === READ_ATTEMPTS) return { packed, entry, stat, whole }
    stat = now
    last = packed.fingerprint
  }
}

const NOTHING = new Uint8Array()

/** True if the file that was seen at a path is there still, changed or not. */
export async function isStillThere(tree: Tree, path: TreePath, stat: TreeStat): Promise<boolean> {
  return isSameFile(await lookAgain(tree, path), stat)
}

/** What is at a path now. @throws {Unreadable} if nothing is */
async function lookAgain(tree: Tree, path: TreePath): Promise<TreeStat> {
  const now = await tree.stat(path)
  if (now !== undefined) return now
  throw new Unreadable(showPath(path), 'it is there no longer')
}

/** The same file, and not changed since, as far as anything shows. */
function isSame(now: TreeStat, before: TreeStat): boolean {
  return (
    isSameFile(now, before) &&
    now.ctimeNs === before.ctimeNs &&
    now.mtimeNs === before.mtimeNs &&
    now.size === before.size &&
    now.mode === before.mode &&
    now.uid === before.uid &&
    now.gid === before.gid
  )
}

/** It changed so shortly before that another change at that moment would have had the same time. */
function isJustNow({ ctimeNs }: TreeStat, nowMs: number): boolean {
  return Math.abs(nowMs - Number(ctimeNs / 1_000_000n)) < COARSE_MS
}
