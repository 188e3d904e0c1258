// Filling what links reach, however they lead: what waits in memory is bounded, children still come before
// their parents, and nothing is asked for again without need.

import test from 'ava'
import fc from 'fast-check'
import { toHex, sha256, type Hash } from '../../store/block.ts'
import { Blockstore } from '../../store/blockstore.ts'
import { encode } from '../../store/codec.ts'
import { openIndex } from '../../store/index.ts'
import { fill, type Filling } from '../../node/closure.ts'
import { childrenOf, type Ref } from '../../store/links.ts'
import { SimDisk } from '../../sim/disk/disk.ts'
import { SCOPE } from './_scene.ts'

/** A block as whoever has the keys could make it; nobody without them can tell. */
function block(links: Hash[], boxBytes: number, number = 0): Uint8Array {
  const sorted = links.toSorted((a, b) => Buffer.compare(a, b))
  const box = Buffer.alloc(Math.max(21, boxBytes))
  box.writeUInt32BE(number)
  return encode([1, 0, Buffer.concat(sorted), new Uint8Array(32), box])
}

interface Case {
  filling: Filling
  /** How often each was asked for, by hash in hex. */
  asked: Map<string, number>
  put: string[]
  order: { isWhole: boolean }
}

async function filled(find: (hash: string) => Uint8Array | undefined): Promise<Case> {
  const store = await Blockstore.open({
    disk: new SimDisk(),
    index: await openIndex({ location: undefined })
  })
  const asked = new Map<string, number>()
  const put: string[] = []
  const order = { isWhole: true }
  const had = new Set<string>()
  store.has = async (_, hash) => had.has(toHex(hash))
  store.putStored = async (_, cid, { body }) => {
    const hash = toHex(cid.multihash.digest)
    for (const child of childrenOf('sealed', body)) order.isWhole &&= had.has(toHex(child.hash))
    had.add(hash)
    put.push(hash)
  }
  const filling: Filling = {
    store,
    scope: SCOPE,
    async *pull(_, hashes) {
      for (const hash of hashes.map(toHex)) {
        asked.set(hash, (asked.get(hash) ?? 0) + 1)
        const body = find(hash)
        yield body && { method: 0, plainLength: body.length, body }
      }
    }
  }
  return { filling, asked, put, order }
}

function refTo(hash: Hash): Ref {
  return { hash, kind: 'sealed' }
}

/** Blocks in layers, each of which refers to some of the next; the first layer, and all by hash. */
function layersOf(
  widths: readonly number[],
  boxBytes: number,
  refers: (layer: number, from: number, to: number) => boolean
): { top: Hash[]; blocks: Map<string, Uint8Array> } {
  const blocks = new Map<string, Uint8Array>()
  let below: Hash[] = []
  for (const [i, width] of [...widths].reverse().entries()) {
    below = Array.from({ length: width }, (_, from) => {
      const links = below.filter((_, to) => refers(i, from, to))
      const bytes = block(links, boxBytes, i * 1000 + from)
      const hash = sha256(bytes)
      blocks.set(toHex(hash), bytes)
      return hash
    })
  }
  return { top: below, blocks }
}

test('whatever refers to whatever, each block is asked for once and put after all below it', async (t) => {
  const anyWidths = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 7 })
  await fc.assert(
    fc.asyncProperty(anyWidths, fc.nat(1000), fc.nat(4), async (widths, seed, skipped) => {
      const all: { hash: Hash; layer: number }[] = []
      const blocks = new Map<string, Uint8Array>()
      for (const [layer, width] of widths.entries()) {
        for (let i = 0; i < width; i++) {
          // Any block further down, so that one is met at several depths.
          const links = all.filter((each, n) => {
            return each.layer < layer && (n * 7 + i * 13 + layer * 31 + seed) % 5 > skipped
          })
          const bytes = block(
            links.map(({ hash }) => hash),
            40,
            layer * 100 + i
          )
          blocks.set(toHex(sha256(bytes)), bytes)
          all.push({ hash: sha256(bytes), layer })
        }
      }
      const { filling, asked, put, order } = await filled((hash) => blocks.get(hash))
      await fill(filling, all.map(({ hash }) => refTo(hash)).reverse())
      t.true(order.isWhole)
      t.is(put.length, blocks.size)
      t.is(new Set(put).size, blocks.size)
      t.true([...asked.values()].every((count) => count === 1))
    }),
    { numRuns: 100 }
  )
})

test('what there is no memory for is asked for once more, and all of it comes', async (t) => {
  const widths = Array.from({ length: 12 }, () => 60)
  const { top, blocks } = layersOf(widths, 50_000, (layer, from, to) => (from + layer) % 60 === to)
  const { filling, asked, put, order } = await filled((hash) => blocks.get(hash))
  await fill(filling, top.map(refTo))
  t.true(order.isWhole)
  t.is(put.length, blocks.size)
  t.true([...asked.values()].every((count) => count <= 2))
  t.true([...asked.values()].some((count) => count === 2))
})

test('a deep tree of small blocks is brought', async (t) => {
  const depth = Array.from({ length: 4000 }, () => 1)
  const { top, blocks } = layersOf(depth, 400, () => true)
  const { filling, put, order } = await filled((hash) => blocks.get(hash))
  await fill(filling, top.map(refTo))
  t.true(order.isWhole)
  t.is(put.length, blocks.size)
})

test('a chain of large blocks without an end is refused before it fills the memory', async (t) => {
  const chain = new Map<string, Hash[]>()
  let links: Hash[] = []
  for (let i = 0; i < 400; i++) {
    const hash = sha256(block(links, 900_000))
    chain.set(toHex(hash), links)
    links = [hash]
  }
  const { filling, asked, put } = await filled((hash) => block(chain.get(hash) ?? [], 900_000))
  await t.throwsAsync(fill(filling, links.map(refTo)), { name: 'Malformed' })
  t.true(asked.size < 200)
  t.deepEqual(put, [])
})

test('a chain of blocks full of links is refused before the links fill the memory', async (t) => {
  const noise = Array.from({ length: 20_000 }, (_, i) => sha256(Buffer.from(`${i}`)))
  const chain = new Map<string, Hash[]>()
  let links: Hash[] = []
  for (let i = 0; i < 60; i++) {
    const all = i === 0 ? [] : [...noise, ...links]
    const hash = sha256(block(all, 40))
    chain.set(toHex(hash), all)
    links = [hash]
  }
  const present = new Set(noise.map(toHex))
  const { filling, asked, put } = await filled((hash) => block(chain.get(hash) ?? [], 40))
  const { store } = filling
  const has = store.has.bind(store)
  store.has = async (scope, hash) => present.has(toHex(hash)) || has(scope, hash)
  await t.throwsAsync(fill(filling, links.map(refTo)), { name: 'Malformed' })
  t.true(asked.size < 40)
  t.deepEqual(put, [])
})
