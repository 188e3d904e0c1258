// Which files an audit reads: any of a state can be drawn, a walk goes on where it was, and a file that a
// backup would read anyway is not opened.

import test from 'ava'
import { showPath } from '../../node/tree/path.ts'
import { SkippedFiles, drawEntry, entriesAfter } from '../../node/skipped-files.ts'
import { SeededRandom } from '../../sim/random.ts'
import { Scene, watched } from './_scene.ts'

const NAMES = ['a/1', 'a-b/2', 'a/c/3', 'd/4', 'e', 'f/g/h/5']

async function shot() {
  const scene = await Scene.open()
  for (const name of NAMES) scene.tree.put(name, name)
  for (let i = 0; i < 700; i++) scene.tree.put(`z/${i}`, `${i}`)
  scene.tree.mkdir('empty')
  await scene.wait()
  const { root } = await scene.shoot()
  const top = { path: new Uint8Array(), entry: await scene.reader.top(root) }
  const { reader, tree, witnesses } = scene
  return { scene, reader, tree, witnesses, root, top }
}

test('every file of a state is drawn sooner or later', async (t) => {
  const { reader, root } = await shot()
  const random = new SeededRandom('draws')
  const drawn = new Set<string>()
  for (let i = 0; i < 20_000; i++) {
    const each = await drawEntry(reader, root, random)
    if (each !== undefined) drawn.add(showPath(each.path))
  }
  for (const name of NAMES) t.true(drawn.has(name), name)
  // Of small pages each name is drawn more often.
  const many = [...drawn].filter((path) => path.startsWith('z/')).length
  t.true(many > 400, `${many} of 700`)
})

test('a walk goes on behind any path, also one that is gone', async (t) => {
  const { reader, top } = await shot()
  const from = async (after: string): Promise<string[]> => {
    const paths = await Array.fromAsync(entriesAfter(reader, top, Buffer.from(after)))
    return paths.map(({ path }) => showPath(path))
  }
  const all = await from('')
  t.is(all.length, 700 + NAMES.length + 9)
  for (let i = 0; i < 12; i++) t.deepEqual(await from(all[i] ?? ''), all.slice(i + 1))
  t.deepEqual(await from('a/b'), await from('a/1'))
  t.deepEqual(await from('zz'), [])
})

test('only what a backup would skip is opened', async (t) => {
  const { scene, reader, tree, witnesses, top } = await shot()
  tree.put('a/1', 'A/1')
  tree.rot('d/4', 'D/4')
  tree.put('new', 'new')
  const opened: string[] = []
  const files = new SkippedFiles(watched(tree, opened), witnesses)
  const judged: Record<string, string> = {}
  for await (const each of entriesAfter(reader, top, new Uint8Array())) {
    const path = showPath(each.path)
    if (NAMES.includes(path)) judged[path] = await files.judge(each)
  }
  t.deepEqual(judged, {
    'a/1': 'read anyway',
    'a/c/3': 'same',
    'a-b/2': 'same',
    'd/4': 'differs',
    ...{ e: 'same', 'f/g/h/5': 'same' }
  })
  t.deepEqual(opened, ['a/c/3', 'a-b/2', 'd/4', 'e', 'f/g/h/5'])
  t.is(scene.tree, tree)
})
