// The index of a simulated computer: what Level is on a real one. It outlives the process, as files do, and
// a power cut takes the latest batches from the end, as the port allows. Every call does its work in step,
// so that the order of things depends on the caller alone: no timer, no thread, no queue of its own.

import { DiskFailed, HomeBusy } from '../../store/errors.ts'
import type { Index, IndexChange, IndexRange, IndexSpace } from '../../store/index.ts'
import type { SeededRandom } from '../random.ts'

/** How many batches a power cut may take. Level's log is written back sooner or later; here, by count. */
const BATCHES_UNSAFE_MAX = 256
/** What a random power cut leaves cannot be opened, this often. */
const RUIN_CHANCE = 1 / 16
const LOCATION = 'index'

/** What a key of a space led to before it changed. */
interface Undo {
  name: string
  key: string
  value: Uint8Array | undefined
}

/** Keys are latin1 text, whose order is that of the bytes. */
class SortedSpace {
  readonly values = new Map<string, Uint8Array>()
  /** Every key that is not among the added; some may be gone. */
  #sorted: string[] = []
  #added = new Set<string>()

  set(key: string, value: Uint8Array | undefined): void {
    if (value === undefined) {
      this.values.delete(key)
    } else {
      if (!this.values.has(key)) this.#added.add(key)
      this.values.set(key, value)
    }
  }

  /** All keys in order, and some that are gone. */
  #keys(): readonly string[] {
    const [few, many] = [this.#sorted.length / 64, this.values.size * 2]
    if (this.#added.size > few || this.#sorted.length > many) {
      this.#sorted = [...this.values.keys()].sort()
    } else {
      for (const key of this.#added) {
        const place = placeOf(this.#sorted, key, false)
        if (this.#sorted[place] !== key) this.#sorted.splice(place, 0, key)
      }
    }
    this.#added.clear()
    return this.#sorted
  }

  /** What is there now of a range, whatever happens to it later. */
  within({ gt, gte, lt, lte, limit = Infinity }: IndexRange): [string, Uint8Array][] {
    const keys = this.#keys()
    const [least, most] = [gt ?? gte, lte ?? lt]
    const start = least === undefined ? 0 : placeOf(keys, textOf(least), gt !== undefined)
    const end = most === undefined ? keys.length : placeOf(keys, textOf(most), lte !== undefined)
    const found: [string, Uint8Array][] = []
    for (let at = start; at < end && found.length < limit; at++) {
      const key = keys[at]
      const value = key === undefined ? undefined : this.values.get(key)
      if (key !== undefined && value !== undefined) found.push([key, value])
    }
    return found
  }
}

/** What stands in the index, and how to take back the latest of it. */
class Batches {
  readonly #spaces = new Map<string, SortedSpace>()
  /** The oldest first. */
  readonly #unsafe: Undo[][] = []

  space(name: string): SortedSpace {
    const space = this.#spaces.get(name) ?? new SortedSpace()
    this.#spaces.set(name, space)
    return space
  }

  /** One batch. The bytes of the values are not copied. */
  write(name: string, changes: readonly [key: string, value: Uint8Array | undefined][]): void {
    if (changes.length === 0) return
    const space = this.space(name)
    const undos: Undo[] = []
    for (const [key, value] of changes) {
      undos.push({ name, key, value: space.values.get(key) })
      space.set(key, value)
    }
    this.#unsafe.push(undos)
    if (this.#unsafe.length > BATCHES_UNSAFE_MAX) this.#unsafe.shift()
  }

  /** Takes back all batches that are not safe but as many as `keep` says, which are safe now. */
  lose(keep: (batches: number) => number): void {
    for (const undos of this.#unsafe.splice(keep(this.#unsafe.length)).reverse()) {
      for (const { name, key, value } of undos.reverse()) this.space(name).set(key, value)
    }
    this.#unsafe.length = 0
  }

  copy(): Batches {
    const copy = new Batches()
    for (const [name, { values }] of this.#spaces) {
      const space = copy.space(name)
      for (const [key, value] of values) space.set(key, value)
    }
    copy.#unsafe.push(...this.#unsafe.map((undos) => [...undos]))
    return copy
  }
}

export class SortedIndex {
  #batches = new Batches()
  #holder: Handle | undefined
  #isRuined = false

  /** The index for one process. @throws {HomeBusy} if another has it open. */
  open(): Index {
    if (this.#holder?.isOpen === true) throw new HomeBusy(LOCATION)
    this.#holder = new Handle(this.#batches, this.#isRuined)
    this.#isRuined = false
    return this.#holder
  }

  /** The process that had it open is gone, and what it held is dead. Nothing is lost. */
  release(): void {
    if (this.#holder !== undefined) this.#holder.isOpen = false
  }

  /**
   * The power goes, and the process with it. `random` says how many of the latest batches are lost, and now
   * and then that all is; without it, as many are lost as may be.
   */
  crash(random?: SeededRandom): void {
    this.release()
    const fate = random?.pick(['none', 'all', 'some', 'some'] as const) ?? 'all'
    this.#batches.lose((batches) => {
      if (fate === 'some') return random?.below(batches + 1) ?? 0
      return fate === 'none' ? batches : 0
    })
    if (random?.chance(RUIN_CHANCE) === true) this.forget()
  }

  /** What is there cannot be opened: whoever opens it next finds it empty, and is told so. */
  forget(): void {
    this.release()
    this.#batches = new Batches()
    this.#isRuined = true
  }

  /** All as it is, and open for nobody. */
  copy(): SortedIndex {
    const copy = new SortedIndex()
    copy.#batches = this.#batches.copy()
    copy.#isRuined = this.#isRuined
    return copy
  }
}

/** The index as one process holds it. */
class Handle implements Index {
  readonly rebuilt: boolean
  isOpen = true
  readonly #batches: Batches

  constructor(batches: Batches, rebuilt: boolean) {
    this.#batches = batches
    this.rebuilt = rebuilt
  }

  space(name: string): IndexSpace {
    const opened = (what: string): Batches => {
      if (!this.isOpen) throw new DiskFailed(LOCATION, `${what} (it is closed)`)
      return this.#batches
    }
    const reading = (): SortedSpace => opened('reading the index').space(name)
    const get = (key: Uint8Array): Uint8Array | undefined =>
      reading().values.get(textOf(key))?.slice()
    const batch = async (changes: readonly IndexChange[]): Promise<void> =>
      opened('writing the index').write(
        name,
        changes.map(({ key, value }) => [textOf(key), value && new Uint8Array(value)])
      )
    return {
      get: async (key) => get(key),
      getMany: async (keys) => keys.map(get),
      put: (key, value) => batch([{ key, value }]),
      batch,
      range: async function* (range = {}) {
        for (const [key, value] of reading().within(range)) {
          reading()
          yield [bytesOf(key), value.slice()]
        }
      },
      clear: async () => {
        const batches = opened('clearing the index')
        const keys = [...batches.space(name).values.keys()]
        batches.write(
          name,
          keys.map((key) => [key, undefined])
        )
      }
    }
  }

  async close(): Promise<void> {
    this.isOpen = false
  }
}

/** Where a key stands among sorted ones, or would stand; `after` it, where the next one stands. */
function placeOf(keys: readonly string[], key: string, after: boolean): number {
  let [low, high] = [0, keys.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const each = keys[middle] ?? ''
    if (each < key || (after && each === key)) low = middle + 1
    else high = middle
  }
  return low
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'))
}
