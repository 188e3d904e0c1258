// A weave: sealed blocks that refer to one another, on a disk and an index that lose what real ones would.
// What a root reaches is known from outside, so a test can say what must be there and what may not be half
// there.

import fc from 'fast-check'
import { hashOf, toHex, type CID, type Hash } from '../../store/block.ts'
import { Blockstore } from '../../store/blockstore.ts'
import { DROPPED_UNKNOWN } from '../../store/shelf.ts'
import type { Ref } from '../../store/links.ts'
import { seal, sealKeys } from '../../store/seal.ts'
import { SimDisk } from '../../sim/disk/disk.ts'
import { SortedIndex } from '../../sim/disk/sorted-index.ts'
import type { SeededRandom } from '../../sim/random.ts'

export const SCOPE = 'ab'.repeat(16)
const KEYS = sealKeys(new Uint8Array(32).fill(7))

export interface Thread {
  hash: Hash
  cid: CID
  bytes: Uint8Array
  /** Numbers of those that it refers to; all lower than its own. */
  below: readonly number[]
}

/** Which lower ones each refers to. */
export type Pattern = readonly (readonly number[])[]

export const pattern: fc.Arbitrary<Pattern> = fc
  .array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 14 })
  .map((lists) =>
    lists.map((list, number) => [...new Set(number === 0 ? [] : list.map((each) => each % number))])
  )

export function weave(links: Pattern): Thread[] {
  const threads: Thread[] = []
  for (const [number, below] of links.entries()) {
    const body = Buffer.alloc(40 + 90 * (number % 4), `thread ${number} `)
    const hashes = below.map((each) => (threads[each] as Thread).hash)
    const { cid, bytes } = seal(KEYS, hashes.length === 0 ? 'chunk' : 'page', body, hashes)
    threads.push({ hash: hashOf(cid), cid, bytes, below })
  }
  return threads
}

/** Numbers of all that these reach, themselves among them. */
export function reached(threads: readonly Thread[], from: Iterable<number>): Set<number> {
  const found = new Set<number>()
  const pending = [...from]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (found.has(next)) continue
    found.add(next)
    pending.push(...(threads[next]?.below ?? []))
  }
  return found
}

export function refsOf(threads: readonly Thread[], numbers: readonly number[]): Ref[] {
  return numbers.map((number) => ({ hash: (threads[number] as Thread).hash, kind: 'sealed' }))
}

/** A home that is opened again and again. */
export class Loom {
  disk = new SimDisk()
  index = new SortedIndex()
  readonly segmentBytes: number

  constructor(segmentBytes = 3000) {
    this.segmentBytes = segmentBytes
  }

  open(): Promise<Blockstore> {
    const { disk, segmentBytes } = this
    return Blockstore.open({ disk, index: this.index.open() }, { segmentBytes })
  }

  /** The power goes; the index may be lost with it. */
  crash(random?: SeededRandom, forgetsIndex = false): void {
    this.disk.crash(random)
    this.index.crash(random)
    if (forgetsIndex) this.index.forget()
  }

  copy(): Loom {
    const copy = new Loom(this.segmentBytes)
    copy.disk = this.disk.copy()
    copy.index = this.index.copy()
    return copy
  }
}

/** What is there without something below it, though its scope is said to be whole. */
export async function torn(store: Blockstore, threads: readonly Thread[]): Promise<string[]> {
  const here = new Set(await present(store, threads))
  return (await store.isWhole(SCOPE)) ? halvesIn(threads, here) : []
}

/** Which of those that are here lack what. */
export function halvesIn(threads: readonly Thread[], here: ReadonlySet<number>): string[] {
  return [...here].flatMap((number) => {
    const missing = threads[number]?.below.filter((each) => !here.has(each)) ?? []
    return missing.map((each) => `${number} without ${each}`)
  })
}

/** Numbers of those that can be read. */
export async function present(store: Blockstore, threads: readonly Thread[]): Promise<number[]> {
  const found: number[] = []
  for (const [number, { hash, bytes }] of threads.entries()) {
    const given = await store.get(SCOPE, hash)
    if (given !== undefined && Buffer.compare(given, bytes) === 0) found.push(number)
  }
  return found
}

export async function isDroppedUnknown(store: Blockstore): Promise<boolean> {
  return (await store.shelf(SCOPE)).index.damaged.has(toHex(DROPPED_UNKNOWN))
}
