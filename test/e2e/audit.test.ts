// Bets between real processes: a computer adopts a base on trust though one of its files is not what the base
// says, with the size and the time that it should have. The audit reads what backups skip and names it; the
// next backup saves it.

import { execFileSync } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { Office, missingOf, type Fields } from '../_e2e/office.ts'
import { factsOf, makeTree } from '../_e2e/tree.ts'

const ALTERED = join('letters', 'letter 3 ü.txt')
const office = new Office()
const root = office.path('desk-root')
test.after.always(() => office.close())

test.before(async () => {
  const image = office.path('image')
  makeTree(image)
  await office.found('nas')
  await office.enter('attic', 'storage')
  await office.ok('nas', ['base', 'create', 'office@1', '--from', image])
  execFileSync('cp', ['-a', image, root])
  const path = join(root, ALTERED)
  const bytes = readFileSync(path)
  bytes[0] = (bytes[0] as number) ^ 1
  writeFileSync(path, bytes)
  // To the nanosecond, which node's own call does not keep.
  execFileSync('touch', ['-r', join(image, ALTERED), path])
  await office.enter('desk', 'endpoint')
})

async function problems(): Promise<string[]> {
  const { result } = await office.run('desk', ['status'])
  return (result['problems'] as Fields[]).map(
    ({ name, message }) => `${String(name)}: ${String(message)}`
  )
}

test.serial('what was adopted on trust and is not so is named by an audit of all', async (t) => {
  const adopted = await office.ok('desk', ['base', 'adopt', 'office@1'])
  t.deepEqual([adopted['differing'], adopted['hashedBytes']], [[], 0], 'nothing shows it')
  const unseen = await office.ok('desk', ['backup', '--wait', 'protected=40s'])
  t.is(unseen['hashedBytes'], 0)
  const { code, result } = await office.run('desk', ['audit', '--all'])
  t.is(code, 14)
  t.deepEqual(missingOf(result, 'files bytes differing unproven'), [])
  t.deepEqual([result['differing'], result['unproven']], [[ALTERED], false])
  t.true((await problems()).some((each) => /^ChangedUnnoticed: .*letter 3/.test(each)))
})

test.serial('the next backup saves it, and a restore gives what lies there', async (t) => {
  const saved = await office.ok('desk', ['backup', '--wait', 'protected=40s'])
  t.is(saved['changed'], 1)
  t.is(saved['hashedBytes'], statSync(join(root, ALTERED)).size)
  const to = office.path('desk-back')
  await office.ok('desk', ['restore', '--to', to])
  t.deepEqual(factsOf(to), factsOf(root))
  const { code, result } = await office.run('desk', ['audit', '--all'])
  t.deepEqual([code, result['differing']], [0, []])
})
