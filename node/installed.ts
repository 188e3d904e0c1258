// Which base this computer stands on, and proving it: a base that was deployed here, or that this computer
// was imaged with by other means and adopts. Files that match by path, type, size and time are taken for
// the base's without being read: that is the bet, and a witness is written for each.

import type { Hash } from '../store/block.ts'
import type { Base } from '../store/base.ts'
import { bytesOf, decode, encode, integerOf, readMap } from '../store/codec.ts'
import type { Disk } from '../store/disk.ts'
import type { Entry } from '../store/entry.ts'
import type { StateReader } from '../store/reader.ts'
import { readSpared, writeSpared, type SparedOptions } from '../store/spare.ts'
import { directoryEntries, joinPath, sameMetadata } from '../store/tree.ts'
import { Unreadable } from './errors.ts'
import { describe, isHome, isProtected, mergeSights, type Sense, type Sight } from './scanner.ts'
import { showPath } from './tree/path.ts'
import type { Tree, TreePath, TreeStat } from './tree/tree.ts'
import { witnessKey, witnessOf, type DirectoryWitnesses, type WitnessBook } from './witness.ts'

const FILE = 'installed'

/** Remembers in the home which base is installed. */
export async function saveInstalled(disk: Disk, base: Base): Promise<void> {
  await writeSpared(disk, FILE, encode({ v: 1, base: base.id }))
}

/** The id of the installed base. */
export async function readInstalled(
  disk: Disk,
  options?: SparedOptions
): Promise<Hash | undefined> {
  const bytes = await readSpared(disk, FILE, options)
  if (bytes === undefined) return undefined
  return readMap(decode(bytes), FILE, { v: integerOf(1, 1), base: bytesOf(32) }).base
}

export interface CompareInput {
  tree: Tree
  reader: StateReader
  /** The root entry of the state to compare with. */
  top: Entry
  sense: Sense
  /** Where to write a witness for each match. */
  witnesses?: WitnessBook
  /** Proves a match by the file's content; without it, size and time are enough. */
  prove?: (path: TreePath, stat: TreeStat, entry: Entry) => Promise<boolean>
  signal?: AbortSignal | undefined
}

export interface Comparison {
  /** Entries of the state that lie in the tree as they should. */
  matched: number
  /** Paths where something else lies. */
  differing: string[]
  /** Paths where nothing lies. */
  missing: string[]
}

/** Compares a tree with a state by what can be seen without reading, in one walk. */
export async function compareTree(input: CompareInput): Promise<Comparison> {
  const found: Comparison = { matched: 0, differing: [], missing: [] }
  const path = new Uint8Array()
  const stat = await input.tree.stat(path)
  if (stat?.type !== 'directory') {
    throw new Unreadable(input.tree.where, 'there is no directory here')
  }
  await compareDirectory({ ...input, found }, path, {
    name: path,
    stat,
    before: input.top,
    witness: undefined
  })
  return found
}

type Running = CompareInput & { found: Comparison }

async function compareDirectory(running: Running, path: TreePath, sight: Sight): Promise<void> {
  const { tree, reader, found, witnesses, signal } = running
  signal?.throwIfAborted()
  const listing = await tree.list(path)
  if (isHome(listing)) return
  await note(running, path, sight)
  const page = sight.before?.page
  const before = page === undefined ? [] : await Array.fromAsync(directoryEntries(reader, page))
  const { sights, gone } = mergeSights(listing.filter(isProtected), before, new Map())
  for (const { name } of gone) found.missing.push(showPath(joinPath(path, name)))
  const fresh: DirectoryWitnesses = new Map()
  for (const child of sights) {
    if (child.before === undefined) continue
    const childPath = joinPath(path, child.name)
    const match = await compareChild(running, childPath, child)
    if (match !== 'other') {
      fresh.set(witnessKey(child.name), witnessOf(child.stat, match === 'content'))
    }
  }
  witnesses?.set(path, fresh)
}

/** What cannot be read does not match; it does not keep the rest from being compared. */
async function compareChild(running: Running, path: TreePath, child: Sight): Promise<Match> {
  try {
    if (child.stat.type !== 'directory' || child.before?.type !== 'directory') {
      return await note(running, path, child)
    }
    await compareDirectory(running, path, child)
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    running.found.differing.push(showPath(path))
  }
  return 'other'
}

/** All is as it should be, only the content, or something else lies there. */
type Match = 'all' | 'content' | 'other'

/** Counts one entry. */
async function note(
  { tree, found, sense, prove }: Running,
  path: TreePath,
  sight: Sight
): Promise<Match> {
  const { before, stat } = sight
  if (before === undefined) return 'other'
  const isFile = stat.type === 'file' && before.type === 'file'
  const likely = isFile && stat.size === before.size && stat.mtimeNs === before.mtimeNs
  const proven = likely && (prove === undefined || (await prove(path, stat, before)))
  const known = proven && before.hash !== undefined ? { hash: before.hash } : {}
  const entry: Entry = { ...(await describe(tree, path, sight, sense)), ...known }
  // Which names are linked is for the archiver to see; here a file is compared by itself.
  if (before.linkTo !== undefined) entry.linkTo = before.linkTo
  const all = sameMetadata(before, entry)
  if (all) found.matched++
  else found.differing.push(showPath(path))
  return all ? 'all' : proven ? 'content' : 'other'
}
