// The single values of a scenario file, as people write them: durations, sizes, rates, times of day. Each
// is read into one number of one unit; what cannot be read is answered with what would be right.

import { z } from 'zod'
import type { Range } from './scenario.ts'

export const SECOND_MS = 1000
export const MINUTE_MS = 60 * SECOND_MS
export const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS
const YEAR_MS = 365 * DAY_MS

const VALUE_LENGTH_MAX = 2000
const SHOWN_LENGTH = 40

const TIME_UNITS: Readonly<Record<string, number>> = {
  ...{ ms: 1, s: SECOND_MS, m: MINUTE_MS, min: MINUTE_MS, h: HOUR_MS },
  ...{ d: DAY_MS, w: 7 * DAY_MS, y: YEAR_MS }
}

const SIZE_UNITS: Readonly<Record<string, number>> = {
  ...{ '': 1, b: 1, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 },
  ...{ kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30, tib: 2 ** 40 }
}

const BIT_UNITS: Readonly<Record<string, number>> = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 }

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

/** A text or number of the file, read by `read`; `expected` says what would be right. */
export function scalar<T>(read: (text: string) => T | undefined, expected: string) {
  return z.unknown().transform((value, context): T => {
    const isScalar = typeof value === 'string' || typeof value === 'number'
    const text = isScalar ? String(value).trim() : ''
    const isLong = text.length > VALUE_LENGTH_MAX
    const found = !isScalar || isLong ? undefined : read(text)
    if (found !== undefined) return found
    const is = value === undefined ? 'is missing' : `is ${shown(value)}`
    context.addIssue(`${is}: write ${expected}`)
    return z.NEVER
  })
}

function shown(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a mapping'
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…"` : text
}

/** An object of just these fields. */
export function strict<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: ({ code }) =>
      code === 'unrecognized_keys'
        ? `is not known here: write ${Object.keys(shape).join(', ')}`
        : `is no mapping: write ${Object.keys(shape).join(', ')}, each with its value`
  })
}

/** A list, or what would be its only item. */
export function listOf<Item extends z.ZodType>(item: Item, most: number) {
  const list = z
    .array(item)
    .min(1, 'is an empty list: write at least one, or leave it out')
    .max(most, `is too long a list: write at most ${most}`)
  return z.preprocess((value): unknown => (Array.isArray(value) ? value : [value]), list)
}

/** One or more of these words, or `all`; each once, in their own order. */
export function wordsOf<Word extends string>(words: readonly Word[]) {
  const expected = `all, or a list of ${words.join(', ')}`
  const item = scalar((text) => (text === 'all' ? words : pick(words, text)), expected)
  return listOf(item, 100).transform((list) => {
    const chosen = new Set<string>(list.flat())
    return words.filter((word) => chosen.has(word))
  })
}

function pick<Word extends string>(words: readonly Word[], text: string): Word[] | undefined {
  const word = words.find((each) => each === text)
  return word === undefined ? undefined : [word]
}

export function word<Word extends string>(words: readonly Word[]) {
  return scalar((text) => words.find((each) => each === text), `one of ${words.join(', ')}`)
}

export function text(most: number, expected: string) {
  return scalar((given) => (given !== '' && given.length <= most ? given : undefined), expected)
}

export const truth = z.boolean('is neither true nor false: write one of them')

export function integer(least: number, most: number) {
  const isIn = (value: number): boolean => value >= least && value <= most
  return scalar(
    (given) => (/^-?\d{1,15}$/.test(given) && isIn(Number(given)) ? Number(given) : undefined),
    `a whole number from ${least} to ${most}`
  )
}

/** A share, from 0 to 1. */
export const share = scalar((given) => {
  const value = /^\d+(\.\d+)?$/.test(given) ? Number(given) : Number.NaN
  return value <= 1 ? value : undefined
}, 'a share from 0 to 1')

/** 90s, 1d12h, 250ms; plain only 0. In milliseconds. */
function durationOf(given: string): number | undefined {
  if (given === '0') return 0
  if (!/^(\d+(\.\d+)?\s?(ms|min|[smhdwy])\s?)+$/.test(given)) return undefined
  let sum = 0
  for (const [, amount, unit] of given.matchAll(/(\d+(?:\.\d+)?)\s?(ms|min|[smhdwy])/g)) {
    sum += Number(amount) * (TIME_UNITS[unit ?? ''] ?? Number.NaN)
  }
  return Math.round(sum)
}

const DURATION = 'a duration such as 250ms, 90s, 5m, 2h, 3d, 1w or 1d12h'

/** Bounds in milliseconds, both included. */
export function duration({ least = 0, most = 5 * YEAR_MS, bound = '' } = {}) {
  return scalar(
    (given) => {
      const ms = durationOf(given)
      return ms !== undefined && ms >= least && ms <= most ? ms : undefined
    },
    bound === '' ? DURATION : `${DURATION}, ${bound}`
  )
}

/** How far a clock is off, in milliseconds: `+3h`, `-2d`. */
export const offset = scalar((given) => {
  const ms = durationOf(given.replace(/^[+-]\s?/, ''))
  if (ms === undefined || ms > 50 * YEAR_MS) return undefined
  return given.startsWith('-') ? -ms : ms
}, 'how far it is off, such as +3h, -2d or +2y, at most 50 years')

/** Parts in a million, from -100000 to 100000: `200ppm`. */
export const ppm = scalar((given) => {
  const value = /^[+-]?\d{1,6}(\.\d+)?\s?(ppm)?$/.test(given)
    ? Number.parseFloat(given)
    : Number.NaN
  return Math.abs(value) <= 100_000 ? value : undefined
}, 'parts in a million, such as 200ppm or -50ppm, at most 100000')

/** `1m..20m`, or one value for both ends. */
function rangeOf(given: string, read: (text: string) => number | undefined): Range | undefined {
  const [first = '', last = first, ...rest] = given.split('..').map((end) => end.trim())
  const least = read(first)
  const most = read(last)
  const isRange = least !== undefined && most !== undefined && least <= most && rest.length === 0
  return isRange ? { least, most } : undefined
}

export const durations = scalar((given) => {
  const range = rangeOf(given, durationOf)
  return range !== undefined && range.most <= 5 * YEAR_MS ? range : undefined
}, `${DURATION}, or a range such as 1m..20m`)

export function integers(least: number, most: number) {
  const read = (end: string): number | undefined => {
    const value = /^\d{1,9}$/.test(end) ? Number(end) : Number.NaN
    return value >= least && value <= most ? value : undefined
  }
  const expected = `a whole number from ${least} to ${most}, or a range such as 1..3`
  return scalar((given) => rangeOf(given, read), expected)
}

function sizeOf(given: string): number | undefined {
  const [, amount, unit = ''] = /^(\d{1,15}(?:\.\d+)?)\s?([a-z]*)$/i.exec(given) ?? []
  const bytes = Number(amount) * (SIZE_UNITS[unit.toLowerCase()] ?? Number.NaN)
  return Number.isNaN(bytes) ? undefined : Math.round(bytes)
}

/** In bytes. */
export function size(most: number, bound: string) {
  return scalar((given) => {
    const bytes = sizeOf(given)
    return bytes !== undefined && bytes <= most ? bytes : undefined
  }, `a size such as 300kB, 4MiB or plain bytes, at most ${bound}`)
}

/** In bytes a second. */
export const rate = scalar((given) => {
  const [, amount, unit = ''] = /^(\d{1,9}(?:\.\d+)?)\s?([kmg]?bit)\/s$/i.exec(given) ?? []
  const bits = Number(amount) * (BIT_UNITS[unit.toLowerCase()] ?? Number.NaN)
  const bytes = Number.isNaN(bits) ? sizeOf(given.replace(/\/s$/, '')) : Math.round(bits / 8)
  return bytes !== undefined && bytes >= 1000 && bytes <= 2 ** 40 ? bytes : undefined
}, 'a rate such as 2MiB/s or 10Mbit/s, at least 1kB/s')

/** How often a day: `40/d`, `2/h`, or a plain number. */
export function daily(most: number) {
  return scalar((given) => {
    const [, amount, unit = 'd'] = /^(\d+(?:\.\d+)?)\s?(?:\/\s?(min|[mhdw]))?$/.exec(given) ?? []
    const times = (Number(amount) * DAY_MS) / (TIME_UNITS[unit] ?? Number.NaN)
    return times <= most ? times : undefined
  }, `how often, such as 40/d or 2/h, at most ${most} a day`)
}

/** Of the day, from midnight: `08:00-18:00`, or `always`. */
export const hours = scalar((given) => {
  if (given === 'always') return { fromMs: 0, toMs: DAY_MS }
  const ends = given.split('-').map((end) => {
    const [, hour, minute = '0'] = /^(\d{1,2})(?::([0-5]\d))?$/.exec(end.trim()) ?? []
    const ms = Number(hour) * HOUR_MS + Number(minute) * MINUTE_MS
    return ms <= DAY_MS ? ms : undefined
  })
  const [fromMs, toMs] = ends
  const isSpan = fromMs !== undefined && toMs !== undefined && fromMs !== toMs && ends.length === 2
  return isSpan ? { fromMs, toMs } : undefined
}, 'hours such as 08:00-18:00, or always')

/** Of the week, from 0 for Sunday; sorted. */
const dayRange = scalar((given) => {
  if (given === 'always') return DAYS.keys().toArray()
  const [first = '', last = first, ...rest] = given.toLowerCase().split('-')
  const from = DAYS.indexOf(first.trim().slice(0, 3))
  const to = DAYS.indexOf(last.trim().slice(0, 3))
  if (from < 0 || to < 0 || rest.length > 0) return undefined
  return Array.from({ length: ((to - from + 7) % 7) + 1 }, (_, i) => (from + i) % 7)
}, 'days such as mon-fri, or always, or a list of days')

export const days = listOf(dayRange, 7).transform((list) =>
  [...new Set(list.flat())].sort((a, b) => a - b)
)

/** Milliseconds since 1970. */
export const moment = scalar((given) => {
  const isIso = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(given)
  const ms = isIso ? Date.parse(given) : Number.NaN
  return ms >= Date.UTC(1980) && ms <= Date.UTC(2100) ? ms : undefined
}, 'a time such as 2026-01-05T08:00:00Z, from 1980 to 2099')
