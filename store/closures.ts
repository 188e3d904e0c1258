// Closures, checked: is everything here that what is here refers to? Where every block of a scope has its
// links here, and the roots are here, all that the roots reach is here: so no walk has to remember where it
// has been. Links are gathered by the million, brought into the order of the index, and looked up in that
// order; what is held does not grow with the store.

import { HASH_BYTES, toHex, type Hash, type Scope } from './block.ts'
import type { Blockstore } from './blockstore.ts'
import { childrenOf, type Ref } from './links.ts'
import type { Location } from './segment.ts'

/** Links that are looked up together. 40 bytes each, and 8 to sort them by. */
const BATCH_LINKS = 1 << 20
const ENTRY_BYTES = HASH_BYTES + 8
const LOOK_UP_STEP = 1024

export interface LinksInit {
  scope: Scope
  /** Where a block may be that is not in the scope: the base's. */
  elsewhere?: readonly Scope[]
  /** Told which link leads to nothing, and the record that it stands in, if one does. */
  onMissing: (link: Hash, from: Location | undefined) => Promise<void>
  batchLinks?: number
}

/** Gathers links, and finds out which of them lead to nothing here. */
export class Links {
  readonly #store: Blockstore
  readonly #init: LinksInit
  readonly #room: number
  #entries = Buffer.alloc(0)
  #size = 0

  constructor(store: Blockstore, init: LinksInit) {
    this.#store = store
    this.#init = init
    this.#room = Math.min(init.batchLinks ?? BATCH_LINKS, BATCH_LINKS)
  }

  async add(links: readonly Hash[], from?: Location): Promise<void> {
    for (const link of links) {
      if (this.#size === this.#room) await this.flush()
      this.#grow()
      const at = this.#size++ * ENTRY_BYTES
      this.#entries.set(link, at)
      // Segments are counted from 1, so 0 says that there is no record.
      this.#entries.writeUInt32BE(from?.segment ?? 0, at + HASH_BYTES)
      this.#entries.writeUInt32BE(from?.offset ?? 0, at + HASH_BYTES + 4)
    }
  }

  /** Looks up all that was gathered. */
  async flush(): Promise<void> {
    const order = this.#inOrder()
    let step: number[] = []
    for (let i = 0; i < order.length; i++) {
      const place = order[i] as number
      const before = step.at(-1)
      if (before !== undefined && this.#isSameLink(before, place)) continue
      step.push(place)
      if (step.length < LOOK_UP_STEP) continue
      await this.#lookUp(step)
      step = []
    }
    await this.#lookUp(step)
    this.#size = 0
  }

  async #lookUp(places: readonly number[]): Promise<void> {
    const { scope, elsewhere = [], onMissing } = this.#init
    let missing = [...places]
    for (const each of [scope, ...elsewhere]) {
      if (missing.length === 0) return
      const shelf = await this.#store.shelf(each)
      const present = await shelf.has(missing.map((place) => this.#linkAt(place)))
      missing = missing.filter((_, i) => present[i] !== true)
    }
    for (const place of missing) await onMissing(this.#linkAt(place), this.#fromAt(place))
  }

  /** Places in the order of the first four bytes of their links: enough to look them up side by side. */
  #inOrder(): Float64Array {
    const keys = new Float64Array(this.#size)
    for (let place = 0; place < this.#size; place++) {
      keys[place] = this.#entries.readUInt32BE(place * ENTRY_BYTES) * BATCH_LINKS + place
    }
    keys.sort()
    for (const [i, key] of keys.entries()) keys[i] = key % BATCH_LINKS
    return keys
  }

  #linkAt(place: number): Hash {
    return new Uint8Array(
      this.#entries.subarray(place * ENTRY_BYTES, place * ENTRY_BYTES + HASH_BYTES)
    )
  }

  #fromAt(place: number): Location | undefined {
    const at = place * ENTRY_BYTES + HASH_BYTES
    const segment = this.#entries.readUInt32BE(at)
    const offset = this.#entries.readUInt32BE(at + 4)
    if (segment === 0) return undefined
    return { segment, offset, method: 0, storedLength: 0, plainLength: 0 }
  }

  #isSameLink(a: number, b: number): boolean {
    return Buffer.compare(this.#linkAt(a), this.#linkAt(b)) === 0
  }

  #grow(): void {
    if ((this.#size + 1) * ENTRY_BYTES <= this.#entries.length) return
    const room = Math.min(this.#room, Math.max(1024, this.#size * 2))
    const entries = Buffer.alloc(room * ENTRY_BYTES)
    entries.set(this.#entries)
    this.#entries = entries
  }
}

export interface PlainWalk {
  store: Blockstore
  scope: Scope
  /** Where the links go. */
  links: Links
  /** Pages and lists that were read; one for all the roots of a scope. */
  seen: Set<string>
  /** Told of a page or list that is here and cannot be read as what it is. */
  onDamaged?: (hash: Hash) => void
  signal?: AbortSignal | undefined
}

/**
 * Gathers every link below a plain `root`. Pages and lists are read and proved; chunks need not be. What is
 * remembered is which pages and lists were read: a hundredth of all blocks.
 */
export async function walkPlain(walk: PlainWalk, root: Ref): Promise<void> {
  const { store, scope, links, seen, signal } = walk
  const shelf = await store.shelf(scope)
  const waiting: Ref[] = [root]
  await links.add([root.hash])
  for (let ref = waiting.pop(); ref !== undefined; ref = waiting.pop()) {
    signal?.throwIfAborted()
    const key = `${ref.kind} ${toHex(ref.hash)}`
    if (seen.has(key)) continue
    seen.add(key)
    const wasHere = (await shelf.locate(ref.hash)) !== undefined
    const bytes = await shelf.get(ref.hash)
    // What was never here shows when its link is looked up.
    if (bytes === undefined && wasHere) walk.onDamaged?.(ref.hash)
    if (bytes === undefined) continue
    const children = childrenOf(ref.kind, bytes)
    await links.add(children.map(({ hash }) => hash))
    for (const child of children) if (child.kind !== 'chunk') waiting.push(child)
  }
}
