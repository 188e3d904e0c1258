// What every tree promises, asked of each: the real one in its several ways of working, and the one in
// memory. Only the port is used, so a test that passes for one and fails for another names a difference
// that the rest of the program would trip over.

import test from 'ava'
import { NotWritable, Unreadable } from '../../../node/errors.ts'
import { joinPath, pathOf, ROOT } from '../../../node/tree/path.ts'
import type { Tree, TreeMetadata, TreePath, TreeWriter, Xattr } from '../../../node/tree/tree.ts'
import type { EntryType } from '../../../store/entry.ts'

export interface Conformance {
  /** Stands before every title. */
  name: string
  /** An empty tree. */
  make: () => Promise<Tree>
  /** Nanoseconds to which a time is kept. */
  timeStep: bigint
  /** Whether fifos can be made. */
  hasFifos: boolean
}

export const MTIME = 1_234_567_890_123_456_789n

export function metadataOf(type: EntryType, init: Partial<TreeMetadata> = {}): TreeMetadata {
  return { type, mode: 0o640, uid: 0, gid: 0, mtimeNs: MTIME, xattrs: [], ...init }
}

export async function putFile(
  writer: TreeWriter,
  path: TreePath | string,
  init: Partial<TreeMetadata> & { text?: string } = {}
): Promise<string[]> {
  const file = await writer.createFile(typeof path === 'string' ? pathOf(path) : path)
  await file.write(Buffer.from(init.text ?? 'content'))
  return file.commit(metadataOf('file', init))
}

export async function readAll(tree: Tree, path: TreePath | string): Promise<string> {
  const at = typeof path === 'string' ? pathOf(path) : path
  const stat = await tree.stat(at)
  if (stat === undefined) throw new Error('nothing to read')
  const file = await tree.open(at, stat)
  const pieces: Uint8Array[] = []
  for (;;) {
    const bytes = await file.read(3)
    if (bytes.length === 0) break
    pieces.push(bytes)
  }
  await file.close()
  return Buffer.concat(pieces).toString('latin1')
}

async function namesIn(tree: Tree, path: TreePath): Promise<string[]> {
  return (await tree.list(path)).map(({ name }) => Buffer.from(name).toString('latin1'))
}

const LINK = metadataOf('symlink', { mode: 0o777 })
const DIRECTORY = metadataOf('directory', { mode: 0o750 })

export function conform(subject: Conformance): void {
  conformReading(subject)
  conformReplacing(subject)
  conformRefusing(subject)
}

function conformReading({ name, make, timeStep, hasFifos }: Conformance): void {
  test(`${name}: what is written comes back`, async (t) => {
    const tree = await make()
    const writer = await tree.writer()
    await writer.makeDirectory(pathOf('d'))
    t.deepEqual(await putFile(writer, 'd/f', { mode: 0o604 }), [])
    t.deepEqual(await writer.symlink(pathOf('d/l'), pathOf('../nowhere'), LINK), [])
    await writer.hardLink(pathOf('d/g'), pathOf('d/f'))
    t.deepEqual(await writer.finishDirectory(pathOf('d'), DIRECTORY), [])
    await writer.close()

    t.deepEqual(await namesIn(tree, pathOf('d')), ['f', 'g', 'l'])
    t.is(await readAll(tree, 'd/f'), 'content')
    t.deepEqual(await tree.readLink(pathOf('d/l')), pathOf('../nowhere'))
    const [d, f, g, l] = await Promise.all(
      ['d', 'd/f', 'd/g', 'd/l'].map((path) => tree.stat(pathOf(path)))
    )
    t.like(d, { type: 'directory', mode: 0o750, size: 0 })
    t.like(f, { type: 'file', mode: 0o604, size: 7, links: 2, major: 0, minor: 0 })
    t.deepEqual(g, f)
    t.like(l, { type: 'symlink', size: 0, links: 1 })
    for (const stat of [d, f, l]) t.is((stat?.mtimeNs ?? 0n) / timeStep, MTIME / timeStep)
    t.deepEqual((await tree.list(pathOf('d')))[0], { name: pathOf('f'), stat: f })
  })

  test(`${name}: names are bytes, listed in their order`, async (t) => {
    const tree = await make()
    const writer = await tree.writer()
    const names = [[0xff, 0x41], [0x61], [0x61, 0x2d], [0x0a], [0xc3, 0xa9], [0xc3]]
    for (const bytes of names) await putFile(writer, Uint8Array.from(bytes), { text: bytes.join() })
    await writer.close()
    const listed = await tree.list(ROOT)
    t.deepEqual(
      listed.map((entry) => Array.from(entry.name)),
      [[0x0a], [0x61], [0x61, 0x2d], [0xc3], [0xc3, 0xa9], [0xff, 0x41]]
    )
    for (const entry of listed) t.is(await readAll(tree, entry.name), Array.from(entry.name).join())
  })

  test(`${name}: what is not there is undefined, and cannot be listed or opened`, async (t) => {
    const tree = await make()
    const writer = await tree.writer()
    await putFile(writer, 'f')
    const stat = await tree.stat(pathOf('f'))
    if (stat === undefined) throw new Error('no file')
    await writer.close()
    t.like(await tree.stat(ROOT), { type: 'directory' })
    for (const path of ['x', 'x/y', 'f/y']) {
      t.is(await tree.stat(pathOf(path)), undefined)
      await t.throwsAsync(tree.list(pathOf(path)), { instanceOf: Unreadable })
      await t.throwsAsync(tree.open(pathOf(path), stat), { instanceOf: Unreadable })
    }
    await t.throwsAsync(tree.list(pathOf('f')), { instanceOf: Unreadable })
    await t.throwsAsync(tree.stat(pathOf('../f')), { instanceOf: Unreadable })
  })

  test(`${name}: a file that took another's place is not opened`, async (t) => {
    const tree = await make()
    const writer = await tree.writer()
    await putFile(writer, 'f')
    const before = await tree.stat(pathOf('f'))
    if (before === undefined) throw new Error('no file')
    await putFile(writer, 'g', { text: 'another' })
    await writer.rename(pathOf('g'), pathOf('f'))
    await t.throwsAsync(tree.open(pathOf('f'), before), { instanceOf: Unreadable })
    await writer.remove(pathOf('f'))
    await writer.symlink(pathOf('f'), pathOf('/etc/passwd'), LINK)
    await t.throwsAsync(tree.open(pathOf('f'), before), { instanceOf: Unreadable })
    await writer.close()
  })

  test(`${name}: attributes are set, changed and taken away`, async (t) => {
    const tree = await make()
    const writer = await tree.writer()
    const path = pathOf('f')
    const first: Xattr[] = [
      [pathOf('user.a'), Uint8Array.from([0, 255, 1])],
      [pathOf('user.empty'), new Uint8Array(0)]
    ]
    t.deepEqual(await putFile(writer, path, { xattrs: first, mode: 0o400 }), [])
    t.deepEqual(await tree.xattrs(path), first)
    const second: Xattr[] = [[pathOf('user.b'), pathOf('x')]]
    const metadata = metadataOf('file', { xattrs: second })
    t.deepEqual(await writer.setMetadata(path, metadata), [])
    t.deepEqual(await tree.xattrs(path), second)
    t.deepEqual(await tree.xattrs(ROOT), [])
    await writer.close()
  })

  const whenPossible = hasFifos ? test : test.skip
  whenPossible(`${name}: a fifo comes back, a device only when asked`, async (t) => {
    const tree = await make()
    const writer = await tree.writer()
    t.deepEqual(await writer.special(pathOf('p'), metadataOf('fifo'), 0, 0), [])
    const warnings = await writer.special(pathOf('c'), metadataOf('character'), 1, 3)
    t.regex(warnings.join(), /c: character left out/)
    const stat = await tree.stat(pathOf('p'))
    t.like(stat, { type: 'fifo', mode: 0o640, mtimeNs: MTIME })
    t.is(await tree.stat(pathOf('c')), undefined)
    if (stat === undefined) throw new Error('no fifo')
    await t.throwsAsync(tree.open(pathOf('p'), stat), { instanceOf: Unreadable })
    await t.throwsAsync(tree.open(pathOf('p'), { ...stat, type: 'file' }), {
      instanceOf: Unreadable
    })
    await writer.close()
  })
}

function conformReplacing({ name, make }: Conformance): void {
  test(`${name}: a name leads to the old file until the new one is whole`, async (t) => {
    const tree = await make()
    const writer = await tree.writer()
    await putFile(writer, 'f', { text: 'old' })
    const file = await writer.createFile(pathOf('f'))
    await file.write(Buffer.from('new'))
    t.is(await readAll(tree, 'f'), 'old')
    await file.discard()
    t.is(await readAll(tree, 'f'), 'old')
    await putFile(writer, 'f', { text: 'newer' })
    t.is(await readAll(tree, 'f'), 'newer')
    t.deepEqual(await namesIn(tree, ROOT), ['f'])
    await writer.close()
  })

  test(`${name}: skipped stretches are zeros, at the end too`, async (t) => {
    const tree = await make()
    const writer = await tree.writer()
    const file = await writer.createFile(pathOf('f'))
    await file.skip(2)
    await file.write(Buffer.from('x'))
    await file.skip(3)
    await file.write(new Uint8Array(0))
    await file.commit(metadataOf('file'))
    t.is(await readAll(tree, 'f'), '\0\0x\0\0\0')
    await writer.close()
  })

  test(`${name}: a link, a file and a fifo give way to a file, and a link's target does not`, async (t) => {
    const tree = await make()
    const writer = await tree.writer()
    await putFile(writer, 'target', { text: 'untouched' })
    await writer.symlink(pathOf('l'), pathOf('target'), LINK)
    await putFile(writer, 'l', { text: 'mine' })
    t.like(await tree.stat(pathOf('l')), { type: 'file' })
    t.is(await readAll(tree, 'target'), 'untouched')
    await writer.symlink(pathOf('l'), pathOf('elsewhere'), LINK)
    t.deepEqual(await tree.readLink(pathOf('l')), pathOf('elsewhere'))
    await writer.hardLink(pathOf('l'), pathOf('target'))
    await writer.hardLink(pathOf('l'), pathOf('target'))
    t.is(await readAll(tree, 'l'), 'untouched')
    t.deepEqual(await namesIn(tree, ROOT), ['l', 'target'])
    await writer.close()
  })

  test(`${name}: a directory is removed with all it holds, and no link in it is followed`, async (t) => {
    const tree = await make()
    const writer = await tree.writer()
    for (const path of ['keep', 'd', 'd/e', 'd/e/f']) await writer.makeDirectory(pathOf(path))
    await putFile(writer, 'keep/f')
    await putFile(writer, 'd/e/g')
    await writer.symlink(pathOf('d/e/l'), pathOf('../../keep'), LINK)
    await writer.finishDirectory(pathOf('d/e'), metadataOf('directory', { mode: 0o500 }))
    await writer.remove(pathOf('d'))
    await writer.remove(pathOf('d'))
    t.deepEqual(await namesIn(tree, ROOT), ['keep'])
    t.deepEqual(await namesIn(tree, pathOf('keep')), ['f'])
    await t.throwsAsync(writer.remove(ROOT), { instanceOf: NotWritable })
    await writer.close()
  })

  test(`${name}: files and directories move, but no directory into itself or over another`, async (t) => {
    const tree = await make()
    const writer = await tree.writer()
    for (const path of ['a', 'a/b', 'c']) await writer.makeDirectory(pathOf(path))
    await putFile(writer, 'a/b/f')
    await writer.rename(pathOf('a/b/f'), pathOf('c/f'))
    await writer.rename(pathOf('a/b'), pathOf('c/b'))
    t.deepEqual(await namesIn(tree, pathOf('c')), ['b', 'f'])
    t.deepEqual(await namesIn(tree, pathOf('a')), [])
    await t.throwsAsync(writer.rename(pathOf('c'), pathOf('c/b/c')), { instanceOf: NotWritable })
    await t.throwsAsync(writer.rename(pathOf('c/f'), pathOf('a')), { instanceOf: NotWritable })
    await t.throwsAsync(writer.rename(pathOf('x'), pathOf('y')), { instanceOf: NotWritable })
    await writer.close()
  })
}

function conformRefusing({ name, make }: Conformance): void {
  test(`${name}: no path leaves the root or means nothing`, async (t) => {
    const tree = await make()
    const writer = await tree.writer()
    await writer.makeDirectory(pathOf('d'))
    await putFile(writer, 'f')
    const long = 'x'.repeat(256)
    const paths = [
      '..',
      '../x',
      'd/../../x',
      '/x',
      'd//x',
      'd/',
      '.',
      'd/.',
      'd/\0',
      long,
      `d/${long}`
    ]
    for (const path of [...paths, ...paths.slice(0, 4).map((each) => `${each}/y`)]) {
      for (const [method, attempt] of attempts(writer, pathOf(path))) {
        await t.throwsAsync(attempt(), { instanceOf: NotWritable }, `${method} ${path}`)
      }
    }
    t.deepEqual(await namesIn(tree, ROOT), ['d', 'f'])
    t.deepEqual(await namesIn(tree, pathOf('d')), [])
    await writer.close()
  })

  test(`${name}: nothing is made below a link, a file, or nothing`, async (t) => {
    const tree = await make()
    const writer = await tree.writer()
    await writer.makeDirectory(pathOf('d'))
    await putFile(writer, 'f')
    await writer.symlink(pathOf('l'), pathOf('d'), LINK)
    for (const above of ['l', 'f', 'nothing', 'l/deeper', 'd/nothing']) {
      for (const [method, attempt] of attempts(writer, joinPath(pathOf(above), pathOf('x')))) {
        // There is nothing to remove, and that is not an error.
        if (method === 'remove') await t.notThrowsAsync(attempt())
        else await t.throwsAsync(attempt(), { instanceOf: NotWritable }, `${method} ${above}`)
      }
    }
    t.deepEqual(await namesIn(tree, pathOf('d')), [])
    await writer.close()
  })

  test(`${name}: a directory gives way to nothing, and nothing to a directory`, async (t) => {
    const tree = await make()
    const writer = await tree.writer()
    await writer.makeDirectory(pathOf('d'))
    await writer.makeDirectory(pathOf('d'))
    await putFile(writer, 'f')
    await writer.symlink(pathOf('l'), pathOf('d'), LINK)
    for (const [method, attempt] of attempts(writer, pathOf('d'))) {
      if (method === 'makeDirectory' || method === 'remove') continue
      await t.throwsAsync(attempt(), { instanceOf: NotWritable }, method)
    }
    for (const path of ['f', 'l']) {
      await t.throwsAsync(writer.makeDirectory(pathOf(path)), { instanceOf: NotWritable })
      await t.throwsAsync(writer.finishDirectory(pathOf(path), DIRECTORY), {
        instanceOf: NotWritable
      })
    }
    const wrong = writer.setMetadata(pathOf('l'), metadataOf('file'))
    await t.throwsAsync(wrong, { instanceOf: NotWritable })
    await writer.close()
  })

  test(`${name}: only a regular file gets a second name`, async (t) => {
    const tree = await make()
    const writer = await tree.writer()
    await putFile(writer, 'f')
    await writer.makeDirectory(pathOf('d'))
    await writer.symlink(pathOf('l'), pathOf('f'), LINK)
    await writer.symlink(pathOf('m'), pathOf('d'), LINK)
    for (const existing of ['l', 'd', 'nothing', 'm/f', '../f', '/etc/passwd', '']) {
      const attempt = writer.hardLink(pathOf('x'), pathOf(existing))
      await t.throwsAsync(attempt, { instanceOf: NotWritable }, existing)
    }
    t.deepEqual(await namesIn(tree, ROOT), ['d', 'f', 'l', 'm'])
    await writer.close()
  })

  test(`${name}: rights that were not asked for are left out and named`, async (t) => {
    const tree = await make()
    const writer = await tree.writer()
    const capability: Xattr = [pathOf('security.capability'), new Uint8Array(20)]
    const warnings = await putFile(writer, 'f', { mode: 0o6755, xattrs: [capability] })
    t.is(warnings.length, 2)
    t.regex(warnings.join(), /f: setuid.*f: attribute security\.capability/)
    t.like(await tree.stat(pathOf('f')), { mode: 0o755 })
    t.deepEqual(await tree.xattrs(pathOf('f')), [])
    await writer.close()
  })
}

/** Every way to make something at a path; each should be refused. */
function attempts(writer: TreeWriter, path: TreePath): [string, () => Promise<unknown>][] {
  return [
    ['makeDirectory', () => writer.makeDirectory(path)],
    ['createFile', () => writer.createFile(path)],
    ['symlink', () => writer.symlink(path, pathOf('t'), LINK)],
    ['hardLink', () => writer.hardLink(path, pathOf('f'))],
    ['special', () => writer.special(path, metadataOf('fifo'), 0, 0)],
    ['setMetadata', () => writer.setMetadata(path, metadataOf('file'))],
    ['rename', () => writer.rename(pathOf('f'), path)],
    ['remove', () => writer.remove(path)]
  ]
}
