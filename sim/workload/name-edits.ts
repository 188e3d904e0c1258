// Edits of names: what is where. Files and directories are deleted, renamed, moved and swapped, get a second
// name and lose it again, and turn from one kind into another. Each returns what it did, or undefined where
// there is nothing to do it to.

import { isWithin, joinPath, nameOf, parentOf, pathOf, showPath } from '../../node/tree/path.ts'
import type { TreePath } from '../../node/tree/tree.ts'
import { privateContent } from './content.ts'
import type { Edit } from './content-edits.ts'
import { freePath, PRIVATE } from './furnish.ts'
import { directoryName } from './names.ts'
import { depthOf, type Survey } from './survey.ts'

/** Fewer files than these are not left behind. */
export const FILES_MIN = 6

/** What directories hold that are alike. */
const TWIN = 'twin.dat'
const NAMES_MAX = 4
const KIB = 1024
/** Where a subtree may still move to, so that paths do not grow without end. */
const MOVE_DEPTH_MAX = 4

export const removeFile: Edit = (survey) => {
  const found = survey.any([...survey.files, ...survey.symlinks, ...survey.specials])
  if (found === undefined || survey.files.length <= FILES_MIN) return undefined
  survey.tree.remove(found.path)
  return `deletes ${showPath(found.path)}`
}

export const removeDirectory: Edit = (survey) => {
  const directory = survey.any(survey.directories)
  if (directory === undefined) return undefined
  const count = survey.countBelow(directory.path)
  if (count > survey.files.length / 3 || survey.files.length - count < FILES_MIN) return undefined
  survey.tree.remove(directory.path)
  return `deletes ${showPath(directory.path)} with ${count} files`
}

/** The largest of a few, when there is too much. */
export const removeLarge: Edit = (survey) => {
  if (survey.files.length <= FILES_MIN) return undefined
  const largest = survey.files.reduce((most, file) => {
    return file.node.bytes.length > most.node.bytes.length ? file : most
  })
  survey.tree.remove(largest.path)
  return `deletes ${showPath(largest.path)} to make room`
}

export const renameFile: Edit = (survey) => {
  const found = survey.any([...survey.files, ...survey.symlinks, ...survey.specials])
  if (found === undefined) return undefined
  const to = survey.newPath()
  survey.tree.rename(found.path, to)
  return `renames ${showPath(found.path)} to ${showPath(to)}`
}

export const renameDirectory: Edit = (survey) => {
  const directory = survey.any(survey.directories)
  if (directory === undefined) return undefined
  const { tree, random } = survey
  const to = freePath(tree, parentOf(directory.path), () => directoryName(random))
  tree.rename(directory.path, to)
  return `renames ${showPath(directory.path)} to ${showPath(to)}`
}

/** With all that it holds, into another directory. */
export const moveSubtree: Edit = (survey) => {
  const directory = survey.any(survey.directories)
  if (directory === undefined) return undefined
  const targets: TreePath[] = survey.directories
    .map(({ path }) => path)
    .filter((path) => depthOf(path) < MOVE_DEPTH_MAX && !isWithin(path, directory.path))
  const target = survey.random.pick([...targets, pathOf(PRIVATE)])
  const to = joinPath(target, nameOf(directory.path))
  if (survey.tree.has(to)) return undefined
  survey.tree.rename(directory.path, to)
  return `moves ${showPath(directory.path)} to ${showPath(to)}`
}

export const swapDirectories: Edit = (survey) => {
  const two = survey.anyTwo(survey.directories)
  if (two === undefined) return undefined
  const [one, other] = two
  const beside = survey.besides(one.path)
  survey.tree.rename(one.path, beside)
  survey.tree.rename(other.path, one.path)
  survey.tree.rename(beside, other.path)
  return `swaps ${showPath(one.path)} and ${showPath(other.path)}`
}

/**
 * Two directories change places, and hold each a file of the same name, size and times, the time of change
 * included: only the inode tells. If there are none, they are made.
 */
export const swapTwinDirectories: Edit = (survey) => {
  const { tree, random, directories } = survey
  const twins = directories.filter(({ node }) => node.names.has(TWIN))
  const [one, other] = survey.anyTwo(twins) ?? []
  if (one !== undefined && other !== undefined) {
    const beside = survey.besides(one.path)
    tree.rename(one.path, beside)
    tree.rename(other.path, one.path)
    tree.rename(beside, other.path)
    return `swaps ${showPath(one.path)} and ${showPath(other.path)}, alike but for their content`
  }
  const paths = [survey.newPath('directory'), survey.newPath('directory')]
  const size = 100 + random.below(4 * KIB)
  for (const path of paths) tree.put(joinPath(path, pathOf(TWIN)), privateContent(random, size))
  return `makes two directories alike: ${paths.map(showPath).join(', ')}`
}

export const makeDeepDirectory: Edit = (survey) => {
  let path = survey.newPath('directory')
  const depth = 1 + survey.random.below(4)
  for (let n = 0; n < depth; n++) path = joinPath(path, pathOf(`level ${n}`))
  survey.tree.mkdir(path)
  return `makes ${showPath(path)}`
}

export const linkFile: Edit = (survey) => {
  const file = survey.any(survey.files.filter(({ node }) => node.links < NAMES_MAX))
  if (file === undefined) return undefined
  const path = survey.newPath()
  survey.tree.link(path, file.path)
  return `links ${showPath(path)} to ${showPath(file.path)}`
}

/** As a program does that saves by a new file: the other names keep the old one. */
export const breakLink: Edit = (survey) => {
  const { tree, random } = survey
  const file = survey.any(survey.files.filter(({ node }) => node.links > 1))
  if (file === undefined) return undefined
  const { bytes, mode, uid, gid, mtimeNs } = file.node
  const beside = survey.besides(file.path)
  const isCopy = random.chance(0.5)
  const content = isCopy ? bytes : privateContent(random, bytes.length + 1)
  tree.put(beside, content, { mode, uid, gid, mtimeNs })
  tree.rename(beside, file.path)
  return `makes ${showPath(file.path)} a file of its own`
}

export const makeSymlink: Edit = (survey) => {
  const path = survey.newPath()
  survey.tree.symlink(path, targetFor(survey))
  return `makes the link ${showPath(path)}`
}

export const retarget: Edit = (survey) => {
  const link = survey.any(survey.symlinks)
  if (link === undefined) return undefined
  const { tree } = survey
  const target = targetFor(survey)
  if (Buffer.from(target).equals(link.node.target)) return undefined
  // As `ln -sfn` does it.
  const beside = survey.besides(link.path)
  tree.symlink(beside, target)
  tree.rename(beside, link.path)
  return `points ${showPath(link.path)} at ${showPath(target)}`
}

export const makeFifo: Edit = (survey) => {
  const path = survey.newPath()
  survey.tree.special(path, 'fifo')
  return `makes the fifo ${showPath(path)}`
}

export const fileBecomesDirectory: Edit = (survey) => {
  const { tree, random } = survey
  const file = survey.any(survey.files)
  if (file === undefined) return undefined
  tree.remove(file.path)
  const inside = joinPath(file.path, pathOf('what it was'))
  tree.put(inside, privateContent(random, 100 + random.below(KIB)))
  return `makes a directory of ${showPath(file.path)}`
}

export const directoryBecomesFile: Edit = (survey) => {
  const { tree, random } = survey
  const directory = survey.any(
    survey.directories.filter(({ node }) => {
      return [...node.names.values()].every(({ type }) => type === 'file') && node.names.size < 4
    })
  )
  if (directory === undefined) return undefined
  tree.remove(directory.path)
  tree.put(directory.path, privateContent(random, 100 + random.below(KIB)))
  return `makes a file of ${showPath(directory.path)}`
}

function targetFor(survey: Survey): TreePath {
  const { random } = survey
  const targets = [pathOf(`nowhere ${random.below(1000)}`), pathOf('..'), pathOf('/usr/bin')]
  const file = survey.any(survey.files)
  return random.pick(file === undefined ? targets : [...targets, file.path])
}
