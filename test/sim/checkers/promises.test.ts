import test from 'ava'
import type { Checker } from '../../../sim/checkers/checker.ts'
import { Closure } from '../../../sim/checkers/closure.ts'
import { Heads } from '../../../sim/checkers/heads.ts'
import { Heals } from '../../../sim/checkers/heals.ts'
import { Restores } from '../../../sim/checkers/restores.ts'
import { Undo } from '../../../sim/checkers/undo.ts'
import { SeededRandom } from '../../../sim/random.ts'
import { aLook, copyOf, drop, remove, seen, under, type Look } from './_scene.ts'

const HOUR_MS = 3_600_000

const look = await aLook()

function restores(): Checker {
  return new Restores(new SeededRandom('promises'))
}

/** What a checker says of a computer at the moment when the last point was said to be protected. */
function atLast(checker: Checker, broken: Look, name: string): string[] {
  const now = broken.protected.at(-1)?.at ?? 0
  const saved = broken.saved.map((claim, i) => {
    return i === broken.saved.length - 1 ? { ...claim, at: now } : claim
  })
  return checker.atPromise?.({ ...broken, saved, now }, seen(broken, name)) ?? []
}

test('where promises are kept nothing is said', (t) => {
  for (const name of ['nas', 'attic', 'desk', 'lap']) {
    for (const checker of [new Closure(), new Heads(), restores()]) {
      t.deepEqual(atLast(checker, copyOf(look), name), [])
    }
  }
})

test('a keeper that lacks what it signed for is told at once', async (t) => {
  const broken = copyOf(look)
  await drop(seen(broken, 'attic').disk, seen(look, 'desk').endpoint ?? '', () => true)
  const found = atLast(new Closure(), broken, 'attic')
  t.true(found.some((what) => /^attic keeps head .* and has no block/.test(what)))
  t.deepEqual(atLast(new Closure(), broken, 'nas'), [])
})

test('a keeper that has a head in place before its blocks is told, receipt or not', async (t) => {
  const broken = copyOf(look)
  const { disk } = seen(broken, 'attic')
  await drop(disk, seen(look, 'desk').endpoint ?? '', () => true)
  await remove(disk, under(disk, 'receipts/'))
  const found = atLast(new Closure(), broken, 'attic')
  t.regex(found[0] ?? '', /^attic keeps head .* and has no block/)
})

test('a point that was said to be saved, and is not on the disk, is told at once', async (t) => {
  const broken = copyOf(look)
  const { disk, endpoint, peer } = seen(broken, 'desk')
  await remove(disk, under(disk, `heads/${endpoint}/${peer}/`))
  const found = atLast(new Heads(), broken, 'desk')
  t.regex(found[0] ?? '', /^desk said it saved point 3 of desk as head 3 of desk, and has none/)
})

test('a copy that is counted without a receipt is told', async (t) => {
  const broken = copyOf(look)
  const { disk } = seen(broken, 'desk')
  await remove(disk, under(disk, 'receipts/'))
  t.regex(atLast(restores(), broken, 'desk')[0] ?? '', /whose receipt desk does not have$/)
  t.deepEqual(atLast(restores(), broken, 'lap'), [])
})

test('a head that a keeper lets go of within its undo time is told', async (t) => {
  const broken = copyOf(look)
  const { disk } = seen(broken, 'attic')
  const undo = new Undo()
  t.deepEqual(await undo.check(broken), [])
  await remove(disk, under(disk, `heads/${seen(look, 'desk').endpoint}/`).slice(0, 1))
  const found = await undo.check(broken)
  t.deepEqual(found, ['attic had head 1 of an endpoint, and let go of it within its undo time'])
})

test('an endpoint that is not backed up any more does not count as healed', async (t) => {
  const sinceMs = look.now
  const calm = { sinceMs, backupEveryMs: HOUR_MS }
  const soon = { ...look, now: sinceMs + 2 * HOUR_MS, calm }
  t.deepEqual(await new Heals().check(soon), [])
  const late = { ...look, now: sinceMs + 9 * HOUR_MS, calm }
  t.regex((await new Heals().check(late))[0] ?? '', /^desk was not backed up for \d+ minutes$/)
})
