// The clock that nobody can set: it goes on while the peer runs, takes little on trust of the time that it
// did not, and never goes back.

import test from 'ava'
import { Ages, DAY_MS } from '../../node/ages.ts'
import { Home } from '../../node/home.ts'
import type { Clock } from '../../store/clock.ts'
import { SimClock, SkewedClock } from '../../sim/clock.ts'
import { SimDisk } from '../../sim/disk/disk.ts'

/** Time that passes, a wall clock that can be set, and both as a computer has them. */
function scene(): { clock: SimClock; wall: SkewedClock; own: Clock; home: Home } {
  const clock = new SimClock()
  const wall = new SkewedClock(clock)
  const own: Clock = {
    now: () => wall.now(),
    monotonic: () => clock.monotonic(),
    sleep: (ms, options) => clock.sleep(ms, options),
    timeout: (ms) => clock.timeout(ms)
  }
  return { clock, wall, own, home: new Home(new SimDisk()) }
}

test('a year on the wall clock is no age, running or not', async (t) => {
  const { wall, own, home } = scene()
  const ages = await Ages.open(home, own)
  ages.see('head')
  wall.jump(365 * DAY_MS)
  t.is(ages.of('head'), 0)
  await ages.save()
  wall.jump(365 * DAY_MS)
  t.is((await Ages.open(home, own)).of('head'), DAY_MS)
})

test('a clock that is set back takes no age away', async (t) => {
  const { clock, wall, own, home } = scene()
  const ages = await Ages.open(home, own)
  ages.see('head')
  await clock.advance(2 * DAY_MS)
  t.is(ages.of('head'), 2 * DAY_MS)
  await ages.save()
  wall.jump(-365 * DAY_MS)
  const again = await Ages.open(home, own)
  t.is(again.of('head'), 2 * DAY_MS)
  t.is(again.of('new'), 0)
})

test('time away counts as it was, up to a day for each start', async (t) => {
  const { clock, own, home } = scene()
  const ages = await Ages.open(home, own)
  ages.see('head')
  await ages.save()
  await clock.advance(DAY_MS / 4)
  const next = await Ages.open(home, own)
  t.is(next.of('head'), DAY_MS / 4)
  await next.save()
  await clock.advance(clock.monotonic() + 10 * DAY_MS)
  t.is((await Ages.open(home, own)).of('head'), 1.25 * DAY_MS)
})

test('without its file everything is new, and nothing is forgotten that is still there', async (t) => {
  const { clock, own, home } = scene()
  const ages = await Ages.open(home, own)
  for (const name of ['head/a/1', 'head/a/2', 'head/b/1']) ages.see(name)
  await clock.advance(DAY_MS)
  ages.forget('head/a/', new Set(['head/a/2']))
  t.deepEqual(
    ['head/a/1', 'head/a/2', 'head/b/1'].map((name) => ages.of(name)),
    [0, DAY_MS, DAY_MS]
  )
  await ages.save()
  await home.disk.remove('ages.json')
  t.is((await Ages.open(home, own)).of('head/a/2'), 0)
})
