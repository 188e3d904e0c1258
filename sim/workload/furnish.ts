// The files that people have on the day when Drystone comes: folders in folders, files of all sizes, most
// small and a few large, copies of the same, links of both kinds, and one of everything that a file system
// has room for. All of it is private and lies below one directory; the same seed gives the same tree.

import { joinPath, pathOf } from '../../node/tree/path.ts'
import type { TreePath } from '../../node/tree/tree.ts'
import type { SeededRandom } from '../random.ts'
import type { MemoryMetadata, MemoryTree } from '../tree/tree.ts'
import { privateContent } from './content.ts'
import { oddMode, oddOwner, oddTime, pastTime, someXattrs } from './metadata.ts'
import { ODD_NAMES, directoryName, fileName, oddName } from './names.ts'
import { fileSizes } from './sizes.ts'

/** What lies below it belongs to the people of the computer; all else to the base. */
export const PRIVATE = 'home'

export interface FurnishInit {
  random: SeededRandom
  /** Regular files; links and special files come on top. */
  files: number
  /** Of all files together, roughly. */
  bytes: number
}

const FILES_IN_A_DIRECTORY = 8
const DEPTH_MAX = 4
/** The day for which the times of the files are in the past. */
const TODAY_MS = Date.UTC(2026, 0, 5)

/** Makes the private files of a computer. */
export function furnish(tree: MemoryTree, { random, files, bytes }: FurnishInit): void {
  if (files === 0) return
  const directories = makeDirectories(tree, random, Math.ceil(files / FILES_IN_A_DIRECTORY))
  const paths: TreePath[] = []
  for (const size of fileSizes(random, files, bytes)) {
    const path = freePath(tree, random.pick(directories), () => fileName(random))
    const isCopy = paths.length > 0 && random.chance(0.06)
    const content = isCopy ? tree.content(random.pick(paths)) : privateContent(random, size)
    tree.put(path, content, someMetadata(random))
    paths.push(path)
  }
  const furniture: Furniture = { tree, random, directories, paths }
  nameOddly(furniture)
  addLinks(furniture)
  addSpecialFiles(furniture)
  for (const path of directories) {
    if (random.chance(0.5)) tree.change(path, someMetadata(random))
  }
}

interface Furniture {
  tree: MemoryTree
  random: SeededRandom
  directories: TreePath[]
  paths: TreePath[]
}

/** Below `directory`, where nothing is yet. */
export function freePath(tree: MemoryTree, directory: TreePath, name: () => Uint8Array): TreePath {
  for (;;) {
    const path = joinPath(directory, name())
    if (!tree.has(path)) return path
  }
}

/** At least four, one in the other, so that every depth is there. */
function makeDirectories(tree: MemoryTree, random: SeededRandom, count: number): TreePath[] {
  const made: { path: TreePath; depth: number }[] = [{ path: pathOf(PRIVATE), depth: 1 }]
  for (let n = 1; n < Math.max(count, DEPTH_MAX); n++) {
    const last = made[n - 1]
    const isDeeper = n < DEPTH_MAX && last !== undefined
    const parent = isDeeper ? last : random.pick(made.filter(({ depth }) => depth < DEPTH_MAX))
    const path = freePath(tree, parent.path, () => directoryName(random))
    tree.mkdir(path, { mode: random.pick([0o755, 0o755, 0o700, 0o2775] as const) })
    made.push({ path, depth: parent.depth + 1 })
  }
  return made.map(({ path }) => path)
}

function someMetadata(random: SeededRandom): MemoryMetadata {
  return {
    mtimeNs: pastTime(random, TODAY_MS),
    ...(random.chance(0.08) && { mode: oddMode(random) }),
    ...(random.chance(0.08) && { uid: oddOwner(random), gid: oddOwner(random) }),
    ...(random.chance(0.1) && { xattrs: someXattrs(random) })
  }
}

/** Every odd name is there once, of a file or of an empty directory, as far as there are files. */
function nameOddly({ tree, random, directories, paths }: Furniture): void {
  for (let kind = 0; kind < Math.min(ODD_NAMES, paths.length); kind++) {
    const path = freePath(tree, random.pick(directories), () => {
      return oddName(kind, random.below(1000))
    })
    if (kind % 4 === 3) {
      tree.mkdir(path, { mtimeNs: oddTime(random) })
      continue
    }
    const old = paths[kind]
    if (old === undefined) continue
    tree.rename(old, path)
    if (kind < 6) tree.change(path, { mtimeNs: oddTime(random) })
    paths[kind] = path
  }
}

/** Two to three names for a few files, in other directories too; and links that lead somewhere or not. */
function addLinks({ tree, random, directories, paths }: Furniture): void {
  const some = 1 + Math.floor(paths.length / 16)
  const free = (): TreePath => freePath(tree, random.pick(directories), () => fileName(random))
  for (let n = 0; n < some; n++) {
    const file = random.pick(paths)
    for (let names = 1 + random.below(2); names > 0; names--) tree.link(free(), file)
    const targets = [random.pick(paths), pathOf('../nowhere'), pathOf('/etc/hosts'), pathOf('.')]
    const mtimeNs = pastTime(random, TODAY_MS)
    tree.symlink(free(), random.pick(targets), { mtimeNs })
  }
  tree.symlink(free(), pathOf('gone for good'), { mtimeNs: oddTime(random) })
}

function addSpecialFiles({ tree, random, directories }: Furniture): void {
  const free = (name: string): TreePath =>
    freePath(tree, random.pick(directories), () => {
      return pathOf(`${name}-${random.below(1000)}`)
    })
  tree.special(free('fifo'), 'fifo')
  tree.special(free('null'), 'character', [1, 3])
  tree.special(free('disk'), 'block', [259, random.below(2 ** 20)])
  tree.mkdir(free('empty'), { mode: 0o1777 })
}
