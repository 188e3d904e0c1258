// A directory of this computer, opened with the rights of this process. Kept apart from the real ports, so
// that a command that only calls the running peer loads neither network nor index.

import type { OpenHands } from '../placer.ts'
import { placingHands } from '../threads/placing-hand.ts'
import { openTree, type RealTree } from '../tree/real-tree.ts'

/** This process may read all files, and set owners. */
export const isRoot = process.getuid?.() === 0

/** A directory of this computer. Being root means to see and set owners, setuid and devices. */
export function openRealTree(root: string): Promise<RealTree> {
  return openTree(root, RIGHTS)
}

/** Threads that write files below a directory of this computer, with the same rights. */
export function openRealHands(root: string): OpenHands {
  return placingHands({ root, ...RIGHTS })
}

const RIGHTS = { owners: isRoot, privileges: isRoot }
