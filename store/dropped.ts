// Dropped places: the records that still lie in a scope's segments and count for nothing any more. Segments
// are never rewritten in place, so this list is what keeps a dropped parent from coming back without its
// children when the index is made anew from the footers. It is one file, replaced as a whole: a sweep drops
// all that it drops in one moment. FORMAT.md has the bytes.

import { createHash } from 'node:crypto'
import { HASH_BYTES, type Hash } from './block.ts'
import type { Disk } from './disk.ts'
import { Malformed } from './errors.ts'
import { readPieces, replaceFile } from './large-file.ts'

const MAGIC = Buffer.from('DSD1')
const HEADER_BYTES = 12
const PLACE_BYTES = 8
const STEP_PLACES = 1 << 16

export interface DroppedPlace {
  segment: number
  /** Of the record's header. */
  offset: number
}

export function droppedPath(scope: string): string {
  return `blocks/${scope}/dropped`
}

/** Places in ascending order, 8 bytes each: 18 million take 144 MB. */
export class DroppedPlaces {
  /** The highest number that a segment of this scope had: it is not given again. */
  readonly highest: number
  #sum: Hash | undefined
  #keys = new BigUint64Array(0)
  #size = 0

  constructor(highest: number) {
    this.highest = highest
  }

  get size(): number {
    return this.#size
  }

  /** Of the file as it was written or read; undefined where there is none. */
  get sum(): Hash | undefined {
    return this.#sum
  }

  has(place: DroppedPlace): boolean {
    const key = keyOf(place)
    let [from, to] = [0, this.#size]
    while (from < to) {
      const middle = (from + to) >>> 1
      if ((this.#keys[middle] as bigint) < key) from = middle + 1
      else to = middle
    }
    return from < this.#size && this.#keys[from] === key
  }

  *[Symbol.iterator](): Generator<DroppedPlace> {
    for (const key of this.#keys.subarray(0, this.#size)) {
      yield { segment: Number(key >> 32n), offset: Number(key & 0xffffffffn) }
    }
  }

  /** In any order; nothing may be asked before `sort`. */
  push(place: DroppedPlace): void {
    this.#pushKey(keyOf(place))
  }

  sort(): void {
    this.#keys.subarray(0, this.#size).sort()
  }

  /** Writes the list in the place of the one before, durably. @throws {DiskFull} @throws {DiskFailed} */
  async write(disk: Disk, scope: string): Promise<void> {
    await replaceFile(disk, droppedPath(scope), () => this.#encode())
  }

  /**
   * The list of a scope; an empty one if there is none.
   *
   * @throws {Malformed} if it is damaged. @throws {DiskFailed}
   */
  static async read(disk: Disk, scope: string): Promise<DroppedPlaces> {
    const path = droppedPath(scope)
    const sum = createHash('sha256')
    let places: DroppedPlaces | undefined
    let announced = 0
    let rest = Buffer.alloc(0)
    for await (const piece of readPieces(disk, path)) {
      rest = Buffer.concat([rest, piece])
      if (places === undefined && rest.length >= HEADER_BYTES) {
        if (!rest.subarray(0, MAGIC.length).equals(MAGIC)) throw damaged(path)
        places = new DroppedPlaces(rest.readUInt32BE(4))
        announced = rest.readUInt32BE(8)
        sum.update(rest.subarray(0, HEADER_BYTES))
        rest = rest.subarray(HEADER_BYTES)
      }
      if (places === undefined) continue
      const count = Math.min(Math.floor(rest.length / PLACE_BYTES), announced - places.size)
      for (let i = 0; i < count; i++) {
        const key = rest.readBigUInt64BE(i * PLACE_BYTES)
        // What is looked for by halves must be sorted.
        if (places.#size > 0 && key <= (places.#keys[places.#size - 1] as bigint))
          throw damaged(path)
        places.#pushKey(key)
      }
      sum.update(rest.subarray(0, count * PLACE_BYTES))
      rest = rest.subarray(count * PLACE_BYTES)
      if (rest.length > HASH_BYTES + PLACE_BYTES && places.size === announced) throw damaged(path)
    }
    if (places === undefined && rest.length === 0) return new DroppedPlaces(0)
    const digest = sum.digest()
    if (places?.size !== announced || !rest.equals(digest)) throw damaged(path)
    places.#sum = new Uint8Array(digest)
    return places
  }

  *#encode(): Generator<Uint8Array> {
    const sum = createHash('sha256')
    const header = Buffer.alloc(HEADER_BYTES)
    header.set(MAGIC)
    header.writeUInt32BE(this.highest, 4)
    header.writeUInt32BE(this.#size, 8)
    sum.update(header)
    yield header
    for (let at = 0; at < this.#size; at += STEP_PLACES) {
      const keys = this.#keys.subarray(at, Math.min(this.#size, at + STEP_PLACES))
      const bytes = Buffer.alloc(keys.length * PLACE_BYTES)
      keys.forEach((key, i) => bytes.writeBigUInt64BE(key, i * PLACE_BYTES))
      sum.update(bytes)
      yield bytes
    }
    this.#sum = new Uint8Array(sum.digest())
    yield this.#sum
  }

  #pushKey(key: bigint): void {
    if (this.#size === this.#keys.length) {
      const keys = new BigUint64Array(Math.max(1024, Math.ceil(this.#size * 1.5)))
      keys.set(this.#keys)
      this.#keys = keys
    }
    this.#keys[this.#size++] = key
  }
}

function keyOf({ segment, offset }: DroppedPlace): bigint {
  return (BigInt(segment) << 32n) | BigInt(offset)
}

function damaged(path: string): Malformed {
  return new Malformed(`${path} is damaged`, {
    next: 'Run `drystone sweep`: it finds anew what counts for nothing.'
  })
}
