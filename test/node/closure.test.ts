// Closures: at no moment is a parent there without all it reaches.

import test from 'ava'
import { DAG_CBOR, cidFromHash, hashOf, toHex, type Hash } from '../../store/block.ts'
import { Blockstore } from '../../store/blockstore.ts'
import { openIndex, type Index } from '../../store/index.ts'
import type { StoredBlock } from '../../store/stored.ts'
import { fill, type Filling } from '../../node/closure.ts'
import { childrenOf, type Ref } from '../../store/links.ts'
import { SimDisk } from '../../sim/disk/disk.ts'
import { Scene, SCOPE } from './_scene.ts'

interface Case {
  scene: Scene
  root: Ref
  store: Blockstore
  disk: SimDisk
  index: Index
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
  const disk = new SimDisk()
  const store = await Blockstore.open({ disk, index })
  const put: string[] = []
  const putStored = store.putStored.bind(store)
  store.putStored = async (scope, cid, stored) => {
    await putStored(scope, cid, stored)
    put.push(toHex(hashOf(cid)))
  }
  return {
    scene,
    root: { hash: hashOf(root), kind: 'sealed' },
    store,
    disk,
    index,
    put,
    pulled: []
  }
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

/** Damages some block that is not the first to be asked for; its hash in hex. */
async function damageOne({ store, disk, put }: Case): Promise<string> {
  await store.flush()
  disk.flip(`blocks/${SCOPE}/00000001.seg`, 60)
  return put[0] ?? ''
}

test('once damage is known, what is above it is walked again and what is gone is brought', async (t) => {
  const state = await sealedState()
  await fill(filling(state), [state.root])
  const damaged = await damageOne(state)
  t.is(await state.store.get(SCOPE, Buffer.from(damaged, 'hex')), undefined)
  t.false(await state.store.isWhole(SCOPE))
  state.pulled.length = 0
  const nobody = fill(
    filling(state, () => undefined),
    [state.root]
  )
  await t.throwsAsync(nobody, { name: 'BlockMissing' })
  t.false(await state.store.isWhole(SCOPE))
  await fill(filling(state), [state.root])
  t.deepEqual(state.pulled, [damaged, damaged])
  await state.store.flush()
  t.true(await state.store.isWhole(SCOPE))
  t.not(await state.store.get(SCOPE, Buffer.from(damaged, 'hex')), undefined)
})

test('damage is still known after a restart, and after its block was brought it is not', async (t) => {
  const state = await sealedState()
  await fill(filling(state), [state.root])
  const damaged = await damageOne(state)
  await state.store.get(SCOPE, Buffer.from(damaged, 'hex'))
  state.disk.crash()
  for (const expected of [[damaged], []]) {
    const store = await Blockstore.open({ disk: state.disk, index: state.index })
    t.is(await store.isWhole(SCOPE), expected.length === 0)
    state.pulled.length = 0
    await fill({ ...filling(state), store }, [state.root])
    t.deepEqual(state.pulled, expected)
    await store.flush()
  }
})

test('a block that could not be read counts again once it can be', async (t) => {
  const state = await sealedState()
  await fill(filling(state), [state.root])
  await state.store.flush()
  state.disk.fault = ({ operation }) => (operation === 'read' ? 'EIO' : undefined)
  t.is(await state.store.get(SCOPE, state.root.hash), undefined)
  state.disk.fault = undefined
  t.false(await state.store.isWhole(SCOPE))
  state.pulled.length = 0
  await fill(filling(state), [state.root])
  t.deepEqual(state.pulled, [])
  t.true(await state.store.isWhole(SCOPE))
})

test('what a damaged segment lost is known when the index is made anew', async (t) => {
  const state = await sealedState()
  const short = fill(
    filling(state, (stored, count) => (count > 200 ? undefined : stored)),
    [state.root]
  )
  await t.throwsAsync(short, { name: 'BlockMissing' })
  await state.store.flush()
  state.disk.crash()
  const again = await Blockstore.open({ disk: state.disk, index: state.index })
  await fill({ ...filling(state), store: again }, [state.root])
  await again.flush()
  state.disk.flip(`blocks/${SCOPE}/00000001.seg`, 60)
  const index = await openIndex({ location: undefined })
  const anew = await Blockstore.open({ disk: state.disk, index })
  t.false(await anew.isWhole(SCOPE))
  await fill({ ...filling(state), store: anew }, [state.root])
  await anew.flush()
  t.true(await anew.isWhole(SCOPE))
  for (const hash of state.scene.blocks.blocks.keys()) {
    t.not(await anew.get(SCOPE, Buffer.from(hash, 'hex')), undefined)
  }
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
