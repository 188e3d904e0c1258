import test from 'ava'
import fc from 'fast-check'
import { SimClock } from '../../sim/clock.ts'

test('a week of sleep takes no time, and moves both clocks', async (t) => {
  const clock = new SimClock({ startMs: 1_000 })
  const weekMs = 7 * 24 * 3_600_000
  await clock.run(clock.sleep(weekMs))
  t.is(clock.now(), 1_000 + weekMs)
  t.is(clock.monotonic(), weekMs)
  t.is(clock.pending, 0)
})

test('timers fire in the order of their time, and of their setting where that is equal', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(20), { maxLength: 40 }), async (times) => {
      const clock = new SimClock()
      const fired: [number, number][] = []
      const all = times.map(async (ms, i) => {
        await clock.sleep(ms)
        fired.push([clock.monotonic(), i])
      })
      await clock.run(Promise.all(all))
      const sorted = times
        .map((ms, i): [number, number] => [ms, i])
        .sort(([a, i], [b, j]) => a - b || i - j)
      return JSON.stringify(fired) === JSON.stringify(sorted)
    }),
    { numRuns: 60 }
  )
  t.pass()
})

test('all that can be done now is done before time moves', async (t) => {
  const clock = new SimClock()
  const moments = new Set<number>()
  const work = async (): Promise<void> => {
    for (let i = 0; i < 5000; i += 1) {
      await Promise.resolve()
      moments.add(clock.monotonic())
    }
  }
  await clock.run(Promise.all([clock.sleep(10).then(work), clock.sleep(11)]))
  t.deepEqual([...moments], [10])
})

test('a sleep and a timeout can be given up', async (t) => {
  const clock = new SimClock()
  const giveUp = new AbortController()
  const sleep = clock.sleep(1000, { signal: giveUp.signal })
  const timeout = clock.timeout(500)
  giveUp.abort(new Error('enough'))
  timeout.cancel()
  timeout.cancel()
  await t.throwsAsync(sleep, { message: 'enough' })
  t.is(clock.pending, 0)
  await clock.run(clock.sleep(2000))
  t.false(timeout.signal.aborted)
  await t.throwsAsync(clock.sleep(1, { signal: giveUp.signal }), { message: 'enough' })
})

test('a timeout aborts with a TimeoutError when its time has come', async (t) => {
  const clock = new SimClock()
  const { signal } = clock.timeout(500)
  await clock.run(clock.sleep(499))
  t.false(signal.aborted)
  await clock.run(clock.sleep(1))
  t.is((signal.reason as Error).name, 'TimeoutError')
})

test('a promise that will never settle is said so', async (t) => {
  const clock = new SimClock()
  await t.throwsAsync(clock.run(new Promise(() => undefined)), { message: /never settles/ })
  const forever = (async () => {
    for (;;) await clock.sleep(1000)
  })()
  await t.throwsAsync(clock.run(forever, { withinMs: 60_000 }), { message: /60000 virtual ms/ })
  t.true(clock.monotonic() <= 60_000)
})

test('what the promise throws, run throws', async (t) => {
  const clock = new SimClock()
  const failing = clock.sleep(5).then(() => {
    throw new Error('a bug')
  })
  await t.throwsAsync(clock.run(failing), { message: 'a bug' })
})
