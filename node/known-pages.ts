// Pages that are stored already: those of the state before and of the base, which a new state is compared
// with and built on. A directory that says the same as before keeps its page, and a state its root; a new
// page is only made where something differs.

import type { CID, Hash } from '../store/block.ts'
import { stateDigest } from '../store/digest.ts'
import { writeDirectory } from '../store/directory.ts'
import type { Entry } from '../store/entry.ts'
import { encodePage } from '../store/page.ts'
import type { Sink } from '../store/sink.ts'
import { directoryEntries, sameBytes } from '../store/tree.ts'
import { sameHash, type Known } from './file-archiver.ts'

export interface KnownPagesInit {
  sink: Sink
  /** The state before: what is equal to it is not read again. */
  previous?: Known | undefined
  /** The base: what is equal to it is neither stored nor sent. */
  base?: Known | undefined
}

/** The entry of one directory in each state that has it. */
export interface Twins {
  before: Entry | undefined
  base: Entry | undefined
}

export class KnownPages {
  readonly #init: KnownPagesInit

  constructor(init: KnownPagesInit) {
    this.#init = init
  }

  /** The root directories. */
  async tops(): Promise<Twins> {
    const { previous, base } = this.#init
    return {
      before: previous && (await previous.reader.top(previous.root)),
      base: base && (await base.reader.top(base.root))
    }
  }

  /** What a directory held, in each. */
  async entries({ before, base }: Twins): Promise<{ before: Entry[]; base: Entry[] }> {
    const entries = await entriesOf(before, this.#init.previous)
    if (sameHash(before, base)) return { before: entries, base: entries }
    return { before: entries, base: await entriesOf(base, this.#init.base) }
  }

  /** How many entries of the state before lie at and below one of them. */
  async count(entry: Entry): Promise<number> {
    const { previous } = this.#init
    let total = 1
    if (entry.page === undefined || previous === undefined) return total
    for await (const child of directoryEntries(previous.reader, entry.page)) {
      total += child.type === 'directory' ? await this.count(child) : 1
    }
    return total
  }

  /** The page of a directory: one that is stored already if it says the same, else a new one. */
  async page(digest: Hash, entries: readonly Entry[], { before, base }: Twins): Promise<CID> {
    const same = [base, before].find((entry) => sameHash(entry, { hash: digest }))
    if (same?.page !== undefined) return same.page
    return writeDirectory(entries, ({ body, links }) => this.#init.sink.put('page', body, links))
  }

  /** The root of a state: one that is stored already if it is equal, else a new one. */
  async root(top: Entry, tops: Twins): Promise<{ root: CID; digest: Hash }> {
    const { sink, previous, base } = this.#init
    const digest = stateDigest(top)
    const known = [
      { entry: tops.base, root: base?.root },
      { entry: tops.before, root: previous?.root }
    ]
    const same = known.find(
      ({ entry }) =>
        entry !== undefined &&
        sameBytes(stateDigest(entry), digest) &&
        entry.page?.equals(top.page) === true
    )
    if (same?.root !== undefined) return { root: same.root, digest }
    const { body, links } = encodePage([top])
    return { root: await sink.put('top', body, links), digest }
  }
}

async function entriesOf(entry: Entry | undefined, known: Known | undefined): Promise<Entry[]> {
  if (entry?.page === undefined || known === undefined) return []
  return Array.fromAsync(directoryEntries(known.reader, entry.page))
}
