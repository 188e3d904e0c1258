// One change at a time, as people and programs make them in a day's work: mostly a file is written or saved,
// now and then something is moved, linked or swapped, and rarely in a way that only a careful scan sees. All
// of it can happen on a real system. A tree neither grows without end nor is it emptied.

import type { Clock } from '../../store/clock.ts'
import { codeOf } from '../../node/tree/failures.ts'
import type { SeededRandom } from '../random.ts'
import type { MemoryTree } from '../tree/tree.ts'
import * as content from './content-edits.ts'
import type { Edit } from './content-edits.ts'
import * as metadata from './metadata-edits.ts'
import * as names from './name-edits.ts'
import { Survey } from './survey.ts'

/** What can happen, and how often against the others. */
export const EDITS: readonly (readonly [weight: number, edit: Edit])[] = [
  [12, content.writeNew],
  [10, content.overwrite],
  [10, content.replace],
  [8, content.append],
  [3, content.truncate],
  [1, content.empty],
  [2, content.growInTheMiddle],
  [4, content.editQuietly],
  [6, content.editAgainAtOnce],
  [3, content.writeThroughLink],
  [2, content.swapTwins],
  [1, content.writeManySmall],
  [2, content.copyBaseFile],
  [1, content.appendToBaseFile],
  [1, content.editBaseFile],
  [8, names.removeFile],
  [1, names.removeDirectory],
  [4, names.renameFile],
  [2, names.renameDirectory],
  [2, names.moveSubtree],
  [2, names.swapDirectories],
  [3, names.swapTwinDirectories],
  [1, names.makeDeepDirectory],
  [3, names.linkFile],
  [2, names.breakLink],
  [1, names.makeSymlink],
  [2, names.retarget],
  [1, names.makeFifo],
  [1, names.fileBecomesDirectory],
  [1, names.directoryBecomesFile],
  [3, metadata.changeMode],
  [2, metadata.changeOwner],
  [2, metadata.setAttributes],
  [1, metadata.removeAttributes],
  [3, metadata.touch]
]
const WEIGHTS = EDITS.reduce((sum, [weight]) => sum + weight, 0)

const MIB = 1024 * 1024
/** A tree may grow to this, or to twice what it was. */
const ROOM_BYTES = 4 * MIB
const ROOM_FILES = 100
/** How large a tree may become: fixed when it is first edited. */
const bounds = new WeakMap<MemoryTree, { bytes: number; files: number }>()

/**
 * Makes one change to the private part of a tree, or to what a base brought, and says in words what it was.
 * It always changes something that a person could see, unless the words say that the disk is full.
 *
 * @param clock the computer's own, as the tree's.
 */
export function edit(tree: MemoryTree, random: SeededRandom, clock: Pick<Clock, 'now'>): string {
  const survey = new Survey(tree, random, clock.now())
  const most = bounds.get(tree) ?? {
    bytes: Math.max(ROOM_BYTES, 2 * survey.bytes),
    files: Math.max(ROOM_FILES, 2 * survey.files.length)
  }
  bounds.set(tree, most)
  survey.room = Math.max(0, most.bytes - survey.bytes)
  const first = survey.room === 0 ? names.removeLarge : undefined
  const isCrowded = survey.files.length > most.files
  try {
    const done = first?.(survey) ?? (isCrowded ? names.removeFile(survey) : undefined)
    return done ?? anyEdit(survey)
  } catch (error) {
    if (codeOf(error) !== 'ENOSPC') throw error
    return 'finds the disk full'
  }
}

function anyEdit(survey: Survey): string {
  for (;;) {
    const done = drawn(survey.random)(survey)
    if (done !== undefined) return done
  }
}

function drawn(random: SeededRandom): Edit {
  let left = random.below(WEIGHTS)
  for (const [weight, each] of EDITS) {
    left -= weight
    if (left < 0) return each
  }
  return content.writeNew
}
