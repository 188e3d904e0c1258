// Check: compares what the segments hold with what the index says, and, when deep, reads and proves every
// block. It only reads: nothing is mended, moved or forgotten here. It goes through the segments in the
// order of the disk, not through the blocks in the order of their hashes.

import { toHex, type Hash, type Scope } from './block.ts'
import type { Blockstore } from './blockstore.ts'
import { DiskFailed, FileMissing } from './errors.ts'
import type { DiskFile } from './disk.ts'
import {
  readFooter,
  readHeaders,
  readRecord,
  recordLength,
  segmentPath,
  type Location,
  type Placed
} from './segment.ts'
import type { Shelf } from './shelf.ts'
import { unpackBlock } from './stored.ts'

export interface CheckOptions {
  /** Read every block and prove it by its hash; else only footers, headers and the index are compared. */
  deep?: boolean | undefined
  signal?: AbortSignal | undefined
  onProgress?: ((seen: { blocks: number; bytes: number }) => void) | undefined
}

export interface CheckReport {
  /** Blocks that the index names, and their bytes at rest. */
  blocks: number
  bytes: number
  /** Blocks that cannot be read as what they are. Another holder's copy mends them. */
  damaged: { scope: Scope; hash: Hash }[]
  /** Whole blocks that the index does not know. Rebuilding the index brings them back. */
  unindexed: number
  /** Segments that could not be read at all. */
  unreadable: string[]
}

const LOOK_UP_STEP = 1024

/** Checks every scope, or the scopes given. */
export async function check(
  { blockstore }: { blockstore: Blockstore },
  options: CheckOptions & { scopes?: readonly Scope[] | undefined } = {}
): Promise<CheckReport> {
  const report: CheckReport = { blocks: 0, bytes: 0, damaged: [], unindexed: 0, unreadable: [] }
  for (const scope of options.scopes ?? (await blockstore.scopes())) {
    const shelf = await blockstore.shelf(scope)
    await new ShelfCheck(shelf, { scope, report, options }).run()
  }
  return report
}

interface Task {
  scope: Scope
  report: CheckReport
  options: CheckOptions
}

class ShelfCheck {
  readonly #shelf: Shelf
  readonly #task: Task
  readonly #damaged = new Set<string>()
  /** Index entries that were met in a segment, each once. */
  #met = 0

  constructor(shelf: Shelf, task: Task) {
    this.#shelf = shelf
    this.#task = task
  }

  async run(): Promise<void> {
    const { report, scope } = this.#task
    const reaches = await this.#shelf.index.reaches()
    for (const segment of await this.#shelf.segments()) {
      try {
        await this.#shelf.useSegment(segment, async (file) => {
          const end = reaches.get(segment)?.end ?? 0
          const footer = await readFooter(file, segment, end)
          await this.#checkSegment(
            file,
            footer?.placed ?? (await readHeaders(file, segment, { from: 0, end }))
          )
        })
      } catch (error) {
        if (!(error instanceof DiskFailed || error instanceof FileMissing)) throw error
        report.unreadable.push(segmentPath(scope, segment))
      }
    }
    const { blocks, bytes } = this.#shelf.index.usage
    report.blocks += blocks
    report.bytes += bytes
    if (this.#met !== blocks) await this.#checkEntries()
  }

  async #checkSegment(file: DiskFile, placed: readonly Placed[]): Promise<void> {
    const { report, options } = this.#task
    for (let at = 0; at < placed.length; at += LOOK_UP_STEP) {
      const step = placed.slice(at, at + LOOK_UP_STEP)
      const known = await this.#shelf.index.getMany(step.map(({ hash }) => hash))
      const wanted = step.map((each, i) => ({ ...each, place: compare(known[i], each.location) }))
      wanted.sort((a, b) => a.location.offset - b.location.offset)
      for (const { place, ...each } of wanted) {
        options.signal?.throwIfAborted()
        if (place === 'elsewhere') continue
        if (place === 'here') this.#met++
        if (place === 'here' && options.deep !== true) continue
        if (!(await isWhole(file, each))) this.#blame(each.hash)
        else if (place === 'nowhere') report.unindexed++
      }
      options.onProgress?.({
        blocks: step.length,
        bytes: step.reduce((sum, { location }) => sum + recordLength(location), 0)
      })
    }
  }

  /** Some entries were met in no segment: asks each entry for its record, to name those that have none. */
  async #checkEntries(): Promise<void> {
    for await (const { hash, location } of this.#shelf.index.entries()) {
      this.#task.options.signal?.throwIfAborted()
      if (location === undefined) continue
      const found = await this.#shelf
        .useSegment(location.segment, (file) => isWhole(file, { hash, location }))
        .catch(() => false)
      if (!found) this.#blame(hash)
    }
  }

  #blame(hash: Hash): void {
    const key = toHex(hash)
    if (this.#damaged.has(key)) return
    this.#damaged.add(key)
    this.#task.report.damaged.push({ scope: this.#task.scope, hash })
  }
}

/** Where the index says a block is, seen from a record of it. */
function compare(known: Location | undefined, here: Location): 'here' | 'elsewhere' | 'nowhere' {
  if (known === undefined) return 'nowhere'
  return known.segment === here.segment && known.offset === here.offset ? 'here' : 'elsewhere'
}

async function isWhole(file: DiskFile, placed: Placed): Promise<boolean> {
  try {
    const record = await readRecord(file, placed)
    return record?.whole === true && unpackBlock(placed.hash, record.stored) !== undefined
  } catch (error) {
    if (error instanceof DiskFailed) return false
    throw error
  }
}
