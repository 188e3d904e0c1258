// A mass deletion is told: when much of what was there is gone, and not when it was only moved.

import test from 'ava'
import { Scene } from './_scene.ts'

async function full(): Promise<Scene> {
  const scene = await Scene.open()
  for (let i = 0; i < 300; i++) scene.tree.put(`docs/year-${i % 3}/${i}`, `${i}`)
  scene.tree.put('other', 'other')
  await scene.wait()
  await scene.shoot()
  return scene
}

test('much that is gone is told, with all that was below a directory', async (t) => {
  const scene = await full()
  scene.tree.remove('docs/year-1')
  const { count, loss } = await scene.shoot()
  t.is(count.deleted, 101)
  // The root itself, docs, three years with a hundred each, and one more.
  t.deepEqual(loss, { gone: 101, of: 306 })
})

test('what was moved is not lost, and a few files are a day of work', async (t) => {
  const scene = await full()
  scene.tree.rename('docs', 'papers')
  for (let i = 0; i < 30; i++) scene.tree.remove(`papers/year-${i % 3}/${i}`)
  const { count, loss } = await scene.shoot()
  t.is(count.deleted, 304)
  t.is(loss, undefined)
})

test('what cannot be read is not lost', async (t) => {
  const scene = await full()
  scene.tree.refuse('docs')
  const { loss, count } = await scene.shoot()
  t.deepEqual([loss, count.deleted], [undefined, 0])
})
