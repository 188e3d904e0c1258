// Which points stay: each rule by itself, what no rule may let go of, and the laws that a plan keeps
// whatever the points and the rules are. An oracle written by the sentences of FORMAT.md judges the plans.

import test from 'ava'
import fc from 'fast-check'
import {
  SLOT_RULES,
  keepRulesOf,
  keepsEverything,
  planCollapse,
  planRetention,
  safestOf,
  type KeepRules,
  type KeptPoint,
  type PlanInput
} from '../../store/retention.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** A Thursday. */
const NOON = Date.UTC(2026, 0, 1, 12)

/** One point every `everyMs`, received as soon as it was taken; the last at `NOON`. */
function series(count: number, everyMs: number): KeptPoint[] {
  return Array.from({ length: count }, (_, i) => {
    const time = NOON - (count - 1 - i) * everyMs
    return { number: i + 1, time, received: time, pinned: false, beforeLoss: false }
  })
}

function numbersKept(points: readonly KeptPoint[], rules: Partial<KeepRules>, now = NOON) {
  const plan = planRetention({ points, rules: keepRulesOf(rules), now })
  return plan.kept.map(({ number }) => number)
}

test('without rules, or with rules that say nothing, everything stays', (t) => {
  const points = series(5, DAY_MS)
  t.deepEqual(planRetention({ points, rules: undefined, now: NOON }).dropped, [])
  t.deepEqual(numbersKept(points, {}), [1, 2, 3, 4, 5])
})

test('the last ones stay, by number', (t) => {
  t.deepEqual(numbersKept(series(5, DAY_MS), { last: 2 }), [4, 5])
  t.deepEqual(numbersKept(series(2, DAY_MS), { last: 9 }), [1, 2])
})

test('of each slot of the calendar the newest stays', (t) => {
  // Six-hourly points; the last at noon.
  const points = series(9, 6 * HOUR_MS)
  t.deepEqual(numbersKept(points, { daily: 2 }), [6, 9])
  t.deepEqual(numbersKept(points, { daily: 1, hourly: 3 }), [7, 8, 9])
})

test('weeks begin on Monday, in UTC', (t) => {
  const [thursday, wednesday, tuesday, monday, sunday] = series(5, DAY_MS).reverse()
  const all = [sunday, monday, tuesday, wednesday, thursday].filter((point) => point !== undefined)
  t.deepEqual(numbersKept(all, { weekly: 2 }), [1, 5])
})

test('months and years are those of the calendar', (t) => {
  const points = series(400, DAY_MS)
  const monthly = numbersKept(points, { monthly: 3 }).map((n) => points[n - 1]?.time ?? 0)
  t.deepEqual(
    monthly.map((time) => new Date(time).toISOString().slice(0, 10)),
    ['2025-11-30', '2025-12-31', '2026-01-01']
  )
  t.is(numbersKept(points, { yearly: 5 }).length, 3)
})

test('slots without points are not counted', (t) => {
  const points = series(3, 40 * DAY_MS)
  t.deepEqual(numbersKept(points, { daily: 3 }), [1, 2, 3])
})

test('within counts from the moment of the plan, by receipts and not by dates', (t) => {
  const points = series(4, DAY_MS).map((point) => ({ ...point, time: Date.UTC(1999, 0, 1) }))
  t.deepEqual(numbersKept(points, { withinHours: 36 }), [3, 4])
  t.deepEqual(numbersKept(points, { withinHours: 36 }, NOON - 2 * DAY_MS), [1, 2, 3, 4])
})

test('what no storage peer signed for is not older than any span', (t) => {
  const points = series(3, DAY_MS).map((point) => ({ ...point, received: undefined }))
  t.deepEqual(numbersKept(points, { withinHours: 1 }), [1, 2, 3])
  const signed = series(3, DAY_MS)
  const rules = keepRulesOf({ withinHours: 1 })
  t.is(planRetention({ points: signed, rules, now: undefined }).dropped.length, 0)
})

test('the latest, pinned points and the one before a mass deletion stay whatever the rules', (t) => {
  const points = series(6, DAY_MS)
  const marked = points.map((point) => ({
    ...point,
    pinned: point.number === 1,
    beforeLoss: point.number === 3
  }))
  const plan = planRetention({ points: marked, rules: keepRulesOf({ hourly: 1 }), now: NOON })
  t.deepEqual(plan.kept, [
    { number: 1, by: ['pinned'] },
    { number: 3, by: ['beforeLoss'] },
    { number: 6, by: ['latest', 'hourly'] }
  ])
})

test('a date in the future takes no later place than storage peers had the point', (t) => {
  const honest = series(7, DAY_MS)
  const junk = Array.from({ length: 50 }, (_, i) => ({
    ...{ number: 8 + i, time: NOON + (i + 1) * DAY_MS, received: NOON + 1000 },
    ...{ pinned: false, beforeLoss: false }
  }))
  const kept = numbersKept([...honest, ...junk], { daily: 7 })
  t.deepEqual(kept, [1, 2, 3, 4, 5, 6, 57])
})

test('a plan says which point stays in place of one that goes', (t) => {
  const points = series(5, 6 * HOUR_MS)
  const { dropped } = planRetention({ points, rules: keepRulesOf({ daily: 2 }), now: NOON })
  t.deepEqual(dropped, [
    { number: 1, instead: { rule: 'daily', number: 2 } },
    { number: 3, instead: { rule: 'daily', number: 5 } },
    { number: 4, instead: { rule: 'daily', number: 5 } }
  ])
})

test('a collapse drops what lies between two points, but pinned ones', (t) => {
  const points = series(6, DAY_MS).map((each) => ({ ...each, pinned: each.number === 4 }))
  const { kept, dropped } = planCollapse(points, { from: 2, to: 6 })
  t.deepEqual(
    [kept, dropped],
    [
      [1, 2, 4, 6],
      [3, 5]
    ]
  )
  t.deepEqual(planCollapse(points, { from: 6, to: 2 }).dropped, [])
})

const anyRules = fc
  .record(
    Object.fromEntries(
      (['last', ...SLOT_RULES] as const).map((rule) => [rule, fc.integer({ min: 0, max: 5 })])
    )
  )
  .chain((each) =>
    fc.integer({ min: 0, max: 400 }).map((h) => keepRulesOf({ ...each, withinHours: h }))
  )

const anyPoints: fc.Arbitrary<KeptPoint[]> = fc
  .array(
    fc.record({
      time: fc.oneof(
        fc.integer({ min: NOON - 900 * DAY_MS, max: NOON }),
        fc.constantFrom(0, NOON + 3000 * DAY_MS, Number.MAX_SAFE_INTEGER)
      ),
      received: fc.option(fc.integer({ min: NOON - 900 * DAY_MS, max: NOON }), { nil: undefined }),
      pinned: fc.boolean(),
      beforeLoss: fc.integer({ min: 0, max: 9 }).map((n) => n === 0)
    }),
    { maxLength: 40 }
  )
  .map((each) => each.map((point, i) => ({ ...point, number: 2 * i + 1 })))

const anyInput = fc.record({
  points: anyPoints,
  rules: anyRules,
  now: fc.constantFrom(NOON, undefined)
})
const keptBy = (input: PlanInput): number[] => planRetention(input).kept.map(({ number }) => number)

test('every point is kept or dropped, and the latest is kept', (t) => {
  fc.assert(
    fc.property(anyInput, (input) => {
      const { kept, dropped } = planRetention(input)
      const all = [...kept, ...dropped].map(({ number }) => number).sort((a, b) => a - b)
      t.deepEqual(
        all,
        input.points.map(({ number }) => number)
      )
      const latest = input.points.at(-1)?.number
      t.is(kept.at(-1)?.number, latest)
      for (const { instead } of dropped) {
        if (instead) t.true(kept.some(({ number }) => number === instead.number))
      }
    }),
    { seed: 1, numRuns: 500 }
  )
})

test('what a plan left is left by the same plan again', (t) => {
  fc.assert(
    fc.property(anyInput, (input) => {
      const kept = new Set(keptBy(input))
      const points = input.points.filter(({ number }) => kept.has(number))
      t.deepEqual(keptBy({ ...input, points }), [...kept])
    }),
    { seed: 2, numRuns: 500 }
  )
})

test('more generous rules keep all that each of two would', (t) => {
  fc.assert(
    fc.property(anyInput, anyRules, (input, other) => {
      const both = new Set(keptBy({ ...input, rules: safestOf(input.rules, other) }))
      for (const rules of [input.rules, other]) {
        for (const number of keptBy({ ...input, rules })) t.true(both.has(number))
      }
      t.is(
        keepsEverything(safestOf(input.rules, other)),
        keepsEverything(input.rules) || keepsEverything(other)
      )
    }),
    { seed: 3, numRuns: 500 }
  )
})

test('no flood of points pushes out what within keeps', (t) => {
  fc.assert(
    fc.property(anyInput, anyPoints, (input, junk) => {
      const rules = keepRulesOf({ ...input.rules, withinHours: 300 })
      const before = planRetention({ ...input, rules }).kept.filter(({ by }) =>
        by.includes('withinHours')
      )
      const end = input.points.at(-1)?.number ?? 0
      const points = [
        ...input.points,
        ...junk.map((point) => ({ ...point, number: end + point.number }))
      ]
      const after = new Set(keptBy({ ...input, rules, points }))
      for (const { number } of before) t.true(after.has(number))
    }),
    { seed: 4, numRuns: 500 }
  )
})
