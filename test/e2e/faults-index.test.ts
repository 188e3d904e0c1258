// The index can go at any moment, and be any index: deleted, half deleted, cut, rotten, or an older one. It
// is made again from the segments, which is said; and nothing that was acknowledged is lost, hidden or made
// up.

import { appendFileSync, cpSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { SeededRandom } from '../../sim/random.ts'
import { Office } from '../_e2e/office.ts'
import { factsOf, makeTree } from '../_e2e/tree.ts'
import { MORE, flipBit, inHome, isSound } from './_faults.ts'

const office = new Office()
const random = new SeededRandom('the index')
const root = office.path('solo-root')
const home = office.home('solo')
const index = join(home, 'index')
const older = office.path('older')
const saved = office.path('saved')
let points = 2
test.after.always(() => office.close())

/** A peer alone, which has two points; what its index was after the first is kept. */
test.before(async () => {
  makeTree(root, { bytes: 1 << 20 })
  await office.found('solo', ['--root', root])
  await office.ok('solo', ['backup'])
  cpSync(index, older, { recursive: true })
  appendFileSync(join(root, 'notes'), 'more\n')
  await office.ok('solo', ['backup'])
})

function files(pattern: RegExp): string[] {
  const found = readdirSync(index).filter((name) => pattern.test(name))
  if (found.length === 0) throw new Error(`no ${String(pattern)} in the index`)
  return found.map((name) => join(index, name))
}

const GONE: Record<string, () => void> = {
  'is deleted': () => rmSync(index, { recursive: true }),
  rots: () => {
    for (const path of files(/\.log$/)) flipBit(path, random)
  },
  'is an older one': () => {
    rmSync(index, { recursive: true })
    cpSync(older, index, { recursive: true })
  }
}

// Three processes for each: two of them do for every day.
for (const [what, happen] of Object.entries(GONE).slice(0, MORE > 1 ? undefined : 2)) {
  test.serial(
    `the index ${what} while the peer runs, which goes on, and says so next time`,
    async (t) => {
      appendFileSync(join(root, 'notes'), `${what}, before\n`)
      await office.ok('solo', ['backup'])
      happen()
      appendFileSync(join(root, 'notes'), `${what}, after\n`)
      points = Number((await office.ok('solo', ['backup']))['point'])
      t.is((await office.run('solo', ['check', '--deep'])).code, 0)
      const second = await office.run('solo', ['up'])
      t.is(second.error.name, 'HomeBusy', 'also where the lock went with the index')
      await office.peer('solo').stop()
      const ready = await (await office.up('solo')).ready
      t.true(Number(ready['rebuilt']) > 0)
      const status = await office.run('solo', ['status'], { plain: true })
      t.regex(status.stdout, /The index did not know \d+ segments?; it was made again/)
      const to = office.path(`back ${what}`)
      await office.ok('solo', ['restore', '--to', to])
      t.deepEqual(factsOf(to), factsOf(root))
      await office.peer('solo').stop()
      await inHome(home, (ask) => isSound(t, ask, points))
      await office.up('solo')
    }
  )
}

test.serial(
  'whatever is damaged in the index of a peer that is stopped, nothing is lost',
  async (t) => {
    await office.peer('solo').stop()
    // Opened once more, so that there are tables beside the log, and something in that.
    appendFileSync(join(root, 'notes'), 'in a log\n')
    await inHome(home, async (ask) => {
      points = (await ask('backup', {})).point
      await isSound(t, ask, points)
    })
    cpSync(index, saved, { recursive: true })
    const tables = files(/\.ldb$/)
    const rotten = ['.log', '.ldb', 'MANIFEST', 'CURRENT'].map((kind): [string, () => void] => [
      `a bit flips in ${kind}`,
      () => files(new RegExp(kind.replace('.', '\\.'))).forEach((path) => flipBit(path, random))
    ])
    const kinds: [string, () => void][] = [
      ...rotten,
      ['the tables are gone', () => tables.forEach((path) => rmSync(path))],
      [
        'all but the log is gone',
        () => files(/ldb|CURRENT|MANIFEST/).forEach((path) => rmSync(path))
      ],
      ['a table is cut', () => truncateSync(tables[0] ?? '', 99)],
      ['the manifest is cut', () => files(/MANIFEST/).forEach((path) => truncateSync(path, 40))],
      [
        'the manifest is zeros',
        () => files(/MANIFEST/).forEach((path) => writeFileSync(path, Buffer.alloc(99)))
      ],
      ['the index is an older one', GONE['is an older one'] ?? t.fail],
      [
        'the index is a file',
        () => (rmSync(index, { recursive: true }), writeFileSync(index, 'text'))
      ]
    ]
    for (const [what, happen] of kinds) {
      rmSync(index, { recursive: true })
      cpSync(saved, index, { recursive: true })
      happen()
      await inHome(home, async (ask) => {
        const { rebuilt, problems } = await ask('status', {})
        const isTold = rebuilt > 0 || problems.some(({ message }) => message.includes('index'))
        t.true(isTold, what)
        await isSound(t, ask, points)
      })
    }
  }
)

test.serial('a log that is cut is an older index: what it lost is read again', async (t) => {
  rmSync(index, { recursive: true })
  cpSync(saved, index, { recursive: true })
  const [log = ''] = files(/\.log$/)
  const { length } = readFileSync(log)
  for (const part of [0.1, 0.5, 0.9]) {
    truncateSync(log, Math.floor(length * part))
    await inHome(home, (ask) => isSound(t, ask, points))
    cpSync(join(saved, log.slice(index.length)), log)
  }
})

test.serial('check --rebuild-index makes it again while the peer runs', async (t) => {
  await office.up('solo')
  const report = await office.ok('solo', ['check', '--rebuild-index'])
  t.deepEqual([report['damaged'], report['unindexed']], [[], 0])
  await office.peer('solo').stop()
  await inHome(home, (ask) => isSound(t, ask, points))
})
