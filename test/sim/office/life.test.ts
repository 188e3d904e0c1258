// A life: it may end at any passage through a port, and whoever is dead does nothing more.

import test, { type ExecutionContext } from 'ava'
import { SimClock, SkewedClock } from '../../../sim/clock.ts'
import { SimDisk } from '../../../sim/disk/disk.ts'
import { Life } from '../../../sim/office/life.ts'
import { Trace } from '../../../sim/trace.ts'
import { writeFile, type Disk } from '../../../store/disk.ts'

interface Scene {
  clock: SimClock
  life: Life
  /** As the process has it. */
  disk: Disk
  real: SimDisk
  lines: string[]
}

function scene(): Scene {
  const clock = new SimClock()
  const lines: string[] = []
  const trace = new Trace({ now: () => clock.monotonic(), onLine: (line) => lines.push(line) })
  const real = new SimDisk()
  const life = new Life({
    name: 'nas',
    clock,
    wall: new SkewedClock(clock),
    trace,
    nameOf: () => 'somebody',
    diskMs: () => real.latencyMs
  })
  return { clock, life, disk: life.disk(real), real, lines }
}

/** Whether a promise has settled once nothing is left to do at this moment. */
async function isSettled(clock: SimClock, promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const note = (): void => {
    settled = true
  }
  promise.then(note, note)
  await clock.advance(clock.monotonic())
  return settled
}

test('every call stands in the trace', async (t) => {
  const { disk, lines } = scene()
  await writeFile(disk, 'a', Buffer.from('stone'))
  const calls = lines.map((line) => (JSON.parse(line) as { what: string }).what)
  t.true(calls.includes('disk.open'))
  t.true(calls.includes('file.write'))
  t.true(calls.includes('file.sync'))
  t.true(calls.includes('disk.rename'))
  t.true(calls.includes('disk.syncDirectory'))
})

test('a dead process neither does anything nor hears of anything', async (t) => {
  const { clock, life, disk, real } = scene()
  const file = await disk.open('a', 'create')
  const timer = life.clock().timeout(1000)
  const sleeping = life.clock().sleep(1000)
  life.end()
  const calls = [file.write(Buffer.from('x'), 0), disk.list(''), disk.rename('a', 'b'), sleeping]
  await clock.advance(5000)
  t.false(await isSettled(clock, Promise.race(calls)))
  t.false(timer.signal.aborted)
  t.deepEqual(real.files(), [{ path: 'a', length: 0 }])
  t.true(await isSettled(clock, life.over))
})

test('a process can end before every call and after every effect', async (t) => {
  const left = new Set<string>()
  for (let passages = 1; ; passages++) {
    const { clock, life, disk, real } = scene()
    life.lightFuse(passages, () => life.end())
    const work = writeFile(disk, 'a', Buffer.from('stone'))
    const isDone = await isSettled(clock, work)
    left.add(JSON.stringify(real.files()))
    if (isDone) break
    t.true(life.isOver)
  }
  // Nothing yet, an empty file, a whole one, a named one.
  t.is(left.size, 4)
})

test('a computer that sleeps goes on where it stood', async (t) => {
  const { clock, life, disk, real } = scene()
  life.freeze()
  const work = writeFile(disk, 'a', Buffer.from('stone'))
  const timer = life.clock().timeout(1000)
  await clock.advance(60_000)
  t.false(await isSettled(clock, work))
  t.false(timer.signal.aborted)
  t.deepEqual(real.files(), [])
  life.thaw()
  t.true(await isSettled(clock, work))
  t.true(timer.signal.aborted)
  t.deepEqual(real.files(), [{ path: 'a', length: 5 }])
})

test('a slow disk takes its time for each call', async (t: ExecutionContext) => {
  const { clock, disk, real } = scene()
  real.latencyMs = 100
  await clock.run(writeFile(disk, 'a', Buffer.from('stone')))
  t.true(clock.monotonic() >= 700)
})

test('the clock of a process is that of its computer, and its timers are not', async (t) => {
  const clock = new SimClock({ startMs: 1_000_000 })
  const wall = new SkewedClock(clock)
  wall.jump(-500_000)
  t.is(wall.now(), 500_000)
  wall.drift(1000)
  await clock.advance(1_000_000)
  t.is(wall.now(), 500_000 + 1_001_000)
  wall.jump(7)
  t.is(wall.now(), 500_000 + 1_001_007)
})
