// What somebody with rights in the tree, or in a backup's content, might try so that a restore writes
// outside its root. After each attack the folder beside the root is as it was.

import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { chmodSync, linkSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { DiskFull } from '../../../store/errors.ts'
import { NotWritable } from '../../../node/errors.ts'
import { pathOf, ROOT } from '../../../node/tree/path.ts'
import { openTree } from '../../../node/tree/real-tree.ts'
import type { RealTreeInit } from '../../../node/tree/real-tree.ts'
import type { TreeWriter } from '../../../node/tree/tree.ts'
import { metadataOf, putFile } from './conformance.ts'
import { asNobody, isRoot, makeFolder, run } from './folder.ts'

const LINK = metadataOf('symlink')
const DIRECTORY = metadataOf('directory', { mode: 0o755 })

interface Scene {
  root: string
  outside: string
  writer: TreeWriter
  /** Asserts that nothing beside the root was touched. */
  check: () => void
}

async function setScene(t: ExecutionContext, init: RealTreeInit = {}): Promise<Scene> {
  const folder = makeFolder(t)
  const [root, outside] = [join(folder, 'root'), join(folder, 'outside')]
  mkdirSync(root)
  mkdirSync(outside)
  writeFileSync(join(outside, 'f'), 'theirs', { mode: 0o640 })
  const look = (): string => run('find', outside, '-printf', '%P %y %m %U %T@ %n %s %l\n')
  const before = look()
  const writer = await (await openTree(root, init)).writer()
  const check = (): void => {
    t.is(look(), before)
    t.is(readFileSync(join(outside, 'f'), 'utf8'), 'theirs')
  }
  return { root, outside, writer, check }
}

test('a link that was planted in the place of a directory is not followed', async (t) => {
  const { root, outside, writer, check } = await setScene(t)
  symlinkSync(outside, join(root, 'd'))
  const refused = { instanceOf: NotWritable }
  await t.throwsAsync(writer.makeDirectory(pathOf('d')), refused)
  await t.throwsAsync(putFile(writer, 'd/f'), refused)
  await t.throwsAsync(writer.hardLink(pathOf('mine'), pathOf('d/f')), refused)
  await t.throwsAsync(writer.rename(pathOf('d/f'), pathOf('mine')), refused)
  await t.throwsAsync(writer.setMetadata(pathOf('d'), DIRECTORY), refused)
  await t.throwsAsync(writer.setMetadata(pathOf('d/f'), metadataOf('file')), refused)
  await t.throwsAsync(writer.finishDirectory(pathOf('d'), DIRECTORY), refused)
  await writer.remove(pathOf('d/f'))
  check()
  await writer.remove(pathOf('d'))
  check()
  t.deepEqual(readdirSync(root), [])
})

test('a directory that is swapped for a link between two calls is noticed', async (t) => {
  const { root, outside, writer, check } = await setScene(t)
  await writer.makeDirectory(pathOf('d'))
  await putFile(writer, 'd/a')
  renameSync(join(root, 'd'), join(root, 'moved'))
  symlinkSync(outside, join(root, 'd'))
  await t.throwsAsync(putFile(writer, 'd/f'), { instanceOf: NotWritable })
  const finish = writer.finishDirectory(pathOf('d'), DIRECTORY)
  await t.throwsAsync(finish, { instanceOf: NotWritable })
  check()
})

test('a directory that is swapped while a file in it is written is noticed', async (t) => {
  for (const swap of ['link', 'directory']) {
    const { root, outside, writer, check } = await setScene(t)
    await writer.makeDirectory(pathOf('d'))
    const file = await writer.createFile(pathOf('d/f'))
    await file.write(Buffer.from('half'))
    renameSync(join(root, 'd'), join(root, 'moved'))
    if (swap === 'link') symlinkSync(outside, join(root, 'd'))
    else mkdirSync(join(root, 'd'))
    await file.write(Buffer.from('whole'))
    await t.throwsAsync(file.commit(metadataOf('file')), { instanceOf: NotWritable }, swap)
    check()
    if (swap === 'directory') t.deepEqual(readdirSync(join(root, 'd')), [])
  }
})

test('a directory that is swapped over and over never lets a byte out', async (t) => {
  const { root, outside, writer, check } = await setScene(t)
  await writer.makeDirectory(pathOf('d'))
  const script =
    'i=0; while [ $i -lt 300 ]; do mv -T d real; ln -s ../outside d; rm d; mv -T real d; i=$((i+1)); done'
  const swapping = import('node:child_process').then(({ spawn }) => {
    const child = spawn('sh', ['-c', script], { cwd: root, stdio: 'ignore' })
    return new Promise<void>((resolve) => child.on('close', () => resolve()))
  })
  let isOver = false
  void swapping.then(() => (isOver = true))
  let written = 0
  let refused = 0
  while (!isOver) {
    try {
      await putFile(writer, 'd/f')
      written++
    } catch (error) {
      t.true(error instanceof NotWritable)
      refused++
    }
    await new Promise(setImmediate)
  }
  t.log(`${written} files written, ${refused} refused`)
  t.true(written > 0)
  t.deepEqual(readdirSync(outside), ['f'])
  check()
})

test('a link in the place of a file is replaced, and its target stays', async (t) => {
  const { root, outside, writer, check } = await setScene(t)
  symlinkSync(join(outside, 'f'), join(root, 'f'))
  linkSync(join(root, 'f'), join(root, 'g'))
  await putFile(writer, 'f')
  await writer.symlink(pathOf('g'), pathOf('x'), LINK)
  check()
  t.true(lstatSync(join(root, 'f')).isFile())
  t.is(readlinkSync(join(root, 'g')), 'x')
})

test('metadata of a link are its own, not those of its target', async (t) => {
  const { root, outside, writer, check } = await setScene(t, { owners: isRoot })
  const metadata = metadataOf('symlink', { uid: 1234, gid: 1234, mode: 0o777 })
  await writer.symlink(pathOf('l'), Buffer.from(join(outside, 'f')), metadata)
  await writer.setMetadata(pathOf('l'), metadata)
  check()
  if (isRoot) t.is(lstatSync(join(root, 'l')).uid, 1234)
})

test('a file that shares its content with one outside is replaced, not written into', async (t) => {
  const { root, outside, writer } = await setScene(t)
  linkSync(join(outside, 'f'), join(root, 'f'))
  await putFile(writer, 'f', { text: 'mine' })
  t.is(readFileSync(join(outside, 'f'), 'utf8'), 'theirs')
  t.is(lstatSync(join(outside, 'f')).mode & 0o777, 0o640)
})

test('temporary files of a killed run are cleared, and files that only look alike are kept', async (t) => {
  const { root, writer } = await setScene(t)
  const [left, own, other] = ['0'.repeat(16), '1'.repeat(16), 'not-one'].map(
    (x) => `.drystone-${x}`
  )
  for (const name of [left, other]) writeFileSync(join(root, name ?? ''), 'x')
  symlinkSync('nowhere', join(root, `.drystone-${'2'.repeat(16)}`))
  mkdirSync(join(root, `.drystone-${'3'.repeat(16)}`))
  await putFile(writer, own ?? '')
  t.deepEqual(await writer.finishDirectory(ROOT, DIRECTORY), [])
  t.deepEqual(readdirSync(root), [own, `.drystone-${'3'.repeat(16)}`, other])
})

test('without descriptors only a new folder of one’s own is written to', async (t) => {
  const folder = makeFolder(t)
  const start = async (path: string): Promise<TreeWriter> =>
    (await openTree(join(folder, path), { descriptors: false })).writer()
  mkdirSync(join(folder, 'open'), { mode: 0o755 })
  mkdirSync(join(folder, 'used'), { mode: 0o700 })
  writeFileSync(join(folder, 'used/f'), 'x')
  mkdirSync(join(folder, 'empty'), { mode: 0o700 })
  await t.throwsAsync(start('open'), { instanceOf: NotWritable })
  await t.throwsAsync(start('used'), { instanceOf: NotWritable })
  await t.notThrowsAsync(start('empty'))
  await t.notThrowsAsync(start('new/deep'))
  t.is(lstatSync(join(folder, 'new/deep')).mode & 0o777, 0o700)
})

test('the root of a writer is a directory, or it says why not', async (t) => {
  const folder = makeFolder(t)
  writeFileSync(join(folder, 'f'), 'x')
  const attempt = (await openTree(join(folder, 'f'))).writer()
  await t.throwsAsync(attempt, { instanceOf: NotWritable, message: /f could not be written: / })
})

test.serial('what only root may do is a warning for others, and the rest is done', async (t) => {
  const folder = makeFolder(t)
  chmodSync(folder, 0o777)
  const tree = await openTree(join(folder, 'root'), { owners: true, privileges: true })
  await asNobody(async () => {
    const writer = await tree.writer()
    const metadata = { uid: 0, gid: 0, mode: 0o4755 }
    t.regex(
      (await putFile(writer, 'f', metadata)).join(),
      /f: owner 0:0 .*setuid or setgid left out/
    )
    const device = metadataOf('character')
    t.regex((await writer.special(pathOf('c'), device, 1, 3)).join(), /only root/)
    const directory = metadataOf('directory', { uid: 0, mode: 0o500 })
    t.is((await writer.finishDirectory(ROOT, directory)).length, 1)
    // A run that was killed here goes on where it was.
    await t.throwsAsync(putFile(writer, 'g'), { instanceOf: NotWritable, message: /denied/ })
    await writer.makeDirectory(ROOT)
    await t.notThrowsAsync(putFile(writer, 'g'))
    await writer.close()
  })
  t.deepEqual(readdirSync(join(folder, 'root')), ['f', 'g'])
  t.is(lstatSync(join(folder, 'root/f')).mode & 0o7777, 0o755)
})

const asRoot = isRoot ? test : test.skip

asRoot('root gets owners, rights and devices when it asks', async (t) => {
  const { root, writer } = await setScene(t, { owners: true, privileges: true })
  const metadata = { uid: 1234, gid: 2345, mode: 0o6755 }
  t.deepEqual(await putFile(writer, 'f', metadata), [])
  t.is(run('stat', '-c', '%u %g %a', join(root, 'f')).trim(), '1234 2345 6755')
  const device = metadataOf('block', { uid: 0, gid: 6, mode: 0o660 })
  t.deepEqual(await writer.special(pathOf('b'), device, 259, 70_000), [])
  t.is(run('stat', '-c', '%F %Hr %Lr', join(root, 'b')).trim(), 'block special file 259 70000')
})

asRoot('a full disk is named, and leaves no temporary file', async (t) => {
  const folder = makeFolder(t)
  run('mount', '-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder)
  try {
    const tree = await openTree(folder)
    const writer = await tree.writer()
    t.true((await writer.free()) <= 256 * 1024)
    for (const length of [64 * 1024, 512 * 1024]) {
      const file = await writer.createFile(pathOf('f'))
      const fill = async (): Promise<void> => {
        for (let i = 0; i < 8; i++) await file.write(new Uint8Array(length).fill(1))
      }
      await t.throwsAsync(fill(), { instanceOf: DiskFull })
      await file.discard()
    }
    t.deepEqual(readdirSync(folder), [])
    await writer.close()
    tree.close()
  } finally {
    run('umount', folder)
    rmSync(folder, { recursive: true, force: true })
  }
})
