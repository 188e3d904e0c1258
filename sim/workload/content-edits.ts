// Edits of what is in files: the ways in which programs write, each of which leaves another trace. In
// place (same inode), over a new file (another inode), at the end, in the middle, through one of several
// names, and with a time set back so that neither size nor time tell. Each returns what it did, or
// undefined where there is nothing to do it to. Whatever is new carries a mark.

import { showPath } from '../../node/tree/path.ts'
import { line, marked, MARK_AT, MARK_BYTES, MARKED_BYTES_MIN, privateContent } from './content.ts'
import { freePath } from './furnish.ts'
import { fileName } from './names.ts'
import { fileSize, largeSize } from './sizes.ts'
import type { Found, Survey } from './survey.ts'

/** Something that somebody does; undefined if it cannot be done here. */
export type Edit = (survey: Survey) => string | undefined

const KIB = 1024
const NS_PER_MS = 1_000_000n
/** Where the first mark of a file ends. */
const MARK_END = MARK_AT + MARK_BYTES

export const writeNew: Edit = (survey) => {
  const { tree, random, room } = survey
  const path = survey.newPath()
  const content = privateContent(random, Math.max(1, fileSize(random, room)))
  tree.put(path, content)
  return `writes ${showPath(path)}, ${content.length} bytes`
}

export const writeManySmall: Edit = (survey) => {
  const { tree, random } = survey
  const directory = survey.newPath('directory')
  const count = 8 + random.below(12)
  for (let n = 0; n < count; n++) {
    const path = freePath(tree, directory, () => fileName(random))
    tree.put(path, privateContent(random, random.below(2 * KIB)))
  }
  return `writes ${count} small files in ${showPath(directory)}`
}

/** All of it anew, or a piece somewhere; the size stays. */
export const overwrite: Edit = (survey) => {
  const file = survey.anyFull()
  if (file === undefined) return undefined
  survey.tree.put(file.path, changed(survey, file))
  return `overwrites ${showPath(file.path)} in place`
}

/** As editors save: a new file takes the name. */
export const replace: Edit = (survey) => {
  const { tree, random, room } = survey
  const file = survey.any(survey.files)
  if (file === undefined) return undefined
  const { mode, uid, gid } = file.node
  const beside = survey.besides(file.path)
  const size = random.chance(0.5) ? file.node.bytes.length : fileSize(random, room)
  tree.put(beside, privateContent(random, Math.max(8, size)), { mode, uid, gid })
  tree.rename(beside, file.path)
  return `saves ${showPath(file.path)} as a new file`
}

export const append: Edit = (survey) => {
  const file = survey.any(survey.files)
  if (file === undefined) return undefined
  const added = tail(survey)
  survey.tree.put(file.path, Buffer.concat([file.node.bytes, added]))
  return `appends ${added.length} bytes to ${showPath(file.path)}`
}

export const truncate: Edit = (survey) => {
  const file = survey.anyFull(2 * MARKED_BYTES_MIN)
  if (file === undefined) return undefined
  const { bytes } = file.node
  const left = MARKED_BYTES_MIN + survey.random.below(bytes.length - MARKED_BYTES_MIN)
  survey.tree.put(file.path, bytes.subarray(0, left))
  return `truncates ${showPath(file.path)} to ${left} bytes`
}

export const empty: Edit = (survey) => {
  const file = survey.anyFull()
  if (file === undefined) return undefined
  survey.tree.put(file.path, new Uint8Array())
  return `empties ${showPath(file.path)}`
}

/** A file of several chunks gets more bytes in its middle; a small one becomes such a file. */
export const growInTheMiddle: Edit = (survey) => {
  const { tree, random, room } = survey
  const file = survey.anyFull(100 * KIB) ?? survey.anyFull(MARKED_BYTES_MIN)
  if (file === undefined) return undefined
  const { bytes } = file.node
  const isSmall = bytes.length < 100 * KIB
  const more = isSmall ? largeSize(random) : random.below(64 * KIB)
  if (more > room) return undefined
  const at = bytes.length < MARK_END ? bytes.length : Math.max(MARK_END, bytes.length >> 1)
  const added = privateContent(random, Math.max(1, more))
  tree.put(file.path, Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at)]))
  return `adds ${added.length} bytes in the middle of ${showPath(file.path)}`
}

/** Size and time stay: only inode and change time can tell. */
export const editQuietly: Edit = (survey) => {
  const file = survey.anyFull()
  if (file === undefined) return undefined
  survey.tree.put(file.path, changed(survey, file), { mtimeNs: file.node.mtimeNs })
  return `edits ${showPath(file.path)}, and sets its time back`
}

/** The same to a file that was changed in this very millisecond: now not even the change time tells. */
export const editAgainAtOnce: Edit = (survey) => {
  const now = BigInt(Math.trunc(survey.nowMs)) * NS_PER_MS
  const file = survey.any(
    survey.files.filter(({ node }) => node.ctimeNs >= now && node.bytes.length > 0)
  )
  if (file === undefined) return undefined
  survey.tree.put(file.path, changed(survey, file), { mtimeNs: file.node.mtimeNs })
  return `edits ${showPath(file.path)} again at once`
}

/** Through one of the names of a file that has several. */
export const writeThroughLink: Edit = (survey) => {
  const file = survey.any(
    survey.files.filter(({ node }) => node.links > 1 && node.bytes.length > 0)
  )
  if (file === undefined) return undefined
  survey.tree.put(file.path, changed(survey, file))
  return `writes through ${showPath(file.path)}, one of ${file.node.links} names`
}

/** Two files of one size and one time change places, or contents; if there are none, they are made. */
export const swapTwins: Edit = (survey) => {
  const { tree, random } = survey
  const twins = twinsOf(survey)
  if (twins === undefined) {
    const paths = [survey.newPath(), survey.newPath()]
    const size = MARKED_BYTES_MIN + random.below(8 * KIB)
    const mtimeNs = BigInt(Math.trunc(survey.nowMs) - 3_600_000) * NS_PER_MS
    for (const path of paths) tree.put(path, privateContent(random, size), { mtimeNs })
    return `writes two files of one size and time: ${paths.map(showPath).join(', ')}`
  }
  const [one, other] = twins
  const what = `${showPath(one.path)} and ${showPath(other.path)}`
  if (random.chance(0.5)) {
    const beside = survey.besides(one.path)
    tree.rename(one.path, beside)
    tree.rename(other.path, one.path)
    tree.rename(beside, other.path)
    return `swaps the names of ${what}, equal in size and time`
  }
  const { bytes, mtimeNs } = one.node
  tree.put(one.path, other.node.bytes, { mtimeNs })
  tree.put(other.path, bytes, { mtimeNs })
  return `swaps the contents of ${what}, equal in size and time`
}

export const copyBaseFile: Edit = (survey) => {
  const file = survey.any(survey.baseFiles)
  if (file === undefined) return undefined
  const path = survey.newPath()
  survey.tree.put(path, file.node.bytes)
  return `copies ${showPath(file.path)} to ${showPath(path)}`
}

export const appendToBaseFile: Edit = (survey) => {
  const file = survey.any(survey.baseFiles)
  if (file === undefined) return undefined
  survey.tree.put(file.path, Buffer.concat([file.node.bytes, tail(survey)]))
  return `appends to ${showPath(file.path)} of the base`
}

/** Settings: a line more, and no old one lost. */
export const editBaseFile: Edit = (survey) => {
  const file = survey.baseFiles.find(({ path }) => showPath(path) === 'etc/hosts')
  if (file === undefined) return undefined
  survey.tree.put(file.path, Buffer.concat([file.node.bytes, line(survey.random)]))
  return 'adds a line to etc/hosts'
}

/** Other content of the same length. The file keeps its mark if it is large, so that most of it stays. */
function changed({ random }: Survey, { node: { bytes } }: Found): Uint8Array {
  if (bytes.length < MARKED_BYTES_MIN) {
    const other = new Uint8Array(bytes)
    const at = random.below(bytes.length)
    other[at] = (bytes[at] ?? 0) ^ (1 + random.below(255))
    return other
  }
  if (bytes.length < 16 * KIB || random.chance(0.3)) return marked(random, bytes)
  const piece = privateContent(random, MARKED_BYTES_MIN + random.below(4 * KIB))
  const other = new Uint8Array(bytes)
  other.set(piece, MARK_END + random.below(bytes.length - MARK_END - piece.length))
  return other
}

function tail({ random }: Survey): Uint8Array {
  return privateContent(random, MARKED_BYTES_MIN + random.below(4 * KIB))
}

function twinsOf({ files, random }: Survey): readonly [Found, Found] | undefined {
  const byLook = new Map<string, Found>()
  const twins: (readonly [Found, Found])[] = []
  for (const file of files) {
    const { bytes, mtimeNs } = file.node
    const look = `${bytes.length}:${mtimeNs}`
    const other = byLook.get(look)
    if (other === undefined) byLook.set(look, file)
    else if (!Buffer.from(bytes).equals(other.node.bytes)) twins.push([other, file])
  }
  return twins.length === 0 ? undefined : random.pick(twins)
}
