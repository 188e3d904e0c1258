// Skipped files: those that a backup would not read, since their size, time and witness are what they were.
// Here one is read after all and held against its fingerprint. It is judged only if it held still meanwhile,
// and only where nothing but that bet speaks for it: a file that the next backup reads anyway proves nothing.

import { toHex, type CID } from '../store/block.ts'
import type { Entry } from '../store/entry.ts'
import type { Random } from '../store/random.ts'
import type { StateReader } from '../store/reader.ts'
import type { GetOptions } from '../store/source.ts'
import { directoryEntries, type PathEntry } from '../store/tree.ts'
import { Unreadable } from './errors.ts'
import { isContentKnown } from './scanner.ts'
import { hashFile, type HashOptions } from './tree/hash.ts'
import { comparePaths, isWithin, joinPath, nameOf, parentOf, ROOT } from './tree/path.ts'
import type { Tree, TreePath } from './tree/tree.ts'
import { witnessKey, type DirectoryWitnesses, type WitnessBook } from './witness.ts'

/** `same` and `differs` were read; `read anyway` is what no backup would skip, or what cannot be judged. */
export type Judgement = 'same' | 'differs' | 'read anyway'

export class SkippedFiles {
  readonly #tree: Tree
  readonly #witnesses: WitnessBook
  /** Of the directories that lead to the file that was looked at last. */
  readonly #known = new Map<string, { path: TreePath; witnesses: DirectoryWitnesses }>()

  constructor(tree: Tree, witnesses: WitnessBook) {
    this.#tree = tree
    this.#witnesses = witnesses
  }

  /** Reads a file if a backup would not. */
  async judge({ path, entry }: PathEntry, options?: HashOptions): Promise<Judgement> {
    if (!isBet(entry)) return 'read anyway'
    const witness = (await this.#of(parentOf(path))).get(witnessKey(nameOf(path)))
    try {
      const stat = await this.#tree.stat(path)
      const sight = { name: entry.name, before: entry, witness }
      if (stat === undefined || !isContentKnown({ ...sight, stat })) return 'read anyway'
      const hash = await hashFile(this.#tree, path, stat, options)
      const now = await this.#tree.stat(path)
      if (now === undefined || !isContentKnown({ ...sight, stat: now })) return 'read anyway'
      return toHex(hash) === toHex(entry.hash) ? 'same' : 'differs'
    } catch (error) {
      if (error instanceof Unreadable) return 'read anyway'
      throw error
    }
  }

  async #of(directory: TreePath): Promise<DirectoryWitnesses> {
    const key = witnessKey(directory)
    const known = this.#known.get(key)
    if (known !== undefined) return known.witnesses
    for (const [other, { path }] of this.#known) {
      if (!isWithin(directory, path)) this.#known.delete(other)
    }
    const witnesses = await this.#witnesses.get(directory)
    this.#known.set(key, { path: directory, witnesses })
    return witnesses
  }
}

/** An empty file has no content to be wrong; further names of a file are judged with its first. */
function isBet(entry: Entry): entry is Entry & Required<Pick<Entry, 'hash'>> {
  return (
    entry.type === 'file' &&
    entry.size > 0 &&
    entry.hash !== undefined &&
    entry.linkTo === undefined
  )
}

/**
 * One name of a state, drawn by going down from its root and taking any name of each directory. Opens only
 * the blocks on the way, so it costs the same however large the state is; what lies in small directories is
 * drawn more often. Undefined where the way ends in an empty directory.
 */
export async function drawEntry(
  reader: StateReader,
  root: CID,
  random: Random
): Promise<PathEntry | undefined> {
  let path = ROOT
  let { page: at } = await reader.top(root)
  while (at !== undefined) {
    const block = await reader.directory(at)
    if ('node' in block) {
      at = block.node[below(block.node.length, random)]?.cid
      continue
    }
    if (block.page.length === 0) return undefined
    const entry = block.page.entry(below(block.page.length, random))
    path = joinPath(path, entry.name)
    if (entry.type !== 'directory') return { path, entry }
    at = entry.page
  }
  return undefined
}

/** A whole number from 0, less than `bound`. */
function below(bound: number, random: Random): number {
  return Buffer.from(random.bytes(4)).readUInt32LE() % bound
}

/** Every entry of a state behind `after`, in tree order; opens no directory that lies before it. */
export async function* entriesAfter(
  reader: StateReader,
  { path, entry }: PathEntry,
  after: TreePath,
  options?: GetOptions
): AsyncGenerator<PathEntry> {
  if (comparePaths(path, after) > 0) yield { path, entry }
  else if (!isWithin(after, path)) return
  if (entry.page === undefined) return
  for await (const child of directoryEntries(reader, entry.page, options)) {
    const below = { path: joinPath(path, child.name), entry: child }
    yield* entriesAfter(reader, below, after, options)
  }
}
