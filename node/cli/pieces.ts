// What a restore is to bring back, from the words on the command line: the whole tree, single paths, or all
// that fits a pattern; and where in the target each of them goes. Directories that lead there are made where
// they are missing, and left alone where they are not.

import type { CID } from '../../store/block.ts'
import type { Entry } from '../../store/entry.ts'
import { Finder } from '../../store/look.ts'
import { splitPath } from '../../store/path.ts'
import type { StateReader } from '../../store/reader.ts'
import { findBelow } from '../../store/tree.ts'
import { Glob, hasMagic } from '../glob.ts'
import type { Only, Piece } from '../restorer.ts'
import { joinPath, nameOf, parentOf, ROOT, showPath } from '../tree/path.ts'
import type { TreePath } from '../tree/tree.ts'
import { WrongUsage } from './session.ts'

export interface PiecesInput {
  reader: StateReader
  root: CID
  /** The entry of the root. */
  top: Entry
  /** Everything, if there are none. */
  paths: readonly TreePath[]
  /** Each goes where it was; else under its own name, and what fits a pattern as it lies below its folder. */
  inPlace: boolean
}

/** @throws {WrongUsage} if nothing has one of the paths, or fits one */
export async function piecesOf(input: PiecesInput): Promise<Piece[]> {
  const { reader, top, paths, inPlace } = input
  if (paths.length === 0) return [{ entry: top, from: ROOT, to: ROOT }]
  const pieces: Piece[] = []
  const wanted: TreePath[] = []
  for (const path of paths) {
    const entry = await findBelow(reader, top, path)
    if (entry === undefined) {
      const { folder, fitting } = await fittingOf(input, path)
      const above = await findBelow(reader, top, folder)
      if (inPlace) wanted.push(...fitting)
      else if (above) pieces.push({ entry: above, from: folder, to: ROOT, only: onlyOf(fitting) })
    } else if (inPlace) wanted.push(path)
    else pieces.push({ entry, from: path, to: nameOf(path) })
  }
  return inPlace ? [{ entry: top, from: ROOT, to: ROOT, only: onlyOf(wanted) }] : pieces
}

/** What fits a pattern, and the folder that its names are told from. @throws {WrongUsage} if nothing does */
async function fittingOf(
  { reader, root }: PiecesInput,
  pattern: TreePath
): Promise<{ folder: TreePath; fitting: TreePath[] }> {
  const names = splitPath(pattern)
  const magic = names.findIndex(hasMagic)
  const found = magic < 0 ? [] : await new Finder(reader, new Glob(pattern)).in(root)
  if (found.length === 0) {
    throw new WrongUsage(`${showPath(pattern)} is not in this restore point`, {
      next: 'Look with `drystone ls POINT`, or `drystone find NAME --all`.'
    })
  }
  const folder = names.slice(0, magic).reduce((path, name) => joinPath(path, name), ROOT)
  return { folder, fitting: found.map(({ path }) => path) }
}

/** These paths, and all that leads to them. */
function onlyOf(wanted: readonly TreePath[]): Only {
  const only = new Map<string, 'wanted' | 'way'>()
  for (const path of wanted) {
    for (let above = parentOf(path); above.length > 0; above = parentOf(above)) {
      const key = Buffer.from(above).toString('latin1')
      if (!only.has(key)) only.set(key, 'way')
    }
    only.set(Buffer.from(path).toString('latin1'), 'wanted')
  }
  return only
}
