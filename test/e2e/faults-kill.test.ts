// Kill -9 at a moment that a seed chooses, in a process that has the home to itself: after it the same
// command succeeds, all that was acknowledged before can be read, and every block that is there is whole.
// A few moments every day. Many, and others:
// DRYSTONE_FAULTS=50 DRYSTONE_SEED=anything npx ava --timeout=2h test/e2e/faults-kill.test.ts

import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { systemClock } from '../../store/clock.ts'
import { SeededRandom } from '../../sim/random.ts'
import { Office } from '../_e2e/office.ts'
import { factsOf, makeTree } from '../_e2e/tree.ts'
import { MORE, inHome, isSound } from './_faults.ts'

const office = new Office()
const random = new SeededRandom(process.env['DRYSTONE_SEED'] ?? 'killed')
const root = office.path('desk-root')
const home = office.home('desk')
/** Points that were told as taken. */
const told = new Set<number>()
const took = new Map<string, number>()
let versions = 0
test.after.always(() => office.close())

/** What is killed. A command that finds nothing to do is over before it can be. */
const COMMANDS: Record<string, () => string[]> = {
  backup: () => {
    change()
    return ['backup']
  },
  'base create': () => {
    change()
    return ['base', 'create', `office@${++versions}`, '--from', root]
  },
  sweep: () => ['sweep', '--unfinished']
}

test.before(async () => {
  makeTree(root, { bytes: 2 << 20 })
  await office.found('desk', ['--root', root])
  await office.enter('attic', 'storage', 'desk')
  await office.peer('desk').stop()
  for (const [what, wordsOf] of Object.entries(COMMANDS)) {
    const startedMs = systemClock.monotonic()
    note(await office.ok('desk', wordsOf()))
    took.set(what, systemClock.monotonic() - startedMs)
  }
})

function change(): void {
  for (const name of ['one', 'other']) writeFileSync(join(root, name), randomBytes(1 << 20))
}

function note({ point }: Record<string, unknown>): void {
  if (typeof point === 'number') told.add(point)
}

/** Runs a command and kills it. @returns true if it was not over by then */
async function killed(words: readonly string[], ms: number): Promise<boolean> {
  let isKilled = false
  const timer = new AbortController()
  const { code } = await office.run('desk', words, {
    onStart: (child) => {
      systemClock
        .sleep(ms, { signal: timer.signal })
        .then(() => (isKilled = child.kill('SIGKILL')))
        .catch(() => undefined)
    }
  })
  timer.abort()
  return isKilled && code < 0
}

for (const [what, wordsOf] of Object.entries(COMMANDS)) {
  test.serial(
    `${what} is killed at any moment, and nothing that was told before is lost`,
    async (t) => {
      let cuts = 0
      for (let round = 0; round < MORE; round++) {
        const words = wordsOf()
        // Before the first third there is no more than a language that starts.
        const ms = (took.get(what) ?? 0) * (0.3 + (0.6 * random.below(1000)) / 1000)
        if (await killed(words, ms)) cuts++
        await inHome(home, async (ask) => {
          const { points } = await ask('points', {})
          const known = new Set(points.map(({ point }) => point))
          t.deepEqual(
            [...told].filter((point) => !known.has(point)),
            [],
            `after ${ms} ms`
          )
          await isSound(t, ask, points.length)
        })
        note(await office.ok('desk', words))
      }
      t.log(`${cuts} of ${MORE} were cut`)
    }
  )
}

test.serial(
  'after all of it both homes are whole, and what is restored is what was there',
  async (t) => {
    note(await office.ok('desk', ['backup']))
    const to = office.path('back')
    await office.ok('desk', ['restore', '--to', to])
    t.deepEqual(factsOf(to), factsOf(root))
    await office.peer('attic').stop()
    for (const name of ['desk', 'attic']) {
      await inHome(office.home(name), async (ask) => {
        const report = await ask('check', { deep: true, rebuildIndex: false })
        t.deepEqual([report.damaged, report.unindexed, report.unreadable], [[], 0, []], name)
      })
    }
  }
)
