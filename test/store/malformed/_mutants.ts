// Mutants: samples of the corpus, changed in the ways in which bytes go wrong, by accident or not. A change
// is numbers that fit a sample of any length, so that a failure shrinks and can be repeated.

import fc from 'fast-check'
import { readCorpus, type Sample } from '../../_corpus/text.ts'

const HUGE_BYTES = 20_000
const KINDS = ['flip', 'set', 'cut', 'insert', 'double', 'splice', 'swap', 'number'] as const

export interface Change {
  kind: (typeof KINDS)[number]
  at: number
  other: number
  length: number
  value: number
}

/** Which samples, and what is done to the first, with the help of the second. */
export interface Plan {
  sample: number
  second: number
  changes: readonly Change[]
}

/** Values that sit on edges. */
const BYTES = [
  0, 1, 0x17, 0x18, 0x1f, 0x3f, 0x40, 0x5b, 0x7f, 0x80, 0x81, 0x9f, 0xa0, 0xc2, 0xd8, 0xff
]
const NUMBERS = [
  ...['00', '0000', '0001', 'ffff', '7fffffff', '80000000', 'ffffffff', '00100000', '00100001'],
  ...['001fffffffffffff', '0020000000000000', '7fffffffffffffff', 'ffffffffffffffff']
].map((hex) => Buffer.from(hex, 'hex'))
const PIECES = [
  ...['f7', 'f97e00', 'fb7ff8000000000000', '5b0020000000000000', '9fff', 'bfff', 'c249', 'd82a'],
  ...['9b0020000000000000', 'bb0020000000000000', '1801', '60', '40', '80', 'a0', '8180'],
  ...['ffffffffffffffffffff', '44535231', '44534631', '01551220', '01711220', '0000000000000000'],
  ...['2e2e2f', '2f', '20', '2e', '0a', '1b5b', 'c3a9', '65cc81', 'e280a6', 'efbbbf', 'eda080']
].map((hex) => Buffer.from(hex, 'hex'))

const number = fc.nat(1 << 20)
const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom(...KINDS),
  at: number,
  other: number,
  length: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 300 })),
  value: number
})

export const anyPlan: fc.Arbitrary<Plan> = fc.record({
  sample: number,
  second: number,
  changes: fc.array(change, { minLength: 1, maxLength: 4 })
})

/** What mutants of a format are made of: as many valid samples as nasty ones, and none that is huge. */
export function mutableSamples(format: string): Sample[] {
  const [valid, nasty] = [readCorpus('valid', format), readCorpus('nasty', format)]
  const times = Math.max(1, Math.ceil(nasty.length / valid.length))
  const all = [...Array.from({ length: times }, () => valid).flat(), ...nasty]
  return all.filter(({ bytes }) => bytes.length <= HUGE_BYTES)
}

/** The mutant of a plan. */
export function mutantOf(
  samples: readonly Sample[],
  { sample, second, changes }: Plan
): Uint8Array {
  const mine = samples[sample % samples.length]?.bytes ?? new Uint8Array(0)
  const other = samples[second % samples.length]?.bytes ?? new Uint8Array(0)
  let bytes: Uint8Array = new Uint8Array(mine)
  for (const each of changes) bytes = changed(bytes, each, other)
  return bytes
}

function changed(bytes: Uint8Array, change: Change, second: Uint8Array): Uint8Array {
  const at = change.at % (bytes.length + 1)
  const to = change.other % (bytes.length + 1)
  const { kind, length, value } = change
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
  switch (kind) {
    case 'flip':
      return over(bytes, at, Uint8Array.of((bytes[at] ?? 0) ^ (1 << (value % 8))))
    case 'set':
      return over(bytes, at, Uint8Array.of(BYTES[value % BYTES.length] ?? 0))
    case 'number':
      return over(bytes, at, NUMBERS[value % NUMBERS.length] ?? bytes)
    case 'cut':
      return value % 3 === 0 ? before : Buffer.concat([before, after.subarray(length)])
    case 'insert':
      return Buffer.concat([before, PIECES[value % PIECES.length] ?? before, after])
    case 'double':
      return Buffer.concat([bytes.subarray(0, to), after.subarray(0, length), bytes.subarray(to)])
    case 'splice':
      return Buffer.concat([before, second.subarray(change.other % (second.length + 1))])
    case 'swap': {
      const [low, high] = [Math.min(at, to), Math.max(at, to)]
      const [first, last] = [bytes.subarray(low, low + length), bytes.subarray(high, high + length)]
      if (low + length > high) return bytes
      const between = bytes.subarray(low + length, high)
      return Buffer.concat([
        bytes.subarray(0, low),
        last,
        between,
        first,
        bytes.subarray(high + length)
      ])
    }
  }
}

/** `bytes` with `piece` in the place of as many of theirs, cut at their end. */
function over(bytes: Uint8Array, at: number, piece: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes)
  out.set(piece.subarray(0, bytes.length - at), at)
  return out
}
