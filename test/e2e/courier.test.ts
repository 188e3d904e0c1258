// A courier: what a computer at a branch protects reaches a storage peer at head office as a file, and no
// wire. There it is proved, kept, signed for and restored from; what is cut, damaged, foreign or comes
// before its turn is refused by name, and leaves nothing that counts.

import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readFileSync,
  readdirSync,
  statSync,
  truncateSync,
  writeFileSync
} from 'node:fs'
import test from 'ava'
import { failsIn } from '../_e2e/fails.ts'
import { Office, missingOf, type Fields } from '../_e2e/office.ts'
import { factsOf, makeTree } from '../_e2e/tree.ts'

const office = new Office()
const fails = failsIn(office)
const words = ['--recovery-file', office.path('sheet')]
const root = office.path('desk-root')
const image = office.path('image')
const BASE_BYTES = 4 << 20
test.after.always(() => office.close())

/** Head office joins, and is away before the branch has a computer to protect. */
test.before(async () => {
  makeTree(image, { bytes: BASE_BYTES })
  await office.found('nas')
  await office.enter('head', 'storage')
  await office.peer('head').stop()
  await office.ok('nas', ['base', 'create', 'office@1', '--from', image])
  makeTree(root, { bytes: 1 << 20 })
  await office.enter('desk', 'endpoint')
  await office.ok('desk', ['backup'])
})

async function restoredAtHead(name: string, at = 'latest'): Promise<string[]> {
  const to = office.path(name)
  await office.ok('head', ['restore', '--endpoint', 'desk', '--at', at, '--to', to, ...words])
  return factsOf(to)
}

test.serial('a first backup travels as a file, and is restored from it alone', async (t) => {
  const file = office.path('first.parcel')
  const made = await office.ok('desk', ['export', 'latest', file])
  t.deepEqual(missingOf(made, 'blocks bytes point digest file fileBytes bases inside'), [])
  t.is(statSync(file).size, made['fileBytes'])
  t.is(statSync(file).mode & 0o777, 0o600)
  t.deepEqual(
    readdirSync(office.folder).filter((name) => name.includes('unfinished')),
    []
  )
  for (const plain of ['Letter 1. ', 'letters', 'script.sh']) {
    t.false(readFileSync(file).includes(plain), plain)
  }
  await office.peer('desk').stop()
  await office.peer('nas').stop()
  const done = await office.ok('head', ['import', file])
  t.deepEqual(missingOf(done, 'blocks bytes point endpoint points pointsHere signed'), [])
  t.like(done, { endpoint: 'desk', point: 1, blocks: made['blocks'], bytes: made['bytes'] })
  t.like(done, { points: 1, pointsHere: 1, signed: true })
  t.deepEqual(await restoredAtHead('head-1'), factsOf(root))
  t.like(await office.ok('head', ['import', file]), { blocks: 0, bytes: 0, signed: true })
  t.deepEqual((await office.ok('head', ['check', '--deep']))['damaged'], [])
})

test.serial('the endpoint gets its receipt without sending a byte', async (t) => {
  await office.up('head')
  await office.up('nas')
  await office.up('desk')
  const to = ['backup', '--wait', 'protected=40s']
  await office.ok('desk', ['status']).catch(() => undefined)
  let copies: unknown[] = []
  for (let round = 0; round < 40 && copies.length < 2; round++) {
    const { points } = await office.ok('desk', ['points'])
    copies = (points as Fields[])[0]?.['copies'] as unknown[]
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  t.deepEqual(copies, ['head', 'nas'])
  const done = await office.ok('desk', to)
  t.deepEqual(done['copies'], ['head', 'nas'])
})
