// A tree with everything in it, read through Tree and written through TreeWriter, is compared by tools
// that share no code with us: find, stat, sha256sum, getfattr.

import { lutimesSync, mkdirSync, linkSync, openSync, symlinkSync, writeFileSync } from 'node:fs'
import { chmodSync, closeSync, ftruncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { joinPath, pathOf, ROOT, showPath } from '../../../node/tree/path.ts'
import { openTree } from '../../../node/tree/real-tree.ts'
import type { Tree, TreeMetadata, TreePath, TreeStat, TreeWriter } from '../../../node/tree/tree.ts'
import { isRoot, makeFolder, run } from './folder.ts'

const HOLE = 4096

function build(folder: string): void {
  const at = (name: string): string => join(folder, name)
  for (const name of ['empty', 'deep/a/b/c', 'private', 'sticky'])
    mkdirSync(at(name), { recursive: true })
  writeFileSync(at('hello'), 'hello\n')
  writeFileSync(at('deep/a/b/c/large'), Buffer.alloc(1_500_000, 'stone by stone '))
  writeFileSync(at('nothing'), '')
  writeFileSync(at('line\nbreak'), 'x')
  writeFileSync(at('-rf'), 'x')
  writeFileSync(at('x'.repeat(255)), 'x')
  for (const bytes of [[0xff, 0xfe], [0xc3, 0x28], [0x80]]) {
    const name = Buffer.concat([Buffer.from(`${folder}/odd-`), Uint8Array.from(bytes)])
    writeFileSync(name, 'odd')
    symlinkSync(Uint8Array.from(bytes) as Buffer, Buffer.concat([name, Buffer.from('.link')]))
  }
  linkSync(at('hello'), at('deep/second-name'))
  linkSync(at('hello'), at('empty-not'))
  symlinkSync('/nowhere/at/all', at('dangling'))
  symlinkSync('../..', at('deep/a/up'))
  const sparse = openSync(at('sparse'), 'w')
  writeSync(sparse, 'in the middle', 8 * 1024 * 1024)
  ftruncateSync(sparse, 16 * 1024 * 1024)
  closeSync(sparse)
  run('mkfifo', '-m', '602', at('fifo'))
  run('setfattr', '-n', 'user.note', '-v', '0x00ff', at('hello'))
  run('setfattr', '-n', 'user.empty', at('deep'))
  if (isRoot) buildAsRoot(at)
  chmodSync(at('hello'), 0o451)
  chmodSync(at('private'), 0o500)
  chmodSync(at('sticky'), 0o1777)
  chmodSync(at('nothing'), 0o4755)
  lutimesSync(at('dangling'), 0, 0.5)
  run('touch', '-d', '1969-12-31 23:59:58.123456789 UTC', at('nothing'))
  run('touch', '-d', '2001-02-03 04:05:06.987654321 UTC', at('deep/a'), at('empty'), at('fifo'))
}

function buildAsRoot(at: (name: string) => string): void {
  run('mknod', '-m', '640', at('null'), 'c', '1', '3')
  run('chown', '1234:2345', at('hello'))
  run('chown', '-h', '1234:2345', at('dangling'))
  run('setfacl', '-m', 'u:1234:r', at('-rf'))
  run('setfacl', '-d', '-m', 'u:1234:rwx', at('sticky'))
  run('setfattr', '-h', '-n', 'trusted.note', '-v', 'link', at('dangling'))
  const capability = '0x0100000200200000000000000000000000000000'
  run('setfattr', '-n', 'security.capability', '-v', capability, at('line\nbreak'))
}

/** A restore in miniature. Hard links go by inode; a stretch of zeros becomes a hole. */
async function copy(from: Tree, to: TreeWriter, warnings: string[]): Promise<void> {
  const first = new Map<bigint, TreePath>()
  const metadataAt = async (path: TreePath, stat: TreeStat): Promise<TreeMetadata> => {
    const { type, mode, uid, gid, mtimeNs } = stat
    return { type, mode, uid, gid, mtimeNs, xattrs: await from.xattrs(path) }
  }
  const copyOne = async (path: TreePath, stat: TreeStat): Promise<string[]> => {
    const metadata = await metadataAt(path, stat)
    if (stat.type === 'directory') {
      await to.makeDirectory(path)
      for (const entry of await from.list(path)) {
        warnings.push(...(await copyOne(joinPath(path, entry.name), entry.stat)))
      }
      return to.finishDirectory(path, metadata)
    }
    if (stat.type === 'symlink') return to.symlink(path, await from.readLink(path), metadata)
    if (stat.type !== 'file') return to.special(path, metadata, stat.major, stat.minor)
    const existing = first.get(stat.inode)
    if (existing !== undefined) {
      await to.hardLink(path, existing)
      return []
    }
    first.set(stat.inode, path)
    return copyFile(path, stat, metadata)
  }
  const copyFile = async (path: TreePath, stat: TreeStat, metadata: TreeMetadata) => {
    const source = await from.open(path, stat)
    const target = await to.createFile(path)
    for (let bytes = await source.read(HOLE); bytes.length > 0; bytes = await source.read(HOLE)) {
      if (bytes.every((byte) => byte === 0)) await target.skip(bytes.length)
      else await target.write(bytes)
    }
    await source.close()
    return target.commit(metadata)
  }
  const root = await from.stat(ROOT)
  if (root === undefined) throw new Error('no root')
  warnings.push(...(await copyOne(ROOT, root)))
}

/** Everything a user could see, by programs that know nothing of us. */
function describe(folder: string): string {
  const format = '%P|%y|%m|%U:%G|%T@|%l|%n\\0'
  const sorted = (text: string, separator: string): string =>
    text.split(separator).sort().join('\n')
  const quoted = "'".concat(folder.replaceAll("'", "'\\''"), "'")
  const shell = (command: string): string => run('sh', '-c', `cd ${quoted} && ${command}`)
  return [
    sorted(run('find', folder, '-printf', format), '\0'),
    sorted(shell('find . -type f -print0 | xargs -0 sha256sum -z'), '\0'),
    sorted(shell('find . -type c -print0 | xargs -0r stat --printf "%n %t %T\\0"'), '\0'),
    // Names that share an inode, without the number.
    shell('find . -type f -links +1 -printf "%i %p\\n" | sort | cut -d" " -f2-'),
    shell('getfattr -R -P -h -d -e hex -m - . 2>/dev/null | cat -v')
      .split('\n\n')
      .sort()
      .join('\n\n')
  ].join('\n====\n')
}

test('a tree is the same after it was read and written', async (t) => {
  const folder = makeFolder(t)
  const [source, target] = [join(folder, 'source'), join(folder, 'target')]
  mkdirSync(source)
  build(source)
  const from = await openTree(source)
  const asked = { owners: isRoot, privileges: true }
  const to = await (await openTree(target, asked)).writer()
  const warnings: string[] = []
  await copy(from, to, warnings)
  await to.close()
  t.deepEqual(warnings, [])
  t.is(describe(target), describe(source))
  const blocks = (path: string): number => Number(run('stat', '-c', '%b', join(path, 'sparse')))
  t.true(blocks(target) <= blocks(source), 'holes stay holes')

  // Once more over what is there: nothing is lost, doubled, or in the way.
  await copy(from, await (await openTree(target, asked)).writer(), warnings)
  t.deepEqual(warnings, [])
  t.is(describe(target), describe(source))
  from.close()
})

test('a name is shown in full, whatever it is', async (t) => {
  const folder = makeFolder(t)
  build(folder)
  const shown = (await (await openTree(folder)).list(ROOT)).map(({ name }) => showPath(name))
  t.true(shown.includes('odd-\\xff\\xfe') && shown.includes('line\\x0abreak'))
  t.deepEqual(pathOf('hello'), new Uint8Array(Buffer.from('hello')))
})
