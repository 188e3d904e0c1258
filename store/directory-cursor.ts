// A cursor over one directory's entries, however many blocks they fill. It opens a block only when it
// gets there, can skip one unopened, and refuses nodes that lie: names ascend over the whole directory,
// and every block ends with the name that the node above it says.

import type { CID } from './block.ts'
import type { DirectoryBlock } from './directory.ts'
import type { Entry } from './entry.ts'
import { Malformed } from './errors.ts'
import type { Page } from './page.ts'
import type { StateReader } from './reader.ts'
import type { GetOptions } from './source.ts'

/** Node blocks above a directory's pages; a chain longer than this is no directory of ours. */
export const NODE_LEVELS_MAX = 16

/** A block that is not open yet. */
interface Closed {
  cid: CID
  /** The last name in it; undefined for the directory's own block, which may end anywhere. */
  last: Uint8Array | undefined
  level: number
}

export class DirectoryCursor {
  readonly #reader: StateReader
  readonly #options: GetOptions
  /** What is still closed, the next one last. */
  readonly #closed: Closed[] = []
  #open: { cid: CID; page: Page } | undefined
  #at = 0
  /** The last name that was passed. */
  #passed: Uint8Array | undefined
  #current: Entry | undefined

  /** Begins before the first entry; a directory that is not there has none. */
  constructor(reader: StateReader, cid: CID | undefined, options: GetOptions = {}) {
    this.#reader = reader
    this.#options = options
    if (cid !== undefined) this.#closed.push({ cid, last: undefined, level: 0 })
  }

  /** The block that begins right here; undefined in the middle of a page and at the end. */
  get begins(): CID | undefined {
    if (this.#open === undefined) return this.#closed.at(-1)?.cid
    return this.#at === 0 ? this.#open.cid : undefined
  }

  /** Passes over the block that begins here. */
  skip(): void {
    this.#passed = this.#reach()
    if (this.#open === undefined) this.#closed.pop()
    this.#leave()
  }

  /**
   * True if the block here is closed and reaches further than the one at `other`, or as far when that one
   * is closed too: opening it may show a block that both have.
   */
  isTaller(other: DirectoryCursor): boolean {
    if (this.#open !== undefined) return false
    const order = compareReach(this.#reach(), other.#reach())
    return order > 0 || (order === 0 && other.#open === undefined)
  }

  /** Opens the block that begins here: a page, or a node with more closed blocks. */
  async open(): Promise<void> {
    const item = this.#closed.pop()
    if (item === undefined) return
    if (item.level > NODE_LEVELS_MAX) throw new Malformed('a directory of endless nodes')
    const block = await this.#reader.directory(item.cid, this.#options)
    this.#assertOrder(item, block)
    if ('page' in block) {
      if (block.page.length > 0) this.#open = { cid: item.cid, page: block.page }
      return
    }
    const level = item.level + 1
    this.#closed.push(...block.node.map(({ cid, last }) => ({ cid, last, level })).reverse())
  }

  /** The entry here, opening what is in the way; undefined at the end. */
  async entry(): Promise<Entry | undefined> {
    const page = await this.#page()
    this.#current ??= page?.entry(this.#at)
    return this.#current
  }

  /** Goes on to the next entry. */
  next(): void {
    this.#passed = this.#open?.page.name(this.#at)
    this.#at++
    this.#current = undefined
    if (this.#at === this.#open?.page.length) this.#leave()
  }

  /** Every page from here on. */
  async *pages(): AsyncGenerator<Page> {
    for (let page = await this.#page(); page !== undefined; page = await this.#page()) {
      yield page
      this.skip()
    }
  }

  async #page(): Promise<Page | undefined> {
    while (this.#open === undefined && this.#closed.length > 0) await this.open()
    return this.#open?.page
  }

  #leave(): void {
    this.#open = undefined
    this.#at = 0
    this.#current = undefined
  }

  /** The last name in the block here, where it is known. */
  #reach(): Uint8Array | undefined {
    if (this.#open === undefined) return this.#closed.at(-1)?.last
    return this.#open.page.name(this.#open.page.length - 1)
  }

  #assertOrder({ last }: Closed, block: DirectoryBlock): void {
    const [first, end] =
      'node' in block
        ? [block.node[0]?.last, block.node.at(-1)?.last]
        : block.page.length === 0
          ? []
          : [block.page.name(0), block.page.name(block.page.length - 1)]
    if (first === undefined || end === undefined) {
      if (last !== undefined) throw new Malformed('an empty page in a larger directory')
      return
    }
    if (this.#passed !== undefined && Buffer.compare(this.#passed, first) >= 0)
      throw new Malformed('the names of a directory do not ascend from block to block')
    if (last !== undefined && Buffer.compare(last, end) !== 0)
      throw new Malformed('a block does not end where the node above it says')
  }
}

/** Where a block ends; undefined, the directory's own block, is after every name. */
function compareReach(a: Uint8Array | undefined, b: Uint8Array | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined)
  return Buffer.compare(a, b)
}
