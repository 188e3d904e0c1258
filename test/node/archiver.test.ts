// The archiver: what is read, what is stored, and what is never mistaken for a deletion.

import test from 'ava'
import { BASE_SCOPE, sha256, toHex } from '../../store/block.ts'
import type { Entry } from '../../store/entry.ts'
import { findEntry } from '../../store/tree.ts'
import { Unreadable } from '../../node/errors.ts'
import { HOME_MARKER } from '../../node/scanner.ts'
import { pathOf } from '../../node/tree/path.ts'
import type { Tree } from '../../node/tree/tree.ts'
import type { MemoryTree } from '../../sim/tree/tree.ts'
import { Scene, SCOPE, type Shot } from './_scene.ts'

async function office(): Promise<Scene> {
  const scene = await Scene.open()
  scene.tree.put('docs/a.txt', 'first')
  scene.tree.put('docs/b.txt', 'second')
  scene.tree.put('big.bin', Buffer.alloc(2_500_000, 'stone'))
  scene.tree.symlink('latest', 'docs/a.txt')
  scene.tree.mkdir('empty')
  await scene.wait()
  return scene
}

async function entryOf(scene: Scene, shot: Shot, path: string): Promise<Entry | undefined> {
  return findEntry(scene.reader, shot.root, pathOf(path))
}

test('a file that did not change is not read again, and nothing is stored for it', async (t) => {
  const scene = await office()
  const first = await scene.shoot()
  t.deepEqual(first.opened, ['big.bin', 'docs/a.txt', 'docs/b.txt'])
  const again = await scene.shoot()
  t.deepEqual(again.opened, [])
  t.is(again.newBlocks, 0)
  t.true(again.root.equals(first.root))
  scene.tree.put('docs/b.txt', 'other!')
  const third = await scene.shoot()
  t.deepEqual(third.opened, ['docs/b.txt'])
  t.is(third.count.changed, 1)
  t.false(third.root.equals(first.root))
})

test('a change that keeps size and time is seen by its witness', async (t) => {
  const scene = await office()
  await scene.shoot()
  const { mtimeNs } = (await scene.tree.stat(pathOf('docs/a.txt'))) ?? t.fail()
  scene.tree.put('docs/a.txt', 'fIrst', { mtimeNs })
  await scene.wait()
  t.deepEqual((await scene.shoot()).opened, ['docs/a.txt'])
})

test('a file that is fresh is read again until it has been calm for a minute', async (t) => {
  const scene = await office()
  await scene.shoot()
  scene.tree.put('docs/a.txt', 'fresh')
  t.deepEqual((await scene.shoot()).opened, ['docs/a.txt'])
  t.deepEqual((await scene.shoot()).opened, ['docs/a.txt'])
  await scene.wait()
  t.deepEqual((await scene.shoot()).opened, ['docs/a.txt'])
  t.deepEqual((await scene.shoot()).opened, [])
})

test('hard links are one file: read once, and named after the first in the tree', async (t) => {
  const scene = await office()
  scene.tree.link('docs/z.txt', 'docs/a.txt')
  scene.tree.link('another', 'docs/a.txt')
  await scene.wait()
  const shot = await scene.shoot()
  t.deepEqual(shot.opened, ['another', 'big.bin', 'docs/b.txt'])
  t.is((await entryOf(scene, shot, 'another'))?.linkTo, undefined)
  for (const name of ['docs/a.txt', 'docs/z.txt']) {
    const { linkTo } = (await entryOf(scene, shot, name)) ?? t.fail()
    t.is(Buffer.from(linkTo ?? []).toString(), 'another')
  }
  scene.tree.remove('another')
  await scene.wait()
  const after = await scene.shoot()
  t.is((await entryOf(scene, after, 'docs/a.txt'))?.linkTo, undefined)
  const { linkTo } = (await entryOf(scene, after, 'docs/z.txt')) ?? t.fail()
  t.is(Buffer.from(linkTo ?? []).toString(), 'docs/a.txt')
})

test('a renamed file stores no data, and a deleted one is counted', async (t) => {
  const scene = await office()
  await scene.shoot()
  const chunks = scene.blocks.blocks.size
  scene.tree.rename('big.bin', 'docs/large.bin')
  scene.tree.remove('docs/b.txt')
  await scene.wait()
  const shot = await scene.shoot()
  t.is(shot.count.deleted, 2)
  t.is(await entryOf(scene, shot, 'big.bin'), undefined)
  t.is((await entryOf(scene, shot, 'docs/large.bin'))?.size, 2_500_000)
  // Pages of the two directories, and the top.
  t.is(scene.blocks.blocks.size - chunks, 3)
})

test('what cannot be read is carried forward and named, never taken for deleted', async (t) => {
  const scene = await office()
  const first = await scene.shoot()
  scene.tree.refuse('docs')
  scene.tree.put('big.bin', 'changed')
  scene.tree.refuse('big.bin')
  scene.tree.put('new.txt', 'never seen')
  scene.tree.refuse('new.txt')
  const shot = await scene.shoot()
  t.deepEqual(
    shot.skipped.map(({ path }) => path),
    ['big.bin', 'docs', 'new.txt']
  )
  t.is(shot.count.deleted, 0)
  for (const path of ['docs/a.txt', 'docs/b.txt', 'big.bin']) {
    const [before, now] = [await entryOf(scene, first, path), await entryOf(scene, shot, path)]
    t.deepEqual(now?.hash, before?.hash ?? t.fail())
  }
  t.is(await entryOf(scene, shot, 'new.txt'), undefined)
  for (const path of ['docs', 'big.bin', 'new.txt']) scene.tree.refuse(path, false)
  const whole = await scene.shoot()
  t.deepEqual(whole.skipped, [])
  t.is((await entryOf(scene, whole, 'big.bin'))?.size, 7)
  t.is((await entryOf(scene, whole, 'new.txt'))?.size, 10)
})

test('a root that cannot be listed fails; it is not an empty state', async (t) => {
  const scene = await office()
  await scene.shoot()
  scene.tree.refuse('')
  await t.throwsAsync(scene.shoot(), { instanceOf: Unreadable })
})

test('a mount that went away keeps its files, until it is back or its directory is gone', async (t) => {
  const scene = await office()
  scene.tree.mount('docs')
  const first = await scene.shoot()
  await scene.wait()
  scene.tree.vanish('docs')
  for (let backup = 0; backup < 2; backup++) {
    const shot = await scene.shoot()
    t.deepEqual(
      shot.skipped.map(({ path }) => path),
      ['docs']
    )
    t.is(shot.count.deleted, 0)
    t.is(toHex(shot.digest), toHex(first.digest))
  }
  scene.tree.vanish('docs', false)
  const back = await scene.shoot()
  t.deepEqual([back.skipped, back.count.changed], [[], 0])
  scene.tree.remove('docs')
  t.is((await scene.shoot()).count.deleted, 3)
})

test('files that were all deleted are deleted: only another file system is not believed', async (t) => {
  const scene = await office()
  scene.tree.mount('')
  await scene.shoot()
  scene.tree.vanish('')
  await t.throwsAsync(scene.shoot(), { instanceOf: Unreadable, message: /mounted/ })
  scene.tree.vanish('', false)
  for (const name of ['docs', 'big.bin', 'latest', 'empty']) scene.tree.remove(name)
  const shot = await scene.shoot()
  t.deepEqual([shot.count.deleted, shot.skipped], [6, []])
})

/** The tree, with something that happens to it whenever a file was opened. */
function opening(tree: MemoryTree, then: (...asked: Parameters<Tree['open']>) => unknown): Tree {
  return {
    where: tree.where,
    stat: tree.stat.bind(tree),
    list: tree.list.bind(tree),
    readLink: tree.readLink.bind(tree),
    xattrs: tree.xattrs.bind(tree),
    writer: tree.writer.bind(tree),
    open: async (...asked: Parameters<typeof tree.open>) => {
      const file = await tree.open(...asked)
      await then(...asked)
      return file
    }
  }
}

test('a name that another file takes while it is read is no longer what other names refer to', async (t) => {
  const scene = await office()
  const { tree } = scene
  tree.put('one', 'ours')
  tree.link('two', 'one')
  const restless = opening(tree, (path, { links }) => {
    if (links < 2 || Buffer.from(path).toString() !== 'one') return
    tree.remove('one')
    tree.put('one', 'theirs')
  })
  const shot = await scene.shoot({ tree: restless })
  for (const [name, text] of Object.entries({ one: 'theirs', two: 'ours' })) {
    const entry = (await entryOf(scene, shot, name)) ?? t.fail()
    t.is(entry.linkTo, undefined)
    t.is(toHex(entry.hash ?? t.fail()), toHex(sha256(Buffer.from(text))), name)
  }
})

test('a file that never holds still is kept as it was read, named, and read again', async (t) => {
  const scene = await office()
  await scene.shoot()
  const { tree } = scene
  let turn = 0
  const restless = opening(tree, async () => {
    await scene.wait()
    tree.put('docs/a.txt', `turn ${turn++}`)
  })
  tree.put('docs/a.txt', 'start')
  const shot = await scene.shoot({ tree: restless })
  t.is(turn, 3)
  t.deepEqual(shot.skipped, [{ path: 'docs/a.txt', why: 'it changed while it was read' }])
  await scene.wait()
  t.deepEqual((await scene.shoot()).opened, ['docs/a.txt'])
})

test('a Drystone home inside the tree is left out, and a tree that is one is refused', async (t) => {
  const scene = await office()
  scene.tree.put(`backup/${HOME_MARKER}`, 'marker')
  scene.tree.put('backup/peer.key', 'secret')
  const shot = await scene.shoot()
  t.is(await entryOf(scene, shot, 'backup'), undefined)
  t.false(shot.opened.some((path) => path.startsWith('backup')))
  scene.tree.put(HOME_MARKER, 'marker')
  await t.throwsAsync(scene.shoot(), { instanceOf: Unreadable })
})

test('the same tree has the same digest plain and sealed, with a base and without', async (t) => {
  const scene = await office()
  const sealed = await scene.shoot()
  const plain = await scene.publish()
  scene.previous = undefined
  await scene.witnesses.clear()
  const based = await scene.shoot()
  t.is(toHex(plain.digest), toHex(sealed.digest))
  t.is(toHex(based.digest), toHex(sealed.digest))
  t.false(plain.root.equals(sealed.root))
})

test('an endpoint that holds nothing but the base has its root, and stores nothing', async (t) => {
  const scene = await office()
  const base = await scene.publish()
  const shot = await scene.shoot()
  t.true(shot.root.equals(base.root))
  t.is(shot.newBlocks, 0)
  t.is(shot.count.baseHashedBytes, shot.count.hashedBytes)
})

test('a base file that moved or grew costs no block of what is in the base', async (t) => {
  const scene = await office()
  await scene.publish()
  await scene.shoot()
  scene.tree.rename('big.bin', 'docs/moved.bin')
  scene.tree.put('docs/copy.txt', 'second')
  await scene.wait()
  const shot = await scene.shoot()
  const moved = (await entryOf(scene, shot, 'docs/moved.bin')) ?? t.fail()
  const sealed = [...scene.blocks.blocks.values()].filter(({ scope }) => scope === SCOPE)
  t.is(sealed.length, 3)
  t.true(sealed.every(({ bytes }) => bytes.length < 4096))
  const chunks =
    moved.content !== undefined && 'chunks' in moved.content ? moved.content.chunks : []
  t.true(chunks.length > 1)
  for (const { cid } of chunks) {
    t.is(scene.blocks.blocks.get(toHex(cid.multihash.digest))?.scope, BASE_SCOPE)
  }
})

test('a user who cannot see owners keeps those that root saw', async (t) => {
  const scene = await office()
  scene.tree.change('docs/a.txt', { uid: 5, gid: 6 })
  const capability = [Buffer.from('security.capability'), Buffer.from('x')] as const
  scene.tree.change('docs/b.txt', { xattrs: [capability] })
  const byRoot = await scene.shoot()
  scene.tree.change('docs/a.txt', { uid: 1000, gid: 1000 })
  scene.tree.change('docs/b.txt', { xattrs: [] })
  const byUser = await scene.shoot({ sense: { owners: false } })
  t.is(toHex(byUser.digest), toHex(byRoot.digest))
})
