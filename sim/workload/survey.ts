// What somebody sees who looks for something to do: the files, directories and links of a tree, sorted by
// what can be done with them. What cannot be read is left alone.

import { isWithin, parentOf, pathOf, splitPath } from '../../node/tree/path.ts'
import type { TreePath } from '../../node/tree/tree.ts'
import type { SeededRandom } from '../random.ts'
import type { MemoryNode } from '../tree/nodes.ts'
import type { MemoryTree } from '../tree/tree.ts'
import { freePath, PRIVATE } from './furnish.ts'
import { directoryName, fileName } from './names.ts'

/** Names in a path of a directory that still gets others in it. */
const DEPTH_MAX = 8

export interface Found {
  path: TreePath
  node: Readonly<MemoryNode>
}

export class Survey {
  readonly tree: MemoryTree
  readonly random: SeededRandom
  readonly nowMs: number
  /** Private files, each name by itself. */
  readonly files: Found[] = []
  /** Private directories, the topmost left out. */
  readonly directories: Found[] = []
  readonly symlinks: Found[] = []
  /** Fifos and devices. */
  readonly specials: Found[] = []
  /** Files that came with the base. */
  readonly baseFiles: Found[] = []
  /** Of all files, those of several names once. */
  readonly bytes: number
  /** Bytes that may come on top. */
  room = 0

  constructor(tree: MemoryTree, random: SeededRandom, nowMs: number) {
    this.tree = tree
    this.random = random
    this.nowMs = nowMs
    const files = new Set<Readonly<MemoryNode>>()
    const refused: string[] = []
    for (const [text, node] of tree.each()) {
      if (refused.some((above) => text.startsWith(above))) continue
      if (node.isRefused) refused.push(text === '' ? '' : `${text}/`)
      else this.#sort({ path: new Uint8Array(Buffer.from(text, 'latin1')), node }, text)
      if (node.type === 'file') files.add(node)
    }
    this.bytes = [...files].reduce((sum, { bytes }) => sum + bytes.length, 0)
  }

  #sort(found: Found, text: string): void {
    const isPrivate = text.startsWith(`${PRIVATE}/`)
    const { type } = found.node
    if (type === 'file') (isPrivate ? this.files : this.baseFiles).push(found)
    else if (!isPrivate) return
    else if (type === 'directory') this.directories.push(found)
    else if (type === 'symlink') this.symlinks.push(found)
    else this.specials.push(found)
  }

  /** One of them; undefined if there is none. */
  any(among: readonly Found[]): Found | undefined {
    return among.length === 0 ? undefined : this.random.pick(among)
  }

  /** A file with something in it. */
  anyFull(bytesMin = 1): Found | undefined {
    return this.any(this.files.filter(({ node }) => node.bytes.length >= bytesMin))
  }

  /** Two of them, neither within the other. */
  anyTwo(among: readonly Found[]): readonly [Found, Found] | undefined {
    const one = this.any(among)
    if (one === undefined) return undefined
    const other = this.any(
      among.filter(({ path }) => !isWithin(path, one.path) && !isWithin(one.path, path))
    )
    return other && [one, other]
  }

  /** A path below a private directory, at which there is nothing yet. */
  newPath(name: 'file' | 'directory' = 'file'): TreePath {
    const { random } = this
    const shallow = this.directories.filter(({ path }) => depthOf(path) < DEPTH_MAX)
    const directory = this.any(shallow)?.path ?? pathOf(PRIVATE)
    return freePath(this.tree, directory, () =>
      name === 'file' ? fileName(random) : directoryName(random)
    )
  }

  /** Where an editor writes what shall take the place of the file at `path`. */
  besides(path: TreePath): TreePath {
    return freePath(this.tree, parentOf(path), () => pathOf(`.new-${this.random.below(1_000_000)}`))
  }

  /** Files, of one name or several, at and below a path. */
  countBelow(above: TreePath): number {
    return this.files.filter(({ path }) => isWithin(path, above)).length
  }
}

export function depthOf(path: TreePath): number {
  return splitPath(path).length
}
