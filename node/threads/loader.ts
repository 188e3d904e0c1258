// The loader: in a packing thread, fills slabs of memory with files, and cuts and hashes what is in them.
// Small files lie in a slab together; a large one goes through several. Cuts and fingerprints are those of
// node/packer.ts, whatever the size of a slab.

import { createHash, type Hash as HashStream } from 'node:crypto'
import { HASH_BYTES, sha256 } from '../../store/block.ts'
import { chunkLength } from '../../store/chunker.ts'
import { readAt } from '../tree/descriptor.ts'
import type { FileOrder, Part } from './messages.ts'

/** At least twice the largest chunk: however little of one is left over, more fits behind it. */
export const SLAB_BYTES = 4 << 20
/** One is being filled or packed while the others wait for answers, or for the store. */
export const SLABS = 4
/** So that no answer waits for thousands of files. */
const FILES_MAX = 128

/** A slab's worth of chunks. The chunks are views of the slab. */
export interface Load {
  parts: Part[]
  chunks: Uint8Array[]
  hashes: Uint8Array
  readBytes: number
}

/** A file that is being read. */
interface Reading {
  order: FileOrder
  position: number
  /** Read and not cut yet: a view of the slab before. */
  rest: Uint8Array
  /** Over all that was cut; none while one chunk may be all. */
  whole: HashStream | undefined
}

/** What goes into a load. */
class Filling {
  readonly slab: Uint8Array
  readonly parts: Part[] = []
  readonly chunks: Uint8Array[] = []
  readonly hashes: Uint8Array[] = []
  /** How far the slab is full. */
  end = 0
  readBytes = 0

  constructor(slab: Uint8Array) {
    this.slab = slab
  }

  get room(): number {
    return this.slab.length - this.end
  }
}

export class Loader {
  readonly #waiting: FileOrder[] = []
  #reading: Reading | undefined

  add(orders: readonly FileOrder[]): void {
    this.#waiting.push(...orders)
  }

  /** Reads what fits into a slab; undefined if there is nothing to read. */
  fill(slab: Uint8Array): Load | undefined {
    const filling = new Filling(slab)
    while (filling.parts.length < FILES_MAX) {
      this.#reading ??= this.#next(filling)
      if (this.#reading === undefined) break
      if (!readInto(filling, this.#reading)) break
      this.#reading = undefined
    }
    const { parts, chunks, hashes, readBytes } = filling
    return parts.length === 0 ? undefined : { parts, chunks, hashes: joined(hashes), readBytes }
  }

  /** A file begins where all of it fits, or in a slab of its own: a small one is read in one go. */
  #next({ room, end }: Filling): Reading | undefined {
    const order = this.#waiting[0]
    if (order === undefined || (end > 0 && order.size >= room)) return undefined
    this.#waiting.shift()
    return { order, position: 0, rest: new Uint8Array(), whole: undefined }
  }
}

/** Reads on until the file ends or the slab is full; true if it ended. */
function readInto(filling: Filling, reading: Reading): boolean {
  const { slab } = filling
  const start = filling.end
  const { job, descriptor } = reading.order
  slab.set(reading.rest, start)
  filling.end += reading.rest.length
  let count = 1
  try {
    while (count > 0 && filling.room > 0) {
      count = readAt(descriptor, slab.subarray(filling.end), reading.position)
      reading.position += count
      filling.readBytes += count
      filling.end += count
    }
  } catch {
    // Why, is found out by whoever reads it again, and knows what to call it.
    filling.parts.push({ job, lengths: [], end: 'unreadable' })
    filling.end = start
    return true
  }
  const ended = count === 0
  const part = cutInto(filling, reading, { start, ended })
  filling.parts.push(part)
  return ended
}

function cutInto(
  filling: Filling,
  reading: Reading,
  { start, ended }: { start: number; ended: boolean }
): Part {
  const { slab, end } = filling
  const lengths: number[] = []
  let at = start
  for (;;) {
    const length = chunkLength(slab.subarray(at, end), ended)
    if (length === 0) break
    const chunk = slab.subarray(at, at + length)
    filling.chunks.push(chunk)
    filling.hashes.push(sha256(chunk))
    lengths.push(length)
    at += length
  }
  reading.rest = slab.subarray(at, end)
  const isOne = ended && reading.whole === undefined && lengths.length === 1
  const first = filling.hashes.at(-1)
  if (isOne && first !== undefined) {
    return { job: reading.order.job, lengths, end: { fingerprint: first } }
  }
  reading.whole ??= createHash('sha256')
  reading.whole.update(slab.subarray(start, at))
  const { job } = reading.order
  if (!ended) return { job, lengths }
  return { job, lengths, end: { fingerprint: new Uint8Array(reading.whole.digest()) } }
}

function joined(hashes: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(hashes.length * HASH_BYTES)
  hashes.forEach((hash, i) => bytes.set(hash, i * HASH_BYTES))
  return bytes
}
