// The checker of what stays: a point that its last head does not name is told, unless the rules of the
// office may let go of it.

import test from 'ava'
import { Keeps } from '../../../sim/checkers/keeps.ts'
import { DAY_MS, aLook, copyOf, type Look } from './_scene.ts'

let look: Look
test.before(async () => {
  look = await aLook()
})

/** Desk says that it saved its first point, and another in its place is not there. */
function forgotten(): Look {
  const broken = copyOf(look)
  const [first] = look.saved
  if (first === undefined) throw new Error('nothing was saved')
  broken.saved.push({ ...first, root: '0'.repeat(64) })
  return broken
}

test('where all points are named nothing is told', async (t) => {
  t.deepEqual(await new Keeps().check(copyOf(look)), [])
})

test('without rules every point stays', async (t) => {
  t.deepEqual(await new Keeps().check(forgotten()), [
    'desk let go of point 1 of desk, and there are no rules'
  ])
})

test('what is younger than the rules say, pinned or the latest has to stay', async (t) => {
  const broken = forgotten()
  const lost = broken.saved.at(-1) ?? t.fail()
  broken.policy = { ...broken.policy, keep: { withinMs: 2 * DAY_MS } }
  t.regex((await new Keeps().check(broken))[0] ?? '', /saved \d+\.\d hours ago, .* than 48\.0 is/)
  broken.policy = { ...broken.policy, keep: { withinMs: 0 } }
  broken.pinned = [lost]
  t.regex((await new Keeps().check(broken))[0] ?? '', /which is pinned$/)
  broken.pinned = []
  t.deepEqual(await new Keeps().check(broken), [])
  broken.saved[broken.saved.length - 1] = { ...lost, point: 99 }
  t.regex((await new Keeps().check(broken))[0] ?? '', /which is its latest$/)
})

test('what was let go of rightly is not held against anybody later', async (t) => {
  const broken = forgotten()
  const checker = new Keeps()
  broken.policy = { ...broken.policy, keep: { withinMs: 0 } }
  t.deepEqual(await checker.check(broken), [])
  broken.policy = { ...broken.policy, keep: { withinMs: 9 * DAY_MS } }
  t.deepEqual(await checker.check(broken), [])
})

test('who lies, or whose disk is damaged, answers for nothing', async (t) => {
  const broken = forgotten()
  for (const computer of broken.computers) computer.lies = true
  t.deepEqual(await new Keeps().check(broken), [])
})
