// The restorer: what comes back is what was there, what stood in the way is kept, and bytes that are not
// right never get a name.

import test from 'ava'
import { toHex } from '../../store/block.ts'
import type { Entry } from '../../store/entry.ts'
import { DiskFull } from '../../store/errors.ts'
import { findEntry } from '../../store/tree.ts'
import { archive } from '../../node/archiver.ts'
import { assertBare, restore, type RestoreInput, type Restored } from '../../node/restorer.ts'
import { pathOf, showPath } from '../../node/tree/path.ts'
import type { Tree, TreeWriter } from '../../node/tree/tree.ts'
import { plainSink } from '../../store/sink.ts'
import { MemoryTree } from '../../sim/tree/tree.ts'
import { MemoryBlocks, Scene } from './_scene.ts'

const ROOT = pathOf('')

interface Saved {
  scene: Scene
  top: Entry
  digest: string
  target: MemoryTree
}

async function saved(fill: (tree: MemoryTree) => void = fillOffice): Promise<Saved> {
  const scene = await Scene.open()
  fill(scene.tree)
  const { root, digest } = await scene.shoot()
  await scene.wait()
  const target = new MemoryTree(scene.clock, { where: 'target', owners: true, privileges: true })
  return { scene, top: await scene.reader.top(root), digest: toHex(digest), target }
}

function fillOffice(tree: MemoryTree): void {
  tree.put('docs/a.txt', 'first', { mode: 0o640, uid: 7, mtimeNs: 1_234_567_890_123_456_789n })
  tree.put('docs/zeros.bin', Buffer.concat([Buffer.alloc(50_000), Buffer.from('end')]))
  tree.put('big.bin', Buffer.alloc(2_000_000, 'stone'))
  tree.link('docs/same.bin', 'big.bin')
  tree.link('zz', 'big.bin')
  tree.symlink('latest', 'docs/a.txt')
  tree.special('pipe', 'fifo')
  tree.special('disk', 'block', [8, 1])
  tree.mkdir('empty', { mode: 0o500 })
}

function restoreAll(from: Saved, extra: Partial<RestoreInput> = {}): Promise<Restored> {
  const { scene, top, target } = from
  const pieces = [{ entry: top, from: ROOT, to: ROOT }]
  return restore({ reader: scene.reader, pieces, target, ...extra })
}

async function digestOf({ scene, target }: Saved): Promise<string> {
  const sink = plainSink(new MemoryBlocks())
  const sense = { owners: true }
  return toHex((await archive({ tree: target, clock: scene.clock, sink, sense })).digest)
}

test('a restored tree has the digest of what was saved', async (t) => {
  const office = await saved()
  const { warnings, count } = await restoreAll(office)
  t.deepEqual(warnings, [])
  t.is(await digestOf(office), office.digest)
  const big = await office.target.stat(pathOf('big.bin'))
  t.is((await office.target.stat(pathOf('docs/same.bin')))?.inode, big?.inode ?? t.fail())
  t.is(big?.links, 3)
  t.is(count.reusedBytes, 0)
})

test('a name that could not be read does not come back as what its first name became', async (t) => {
  const office = await saved((tree) => {
    tree.put('a', 'once both', { mode: 0o600 })
    tree.link('b', 'a')
    tree.link('c/d', 'a')
  })
  const { scene, target } = office
  scene.tree.put('new', 'another')
  scene.tree.rename('new', 'a')
  for (const path of ['b', 'c']) scene.tree.refuse(path)
  const { root, skipped } = await scene.shoot()
  t.is(skipped.length, 2)
  await restoreAll({ ...office, top: await scene.reader.top(root) })
  const contents = ['a', 'b', 'c/d'].map((path) => Buffer.from(target.content(path)).toString())
  t.deepEqual(contents, ['another', 'once both', 'once both'])
  const stats = await Promise.all(['b', 'c/d'].map((path) => target.stat(pathOf(path))))
  t.is(stats[0]?.inode, stats[1]?.inode)
})

test('a second run reuses everything, moves nothing aside, and writes nothing', async (t) => {
  const office = await saved()
  await restoreAll(office)
  const { warnings, count } = await restoreAll(office)
  t.deepEqual(warnings, [])
  t.is(count.writtenBytes, 0)
  t.is(await digestOf(office), office.digest)
})

test('what stands in the way is kept beside, overwritten, or left, as asked', async (t) => {
  const standing = (target: MemoryTree): void => {
    target.put('docs/a.txt', 'mine')
    target.symlink('latest', 'elsewhere')
  }
  const both = await saved()
  standing(both.target)
  t.is((await restoreAll(both)).warnings.length, 2)
  t.is(text(both, 'docs/a.txt'), 'first')
  t.is(text(both, 'docs/a.txt.kept-1'), 'mine')

  const overwriting = await saved()
  standing(overwriting.target)
  await restoreAll(overwriting, { conflict: 'overwrite' })
  t.is(await digestOf(overwriting), overwriting.digest)

  const skipping = await saved()
  standing(skipping.target)
  t.is((await restoreAll(skipping, { conflict: 'skip' })).warnings.length, 2)
  t.is(text(skipping, 'docs/a.txt'), 'mine')
  t.is(text(skipping, 'big.bin').length, 2_000_000)
})

test('a directory in the way of a file is moved aside, and never deleted to overwrite', async (t) => {
  const both = await saved()
  both.target.put('latest/precious.txt', 'mine')
  both.target.put('docs', 'a file')
  await restoreAll(both)
  t.is(text(both, 'latest.kept-1/precious.txt'), 'mine')
  t.is(text(both, 'docs.kept-1'), 'a file')
  t.is(text(both, 'docs/a.txt'), 'first')

  const overwriting = await saved()
  overwriting.target.put('latest/precious.txt', 'mine')
  const failure = await t.throwsAsync(restoreAll(overwriting, { conflict: 'overwrite' }))
  t.is(failure?.name, 'NotWritable')
  t.is(text(overwriting, 'latest/precious.txt'), 'mine')
  t.is(text(overwriting, 'docs/a.txt'), 'first')
})

test('of hard links, those that are restored are links of one another', async (t) => {
  const { scene, top, target } = await saved()
  const root = scene.previous?.root ?? t.fail()
  const pieces = await Promise.all(
    ['docs/same.bin', 'zz'].map(async (path) => {
      const entry = (await findEntry(scene.reader, root, pathOf(path))) ?? top
      return { entry, from: pathOf(path), to: pathOf(path.replace('docs/', '')) }
    })
  )
  await restore({ reader: scene.reader, pieces, target })
  const [one, other] = [await target.stat(pathOf('same.bin')), await target.stat(pathOf('zz'))]
  t.is(one?.inode, other?.inode ?? t.fail())
  t.is(one?.size, 2_000_000)
})

test('two files that were separate do not come back as one because the target had linked them', async (t) => {
  const office = await saved((tree) => {
    tree.put('a', 'same', { mode: 0o600 })
    tree.put('b', 'same', { mode: 0o644 })
  })
  office.target.put('a', 'same')
  office.target.link('b', 'a')
  await restoreAll(office, { conflict: 'overwrite' })
  t.is(await digestOf(office), office.digest)
})

test('a dry run counts, and touches nothing', async (t) => {
  const office = await saved()
  const { scene, top } = office
  office.target.put('docs/a.txt', 'mine')
  const before = await digestOf(office)
  const target: Tree = Object.assign(Object.create(office.target) as Tree, {
    where: 'target',
    stat: office.target.stat.bind(office.target),
    open: office.target.open.bind(office.target),
    readLink: office.target.readLink.bind(office.target),
    writer: async () => t.fail()
  })
  const pieces = [{ entry: top, from: ROOT, to: ROOT }]
  const { count } = await restore({ reader: scene.reader, pieces, target, dryRun: true })
  t.is(count.files, 5)
  t.is(await digestOf(office), before)
})

test('a file with a damaged or missing chunk gets no name; all others come back', async (t) => {
  for (const damage of [new Uint8Array([1, 2, 3]), undefined]) {
    const office = await saved()
    const { blocks } = office.scene.blocks
    const entry = await findEntry(
      office.scene.reader,
      office.scene.previous?.root ?? t.fail(),
      pathOf('docs/a.txt')
    )
    const content = entry?.content
    const chunk = content !== undefined && 'chunks' in content ? content.chunks[0] : undefined
    const key = toHex(chunk?.cid.multihash.digest ?? t.fail())
    if (damage === undefined) blocks.delete(key)
    else blocks.set(key, { scope: 'base', bytes: damage })
    const failed: string[] = []
    const failure = await t.throwsAsync(
      restoreAll(office, { onFailure: (path) => failed.push(path) })
    )
    t.true(['BlockMissing', 'BlockDamaged', 'Malformed', 'NotOpened'].includes(failure?.name ?? ''))
    t.deepEqual(failed, ['docs/a.txt'])
    t.is(await office.target.stat(pathOf('docs/a.txt')), undefined)
    t.is(text(office, 'big.bin').length, 2_000_000)
    t.is((await office.target.stat(pathOf('zz')))?.links, 3)
  }
})

test('a full disk stops at once', async (t) => {
  const office = await saved()
  const target = new MemoryTree(office.scene.clock, { capacity: 1000 })
  await t.throwsAsync(restoreAll({ ...office, target }), { instanceOf: DiskFull })
})

test('names that are one on this file system are named, and the first is not overwritten', async (t) => {
  const office = await saved((tree) => {
    tree.put('README', 'upper')
    tree.put('readme', 'lower')
    tree.put('Docs/one.txt', '1')
    tree.put('docs/two.txt', '2')
    tree.put('other.txt', 'other')
  })
  const target = folding(office.target)
  for (const conflict of ['keep-both', 'overwrite', 'skip'] as const) {
    const { warnings } = await restoreAll({ ...office }, { target, conflict })
    t.deepEqual(warnings, [
      'docs was left out: here it is the same name as Docs',
      'readme was left out: here it is the same name as README'
    ])
    t.is(text(office, 'readme'), 'upper')
    t.is(text(office, 'docs/one.txt'), '1')
    t.is(await office.target.stat(pathOf('docs/two.txt')), undefined)
    t.is(text(office, 'other.txt'), 'other')
  }
})

test('only an empty target is bare', async (t) => {
  const { target } = await saved()
  await t.notThrowsAsync(assertBare(target))
  target.put('x', '')
  await t.throwsAsync(assertBare(target), { name: 'TargetNotEmpty' })
})

function text({ target }: Saved, path: string): string {
  return Buffer.from(target.content(path)).toString()
}

/** A tree for which upper and lower case are one, as on Windows and macOS. */
function folding(tree: MemoryTree): Tree {
  const fold = (path: Uint8Array): Uint8Array => pathOf(showPath(path).toLowerCase())
  const folded = (writer: TreeWriter): TreeWriter => ({
    makeDirectory: (path) => writer.makeDirectory(fold(path)),
    finishDirectory: (path, metadata) => writer.finishDirectory(fold(path), metadata),
    createFile: (path) => writer.createFile(fold(path)),
    setMetadata: (path, metadata) => writer.setMetadata(fold(path), metadata),
    symlink: (path, target, metadata) => writer.symlink(fold(path), target, metadata),
    hardLink: (path, existing) => writer.hardLink(fold(path), fold(existing)),
    special: (path, metadata, major, minor) => writer.special(fold(path), metadata, major, minor),
    remove: (path) => writer.remove(fold(path)),
    rename: (from, to) => writer.rename(fold(from), fold(to)),
    free: () => writer.free(),
    close: () => writer.close()
  })
  return {
    where: tree.where,
    stat: (path) => tree.stat(fold(path)),
    list: (path) => tree.list(fold(path)),
    open: (path, expected) => tree.open(fold(path), expected),
    readLink: (path) => tree.readLink(fold(path)),
    xattrs: (path) => tree.xattrs(fold(path)),
    writer: async () => folded(await tree.writer())
  }
}
