// Removing a directory with all it holds, following no link. Each step finds its way down again from the
// root, so a directory that is swapped for a link meanwhile loses the link and nothing behind it.

import { readdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { breathe, setMode } from './directories.ts'
import type { Directories } from './directories.ts'
import { isAbsent } from './failures.ts'
import { joinPath } from './path.ts'
import type { TreePath, TreeStat } from './tree.ts'

/** Removals before other work gets its turn. */
const PORTION = 4096
const FULL_ACCESS = 0o700

/** Removes what is at `path`, if anything. `fail` makes the error to throw when a step fails. */
export async function removeAll(
  directories: Directories,
  path: TreePath,
  fail: (path: TreePath, error: unknown) => unknown
): Promise<void> {
  let steps = 0
  const pending: { path: TreePath; isEmptied: boolean }[] = [{ path, isEmptied: false }]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { path: here, isEmptied } = next
    try {
      const inside = removeOne(directories, here, isEmptied)
      if (inside !== undefined) {
        pending.push({ path: here, isEmptied: true })
        for (const name of inside) pending.push({ path: joinPath(here, name), isEmptied: false })
      }
    } catch (error) {
      throw fail(here, error)
    }
    if (++steps % PORTION === 0) await breathe()
  }
}

/** Removes a file or an emptied directory; for any other directory, gives the names in it. */
function removeOne(
  directories: Directories,
  path: TreePath,
  isEmptied: boolean
): Buffer[] | undefined {
  let now: TreeStat
  let place
  try {
    place = directories.locate(path)
    now = directories.stat(place)
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
  if (now.type !== 'directory') unlinkSync(place.path)
  else if (isEmptied) rmdirSync(place.path)
  else {
    // What cannot be listed or changed cannot be emptied.
    if ((now.mode & FULL_ACCESS) !== FULL_ACCESS) {
      setMode(place, FULL_ACCESS)
    }
    return readdirSync(directories.enter(path).prefix, { encoding: 'buffer' })
  }
  return undefined
}
