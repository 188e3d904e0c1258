// A packing thread: reads the files that it is told to, says what is in them, and packs what is wanted of
// that. It holds a few slabs of memory, and reads no further while all of them wait for an answer: so a slow
// disk slows it down, and it never takes more memory. Keys come with an order and go with it.

import { parentPort, receiveMessageOnPort, type MessagePort } from 'node:worker_threads'
import { HASH_BYTES, hashOf } from '../../store/block.ts'
import { packChunk } from '../../store/sink.ts'
import { Loader, SLAB_BYTES, SLABS, type Load } from './loader.ts'
import type { Lying, Order, Report } from './messages.ts'

type Wanted = Pick<Extract<Order, { type: 'pack' }>, 'wanted' | 'keys'>

class PackingThread {
  readonly #port: MessagePort
  readonly #loader = new Loader()
  readonly #slabs: SharedArrayBuffer[] = []
  /** What was reported, and is not free yet. */
  readonly #loads = new Map<number, { slab: SharedArrayBuffer; load: Load }>()
  #last = 0

  constructor(port: MessagePort) {
    this.#port = port
    port.on('message', (order: Order) => {
      this.#take(order)
      this.#work()
    })
  }

  #take(order: Order): void {
    if (order.type === 'read') {
      this.#loader.add(order.files)
      return
    }
    const held = this.#loads.get(order.load)
    if (held === undefined) throw new Error(`load ${order.load} is not here`)
    if (order.type === 'pack') {
      this.#report(packed(order.load, held.load, order))
    } else {
      this.#loads.delete(order.load)
      this.#slabs.push(held.slab)
    }
  }

  /** Fills slabs as long as there are any; answers first, since they give slabs back. */
  #work(): void {
    for (;;) {
      for (let next = this.#received(); next !== undefined; next = this.#received()) {
        this.#take(next)
      }
      if (this.#loads.size === SLABS) return
      const slab = this.#slabs.pop() ?? new SharedArrayBuffer(SLAB_BYTES)
      const load = this.#loader.fill(new Uint8Array(slab))
      if (load === undefined) {
        this.#slabs.push(slab)
        return
      }
      const id = ++this.#last
      this.#loads.set(id, { slab, load })
      const { parts, hashes, readBytes } = load
      this.#report({ type: 'load', load: id, slab, parts, hashes, readBytes })
    }
  }

  #received(): Order | undefined {
    return (receiveMessageOnPort(this.#port) as { message: Order } | undefined)?.message
  }

  #report(report: Report): void {
    this.#port.postMessage(report)
  }
}

/** Packs what is wanted of a load. A body takes the place of its chunk, which nobody needs any more. */
function packed(id: number, { chunks, hashes }: Load, { wanted, keys }: Wanted): Report {
  const blockHashes = new Uint8Array(wanted.length * HASH_BYTES)
  const grown: Uint8Array[] = []
  let grownBytes = 0
  const blocks = wanted.map((place, i): Lying => {
    const chunk = chunks[place]
    if (chunk === undefined) throw new Error(`load ${id} has no chunk ${place}`)
    const hash = hashes.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES)
    const { cid, stored } = packChunk(chunk, hash, keys)
    blockHashes.set(hashOf(cid), i * HASH_BYTES)
    const { method, plainLength, body } = stored
    const lying = { method, plainLength, storedLength: body.length }
    if (body.length <= chunk.length) {
      chunk.set(body)
      return { ...lying, at: chunk.byteOffset, isGrown: false }
    }
    grown.push(body)
    const at = grownBytes
    grownBytes += body.length
    return { ...lying, at, isGrown: true }
  })
  return { type: 'packed', load: id, hashes: blockHashes, blocks, grown: Buffer.concat(grown) }
}

if (parentPort !== null) new PackingThread(parentPort)
