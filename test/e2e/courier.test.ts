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
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import test from 'ava'
import { failsIn } from '../_e2e/fails.ts'
import { LOCAL, Office, missingOf, type Fields } from '../_e2e/office.ts'
import { factsOf, makeTree } from '../_e2e/tree.ts'

const office = new Office()
const fails = failsIn(office)
const words = ['--recovery-file', office.path('sheet')]
const root = office.path('desk-root')
const image = office.path('image')
const BASE_BYTES = 4 << 20
test.after.always(() => office.close())

/** A storage peer that joins, and does not run: nothing reaches it by a wire. */
async function joinOnly(name: string): Promise<void> {
  const { code } = await office.ok('nas', ['invite', '--role', 'storage'])
  const where = ['--addr', office.addressOf('nas'), ...LOCAL]
  await office.ok(name, ['join', String(code), '--name', name, ...where])
}

test.before(async () => {
  makeTree(image, { bytes: BASE_BYTES })
  await office.found('nas')
  await office.enter('attic', 'storage')
  await office.ok('nas', ['base', 'create', 'office@1', '--from', image])
  await office.destroy('attic')
  await joinOnly('head')
  execFileSync('cp', ['-a', image, root])
  await office.enter('desk', 'endpoint')
  await office.ok('desk', ['base', 'adopt', 'office@1'])
  writeFileSync(join(root, 'private.raw'), randomBytes(1 << 20))
  writeFileSync(join(root, 'secret.txt'), 'Nobody knows. '.repeat(3))
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
  t.is(statSync(file).size, Number(made['fileBytes']))
  t.is(statSync(file).mode & 0o777, 0o600)
  t.deepEqual(
    readdirSync(office.folder).filter((name) => name.includes('unfinished')),
    []
  )
  const text = readFileSync(file)
  for (const secret of ['Nobody knows', 'secret.txt']) t.false(text.includes(secret), secret)
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

test.serial('the endpoint gets its receipt, and head office is sent nothing', async (t) => {
  const { bytes } = await office.ok('head', ['check'])
  await office.up('head')
  await office.up('nas')
  await office.up('desk')
  let copies: unknown[] = []
  for (let round = 0; round < 60 && copies.length < 2; round++) {
    const { points } = await office.ok('desk', ['points'])
    copies = (points as Fields[])[0]?.['copies'] as unknown[]
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  t.deepEqual(copies, ['head', 'nas'])
  t.is((await office.ok('head', ['check']))['bytes'], bytes)
  await office.peer('head').stop()
})

test.serial('what is new since a point travels alone', async (t) => {
  appendFileSync(join(root, 'script.sh'), 'true\n')
  writeFileSync(join(root, 'new.raw'), randomBytes(100_000))
  t.is((await office.run('desk', ['backup'])).result['point'], 2)
  writeFileSync(join(root, 'newer.raw'), randomBytes(50_000))
  t.is((await office.run('desk', ['backup'])).result['point'], 3)
  const [second, third] = [office.path('second.parcel'), office.path('third.parcel')]
  const made = await office.ok('desk', ['export', '2', second, '--since', '1'])
  t.true(Number(made['bytes']) < 300_000, String(made['bytes']))
  t.like(made, { point: 2, since: 1, inside: [] })
  await office.ok('desk', ['export', 'latest', third, '--since', '2'])
  await office.peer('desk').stop()
  await office.peer('nas').stop()
  await fails(t, ['head', 'import', third], {
    ...{ code: 1, name: 'PointNeeded', says: /point 2 of desk/, next: /Import point 2/ }
  })
  const one = await office.ok('head', ['import', second])
  t.like(one, { point: 2, since: 1, pointsHere: 2, points: 3, signed: false })
  t.like(await office.ok('head', ['sweep', '--unfinished']), { blocks: 0 })
  const two = await office.ok('head', ['import', third])
  t.like(two, { point: 3, since: 2, pointsHere: 3, points: 3, signed: true })
  t.deepEqual(await restoredAtHead('head-3'), factsOf(root))
  t.true((await restoredAtHead('head-2', '2')).length < factsOf(root).length)
})

test.serial('a flipped bit or a cut is named at the record, and no head comes of it', async (t) => {
  await office.up('nas')
  await joinOnly('cold')
  await office.up('desk')
  const file = office.path('whole.parcel')
  await office.ok('desk', ['export', 'latest', file])
  await office.peer('desk').stop()
  await office.peer('nas').stop()
  const bytes = readFileSync(file)
  const first = bytes.indexOf('DSR1')
  const [flipped, cut] = [office.path('flipped.parcel'), office.path('cut.parcel')]
  const places: [number, RegExp][] = [
    [first - 40, /opening is damaged/],
    [bytes.lastIndexOf('DSR1') + 60, /record \d+, at byte \d+/],
    [bytes.length - 100, /list of blocks/]
  ]
  for (const [at, says] of places) {
    const other = Buffer.from(bytes)
    other.writeUInt8(other.readUInt8(at) ^ 1, at)
    writeFileSync(flipped, other)
    await fails(t, ['cold', 'import', flipped], { code: 14, name: 'ParcelDamaged', says })
  }
  for (const length of [first - 10, first + 100, bytes.length - 1]) {
    copyFileSync(file, cut)
    truncateSync(cut, length)
    const says = length < first ? /cut/ : /after record \d+, at byte \d+/
    await fails(t, ['cold', 'import', cut], { code: 14, name: 'ParcelDamaged', says })
  }
  t.false(existsSync(join(office.home('cold'), 'heads')))
  const done = await office.ok('cold', ['import', file])
  t.like(done, { point: 3, points: 3, pointsHere: 1, signed: false })
  const to = office.path('cold-3')
  await office.ok('cold', ['restore', '--endpoint', 'desk', '--to', to, ...words])
  t.deepEqual(factsOf(to), factsOf(root))
})

test.serial('a file of another mesh, or none at all, is refused by name', async (t) => {
  const other = new Office()
  try {
    await other.found('nas', ['--root', root, '--role', 'admin,storage,endpoint,publisher'])
    await other.ok('nas', ['backup'])
    await other.ok('nas', ['export', 'latest', office.path('foreign.parcel')])
  } finally {
    await other.close()
  }
  await fails(t, ['head', 'import', office.path('foreign.parcel')], {
    ...{ code: 1, name: 'OtherMesh', says: /another mesh/ }
  })
  await fails(t, ['head', 'import', office.path('sheet')], {
    ...{ code: 14, name: 'ParcelDamaged', says: /does not begin as an export/ }
  })
  for (const name of ['nothing', 'image', '.']) {
    await fails(t, ['head', 'import', office.path(name)], {
      ...{ code: 2, name: 'WrongUsage', says: /cannot be read/ }
    })
  }
})

test.serial('without its base an export is smaller, and says what it needs', async (t) => {
  await office.up('nas')
  await office.up('desk')
  const file = office.path('private.parcel')
  const made = await office.ok('desk', ['export', 'latest', file, '--without-base'])
  t.like(made, { bases: ['office@1'], inside: [] })
  t.true(Number(made['bytes']) < BASE_BYTES)
  await joinOnly('bare')
  await office.peer('desk').stop()
  await office.peer('nas').stop()
  await fails(t, ['bare', 'import', file], {
    ...{ code: 13, name: 'BaseNeeded', says: /office@1/, next: /--without-base/ }
  })
  t.like(await office.ok('head', ['import', file]), { blocks: 0, signed: true })
})

test.serial('a storage peer exports with the words what another computer protects', async (t) => {
  const file = office.path('kept.parcel')
  const refused = await office.run('head', ['export', 'desk/latest', file])
  t.is(refused.error.name, 'NoKeys')
  const made = await office.ok('head', ['export', 'desk/latest', file, ...words])
  t.like(made, { point: 3, endpoint: 'desk', inside: ['office@1'] })
  t.like(await office.ok('bare', ['import', file]), { blocks: made['blocks'], pointsHere: 1 })
})

test.serial('an export replaces no file, and leaves none when it fails', async (t) => {
  const file = office.path('first.parcel')
  const before = readFileSync(file)
  await fails(t, ['desk', 'export', 'latest', file], {
    ...{ code: 2, name: 'WrongUsage', says: /is there already/ }
  })
  t.deepEqual(readFileSync(file), before)
  await fails(t, ['desk', 'export', '77', office.path('none.parcel')], {
    ...{ code: 1, name: 'PointUnknown', says: /no such restore point/ }
  })
  await fails(t, ['desk', 'export', 'latest', office.path('no', 'folder')], {
    ...{ code: 2, name: 'WrongUsage', says: /cannot be written/ }
  })
  t.false(existsSync(office.path('none.parcel')))
  t.deepEqual(
    readdirSync(office.folder).filter((name) => name.includes('unfinished')),
    []
  )
})
