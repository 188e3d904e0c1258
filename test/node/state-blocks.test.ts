// State blocks: a walk with keys finds what a walk by links in the clear finds, reads no chunk, and leaves
// out exactly what another state reaches.

import test from 'ava'
import fc from 'fast-check'
import { BASE_SCOPE, hashOf, toHex, type CID } from '../../store/block.ts'
import { BlockMissing } from '../../store/errors.ts'
import type { HashLog } from '../../store/hash-order.ts'
import { childrenOf } from '../../store/links.ts'
import { isSealed, sealKeys } from '../../store/seal.ts'
import { stateBlocks } from '../../node/state-blocks.ts'
import { Scene } from './_scene.ts'

const keyring = new Map([[0, sealKeys(new Uint8Array(32).fill(1))]])

function hexesOf(log: HashLog): string[] {
  return Array.from({ length: log.size }, (_, i) => toHex(log.at(i))).sort()
}

/** Without keys: by the links alone. Hashes in hex. */
function byLinks({ blocks }: Scene, root: CID): { sealed: string[]; plain: string[] } {
  const found = { sealed: new Set<string>(), plain: new Set<string>() }
  const waiting = [hashOf(root)]
  for (let hash = waiting.pop(); hash !== undefined; hash = waiting.pop()) {
    const hex = toHex(hash)
    const block = blocks.blocks.get(hex)
    if (block === undefined) throw new Error(`no block ${hex}`)
    const isPlain = block.scope === BASE_SCOPE || !isSealed(block.bytes)
    if (isPlain) found.plain.add(hex)
    if (isPlain || found.sealed.has(hex)) continue
    found.sealed.add(hex)
    for (const child of childrenOf('sealed', block.bytes)) waiting.push(child.hash)
  }
  return { sealed: [...found.sealed].sort(), plain: [...found.plain].sort() }
}

/** Some are in the base, some only later; large ones have several chunks, and one a list. */
const file = fc.record({
  path: fc.constantFrom('a', 'b', 'd/a', 'd/e/a', 'd/e/b', 'f/a'),
  size: fc.constantFrom(0, 1, 5000, 400_000, 1_500_000),
  byte: fc.nat(3)
})
const edits = fc.array(file, { minLength: 1, maxLength: 6 })

function put(scene: Scene, files: readonly { path: string; size: number; byte: number }[]): void {
  for (const { path, size, byte } of files) scene.tree.put(path, Buffer.alloc(size, byte))
}

test('with keys and without, the same blocks are reached; a step is what is left of them', async (t) => {
  await fc.assert(
    fc.asyncProperty(edits, edits, edits, async (base, first, second) => {
      const scene = await Scene.open()
      put(scene, base)
      await scene.publish()
      put(scene, first)
      const before = await scene.shoot()
      put(scene, second)
      await scene.wait()
      const after = await scene.shoot()
      const keys = { source: scene.blocks, keyring }
      const one = await stateBlocks(keys, before.root)
      const two = await stateBlocks(keys, after.root)
      const [linked, later] = [byLinks(scene, before.root), byLinks(scene, after.root)]
      t.deepEqual(hexesOf(one.sealed), linked.sealed)
      t.deepEqual(hexesOf(one.plain), linked.plain)
      t.deepEqual(hexesOf(two.sealed), later.sealed)
      const step = await stateBlocks(keys, after.root, { without: one })
      const left = later.sealed.filter((hex) => !linked.sealed.includes(hex))
      t.deepEqual(hexesOf(step.sealed), left)
    }),
    { numRuns: 25, seed: 7 }
  )
})

test('no chunk is read to find out what there is; a page that nobody has is named', async (t) => {
  const scene = await Scene.open()
  put(scene, [{ path: 'd/a', size: 900_000, byte: 1 }])
  const { root } = await scene.shoot()
  let largest = 0
  const source = {
    get: async (cid: CID) => {
      const bytes = await scene.blocks.get(cid)
      largest = Math.max(largest, bytes?.length ?? 0)
      return bytes
    }
  }
  const { sealed } = await stateBlocks({ source, keyring }, root)
  t.true(sealed.size > 3)
  t.true(largest < 10_000)
  const none = { get: async () => undefined }
  await t.throwsAsync(stateBlocks({ source: none, keyring }, root), { instanceOf: BlockMissing })
})
