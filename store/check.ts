// Check: compares what the segments hold with what the index says, and with what must be here. Shallow, it
// reads footers, headers and links; deep, it reads and proves every block. It only reads: nothing is mended,
// moved or forgotten here. It goes through the segments in the order of the disk, not through the blocks in
// the order of their hashes; and what it holds at a time does not grow with the store.

import { toHex, type Hash, type Scope } from './block.ts'
import type { Blockstore } from './blockstore.ts'
import { Links, walkPlain } from './closures.ts'
import { droppedPath } from './dropped.ts'
import { DiskFailed, FileMissing } from './errors.ts'
import type { Ref } from './links.ts'
import type { Pace } from './pace.ts'
import type { BlockName } from './quarantine.ts'
import { blockAt, checkSegment, readBlock } from './segment-check.ts'
import { segmentPath, type Location, type Placed } from './segment.ts'
import { DROPPED_UNKNOWN, type Shelf } from './shelf.ts'

export interface CheckOptions {
  /** Read every block and prove it by its hash; else only footers, headers, links and the index. */
  deep?: boolean | undefined
  /** Only these; else all. */
  scopes?: readonly Scope[] | undefined
  /** What must be here with all it reaches; `elsewhere` is where a sealed block's links may lead as well. */
  roots?: readonly Root[] | undefined
  elsewhere?: readonly Scope[] | undefined
  /** How fast to read; as fast as can be where there is none. */
  pace?: Pace | undefined
  signal?: AbortSignal | undefined
  /** Told of whole blocks that the index does not know. */
  onUnindexed?: ((scope: Scope, placed: readonly Placed[]) => void) | undefined
  onProgress?: ((seen: { blocks: number; bytes: number }) => void) | undefined
}

/** A block that was promised to be here with all that it reaches. */
export interface Root {
  scope: Scope
  ref: Ref
}

export interface CheckReport {
  /** Blocks that the index names, and their bytes at rest. */
  blocks: number
  bytes: number
  /** Blocks that lie here, and cannot be read as what they are. Another holder's copy mends them. */
  damaged: BlockName[]
  /** Blocks of which nothing lies here, though others refer to them. */
  missing: BlockName[]
  /** Whole blocks that the index does not know. Rebuilding the index brings them back. */
  unindexed: number
  /** Segments, and lists of what was dropped, that could not be read at all. */
  unreadable: string[]
  /** Closed segments whose footer is damaged: no block is, but an index would be made more slowly. */
  footers: string[]
}

/** Checks what the blockstore keeps. */
export async function check(
  { blockstore }: { blockstore: Blockstore },
  options: CheckOptions = {}
): Promise<CheckReport> {
  const report: CheckReport = {
    ...{ blocks: 0, bytes: 0, unindexed: 0 },
    ...{ damaged: [], missing: [], unreadable: [], footers: [] }
  }
  const elsewhere = options.elsewhere ?? []
  const found: Found = { report, damaged: new Set(), missing: new Set() }
  // A scope of which nothing is left is no scope any more, but for what was promised.
  const promised = (options.roots ?? []).map(({ scope }) => scope)
  const all = options.scopes ?? [...new Set([...(await blockstore.scopes()), ...promised])]
  // What is missing there is not missing once more in each scope that refers to it.
  const scopes = [...all].sort((a, b) => rankOf(elsewhere, b) - rankOf(elsewhere, a))
  for (const scope of scopes) {
    const shelf = await blockstore.shelf(scope)
    await new ShelfCheck({ blockstore, shelf, scope, found, options }).run()
  }
  return report
}

function rankOf(scopes: readonly Scope[], scope: Scope): number {
  return scopes.includes(scope) ? 1 : 0
}

interface Found {
  report: CheckReport
  /** As `scope/hash`: each is named once. */
  damaged: Set<string>
  missing: Set<string>
}

interface Task {
  blockstore: Blockstore
  shelf: Shelf
  scope: Scope
  found: Found
  options: CheckOptions
}

class ShelfCheck {
  readonly #task: Task
  readonly #links: Links
  readonly #roots: readonly Ref[]
  /** How many entries were met in each segment, and where its records ended then. */
  readonly #seen = new Map<number, { met: number; end: number }>()
  /** The last segment that there was. */
  #last = 0

  constructor(task: Task) {
    const { blockstore, scope, options } = task
    const { roots = [], elsewhere = [] } = options
    this.#task = task
    this.#roots = roots.filter((root) => root.scope === scope).map(({ ref }) => ref)
    this.#links = new Links(blockstore, {
      scope,
      elsewhere: elsewhere.filter((each) => each !== scope),
      onMissing: (link, from) => this.#miss(link, from)
    })
  }

  async run(): Promise<void> {
    const { blockstore, shelf, scope, found, options } = this.#task
    const reaches = await shelf.index.reaches()
    const segments = await shelf.segments()
    for (const segment of [...segments, ...reaches.keys()]) {
      this.#last = Math.max(this.#last, segment)
    }
    for (const segment of segments) {
      await this.#checkSegment(segment, reaches.get(segment)?.end ?? 0)
    }
    const { blocks, bytes } = shelf.index.usage
    found.report.blocks += blocks
    found.report.bytes += bytes
    let met = 0
    for (const each of this.#seen.values()) met += each.met
    if (met !== blocks) await this.#checkEntries()
    const seen = new Set<string>()
    const onDamaged = (hash: Hash): void => this.#blame(hash)
    const { signal } = options
    const walk = { store: blockstore, links: this.#links, scope, seen, signal, onDamaged }
    for (const ref of this.#roots) {
      if (ref.kind === 'sealed') await this.#links.add([ref.hash])
      else await walkPlain(walk, ref)
    }
    await this.#links.flush()
    await this.#checkNoted()
  }

  async #checkSegment(segment: number, end: number): Promise<void> {
    const { shelf, scope, found, options } = this.#task
    const { deep = false, pace, signal, onProgress } = options
    const isSealed = this.#roots.some(({ kind }) => kind === 'sealed')
    try {
      const findings = await checkSegment({
        ...{ shelf, segment, end, deep, pace, signal, onProgress },
        ...(isSealed && {
          onLinks: (from: Location, links: readonly Hash[]) => this.#links.add(links, from)
        })
      })
      this.#seen.set(segment, { met: findings.met, end })
      for (const hash of findings.damaged) this.#blame(hash)
      found.report.unindexed += findings.unindexed.length
      if (findings.unindexed.length > 0) options.onUnindexed?.(scope, findings.unindexed)
      if (findings.isFooterBad && findings.met > 0)
        found.report.footers.push(segmentPath(scope, segment))
    } catch (error) {
      if (!isOutOfReach(error)) throw error
      // It may be gone because a sweep has let go of it.
      if (!(await shelf.segments()).includes(segment)) return
      found.report.unreadable.push(segmentPath(scope, segment))
    }
  }

  /** Some entries were met in no segment: asks those for their records, to name what has none. */
  async #checkEntries(): Promise<void> {
    const { shelf, options } = this.#task
    const counts = new Map<number, number>()
    for await (const { location } of shelf.index.entries()) {
      if (location !== undefined && !this.#isNew(location)) {
        counts.set(location.segment, (counts.get(location.segment) ?? 0) + 1)
      }
    }
    const isOdd = ({ segment }: Location): boolean =>
      counts.get(segment) !== this.#seen.get(segment)?.met
    for await (const { hash, location } of shelf.index.entries()) {
      options.signal?.throwIfAborted()
      if (location === undefined || this.#isNew(location) || !isOdd(location)) continue
      await options.pace?.spend(location.storedLength, { signal: options.signal })
      if (!(await this.#isHere(hash))) this.#blame(hash)
    }
  }

  /** Written since its segment was gone through. */
  #isNew({ segment, offset }: Location): boolean {
    return segment > this.#last || offset >= (this.#seen.get(segment)?.end ?? Infinity)
  }

  /** What is known to be damaged, and was met nowhere: nothing lies here, or it can be read after all. */
  async #checkNoted(): Promise<void> {
    const { shelf, scope, found } = this.#task
    for (const hex of [...shelf.index.damaged]) {
      if (found.damaged.has(`${scope}/${hex}`)) continue
      if (hex === toHex(DROPPED_UNKNOWN)) {
        found.report.unreadable.push(droppedPath(scope))
        continue
      }
      const hash = new Uint8Array(Buffer.from(hex, 'hex'))
      if ((await shelf.locate(hash)) === undefined) this.#name(hash)
      else if (!(await this.#isHere(hash))) this.#blame(hash)
    }
  }

  /** A link leads to nothing; unless the block that has it is itself not what it should be. */
  async #miss(link: Hash, from: Location | undefined): Promise<void> {
    const parent = from && (await blockAt(this.#task.shelf, from))
    if (from === undefined || parent?.isWhole === true) this.#name(link)
    else if (parent !== undefined) this.#blame(parent.hash)
  }

  /** True if the block can be read where the index says it is now. */
  async #isHere(hash: Hash): Promise<boolean> {
    const { shelf } = this.#task
    const location = await shelf.locate(hash)
    if (location === undefined) return true
    try {
      const read = shelf.useSegment(location.segment, (file) => readBlock(file, { hash, location }))
      return (await read) !== undefined
    } catch (error) {
      if (isOutOfReach(error)) return false
      throw error
    }
  }

  #blame(hash: Hash): void {
    const { scope, found } = this.#task
    if (!isFirst(found.damaged, scope, hash)) return
    found.report.damaged.push({ scope, hash })
  }

  #name(hash: Hash): void {
    const { scope, found, options } = this.#task
    const isNamed = (options.elsewhere ?? []).some((other) =>
      found.missing.has(`${other}/${toHex(hash)}`)
    )
    if (isNamed || found.damaged.has(`${scope}/${toHex(hash)}`)) return
    if (isFirst(found.missing, scope, hash)) found.report.missing.push({ scope, hash })
  }
}

function isFirst(named: Set<string>, scope: Scope, hash: Hash): boolean {
  const name = `${scope}/${toHex(hash)}`
  if (named.has(name)) return false
  named.add(name)
  return true
}

function isOutOfReach(error: unknown): boolean {
  return error instanceof DiskFailed || error instanceof FileMissing
}
