// Rules: which paths take part in a base. Globs are matched against the path from the root; what an
// exclude names is left out with all below it, unless an include names it.

import { matchesGlob } from 'node:path'
import type { TreePath, TreeStat } from './tree/tree.ts'

/** Undefined if there are no rules: then everything takes part. */
export function rulesFilter(
  include: readonly string[],
  exclude: readonly string[]
): ((path: TreePath, type: TreeStat['type']) => boolean) | undefined {
  if (include.length === 0 && exclude.length === 0) return undefined
  const names = (text: string, globs: readonly string[]): boolean =>
    globs.some((glob) => matchesGlob(text, glob.replace(/^\/+|\/+$/g, '')))
  return (path, type) => {
    const text = Buffer.from(path).toString()
    if (names(text, include)) return true
    if (names(text, exclude)) return false
    // With includes alone, only they take part, and the directories that lead to them.
    return exclude.length > 0 || type === 'directory'
  }
}
