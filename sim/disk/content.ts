// What a file on the bad disk holds, and which part of it would outlive the power. Every write since the
// last sync can be taken back: the bytes that a reader sees are those of the page cache, and a crash goes
// back to what is durable and lets of the rest survive what it likes. Nothing that was synced is ever lost.
//
// A failed sync is as bad as on Linux: the dirty pages count as clean from then on. They can still be read,
// the next sync succeeds without writing them, and the next crash takes them.

import type { SeededRandom } from '../random.ts'

/** A torn write keeps some of its sectors or of its pages, whichever the disk does at once. */
export const SECTOR_BYTES = 512
export const PAGE_BYTES = 4096

interface Write {
  readonly offset: number
  /** What stood there, up to the end of the file as it was. */
  readonly before: Uint8Array
  readonly after: Uint8Array
  readonly lengthBefore: number
}

export class Content {
  /** True while a name leads here. */
  isNamed = false
  #stamp: object = {}
  /** What a crash would leave, as long as nothing was synced or damaged since. */
  #settled: Content | undefined
  #length = 0
  #bytes = new Uint8Array(0)
  /** The bytes belong to a copy as well, so they are copied before they change. */
  #isShared = false
  /** Behind a dropped write even a synced one must be kept, to be done again once that is taken back. */
  #writes: (Write & { fate: 'dirty' | 'dropped' | 'synced' })[] = []

  get length(): number {
    return this.#length
  }

  /** The same object as long as the bytes are the same; a copy has it too until one of the two changes. */
  get stamp(): object {
    return this.#stamp
  }

  /** True if a crash changes nothing here. */
  get isDurable(): boolean {
    return this.#writes.length === 0
  }

  /** A copy of up to `length` bytes at `offset`; fewer at the end. */
  read(offset = 0, length = this.#length): Uint8Array {
    return this.#bytes.slice(offset, Math.min(this.#length, offset + length))
  }

  write(bytes: Uint8Array, offset: number): void {
    const write = {
      offset,
      before: this.read(offset, bytes.length),
      // A copy: slicing a Buffer would not be one.
      after: new Uint8Array(bytes),
      lengthBefore: this.#length
    }
    this.#writes.push({ ...write, fate: 'dirty' })
    this.#put(bytes, offset)
  }

  sync(): void {
    if (this.#writes.some(({ fate }) => fate === 'dropped')) {
      for (const write of this.#writes) if (write.fate === 'dirty') write.fate = 'synced'
    } else {
      this.#writes = []
    }
    this.#settled = undefined
  }

  failSync(): void {
    for (const write of this.#writes) if (write.fate === 'dirty') write.fate = 'dropped'
  }

  flip(offset: number, mask: number): void {
    this.#own()
    this.#stamp = {}
    this.#settled = undefined
    this.#bytes[offset] = (this.#bytes[offset] ?? 0) ^ mask
  }

  /** The power goes. Without `random` nothing survives that was not synced. */
  crash(random?: SeededRandom): void {
    if (this.isDurable) return
    this.#own()
    this.#settled = undefined
    const writes = this.#writes
    this.#writes = []
    for (const { before, offset, lengthBefore } of writes.toReversed()) {
      this.#bytes.set(before, offset)
      this.#cut(lengthBefore)
    }
    for (const { after, offset, fate } of writes) if (fate === 'synced') this.#put(after, offset)
    if (random !== undefined) {
      this.#survive(
        writes.filter(({ fate }) => fate === 'dirty'),
        random
      )
    }
  }

  /** The same content, durable or not; cheap, since the bytes are shared until one of the two changes. */
  copy(): Content {
    const copy = new Content()
    copy.isNamed = this.isNamed
    copy.#stamp = this.#stamp
    copy.#length = this.#length
    copy.#bytes = this.#bytes
    copy.#isShared = this.#isShared = true
    copy.#writes = this.#writes.map((write) => ({ ...write }))
    return copy
  }

  /** A copy as a crash would leave it that lets nothing survive; cheap while nothing is synced. */
  durable(): Content {
    if (this.isDurable) return this.copy()
    if (this.#settled === undefined) {
      this.#settled = this.copy()
      this.#settled.crash()
    }
    const settled = this.#settled.copy()
    settled.isNamed = this.isNamed
    return settled
  }

  /**
   * Any part of the writes may have reached the disk. The length is written on its own, in order: it may
   * stand after any of them, with zeros where the bytes are lost, or on the last page before.
   */
  #survive(writes: readonly Write[], random: SeededRandom): void {
    const fate = random.pick(['none', 'all', 'some', 'some'] as const)
    if (fate === 'none') return
    if (fate === 'all') {
      for (const { after, offset } of writes) this.#put(after, offset)
      return
    }
    const least = this.#length
    for (const write of writes) {
      for (const { bytes, offset } of piecesKept(write, random)) this.#put(bytes, offset)
    }
    const counted = writes.slice(0, random.below(writes.length + 1))
    const ends = counted.map(({ after, offset }) => offset + after.length)
    const length = Math.max(least, ...ends)
    this.#cut(random.chance(1 / 4) ? Math.max(least, length - (length % PAGE_BYTES)) : length)
  }

  #put(bytes: Uint8Array, offset: number): void {
    this.#reserve(offset + bytes.length)
    this.#own()
    this.#stamp = {}
    this.#bytes.set(bytes, offset)
    this.#length = Math.max(this.#length, offset + bytes.length)
  }

  /** Makes the file this long. Behind its end there are always zeros. */
  #cut(length: number): void {
    this.#reserve(length)
    this.#stamp = {}
    if (length < this.#length) this.#bytes.fill(0, length, this.#length)
    this.#length = length
  }

  #reserve(length: number): void {
    if (length <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(length, this.#bytes.length * 2))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
    this.#isShared = false
  }

  #own(): void {
    if (this.#isShared) this.#bytes = this.#bytes.slice()
    this.#isShared = false
  }
}

/** What is left of a write: nothing, all, or any of its sectors or pages, where those begin in the file. */
function piecesKept(
  { after, offset }: Write,
  random: SeededRandom
): { bytes: Uint8Array; offset: number }[] {
  const fate = random.pick(['lost', 'whole', 'torn'] as const)
  if (fate === 'lost') return []
  if (fate === 'whole') return [{ bytes: after, offset }]
  const step = random.pick([SECTOR_BYTES, PAGE_BYTES])
  const pieces = []
  for (let at = offset; at < offset + after.length;) {
    const end = Math.min(offset + after.length, at - (at % step) + step)
    const bytes = after.subarray(at - offset, end - offset)
    if (random.chance(1 / 2)) pieces.push({ bytes, offset: at })
    at = end
  }
  return pieces
}
