import test from 'ava'
import fc from 'fast-check'
import { replayText, reportText, verdictText, whenText } from '../../sim/report.ts'
import type { Simulation, TimelineEntry } from '../../sim/simulation.ts'

const HOUR_MS = 3_600_000

function ran(more: Partial<Simulation> = {}): Simulation {
  return {
    scenario: 'small',
    seed: 7,
    traceHash: 'ab12',
    events: 5000,
    simulatedSeconds: 2 * 86_400,
    peers: 4,
    dropped: 0,
    points: 31,
    wallSeconds: 2,
    timeline: [],
    checks: [{ name: 'restores', looks: 3, violations: 0 }],
    violations: [],
    tail: [],
    restored: 6,
    ...more
  }
}

function report(more: Partial<Simulation> = {}): string[] {
  return reportText(ran(more), { file: 'office.yaml', about: 'A small office.' })
}

/** The same fault, so many times, each hour that of the next of these computers. */
function storm(count: number, names: readonly string[]): TimelineEntry[] {
  return Array.from({ length: count }, (_, i) => ({
    at: i * HOUR_MS,
    who: names[i % names.length] ?? '',
    what: `its disk fails ${i} calls`,
    kind: 'fault'
  }))
}

test('a report says how it went, what was checked, how fast it was, and the hash of the trace', (t) => {
  const text = report().join('\n')
  t.regex(text, /^small, seed 7: all is well\nA small office\.\n/)
  t.regex(text, /2d in the life of 4 peers: 31 restore points, 6 brought back/)
  t.regex(text, /restores {2}3 times/)
  t.regex(text, /5000 events in 2\.0 seconds: 2500 a second/)
  t.regex(text, /Trace hash ab12/)
  t.notRegex(text, /--seed/)
})

test('moments are told as a scenario file writes them', (t) => {
  t.is(whenText(0), '0d 00:00')
  t.is(whenText(51 * HOUR_MS + 12 * 60_000), '2d 03:12')
})

test('a violation is told with what it is, the last events, and the command that shows it again', (t) => {
  const violation = {
    checker: 'restores',
    at: 30 * HOUR_MS,
    what: 'desk cannot come back from nas'
  }
  const lines = report({ violations: [violation], tail: ['one', 'the last'] })
  t.is(lines[0], 'small, seed 7: VIOLATED: restores')
  t.true(lines.includes('  1d 06:00  restores: desk cannot come back from nas'))
  t.true(lines.includes('  the last'))
  t.is(lines.at(-1), 'See it again: drystone sim office.yaml --seed 7')
})

test('the command names a file as a shell takes it', (t) => {
  t.is(replayText('scenarios/a-b.yaml', 3), 'drystone sim scenarios/a-b.yaml --seed 3')
  t.is(replayText("my o'clock.yaml", 3), "drystone sim 'my o'\\''clock.yaml' --seed 3")
})

test('who was at risk is told: how often, how long, and whether it healed', (t) => {
  const entry = (hours: number, who: string, kind: 'risk' | 'healed'): TimelineEntry => ({
    ...{ at: hours * HOUR_MS, who, kind },
    what: kind
  })
  const lines = report({
    timeline: [
      entry(1, 'desk', 'risk'),
      entry(2, 'desk', 'healed'),
      entry(5, 'desk', 'risk'),
      entry(8, 'desk', 'healed'),
      entry(40, 'laptop', 'risk')
    ]
  })
  t.true(lines.includes('  desk    2 times, 4h in all  longest 3h from 0d 05:00  healed'))
  t.true(lines.includes('  laptop  once, 8h in all     longest 8h from 1d 16:00  NOT HEALED'))
})

test('a short timeline is told entry by entry', (t) => {
  const lines = report({ timeline: storm(5, ['nas']) })
  t.is(lines.filter((line) => line.includes('its disk fails')).length, 5)
})

test('a long timeline is folded: alike faults of one computer become one line', (t) => {
  const lines = report({ timeline: storm(200, ['nas', 'attic']) })
  t.true(lines.includes('  0d 00:00  nas    its disk fails 0 calls (100 times, last 8d 06:00)'))
  t.true(lines.includes('  0d 01:00  attic  its disk fails 1 calls (100 times, last 8d 07:00)'))
})

test('alike faults of very many computers become one line', (t) => {
  const names = Array.from({ length: 100 }, (_, i) => `desk-${i}`)
  const lines = report({ timeline: storm(300, names) })
  const told = lines.filter((line) => line.includes('its disk fails'))
  t.is(told.length, 1)
  t.regex(
    told[0] ?? '',
    /desk-0, desk-1, desk-10 and 97 more {2}its disk fails 0 calls \(300 times/
  )
})

test('a look of the checkers parts what is folded, until even that is too long', (t) => {
  const look = (hour: number): TimelineEntry => ({
    ...{ at: hour * HOUR_MS, who: '', kind: 'check' },
    what: `all is well (${hour} restored)`
  })
  const two = [...storm(50, ['nas']), look(50), ...storm(50, ['nas'])]
  t.is(report({ timeline: two }).filter((line) => line.includes('its disk fails')).length, 2)
  const many = Array.from({ length: 100 }, (_, i) => [...storm(2, ['nas']), look(i)]).flat()
  t.is(report({ timeline: many }).filter((line) => line.includes('its disk fails')).length, 1)
})

test('no violation is ever folded away', (t) => {
  const wrong: TimelineEntry = { at: 0, who: 'undo', kind: 'violation', what: 'is gone' }
  const lines = report({ timeline: [...storm(100, ['nas']), wrong, wrong] })
  t.is(lines.filter((line) => line.includes('VIOLATED: is gone')).length, 2)
})

test('whatever befalls an office, folding loses no fault and no computer', (t) => {
  const entry = fc.record({
    at: fc.nat(7 * 24 * HOUR_MS),
    who: fc.constantFrom('nas', 'attic', 'desk'),
    what: fc.constantFrom('stops', 'its disk fails 3 calls', 'its disk fails 4 calls', 'is gone'),
    kind: fc.constantFrom('fault' as const, 'back' as const, 'check' as const)
  })
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 400, size: 'max' }), (timeline) => {
      const lines = report({ timeline }).filter((line) => /^ {2}\d+d \d\d:\d\d/.test(line))
      const counts = lines.map((line) => Number(/\((\d+) times/.exec(line)?.[1] ?? 1))
      const text = lines.join('\n')
      return (
        counts.reduce((a, b) => a + b, 0) === timeline.length &&
        timeline.every(({ who }) => text.includes(who))
      )
    }),
    { numRuns: 60 }
  )
  t.pass()
})

test('a verdict fits in one line', (t) => {
  t.is(verdictText(ran()), 'small, seed 7: all is well')
})
