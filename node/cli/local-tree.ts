// A directory of this computer, opened with the rights of this process. Kept apart from the real ports, so
// that a command that only calls the running peer loads neither network nor index.

import { openTree, type RealTree } from '../tree/real-tree.ts'

/** This process may read all files, and set owners. */
export const isRoot = process.getuid?.() === 0

/** A directory of this computer. Being root means to see and set owners, setuid and devices. */
export function openRealTree(root: string): Promise<RealTree> {
  return openTree(root, { owners: isRoot, privileges: isRoot })
}
