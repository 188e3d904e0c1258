// Paths as people write them, for an endpoint: absolute, or relative to the current folder when that lies in
// the protected root; else relative to the root itself.

import { isAbsolute, relative, resolve, sep } from 'node:path'
import { pathOf } from '../tree/path.ts'
import type { TreePath } from '../tree/tree.ts'

/** The path below the root. `root` is this computer's own, if it has one. */
export function pathInRoot(text: string, root: string | undefined): TreePath {
  const inside = (path: string): boolean =>
    root !== undefined && (path === root || path.startsWith(root.endsWith(sep) ? root : root + sep))
  if (text === '') return pathOf('')
  if (isAbsolute(text)) {
    const path = resolve(text)
    return pathOf(
      root !== undefined && inside(path) ? relative(root, path) : path.replace(/^\/+/, '')
    )
  }
  if (root !== undefined && inside(process.cwd())) return pathOf(relative(root, resolve(text)))
  return pathOf(text.replace(/^\.\/|\/+$/g, ''))
}
