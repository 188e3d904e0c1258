// What the kernel tells of mounts and of files in the memory of programs, and how its tables are read.

import test from 'ava'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mappedBelow, mountsIn, mountsOf, writtenThrough } from '../../../node/tree/mounts.ts'

const TABLE = [
  '27 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
  '28 27 0:30 / /home rw - btrfs /dev/vdb rw',
  '29 28 0:31 / /home/ann/far\\040away rw,relatime shared:7 - nfs4 nas:/x rw',
  '30 27 0:32 / /homes rw - tmpfs tmpfs rw',
  '31 28 0:33 / /home rw - ext4 /dev/vdc rw',
  ''
].join('\n')

test('the mounts that matter are the one at or above the root, and those below it', (t) => {
  t.deepEqual(mountsIn(TABLE, '/home/bob'), {
    text: '31 28 0:33 / /home rw - ext4 /dev/vdc rw',
    silent: undefined
  })
  t.deepEqual(mountsIn(TABLE, '/srv').text.split('\n').length, 1)
  t.deepEqual(mountsIn(TABLE, '/').text.split('\n').length, 5)
})

test('a file system that does not tell of changes is named', (t) => {
  const silent = { type: 'nfs4', where: '/home/ann/far away' }
  t.deepEqual(mountsIn(TABLE, '/home/ann').silent, silent)
  t.deepEqual(mountsIn(TABLE, '/home/ann/far away/deep').silent, silent)
  t.is(mountsIn(TABLE, '/homes').silent, undefined)
})

test('files are seen that a program maps shared and writable, under whatever name', (t) => {
  const table = [
    '7f00-7f01 rw-s 00000000 fe:00 1234                       /srv/data base\\012.db',
    '7f01-7f02 r--s 00000000 fe:00 1235                       /srv/read-only',
    '7f02-7f03 rw-p 00000000 fe:00 1236                       /usr/lib/private.so',
    '7f03-7f04 rw-s 00000000 00:01 1237                       ',
    '7f04-7f05 rw-p 00000000 00:00 0 ',
    ''
  ].join('\n')
  t.deepEqual(writtenThrough(table), ['/srv/data base\n.db'])
})

const MAPS = `
import mmap, sys
f = open(sys.argv[1], 'r+b')
m = mmap.mmap(f.fileno(), 0)
sys.stdout.write('mapped')
sys.stdout.flush()
sys.stdin.read()
`
const canMap = process.platform === 'linux' && spawnSync('python3', ['--version']).status === 0
if (!canMap) process.stdout.write('# no python3 here: mapping a file is not tried\n')
const withPython = canMap ? test : test.skip

withPython('a file is seen as long as a program has it mapped', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'drystone-mapped-'))
  mkdirSync(join(folder, 'in a'))
  const file = join(folder, 'in a/file')
  writeFileSync(file, 'some')
  const program = spawn('python3', ['-c', MAPS, file], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(async () => {
    program.kill()
    await rm(folder, { recursive: true })
  })
  await once(program.stdout, 'data')
  const seen = async (): Promise<string[]> =>
    (await mappedBelow(folder)).map((path) => Buffer.from(path).toString())
  t.deepEqual(await seen(), ['in a'])
  t.deepEqual(await mappedBelow(join(folder, 'other')), [])
  program.stdin.end()
  await once(program, 'exit')
  t.deepEqual(await seen(), [])
})

const onLinux = process.platform === 'linux' ? test : test.skip
onLinux('this system has a list of mounts', (t) => {
  t.regex(mountsOf('/')?.text ?? '', / - \w+/)
})
