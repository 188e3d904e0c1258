// The tracker over a tree in memory: what a tracked look opens and what it lets stand, when everything is
// looked at and why, and each way in which a change could go unheard.

import test from 'ava'
import { plainSink } from '../../store/sink.ts'
import { archive } from '../../node/archiver.ts'
import { NotWatched } from '../../node/errors.ts'
import { Tracker, type Look } from '../../node/tracker.ts'
import type { TreeWatch } from '../../node/tree/watch.ts'
import { MemoryBlocks, Scene, type Shot } from './_scene.ts'

interface Tracked extends Shot, Pick<Look, 'mode' | 'why'> {
  /** Directories that were listed. */
  listed: string[]
}

const MOUNTED = 'a file system was mounted or unmounted'

/** An office whose tree is heard of. */
class TrackedScene {
  readonly scene: Scene
  readonly tracker: Tracker
  base: Uint8Array | undefined

  private constructor(scene: Scene) {
    this.scene = scene
    this.tracker = new Tracker(scene.clock)
    this.tracker.start()
  }

  static async open(): Promise<TrackedScene> {
    const scene = await Scene.open()
    const { tree } = scene
    for (const path of ['a/one', 'a/two', 'b/c/three', 'b/d/four', 'e/five']) tree.put(path, path)
    await scene.wait()
    return new TrackedScene(scene)
  }

  get tree(): Scene['tree'] {
    return this.scene.tree
  }

  /** A backup; what it settles is durable at once. */
  async backUp({ isScan = false, isLost = false } = {}): Promise<Tracked> {
    const { scene, tracker, base } = this
    const { tree } = scene
    const listed: string[] = []
    const list = tree.list.bind(tree)
    tree.list = (path) => {
      listed.push(Buffer.from(path).toString() || '.')
      return list(path)
    }
    try {
      const previous = scene.previous?.root
      const [look, shot] = await tracker.look({ tree, previous, base, isScan }, (attention) => {
        listed.length = 0
        return scene.shoot({ attention })
      })
      if (isLost) tracker.release(look)
      else tracker.settle(look, { previous: shot.root, base })
      return { ...shot, mode: look.mode, why: look.why, listed }
    } finally {
      tree.list = list
    }
  }

  /** The digest of the tree as a walk by itself finds it, every file read. */
  async truth(): Promise<Uint8Array> {
    const { tree, clock } = this.scene
    const sink = plainSink(new MemoryBlocks())
    return (await archive({ tree, clock, sink, sense: { owners: true } })).digest
  }
}

test('the first backup looks at everything, the next only where something changed', async (t) => {
  const of = await TrackedScene.open()
  const first = await of.backUp()
  t.is(first.mode, 'scan')
  t.is(first.why, 'the first since the peer started')
  const calm = await of.backUp()
  t.is(calm.mode, 'tracked')
  t.deepEqual(calm.listed, [])
  t.true(calm.root.equals(first.root))
  of.tree.put('b/c/three', 'other')
  const next = await of.backUp()
  t.deepEqual([next.listed, next.opened], [['b/c'], ['b/c/three']])
  t.is(next.count.changed, 1)
  t.deepEqual(next.digest, await of.truth())
})

test('a file that is fresh is looked at again until it has been calm, then no more', async (t) => {
  const of = await TrackedScene.open()
  await of.backUp()
  of.tree.put('a/one', 'fresh')
  t.deepEqual((await of.backUp()).opened, ['a/one'])
  t.deepEqual((await of.backUp()).opened, ['a/one'])
  await of.scene.wait()
  t.deepEqual((await of.backUp()).opened, ['a/one'])
  t.deepEqual((await of.backUp()).listed, [])
})

test('a change while a backup runs is found by the next', async (t) => {
  const of = await TrackedScene.open()
  const { tree } = of
  await of.backUp()
  tree.put('a/one', 'first')
  const open = tree.open.bind(tree)
  tree.open = async (...args) => {
    tree.open = open
    tree.put('a/new', 'came while a/one was read')
    tree.put('e/five', 'as well')
    return open(...args)
  }
  await of.backUp()
  const { digest, opened } = await of.backUp()
  t.true(opened.includes('a/new') && opened.includes('e/five'))
  t.deepEqual(digest, await of.truth())
})

test('a change right after a directory was listed is found by the next', async (t) => {
  const of = await TrackedScene.open()
  const { tree } = of
  const list = tree.list.bind(tree)
  tree.list = async (path) => {
    const listing = await list(path)
    if (Buffer.from(path).toString() === 'b/d') tree.put('b/d/late', 'came after the listing')
    return listing
  }
  await of.backUp()
  tree.list = list
  const { mode, opened, digest } = await of.backUp()
  t.deepEqual([mode, opened], ['tracked', ['b/d/late']])
  t.deepEqual(digest, await of.truth())
})

test('what a backup looked at is looked at again if no head came of it', async (t) => {
  const of = await TrackedScene.open()
  await of.backUp()
  of.tree.put('b/d/four', 'changed')
  const previous = of.scene.previous
  await of.backUp({ isLost: true })
  of.scene.previous = previous
  const again = await of.backUp()
  t.is(again.mode, 'tracked')
  t.deepEqual(again.listed, ['b/d'])
  t.deepEqual(again.digest, await of.truth())
})

test('a store through memory is found while the file is mapped, and when it is let go', async (t) => {
  const of = await TrackedScene.open()
  await of.backUp()
  const map = of.tree.map('b/c/three')
  map.store('stone')
  const during = await of.backUp()
  t.deepEqual([during.mode, during.opened], ['tracked', ['b/c/three']])
  await of.scene.wait()
  await of.backUp()
  map.store('still')
  map.close()
  const after = await of.backUp()
  t.deepEqual(after.opened, ['b/c/three'])
  t.deepEqual(after.digest, await of.truth())
})

test('a write under one name of a file is found under all of them', async (t) => {
  const of = await TrackedScene.open()
  of.tree.link('e/other-name', 'a/one')
  await of.scene.wait()
  await of.backUp()
  of.tree.put('e/other-name', 'through the other name')
  const { mode, digest } = await of.backUp()
  t.is(mode, 'tracked')
  t.deepEqual(digest, await of.truth())
})

test('a new name for a file that had one leads to a look at everything', async (t) => {
  const of = await TrackedScene.open()
  await of.backUp()
  of.tree.link('e/link', 'b/c/three')
  const { mode, why, digest } = await of.backUp()
  t.deepEqual([mode, why], ['scan', 'a file was given another name'])
  t.deepEqual(digest, await of.truth())
  of.tree.put('a/new', 'two names')
  of.tree.link('a/newer', 'a/new')
  t.is((await of.backUp()).mode, 'tracked', 'all names of a new file were met')
})

test('a directory that moved is looked at where it is, and heard of there', async (t) => {
  const of = await TrackedScene.open()
  await of.backUp()
  of.tree.rename('b', 'e/moved')
  const moved = await of.backUp()
  t.is(moved.mode, 'tracked')
  t.deepEqual(moved.digest, await of.truth())
  of.tree.put('e/moved/d/four', 'changed after the move')
  const after = await of.backUp()
  t.deepEqual(after.listed.includes('e/moved/d'), true)
  t.deepEqual(after.digest, await of.truth())
  of.tree.mkdir('b')
  of.tree.put('b/new', 'another directory under the old name')
  t.deepEqual((await of.backUp()).digest, await of.truth())
})

test('directories that change places with equal sizes and times are told apart', async (t) => {
  const of = await TrackedScene.open()
  const { tree } = of
  for (const side of ['left', 'right']) {
    tree.put(`swap/${side}/deep/file`, `${side}`.padEnd(5, '.'), { mtimeNs: 1n })
    tree.change(`swap/${side}/deep`, { mtimeNs: 1n })
    tree.change(`swap/${side}`, { mtimeNs: 1n })
  }
  await of.scene.wait()
  await of.backUp()
  tree.rename('swap/left', 'swap/third')
  tree.rename('swap/right', 'swap/left')
  tree.rename('swap/third', 'swap/right')
  for (const path of ['swap/left', 'swap/right']) tree.change(path, { mtimeNs: 1n })
  const { mode, digest } = await of.backUp()
  t.is(mode, 'tracked')
  t.deepEqual(digest, await of.truth())
})

test('an edit that keeps size and time is found, also by a clock that was set back', async (t) => {
  const of = await TrackedScene.open()
  await of.backUp()
  const { mtimeNs } = (await of.tree.stat(Buffer.from('e/five'))) ?? t.fail()
  of.tree.put('e/five', 'E/FIV', { mtimeNs })
  const { digest } = await of.backUp()
  t.deepEqual(digest, await of.truth())
})

test('changes of metadata are found, of directories and of the root too', async (t) => {
  const of = await TrackedScene.open()
  await of.backUp()
  of.tree.chmod('a', 0o700)
  of.tree.change('b/d', { xattrs: [[Buffer.from('user.x'), Buffer.from('y')]] })
  const some = await of.backUp()
  t.is(some.mode, 'tracked')
  t.deepEqual(some.digest, await of.truth())
  of.tree.chmod('', 0o711)
  t.deepEqual((await of.backUp()).digest, await of.truth())
})

test('a directory that could not be read is tried again, with all that is below it', async (t) => {
  const of = await TrackedScene.open()
  await of.backUp()
  of.tree.put('b/d/four', 'changed')
  const readable = of.tree.refuse('b')
  of.tree.put('b/new', 'new')
  const blind = await of.backUp()
  t.deepEqual(
    blind.skipped.map(({ path }) => path),
    ['b']
  )
  readable()
  const { mode, digest } = await of.backUp()
  t.is(mode, 'tracked')
  t.deepEqual(digest, await of.truth())
})

test('more changes than the queue holds lead to a look at everything', async (t) => {
  const of = await TrackedScene.open()
  for (let i = 0; i < 16_400; i++) of.tree.mkdir(`many/${i}`)
  await of.scene.wait()
  await of.backUp()
  for (let i = 0; i < 16_400; i++) of.tree.chmod(`many/${i}`, 0o700)
  const lost = await of.backUp()
  t.deepEqual([lost.mode, lost.why], ['scan', 'so much changed at once that not all was heard'])
  t.deepEqual(lost.digest, await of.truth())
  t.is((await of.backUp()).mode, 'tracked')
})

test('everything is looked at when a file system comes or goes', async (t) => {
  const of = await TrackedScene.open()
  await of.backUp()
  of.tree.mount('b')
  t.is((await of.backUp()).why, MOUNTED)
  of.tree.vanish('b')
  const gone = await of.backUp()
  t.is(gone.why, MOUNTED)
  t.deepEqual(
    gone.skipped.map(({ path }) => path),
    ['b']
  )
  of.tree.vanish('b', false)
  const back = await of.backUp()
  t.is(back.why, MOUNTED)
  t.deepEqual(back.digest, await of.truth())
})

test('everything is looked at once a day, when asked, and after another point or base', async (t) => {
  const of = await TrackedScene.open()
  const { root } = await of.backUp()
  t.is((await of.backUp({ isScan: true })).why, 'asked for')
  t.is((await of.backUp()).mode, 'tracked')
  await of.scene.wait(24 * 60)
  t.is((await of.backUp()).why, 'a day has passed since the last look at everything')
  of.tree.put('a/one', 'changed')
  await of.backUp()
  of.scene.previous = { reader: of.scene.reader, root }
  const older = await of.backUp()
  t.is(older.why, 'another restore point became the last')
  t.deepEqual(older.digest, await of.truth())
  of.base = new Uint8Array(32).fill(7)
  t.is((await of.backUp()).why, 'another base is installed')
})

test('a whole look that came to nothing is made again', async (t) => {
  const of = await TrackedScene.open()
  await of.backUp({ isLost: true })
  t.is((await of.backUp()).why, 'the last one was not finished')
  t.is((await of.backUp()).mode, 'tracked')
})

test('where nothing can be heard, everything is looked at, and it is said why', async (t) => {
  const of = await TrackedScene.open()
  const { tree } = of
  tree.watch = async () => {
    throw new NotWatched('the disk is far away')
  }
  t.is((await of.backUp()).why, 'the disk is far away')
  const { mode, why } = await of.backUp()
  t.deepEqual([mode, why], ['scan', 'the disk is far away'])
  of.tracker.stop()
  t.is((await of.backUp()).why, 'no peer was running that could have heard of changes')
})

test('what can be heard of only in part is not heard of at all, until a day later', async (t) => {
  const of = await TrackedScene.open()
  const { tree } = of
  const watch = tree.watch.bind(tree)
  let open = 0
  tree.watch = async (): Promise<TreeWatch> => {
    const whole = await watch()
    let left = 3
    open++
    return {
      attend: (path) => {
        if (left-- === 0) throw new NotWatched('no more')
        return whole.attend(path)
      },
      heard: () => whole.heard(),
      mapped: () => whole.mapped(),
      mounts: () => whole.mounts(),
      close: () => {
        open--
        whole.close()
      }
    }
  }
  t.deepEqual([(await of.backUp()).why, open], ['no more', 0])
  tree.watch = watch
  t.is((await of.backUp()).why, 'no more')
  await of.scene.wait(24 * 60)
  await of.backUp()
  t.is((await of.backUp()).mode, 'tracked')
})
