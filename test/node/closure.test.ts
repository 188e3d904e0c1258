// Closures: at no moment is a parent there without all it reaches.

import test from 'ava'
import { DAG_CBOR, cidFromHash, hashOf, toHex, type Hash } from '../../store/block.ts'
import { Blockstore } from '../../store/blockstore.ts'
import { openIndex } from '../../store/index.ts'
import type { StoredBlock } from '../../store/stored.ts'
import { childrenOf, fill, type Filling, type Ref } from '../../node/closure.ts'
import { SimDisk } from '../../sim/disk.ts'
import { Scene, SCOPE } from './_scene.ts'

interface Case {
  scene: Scene
  root: Ref
  store: Blockstore
  /** Hashes in hex, in the order in which they were put. */
  put: string[]
  pulled: string[]
}

async function sealedState(): Promise<Case> {
  const scene = await Scene.open()
  for (let i = 0; i < 300; i++) scene.tree.put(`many/${i}`, `file ${i}`)
  for (let i = 0; i < 6; i++) scene.tree.put(`a/b/c/d/${i}`, `deep ${i}`)
  const { root } = await scene.shoot()
  const index = await openIndex({ location: undefined })
  const store = await Blockstore.open({ disk: new SimDisk(), index })
  const put: string[] = []
  const putStored = store.putStored.bind(store)
  store.putStored = async (scope, cid, stored) => {
    await putStored(scope, cid, stored)
    put.push(toHex(hashOf(cid)))
  }
  return { scene, root: { hash: hashOf(root), kind: 'sealed' }, store, put, pulled: [] }
}

/** Brings the state; `give` may withhold or change a block. */
function filling(
  { scene, store, pulled }: Case,
  give: (stored: StoredBlock, count: number) => StoredBlock | undefined = (stored) => stored
): Filling {
  return {
    store,
    scope: SCOPE,
    async *pull(_, hashes) {
      for (const hash of hashes) {
        pulled.push(toHex(hash))
        const bytes = scene.blocks.blocks.get(toHex(hash))?.bytes
        yield bytes && give({ method: 0, plainLength: bytes.length, body: bytes }, pulled.length)
      }
    }
  }
}

function assertWhole({ scene, put }: Case): boolean {
  const have = new Set<string>()
  return put.every((hash) => {
    const bytes = scene.blocks.blocks.get(hash)?.bytes ?? new Uint8Array()
    const isWhole = childrenOf('sealed', bytes).every((child) => have.has(toHex(child.hash)))
    have.add(hash)
    return isWhole
  })
}

test('children are stored before their parents, each once', async (t) => {
  const state = await sealedState()
  const count = await fill(filling(state), [state.root])
  t.is(count.blocks, state.scene.blocks.blocks.size)
  t.is(new Set(state.put).size, state.put.length)
  t.true(assertWhole(state))
  t.is(state.put.at(-1), toHex(state.root.hash))
})

test('after a failure only the rest is fetched, and nothing incomplete was kept', async (t) => {
  for (const failAt of [1, 2, 5, 70, 200]) {
    const state = await sealedState()
    const failing = fill(
      filling(state, (stored, count) => (count === failAt ? undefined : stored)),
      [state.root]
    )
    await t.throwsAsync(failing, { name: 'BlockMissing' })
    t.true(assertWhole(state))
    t.false(await state.store.has(SCOPE, state.root.hash))
    const kept = new Set(state.put)
    state.pulled.length = 0
    await fill(filling(state), [state.root])
    t.true(state.pulled.every((hash) => !kept.has(hash)))
    t.true(assertWhole(state))
    t.true(await state.store.has(SCOPE, state.root.hash))
  }
})

test('a block that is not what it should be is not kept, nor anything above it', async (t) => {
  const state = await sealedState()
  const lie = Buffer.from('a lie')
  const lying = fill(
    filling(state, (stored, count) =>
      count === 5 ? { method: 0, plainLength: lie.length, body: lie } : stored
    ),
    [state.root]
  )
  t.is((await t.throwsAsync(lying))?.name, 'BlockDamaged')
  t.true(assertWhole(state))
  t.false(await state.store.has(SCOPE, state.root.hash))
})

test('who answers for fewer blocks than were asked has given nothing that counts', async (t) => {
  const state = await sealedState()
  const short: Filling = { ...filling(state), async *pull() {} }
  await t.throwsAsync(fill(short, [state.root]), { name: 'Malformed' })
  t.deepEqual(state.put, [])
})

test('what is had elsewhere is not fetched', async (t) => {
  const state = await sealedState()
  const isElsewhere = async (hash: Hash): Promise<boolean> =>
    Buffer.compare(hash, state.root.hash) === 0
  const count = await fill({ ...filling(state), isElsewhere }, [state.root])
  t.deepEqual(count, { blocks: 0, bytes: 0 })
})

test('a plain page where a sealed block should be is malformed', async (t) => {
  const state = await sealedState()
  const base = await state.scene.publish()
  const cid = cidFromHash(DAG_CBOR, hashOf(base.root))
  const failing = fill(filling(state), [{ hash: hashOf(cid), kind: 'sealed' }])
  await t.throwsAsync(failing, { name: 'Malformed' })
})
