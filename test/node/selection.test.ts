// What takes part in a restore point, and what does not: rules, ignore files, caches, other file systems; and
// that a tracked look agrees with a whole one whenever the rules change.

import test from 'ava'
import { walkEntries } from '../../store/tree.ts'
import { IGNORE_FILE } from '../../node/ignoring.ts'
import { NO_RULES, type Rules } from '../../node/selection.ts'
import { Tracker } from '../../node/tracker.ts'
import { Scene, type Shot } from './_scene.ts'

const TAG = 'Signature: 8a477f597d28d172789f06886806bc55\n# made by a test\n'

async function pathsOf(scene: Scene, shot: Shot): Promise<string[]> {
  const top = { path: new Uint8Array(), entry: await scene.reader.top(shot.root) }
  const entries = await Array.fromAsync(walkEntries(scene.reader, top))
  return entries.map(({ path }) => Buffer.from(path).toString()).filter((path) => path !== '')
}

const rulesOf = (rules: Partial<Rules>): Rules => ({ ...NO_RULES, ...rules })

test('an ignore file holds in its directory and below, and is saved itself', async (t) => {
  const scene = await Scene.open()
  for (const path of ['a.o', 'src/b.o', 'src/deep/c.o', 'src/c.c', 'src/out/x']) {
    scene.tree.put(path, path)
  }
  scene.tree.put(`src/${IGNORE_FILE}`, '*.o\nout/\n')
  const shot = await scene.shoot()
  t.deepEqual(await pathsOf(scene, shot), [
    'a.o',
    'src',
    `src/${IGNORE_FILE}`,
    'src/c.c',
    'src/deep'
  ])
  t.deepEqual(
    shot.opened.filter((path) => path.endsWith('.o')),
    ['a.o']
  )
})

test('rules of the endpoint hold from the root, and an ignore file may overrule them', async (t) => {
  const scene = await Scene.open()
  for (const path of ['x.tmp', 'sub/x.tmp', 'sub/y']) scene.tree.put(path, path)
  scene.tree.put(`sub/${IGNORE_FILE}`, '!*.tmp')
  const rules = rulesOf({ ignore: ['*.tmp'] })
  const shot = await scene.shoot({ rules })
  t.deepEqual(await pathsOf(scene, shot), ['sub', `sub/${IGNORE_FILE}`, 'sub/x.tmp', 'sub/y'])
})

test('an ignore file that cannot be used leaves nothing out, and is named', async (t) => {
  const scene = await Scene.open()
  scene.tree.put('x', 'x')
  scene.tree.put(IGNORE_FILE, `x\n${'#'.repeat(1024 * 1024)}`)
  const large = await scene.shoot()
  t.true((await pathsOf(scene, large)).includes('x'))
  t.deepEqual(
    large.skipped.map(({ path }) => path),
    [IGNORE_FILE]
  )
  scene.tree.remove(IGNORE_FILE)
  scene.tree.symlink(IGNORE_FILE, 'elsewhere')
  t.deepEqual(await pathsOf(scene, await scene.shoot()), [IGNORE_FILE, 'x'])
})

test('of a cache only its tag is kept, when asked, and only by the right signature', async (t) => {
  const scene = await Scene.open()
  for (const [path, content] of [
    ['cache/CACHEDIR.TAG', TAG],
    ['cache/big', 'big'],
    ['cache/deep/big', 'big'],
    ['other/CACHEDIR.TAG', 'not the signature'],
    ['other/file', 'file']
  ] as const) {
    scene.tree.put(path, content)
  }
  t.is((await pathsOf(scene, await scene.shoot())).length, 8)
  const rules = rulesOf({ excludeCaches: true })
  t.deepEqual(await pathsOf(scene, await scene.shoot({ rules })), [
    'cache',
    'cache/CACHEDIR.TAG',
    'other',
    'other/CACHEDIR.TAG',
    'other/file'
  ])
})

test('of another file system only its place is kept, when asked', async (t) => {
  const scene = await Scene.open()
  for (const path of ['disk/file', 'disk/deep/file', 'own']) scene.tree.put(path, path)
  scene.tree.mount('disk')
  t.is((await pathsOf(scene, await scene.shoot())).length, 5)
  const rules = rulesOf({ oneFileSystem: true })
  t.deepEqual(await pathsOf(scene, await scene.shoot({ rules })), ['disk', 'own'])
})

test('of a file system that the kernel makes up only its place is kept', async (t) => {
  const scene = await Scene.open()
  scene.tree.put('proc/1/maps', 'of nobody')
  scene.tree.mount('proc')
  const { device } = (await scene.tree.stat(Buffer.from('proc'))) ?? t.fail()
  const tree = Object.assign(scene.tree, { virtual: async () => new Set([device]) })
  t.deepEqual(await pathsOf(scene, await scene.shoot({ tree })), ['proc'])
})

test('what an ignore file begins or ceases to leave out, a tracked backup finds', async (t) => {
  const scene = await Scene.open()
  for (const path of ['a/x.o', 'a/b/x.o', 'a/b/c/x.o', 'a/b/c/kept', 'd/x.o']) {
    scene.tree.put(path, path)
  }
  await scene.wait()
  const tracker = new Tracker(scene.clock)
  tracker.start()
  const backUp = async (rules?: Rules): Promise<{ mode: string; why: string; paths: string[] }> => {
    const grounds = { previous: scene.previous?.root, base: undefined, rules }
    const [look, shot] = await tracker.look({ ...grounds, tree: scene.tree }, (attention) =>
      scene.shoot({ attention, rules })
    )
    tracker.settle(look, { ...grounds, previous: shot.root })
    const { mode, why } = look
    return { mode, why, paths: await pathsOf(scene, shot) }
  }
  const objects = ({ paths }: { paths: string[] }): string[] =>
    paths.filter((path) => path.endsWith('.o'))
  t.is(objects(await backUp()).length, 4)
  scene.tree.put(`a/b/${IGNORE_FILE}`, '*.o')
  const ignored = await backUp()
  t.is(ignored.mode, 'tracked')
  t.deepEqual(objects(ignored), ['a/x.o', 'd/x.o'])
  await scene.wait()
  await backUp()
  // Below a directory that is only passed, its lines hold as well.
  scene.tree.put('a/b/c/new.o', 'new')
  const passed = await backUp()
  t.is(passed.mode, 'tracked')
  t.deepEqual(objects(passed), ['a/x.o', 'd/x.o'])
  scene.tree.remove(`a/b/${IGNORE_FILE}`)
  const back = await backUp()
  t.is(back.mode, 'tracked')
  t.is(objects(back).length, 5)
  const ruled = await backUp(rulesOf({ ignore: ['/d'] }))
  t.is(ruled.why, 'what is left out has changed')
  t.deepEqual(objects(ruled), ['a/b/c/new.o', 'a/b/c/x.o', 'a/b/x.o', 'a/x.o'])
})
