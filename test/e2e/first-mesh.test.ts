// The first mesh, word for word as a new user would type it, with real processes on loopback: found, join by
// mDNS alone and by an address, back up, look, restore. Each command is held to its exit code and to the
// fields that scripts rely on.

import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { LOCAL, Office, missingOf, type Fields } from '../_e2e/office.ts'
import { factsOf, makeTree } from '../_e2e/tree.ts'

const office = new Office()
const root = office.path('desk-root')
test.after.always(() => office.close())

function hasFields(t: ExecutionContext, fields: Fields, names: string): void {
  t.deepEqual(missingOf(fields, names), [])
}

function row(list: unknown, name: string, value: unknown): Fields {
  const found = (list as Fields[]).find((each) => each[name] === value)
  if (found === undefined) throw new Error(`no ${name} ${String(value)} in ${JSON.stringify(list)}`)
  return found
}

test.serial(
  'a mesh is set up, and its words go to the sheet and nowhere in the home',
  async (t) => {
    const sheet = office.path('sheet')
    const done = await office.ok('nas', ['setup', '--name', 'nas', '--sheet', sheet, ...LOCAL])
    hasFields(t, done, 'mesh peer recovery')
    const words = String(done['recovery']).split(' ')
    t.is(words.length, 24)
    const text = readFileSync(sheet, 'utf8')
    for (const word of words) t.true(text.includes(word))
    const ready = await (await office.up('nas')).ready
    hasFields(t, ready, 'peer addrs control')
    t.is(ready['peer'], done['peer'])
  }
)

test.serial('a computer joins by mDNS alone, and another by an address without mDNS', async (t) => {
  const invite = await office.ok('nas', ['invite', '--role', 'storage'])
  hasFields(t, invite, 'code expires')
  const words = String(invite['code']).split('-')
  t.is(words.length, 8)
  const attic = await office.ok('attic', ['join', ...words, '--name', 'attic', ...LOCAL])
  hasFields(t, attic, 'mesh peer via')
  t.is(attic['via'], 'nas')
  await office.up('attic')

  makeTree(root)
  const { code } = await office.ok('nas', ['invite'])
  const flags = ['--name', 'desk', '--root', root, '--no-mdns', ...LOCAL]
  const where = ['--addr', office.addressOf('attic')]
  const desk = await office.ok('desk', ['join', String(code), ...where, ...flags])
  hasFields(t, desk, 'mesh peer endpoint via')
  t.is(desk['via'], 'attic')
  await office.up('desk')
})

test.serial(
  'before the first backup the status says what would be lost, and exits with 4',
  async (t) => {
    const before = await office.run('desk', ['status'])
    t.is(before.code, 4)
    hasFields(t, before.result, 'peer endpoint roles copies problems')
    const people = await office.run('desk', ['status'], { plain: true })
    t.is(people.code, 4)
    t.regex(people.stdout, /^If this computer died now you would lose everything/)
    t.regex(people.stdout, /drystone backup/)
  }
)

test.serial('a backup waits until it is protected by both storage peers', async (t) => {
  const done = await office.ok('desk', ['backup', '--wait', 'protected=40s'])
  hasFields(t, done, 'point digest root mode why examined changed deleted hashedBytes')
  hasFields(t, done, 'baseHashedBytes newBlocks newBytes sentBytes copies skipped')
  t.deepEqual(done['copies'], ['attic', 'nas'])
  t.is(done['point'], 1)
})

test.serial('then the status exits with 0 and names the copies', async (t) => {
  const status = await office.ok('desk', ['status'])
  hasFields(t, status, 'peer endpoint roles lastPoint lastProtected atRiskSeconds copies problems')
  t.deepEqual(status['problems'], [])
  const people = await office.run('desk', ['status'], { plain: true })
  const [first] = people.stdout.split('\n')
  t.regex(
    first ?? '',
    /^If this computer died now you would lose \d+ \w+ of work\. Copies: attic, nas\./
  )
  t.is((await office.run('nas', ['status'])).code, 0)
})

test.serial('peers, endpoints, points and ls show what is there', async (t) => {
  const { peers } = await office.ok('nas', ['peers'])
  const desk = row(peers, 'name', 'desk')
  hasFields(t, desk, 'name peer site roles online addrs lastSeen')
  t.true(desk['online'])
  const { endpoints } = await office.ok('desk', ['endpoints'])
  hasFields(
    t,
    row(endpoints, 'name', 'desk'),
    'name id writer lastPoint lastProtected copies overdue'
  )
  const { points } = await office.ok('desk', ['points'])
  hasFields(t, row(points, 'point', 1), 'point time digest root copies pinned')
  const { entries } = await office.ok('desk', ['ls', 'latest'])
  t.is(row(entries, 'path', 'picture.raw')['size'], 3 << 20)
  const inside = await office.ok('desk', ['ls', '1', 'letters/old'])
  t.deepEqual(
    (inside['entries'] as Fields[]).map(({ path }) => path),
    ['letters/old/first.txt']
  )
  const relative = await office.ok('desk', ['ls', 'desk/1', 'first.txt'], {
    cwd: join(root, 'letters', 'old')
  })
  t.is((relative['entries'] as Fields[])[0]?.['path'], 'letters/old/first.txt')
})

test.serial('a dry run tells what a restore would do, and does nothing', async (t) => {
  const to = office.path('dry')
  const done = await office.ok('desk', ['restore', '--to', to, '--dry-run'])
  t.is(done['files'], 18)
  t.false(existsSync(to))
})

test.serial(
  'a restore to a directory gives the very tree, with the digest of the point',
  async (t) => {
    const to = office.path('back')
    const done = await office.ok('desk', ['restore', '--to', to])
    hasFields(t, done, 'point digest files bytes fetchedBytes reusedBytes fromPeers warnings')
    t.deepEqual(factsOf(to), factsOf(root))
    const { points } = await office.ok('desk', ['points'])
    const own = await office.ok('desk', ['digest', to])
    hasFields(t, own, 'digest entries')
    t.is(own['digest'], row(points, 'point', 1)['digest'])
    const again = await office.ok('desk', ['restore', '--to', to])
    t.true(Number(again['reusedBytes']) > 3 << 20, 'what is there already is used')
    t.deepEqual(factsOf(to), factsOf(root))
  }
)

test.serial('a file and a folder come back under their own names', async (t) => {
  const to = office.path('parts')
  await office.ok('desk', ['restore', join(root, 'script.sh'), 'letters/old', '--to', to])
  t.deepEqual(factsOf(join(to, 'old')), factsOf(join(root, 'letters', 'old')))
  t.is(readFileSync(join(to, 'script.sh'), 'utf8'), readFileSync(join(root, 'script.sh'), 'utf8'))
  t.false(existsSync(join(to, 'picture.raw')))
})

test.serial('what was lost comes back in place, and what is newer is kept beside it', async (t) => {
  const lost = office.path('lost')
  renameSync(root, lost)
  mkdirSync(root)
  await office.ok('desk', ['restore', '--in-place'])
  t.deepEqual(factsOf(root), factsOf(lost))

  appendFileSync(join(root, 'script.sh'), 'echo newer\n')
  rmSync(join(root, 'first'))
  const some = await office.ok('desk', ['restore', 'script.sh', 'first', '--in-place'])
  t.regex((some['warnings'] as string[]).join(), /script\.sh differed and was kept as/)
  t.is(readFileSync(join(root, 'script.sh'), 'utf8'), '#!/bin/sh\n')
  t.regex(readFileSync(join(root, 'script.sh.kept-1'), 'utf8'), /newer/)
  rmSync(join(root, 'script.sh.kept-1'))
})

test.serial('the next backup reads and sends what changed only', async (t) => {
  appendFileSync(join(root, 'letters', 'letter 1 ü.txt'), 'PS.\n')
  const done = await office.ok('desk', ['backup', '--wait', 'protected=40s'])
  t.is(done['point'], 2)
  t.true(Number(done['hashedBytes']) < 1 << 20, String(done['hashedBytes']))
  t.true(Number(done['sentBytes']) < 1 << 20)
})

test.serial('verify and check find everything as it should be', async (t) => {
  for (const words of [['verify'], ['verify', '1'], ['verify', '--deep']]) {
    const proof = await office.ok('desk', words)
    hasFields(t, proof, 'blocks bytes damaged missing copies')
    t.deepEqual([proof['damaged'], proof['missing']], [[], []])
    t.deepEqual(proof['copies'], ['attic', 'nas'])
  }
  const { provenAt } = await office.ok('desk', ['status'])
  t.is(typeof provenAt, 'string')
  for (const flag of [[], ['--deep'], ['--rebuild-index']]) {
    for (const name of ['desk', 'attic']) {
      const report = await office.ok(name, ['check', ...flag])
      hasFields(t, report, 'blocks bytes damaged quarantined')
      t.deepEqual(report['damaged'], [])
      t.true(Number(report['blocks']) > 20)
    }
  }
})

test.serial('every command says what one would do next, and --quiet leaves it out', async (t) => {
  const said = await office.run('desk', ['points'], { plain: true })
  t.regex(said.stdout, /^Next: /m)
  const quiet = await office.run('desk', ['points', '--quiet'], { plain: true })
  t.notRegex(quiet.stdout, /^Next: /m)
})

test.serial('down stops the peer in order, and the commands still answer without it', async (t) => {
  await office.ok('desk', ['down'])
  t.is(await office.peer('desk').end(), 0)
  t.is((await office.ok('desk', ['down']))['running'], false)
  const { points } = await office.ok('desk', ['points'])
  t.is((points as Fields[]).length, 2)
  const to = office.path('without')
  await office.ok('desk', ['restore', '--to', to])
  t.deepEqual(factsOf(to), factsOf(root))
})
