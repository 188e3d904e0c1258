// Base images between real processes: made once, kept twice, brought to computers that are bare and to
// computers that have the files already. Base content that lies unchanged in its place costs an endpoint
// nothing: not read, not sent, not stored.

import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Office, missingOf, type Fields } from '../_e2e/office.ts'
import { factsOf, makeTree, sizeOf } from '../_e2e/tree.ts'

const office = new Office()
const BASE_BYTES = 12 << 20
const image = office.path('image')
test.after.always(() => office.close())

test.before(async () => {
  makeTree(image, { bytes: BASE_BYTES })
  await office.found('nas')
  await office.enter('attic', 'storage')
})

function hasFields(t: ExecutionContext, fields: Fields, names: string): void {
  t.deepEqual(missingOf(fields, names), [])
}

/** A backup that cost nothing of the base. */
async function isFreeOfBase(t: ExecutionContext, name: string): Promise<Fields> {
  const before = sizeOf(office.home(name))
  const done = await office.ok(name, ['backup', '--wait', 'protected=40s'])
  const { baseHashedBytes, baseSentBytes, baseStoredBytes } = done
  t.deepEqual([baseHashedBytes, baseSentBytes, baseStoredBytes], [0, 0, 0])
  t.true(sizeOf(office.home(name)) - before < 2 << 20)
  t.true(sizeOf(office.home(name)) < BASE_BYTES / 2)
  return done
}

test.serial(
  'a base is made, copied to both storage peers, listed, shown and verified',
  async (t) => {
    const made = await office.ok('nas', ['base', 'create', 'office@1', '--from', image])
    hasFields(t, made, 'base root digest entries files bytes blocks newBlocks storedBytes copies')
    t.deepEqual([...(made['copies'] as string[])].sort(), ['attic', 'nas'])
    const { bases } = await office.ok('attic', ['base', 'list'])
    const [listed] = bases as Fields[]
    t.like(listed, { name: 'office@1', ready: true, copies: made['copies'] })
    const shown = await office.ok('attic', ['base', 'show', 'office@1'])
    t.like(shown, { digest: made['digest'], root: made['root'], files: 18 })
    const proof = await office.ok('attic', ['base', 'verify', 'office@1'])
    t.is(proof['ok'], true)
    t.is((await office.ok('nas', ['digest', image]))['digest'], made['digest'])
  }
)

test.serial(
  'a bare directory becomes the base, and its first backup costs nothing of it',
  async (t) => {
    mkdirSync(office.path('desk-1-root'))
    await office.enter('desk-1', 'endpoint')
    const to = ['--to', office.path('desk-1-root')]
    const done = await office.ok('desk-1', ['base', 'deploy', 'office@1', ...to])
    hasFields(t, done, 'digest files bytes reusedBytes')
    t.deepEqual(factsOf(office.path('desk-1-root')), factsOf(image))
    const backup = await isFreeOfBase(t, 'desk-1')
    t.is(backup['digest'], done['digest'])
    t.is(backup['hashedBytes'], 0)
  }
)

test.serial(
  'a computer that was imaged otherwise adopts the base, and its backup is as cheap',
  async (t) => {
    const root = office.path('desk-2-root')
    execFileSync('cp', ['-a', image, root])
    await office.enter('desk-2', 'endpoint')
    const done = await office.ok('desk-2', ['base', 'adopt', 'office@1'])
    hasFields(t, done, 'matched differing missing hashedBytes')
    t.is(done['hashedBytes'], 0)
    t.deepEqual([done['differing'], done['missing']], [[], []])
    await isFreeOfBase(t, 'desk-2')
  }
)

test.serial(
  'private files and changed base files are backed up alone, and a moved one costs no data',
  async (t) => {
    const root = office.path('desk-2-root')
    writeFileSync(join(root, 'private.txt'), 'mine'.repeat(1000))
    appendFileSync(join(root, 'letters', 'letter 3 ü.txt'), 'PS.')
    renameSync(join(root, 'picture.raw'), join(root, 'moved.raw'))
    const done = await isFreeOfBase(t, 'desk-2')
    t.true(Number(done['newBytes']) < 1 << 20, String(done['newBytes']))
    const to = office.path('desk-2-back')
    await office.ok('desk-2', ['restore', '--to', to])
    t.deepEqual(factsOf(to), factsOf(root))
    await office.ok('desk-2', ['verify', '--deep'])
  }
)

test.serial('adopt --verify reads every file, and tells what differs', async (t) => {
  const done = await office.ok('desk-2', ['base', 'adopt', 'office@1', '--verify'])
  t.true(Number(done['hashedBytes']) > 0)
  t.deepEqual(done['missing'], ['picture.raw'])
  t.true((done['differing'] as string[]).includes('letters/letter 3 ü.txt'))
})

test.serial('a fetched base lies here whole', async (t) => {
  const done = await office.ok('desk-2', ['base', 'fetch', 'office@1'])
  hasFields(t, done, 'blocks bytes fromPeers seconds')
  t.true(Number(done['bytes']) >= BASE_BYTES)
  t.true(Object.keys(done['fromPeers'] as Fields).length > 0)
  const again = await office.ok('desk-2', ['base', 'fetch', 'office@1'])
  t.is(again['bytes'], 0)
})
