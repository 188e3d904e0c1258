// Places that are not what a command needs: bases, directories, homes and disks. Each is one clear failure
// with its name and what to do next, and what was there is left as it was.

import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { failsIn } from '../_e2e/fails.ts'
import { LOCAL, Office } from '../_e2e/office.ts'
import { factsOf, makeTree } from '../_e2e/tree.ts'

const office = new Office()
const root = office.path('desk-root')
const fails = failsIn(office)
const NOWHERE = ['--no-mdns', '--addr', '127.0.0.1:9', ...LOCAL]
test.after.always(() => office.close())

test.before(async () => {
  await office.found('nas')
  await office.enter('shed', 'storage')
  await office.peer('shed').stop()
  makeTree(root, { bytes: 1 << 20 })
  await office.enter('desk', 'endpoint')
  writeFileSync(office.path('file'), 'a file\n')
})

test.serial('bases that are not there, not ready, or not for this place are refused', async (t) => {
  const to = ['--to', office.path('bare')]
  await fails(t, ['desk', 'base', 'deploy', 'none@1', ...to], {
    ...{ code: 1, name: 'BaseUnknown', says: /no base is called none@1/, next: /base create/ }
  })
  const made = await office.run('nas', ['base', 'create', 'office@1', '--from', root])
  t.deepEqual([made.code, made.error.name], [13, 'NotReplicated'], 'shed does not run')
  t.regex(made.error.next ?? '', /storage peer/)
  const next = /storage peer/
  for (const verb of [
    ['deploy', 'office@1', ...to],
    ['adopt', 'office@1'],
    ['fetch', 'office@1']
  ]) {
    await fails(t, ['desk', 'base', ...verb], {
      code: 1,
      name: 'BaseNotReady',
      says: /not ready/,
      next
    })
  }
  await office.up('shed')
  // The very same again carries on where it gave up.
  const again = await office.ok('nas', ['base', 'create', 'office@1', '--from', root])
  t.deepEqual(again['copies'], ['nas', 'shed'])
  await fails(t, ['nas', 'base', 'create', 'office@1', '--from', join(root, 'letters')], {
    ...{ code: 1, name: 'BaseExists', says: /something else/, next: /version/ }
  })
  await fails(t, ['desk', 'base', 'deploy', 'office@1', '--to', root], {
    ...{ code: 1, name: 'TargetNotEmpty', says: /is not empty/, next: /empty/ }
  })
  await fails(t, ['desk', 'base', 'deploy', 'office@1', '--to', office.path('file')], {
    ...{ code: 1, name: 'NotWritable', says: /already/ }
  })
  await fails(t, ['nas', 'base', 'create', 'office', '--from', root], {
    ...{ code: 2, name: 'WrongUsage', says: /NAME@VERSION/ }
  })
  await fails(t, ['nas', 'base', 'create', 'b@1', '--from', office.path('none')], {
    ...{ code: 1, name: 'Unreadable', says: /none could not be read/ }
  })
  t.is(readFileSync(office.path('file'), 'utf8'), 'a file\n')
})

test.serial(
  'a root that is not there, or is a file, is refused before anything is made',
  async (t) => {
    for (const path of ['none', 'file']) {
      const flags = ['--root', office.path(path), ...LOCAL]
      const wanted = { code: 2, name: 'WrongUsage', says: new RegExp(`${path} is no directory`) }
      await fails(t, ['new', 'setup', ...flags], wanted)
      const { code } = await office.ok('nas', ['invite'])
      await fails(t, ['new', 'join', String(code), '--no-mdns', ...flags], wanted)
    }
    t.false(readdirSync(office.path('homes')).includes('new'))
  }
)

test.serial(
  'a home that is none, another one, or damaged is named, and left as it is',
  async (t) => {
    await fails(t, ['nobody', 'status'], {
      code: 10,
      name: 'NoMesh',
      says: /no mesh/,
      next: /setup/
    })
    t.false(readdirSync(office.path('homes')).includes('nobody'))
    const again = { code: 1, name: 'AlreadyInMesh', says: /belongs to a mesh/, next: /--home/ }
    await fails(t, ['nas', 'setup', ...LOCAL], again)
    const { code } = await office.ok('nas', ['invite'])
    await fails(t, ['desk', 'join', String(code), ...NOWHERE], again)
    writeFileSync(office.home('a-file'), 'text')
    for (const verb of ['status', 'setup', 'up']) {
      await fails(t, ['a-file', verb], { code: 1, name: 'DiskFailed', says: /a-file/ })
    }
    await fails(t, ['nas', 'up'], {
      code: 1,
      name: 'HomeBusy',
      says: /another process/,
      next: /down/
    })
    await office.ok('shed', ['down'])
    await office.peer('shed').end()
    const settings = join(office.home('shed'), 'settings.json')
    const spare = join(office.home('shed'), 'spare', 'settings.json')
    const text = readFileSync(settings, 'utf8')
    const kept = readFileSync(spare)
    // One of the two is enough, and makes the other whole.
    writeFileSync(settings, text.slice(0, 20))
    await office.ok('shed', ['status'])
    t.is(readFileSync(settings, 'utf8'), text)
    for (const bad of [text.slice(0, 20), '', '{"version":9}', '\0'.repeat(200)]) {
      writeFileSync(settings, bad)
      writeFileSync(spare, Buffer.alloc(100, 'x'))
      for (const verb of bad === '' ? ['up', 'status'] : ['status']) {
        await fails(t, ['shed', verb], { code: 1, name: 'Malformed', says: /settings\.json/ })
      }
    }
    writeFileSync(settings, text)
    writeFileSync(spare, kept)
    await office.up('shed')
  }
)

const isRoot = process.getuid?.() === 0
const asRoot = isRoot ? test.serial : test.serial.skip
if (!isRoot) console.warn('skipped: other users and full disks, as they take root')

asRoot('the home of another user is not opened', async (t) => {
  chmodSync(office.folder, 0o755)
  chmodSync(office.path('homes'), 0o755)
  const command = [process.execPath, join(import.meta.dirname, '../../node/cli.ts'), 'status']
  const other = ['--reuid', '65534', '--regid', '65534', '--clear-groups']
  const words = [...other, ...command, '--home', office.home('nas')]
  const env = { ...process.env, HOME: '/nonexistent', XDG_CACHE_HOME: '/nonexistent' }
  const failure = t.throws(() => execFileSync('setpriv', words, { stdio: 'pipe', env })) as unknown
  const { status, stderr } = failure as { status: number; stderr: Buffer }
  t.is(status, 1)
  t.regex(stderr.toString(), /^DiskFailed: .*\nNext: It belongs to another user/m)
  t.notRegex(stderr.toString(), /^ {4}at /m)
})

asRoot('a full target disk ends a restore with its name, and the next try finishes', async (t) => {
  const to = office.path('small')
  mkdirSync(to)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=700k', 'tmpfs', to])
  try {
    await office.ok('desk', ['backup', '--wait', 'protected=40s'])
    await fails(t, ['desk', 'restore', '--to', join(to, 'back')], {
      ...{ code: 1, name: 'DiskFull', says: /no space left/, next: /space/ }
    })
    execFileSync('mount', ['-o', 'remount,size=20m', to])
    await office.ok('desk', ['restore', '--to', join(to, 'back')])
    t.deepEqual(factsOf(join(to, 'back')), factsOf(root))
  } finally {
    execFileSync('umount', [to])
  }
})

asRoot('a home on a full disk says so, and keeps what it had', async (t) => {
  const home = office.home('tiny')
  mkdirSync(home)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', home])
  try {
    makeTree(office.path('tiny-root'), { bytes: 6 << 20 })
    await office.enter('tiny', 'endpoint')
    await fails(t, ['tiny', 'backup'], {
      code: 1,
      name: 'DiskFull',
      says: /no space left/,
      next: /space/
    })
    execFileSync('mount', ['-o', 'remount,size=60m', home])
    await office.peer('tiny').stop()
    await office.up('tiny')
    t.like(await office.ok('tiny', ['backup', '--wait', 'protected=40s']), { point: 1 })
    t.deepEqual((await office.ok('tiny', ['check', '--deep']))['damaged'], [])
    await office.peer('tiny').stop()
  } finally {
    execFileSync('umount', ['--lazy', home])
  }
})
