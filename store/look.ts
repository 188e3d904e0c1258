// Looking around in states: every entry that fits a pattern, and how one path changed from state to state.
// Blocks that several states share are opened once, and of each state only those on the way.

import type { CID } from './block.ts'
import type { Entry } from './entry.ts'
import { joinPath } from './path.ts'
import type { StateReader } from './reader.ts'
import type { GetOptions } from './source.ts'
import { directoryEntries, directoryEntry, findEntry, sameBytes, sameMetadata } from './tree.ts'
import type { PathEntry } from './tree.ts'

/** A pattern that is met name by name, from the root. */
export interface Pattern<Met> {
  readonly start: Met
  after(met: Met, name: Uint8Array): Met
  isWhole(met: Met): boolean
  /** The one name that can lead on, if there is only one. */
  only(met: Met): Uint8Array | undefined
}

/** Finds in one state after another. */
export class Finder<Met extends readonly unknown[]> {
  readonly #reader: StateReader
  readonly #pattern: Pattern<Met>
  readonly #options: GetOptions
  /** What was found below a directory, by its page and by what of the pattern was met before. */
  readonly #known = new Map<string, PathEntry[]>()

  constructor(reader: StateReader, pattern: Pattern<Met>, options: GetOptions = {}) {
    this.#reader = reader
    this.#pattern = pattern
    this.#options = options
  }

  /** Every entry below the root that fits, in tree order. */
  async in(root: CID): Promise<PathEntry[]> {
    return this.#below(await this.#reader.top(root), this.#pattern.start)
  }

  /** Paths are relative to the directory. */
  async #below(directory: Entry, met: Met): Promise<PathEntry[]> {
    if (directory.page === undefined) return []
    const key = `${directory.page.toString()} ${met.join(' ')}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const found: PathEntry[] = []
    for await (const entry of this.#candidates(directory.page, met)) {
      const next = this.#pattern.after(met, entry.name)
      if (next.length === 0) continue
      if (this.#pattern.isWhole(next)) found.push({ path: entry.name, entry })
      for (const below of await this.#below(entry, next)) {
        found.push({ path: joinPath(entry.name, below.path), entry: below.entry })
      }
    }
    this.#known.set(key, found)
    return found
  }

  async *#candidates(page: CID, met: Met): AsyncGenerator<Entry> {
    const only = this.#pattern.only(met)
    if (only === undefined) {
      yield* directoryEntries(this.#reader, page, this.#options)
      return
    }
    const entry = await directoryEntry(this.#reader, page, only)
    if (entry !== undefined) yield entry
  }
}

/** What a path was over a run of states, as long as it did not change. */
export interface Version<State> {
  /** The first and the last state of the run. */
  from: State
  to: State
  /** Undefined where there is nothing at the path. */
  entry: Entry | undefined
}

/** The versions of a path, over states in the order given. */
export async function versionsOf<State extends { root: CID }>(
  reader: StateReader,
  states: readonly State[],
  path: Uint8Array
): Promise<Version<State>[]> {
  const versions: Version<State>[] = []
  let lastRoot: CID | undefined
  for (const state of states) {
    const last = versions.at(-1)
    const isEqual = lastRoot?.equals(state.root) === true
    const entry = isEqual ? last?.entry : await findEntry(reader, state.root, path)
    lastRoot = state.root
    if (last !== undefined && isSame(last.entry, entry)) last.to = state
    else versions.push({ from: state, to: state, entry })
  }
  return versions
}

/** True if a user could see no difference, in it or below it. */
function isSame(a: Entry | undefined, b: Entry | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return sameMetadata(a, b) && sameBytes(a.hash, b.hash)
}

/** How two entries of one path differ, as people name it. */
export type Kind = 'added' | 'removed' | 'type' | 'content' | 'metadata'

/** Of what is on both sides, the gravest difference. */
export function kindOf({ before, after }: { before?: Entry; after?: Entry }): Kind {
  if (before === undefined) return 'added'
  if (after === undefined) return 'removed'
  if (before.type !== after.type) return 'type'
  const isOther =
    (after.type === 'file' && !sameBytes(before.hash, after.hash)) ||
    !sameBytes(before.target, after.target)
  return isOther ? 'content' : 'metadata'
}
