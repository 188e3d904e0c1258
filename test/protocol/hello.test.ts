// Hello: whatever two members knew before, afterwards both know it all; and what a member that is no
// friend can say.

import test from 'ava'
import fc from 'fast-check'
import { sha256, toHex } from '../../store/block.ts'
import { converse } from '../../protocol/framing.ts'
import {
  SETS,
  VERSION,
  answerHello,
  sayHello,
  setDigest,
  type HelloSide,
  type RecordSet,
  type SetName
} from '../../protocol/hello.ts'
import { failureOf, pair, type Pair } from './_pair.ts'

class MemorySet implements RecordSet {
  readonly records = new Map<string, Uint8Array>()
  added = 0

  constructor(records: readonly Uint8Array[] = []) {
    for (const record of records) this.records.set(toHex(sha256(record)), record)
  }

  ids(): Iterable<string> {
    return this.records.keys()
  }

  get(id: string): Uint8Array | undefined {
    return this.records.get(id)
  }

  async add(records: readonly Uint8Array[]): Promise<void> {
    this.added += records.length
    for (const record of records) this.records.set(toHex(sha256(record)), record)
  }
}

const MESH = new Uint8Array(32).fill(7)
type Sets = Partial<Record<SetName, readonly Uint8Array[]>>

function sideOf(sets: Sets, mesh = MESH): HelloSide & { sets: Record<SetName, MemorySet> } {
  const { roster, bases, receipts, marks } = sets
  return {
    mesh,
    card: { addresses: ['10.0.0.1:1'], software: 'test', hints: [] },
    sets: {
      roster: new MemorySet(roster),
      bases: new MemorySet(bases),
      receipts: new MemorySet(receipts),
      marks: new MemorySet(marks)
    }
  }
}

async function meet({ one, other }: Pair, a: HelloSide, b: HelloSide): Promise<void> {
  const answering = converse(other, () => answerHello(other, () => b))
  await converse(one, () => sayHello(one, a))
  await one.end()
  await answering
}

function numbered(from: number, to: number): Uint8Array[] {
  return Array.from({ length: to - from }, (_, i) => Buffer.from(`record ${from + i}`))
}

test('two members with any records end with the same, in every set', async (t) => {
  const anySet = fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { maxLength: 30 })
  const anySets = fc.tuple(anySet, anySet, anySet, anySet)
  const toSets = (numbers: number[][]): Sets =>
    Object.fromEntries(
      SETS.map((name, i) => [name, (numbers[i] ?? []).map((n) => Buffer.from(`${name} ${n}`))])
    )
  await fc.assert(
    fc.asyncProperty(anySets, anySets, async (left, right) => {
      const [a, b] = [sideOf(toSets(left)), sideOf(toSets(right))]
      await meet(pair(), a, b)
      for (const [i, name] of SETS.entries()) {
        const all = new Set([...(left[i] ?? []), ...(right[i] ?? [])])
        t.is(a.sets[name].records.size, all.size)
        t.deepEqual(setDigest(a.sets[name].ids()), setDigest(b.sets[name].ids()))
      }
    }),
    { numRuns: 40 }
  )
})

test('more ids and records than one frame holds are all exchanged', async (t) => {
  const a = sideOf({ roster: numbered(0, 2500) })
  const b = sideOf({ roster: numbered(1200, 3700) })
  await meet(pair(), a, b)
  t.is(a.sets.roster.records.size, 3700)
  t.is(b.sets.roster.records.size, 3700)
  t.is(a.sets.roster.added, 1200)
  t.is(b.sets.roster.added, 1200)
})

test('sets of any size end the same, after a few rounds', async (t) => {
  const cases = [
    [numbered(0, 12_000), numbered(11_000, 23_500)],
    [[], numbered(0, 23_500)],
    [numbered(0, 23_500), numbered(5, 6)]
  ] as const
  for (const [left, right] of cases) {
    const [a, b] = [sideOf({ marks: left }), sideOf({ marks: right })]
    for (let round = 0; round < 3; round++) await meet(pair(), a, b)
    t.is(a.sets.marks.records.size, 23_500)
    t.is(b.sets.marks.records.size, 23_500)
    t.is(a.sets.marks.added + left.length, 23_500)
    t.is(b.sets.marks.added + right.length, 23_500)
  }
})

test('what both have is not sent', async (t) => {
  const a = sideOf({ marks: numbered(0, 50) })
  const b = sideOf({ marks: numbered(0, 50) })
  await meet(pair(), a, b)
  t.is(a.sets.marks.added + b.sets.marks.added, 0)
})

test('one channel carries several rounds, and each tells the card', async (t) => {
  const { one, other } = pair()
  const [a, b] = [sideOf({}), sideOf({})]
  const cards: string[] = []
  const answering = answerHello(
    other,
    () => b,
    (card) => cards.push(card.software)
  )
  for (let round = 1; round <= 3; round++) {
    await a.sets.marks.add(numbered(0, round))
    t.is((await sayHello(one, a)).software, 'test')
    t.is(b.sets.marks.records.size, round)
  }
  await one.end()
  await answering
  t.deepEqual(cards, ['test', 'test', 'test'])
})

test('a member of another mesh learns nothing, not even which', async (t) => {
  const { one, other } = pair()
  const ours = sideOf({ roster: numbered(0, 3) })
  const theirs = sideOf({}, new Uint8Array(32).fill(8))
  const answering = failureOf(converse(other, () => answerHello(other, () => ours)))
  t.is((await failureOf(converse(one, () => sayHello(one, theirs)))).name, 'WireCut')
  t.is((await answering).name, 'Refused')
})

/** Says a greeting of our own making, then whatever follows; returns how the answerer fails. */
async function failWith(
  greeting: object,
  ...more: readonly (readonly [string, ...unknown[]])[]
): Promise<{ failure: Error; side: ReturnType<typeof sideOf> }> {
  const { one, other } = pair()
  const side = sideOf({ roster: numbered(0, 3) })
  const failing = failureOf(converse(other, () => answerHello(other, () => side)))
  const right = {
    v: VERSION,
    mesh: MESH,
    card: side.card,
    digests: SETS.map(() => new Uint8Array(32))
  }
  await one.send(['hello', { ...right, ...greeting }])
  for (const message of more) await one.send(message).catch(() => undefined)
  return { failure: await failing, side }
}

test('another version is named', async (t) => {
  const { failure } = await failWith({ v: 2 })
  t.is(failure.name, 'Malformed')
  t.regex(failure.message, /version 2/)
})

test('a greeting with a field too many, or lists that are too long, is malformed', async (t) => {
  const hints = Array.from({ length: 65 }, () => [new Uint8Array(32), []])
  const wrong = [
    { more: 1 },
    { mesh: new Uint8Array(31) },
    { digests: Array.from({ length: 5 }, () => new Uint8Array(32)) },
    { card: { addresses: new Array(9).fill('a'), software: '', hints: [] } },
    { card: { addresses: ['a'.repeat(257)], software: '', hints: [] } },
    { card: { addresses: [], software: '', hints } }
  ]
  for (const fields of wrong) t.is((await failWith(fields)).failure.name, 'Malformed')
})

test('ids that do not rise or do not end, and sets that nobody knows, are malformed', async (t) => {
  const ids = Array.from({ length: 1001 }, (_, i) => Buffer.alloc(32, i % 256).fill(i >> 8, 0, 1))
  ids.sort((a, b) => Buffer.compare(a, b))
  const start = ['ids', 'roster', ids.slice(0, 2), true] as const
  const given = ['records', [], false] as const
  const fails = async (...more: readonly (readonly [string, ...unknown[]])[]): Promise<string> => {
    const { failure } = await failWith({}, ...more)
    t.is(failure.name, 'Malformed')
    return failure.message
  }
  t.regex(await fails(['ids', 'roster', ids.slice(0, 2).reverse(), false]), /do not rise/)
  t.regex(await fails(start, given, start), /do not rise/)
  t.regex(await fails(start, given, ['ids', 'marks', ids.slice(2, 3), false]), /another set/)
  t.regex(await fails(['ids', 'roster', [], true]), /without end/)
  t.regex(await fails(['ids', 'passwords', [], false]), /not known/)
  await fails(['ids', 'roster', ids, false])
  await fails(['ids', 'roster', [new Uint8Array(31)], false])
})

test('records that are too large or without end are not taken', async (t) => {
  const start = ['ids', 'roster', [], false] as const
  const large = await failWith({}, start, ['records', [new Uint8Array(8193)], false])
  t.is(large.failure.name, 'Malformed')
  const endless = await failWith({}, start, ['records', [], true])
  t.regex(endless.failure.message, /without end/)
  t.is(large.side.sets.roster.added + endless.side.sets.roster.added, 0)
})
