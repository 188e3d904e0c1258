// Files that change under the hands of a backup: what is kept is of one moment, or it is named.

import { setImmediate as nextTurn } from 'node:timers/promises'
import test from 'ava'
import { sha256 } from '../../store/block.ts'
import type { Entry } from '../../store/entry.ts'
import { findEntry } from '../../store/tree.ts'
import { pathOf, showPath } from '../../node/tree/path.ts'
import type { Tree } from '../../node/tree/tree.ts'
import { Scene, type Shot } from './_scene.ts'

async function entryOf(scene: Scene, shot: Shot, path: string): Promise<Entry | undefined> {
  return findEntry(scene.reader, shot.root, pathOf(path))
}

/** The scene's tree, where some calls do more than they say. */
function meddled({ tree }: Scene, own: Partial<Tree>): Tree {
  return {
    where: tree.where,
    stat: (path) => tree.stat(path),
    list: (path) => tree.list(path),
    open: (path, expected) => tree.open(path, expected),
    readLink: (path) => tree.readLink(path),
    xattrs: (path) => tree.xattrs(path),
    writer: () => tree.writer(),
    ...own
  }
}

/** Does `work` the first time it is called. */
function once(work: () => void): () => void {
  let isDone = false
  return () => {
    if (!isDone) work()
    isDone = true
  }
}

test('a link that is pointed elsewhere meanwhile keeps no time of the old one', async (t) => {
  const scene = await Scene.open()
  scene.tree.symlink('link', 'old', { mtimeNs: 1n })
  const retarget = once(() => {
    scene.tree.symlink('new', 'new', { mtimeNs: 2n })
    scene.tree.rename('new', 'link')
  })
  const tree = meddled(scene, {
    readLink: async (path) => {
      retarget()
      return scene.tree.readLink(path)
    }
  })
  const shot = await scene.shoot({ tree })
  const { target, mtimeNs } = (await entryOf(scene, shot, 'link')) ?? t.fail()
  t.deepEqual([Buffer.from(target ?? []).toString(), mtimeNs], ['new', 2n])
  t.deepEqual(shot.skipped, [])
})

test('a directory that is swapped for another meanwhile is one of the two', async (t) => {
  const scene = await Scene.open()
  const xattrs = [[Buffer.from('user.a'), Buffer.from('1')] as const]
  scene.tree.mkdir('a', { mode: 0o700, xattrs })
  scene.tree.mkdir('b', { mode: 0o755 })
  const swap = once(() => {
    scene.tree.rename('a', 'c')
    scene.tree.rename('b', 'a')
    scene.tree.rename('c', 'b')
  })
  const tree = meddled(scene, {
    list: async (path) => {
      if (path.length > 0) swap()
      return scene.tree.list(path)
    }
  })
  const shot = await scene.shoot({ tree })
  const a = await entryOf(scene, shot, 'a')
  t.deepEqual([a?.mode, a?.xattrs], [0o755, undefined])
})

test('a name that becomes another file meanwhile gets none of its attributes', async (t) => {
  const scene = await Scene.open()
  scene.tree.put('f', 'old', { mode: 0o600 })
  const replace = once(() => {
    scene.tree.put('g', 'new', { xattrs: [[Buffer.from('user.a'), Buffer.from('1')]] })
    scene.tree.rename('g', 'f')
  })
  const tree = meddled(scene, {
    xattrs: async (path) => {
      if (showPath(path) === 'f') replace()
      return scene.tree.xattrs(path)
    }
  })
  const shot = await scene.shoot({ tree })
  const f = (await entryOf(scene, shot, 'f')) ?? t.fail()
  t.deepEqual(f.hash, sha256(Buffer.from('new')))
  t.deepEqual([f.mode, f.xattrs?.length], [0o644, 1])
})

test('a change between two pieces is seen, even if no time tells', async (t) => {
  const scene = await Scene.open()
  const [before, after] = [Buffer.alloc(2_500_000, 'a'), Buffer.alloc(2_500_000, 'b')]
  scene.tree.put('big.bin', before)
  const overwrite = once(() => scene.tree.put('big.bin', after))
  const tree = meddled(scene, {
    open: async (path, expected) => {
      const file = await scene.tree.open(path, expected)
      const read = async (length: number): Promise<Uint8Array> => {
        const piece = await file.read(length)
        overwrite()
        return piece
      }
      return { stat: () => file.stat(), read, close: () => file.close() }
    }
  })
  const shot = await scene.shoot({ tree })
  t.deepEqual((await entryOf(scene, shot, 'big.bin'))?.hash, sha256(after))
  t.deepEqual(shot.skipped, [])
})

test('no witness for a file that was fresh when it was read, however long the rest takes', async (t) => {
  const scene = await Scene.open()
  scene.tree.put('a', 'slow to open')
  scene.tree.put('b', 'first')
  const { mtimeNs } = (await scene.tree.stat(pathOf('b'))) ?? t.fail()
  const tree = meddled(scene, {
    open: async (path, expected) => {
      if (showPath(path) === 'a') {
        // Others are read meanwhile; then one changes in the same millisecond, and the computer sleeps.
        for (let turn = 0; turn < 20; turn++) await nextTurn()
        scene.tree.put('b', 'fIrst', { mtimeNs })
        await scene.wait()
      }
      return scene.tree.open(path, expected)
    }
  })
  const first = await scene.shoot({ tree })
  t.deepEqual((await entryOf(scene, first, 'b'))?.hash, sha256(Buffer.from('first')))
  const second = await scene.shoot()
  t.deepEqual((await entryOf(scene, second, 'b'))?.hash, sha256(Buffer.from('fIrst')))
})
