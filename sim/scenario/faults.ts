// What can befall an office: how each kind of fault is written, and how long it lasts where that is not
// said. No fault may act in the time that the mesh is given to heal: at a fixed time that is an error, and
// random ones end before.

import { z } from 'zod'
import { LIES } from '../liar/lie.ts'
import { chosen, who, type Names, type WrittenWho } from './names.ts'
import {
  duration,
  durations,
  HOUR_MS,
  integer,
  integers,
  MINUTE_MS,
  offset,
  ppm,
  rate,
  SECOND_MS,
  strict,
  word,
  wordsOf
} from './values.ts'
import type { Between, DiskError, DiskOperation, FaultKind, Range, When } from './scenario.ts'

const FAULT_KINDS: readonly FaultKind[] = [
  ...(['kill', 'crash', 'stop', 'sleep', 'destroy', 'replace'] as const),
  ...(['cut', 'silence', 'oneway', 'isolate', 'drop', 'slow-link'] as const),
  ...(['disk-error', 'slow-disk', 'full', 'rot', 'unreadable'] as const),
  ...(['clock', 'drift', 'lie'] as const)
]

/** How long, where a fault does not say `for`. */
const DEFAULT_FOR = {
  kill: { least: 5 * SECOND_MS, most: 2 * MINUTE_MS },
  crash: { least: MINUTE_MS, most: 10 * MINUTE_MS },
  stop: { least: MINUTE_MS, most: HOUR_MS },
  sleep: { least: 30 * MINUTE_MS, most: 8 * HOUR_MS },
  replace: { least: HOUR_MS, most: 4 * HOUR_MS },
  cut: { least: MINUTE_MS, most: 30 * MINUTE_MS },
  silence: { least: MINUTE_MS, most: 30 * MINUTE_MS },
  oneway: { least: MINUTE_MS, most: 30 * MINUTE_MS },
  isolate: { least: MINUTE_MS, most: 30 * MINUTE_MS },
  'slow-link': { least: 10 * MINUTE_MS, most: HOUR_MS },
  'disk-error': { least: 10 * MINUTE_MS, most: 10 * MINUTE_MS },
  'slow-disk': { least: 10 * MINUTE_MS, most: HOUR_MS },
  full: { least: 10 * MINUTE_MS, most: HOUR_MS },
  unreadable: { least: 10 * MINUTE_MS, most: 2 * HOUR_MS }
} as const satisfies Partial<Record<FaultKind, Range>>

const DEFAULT_LINK_LATENCY_MS = 200
const DEFAULT_DISK_LATENCY_MS = 50
const LATENCY = duration({ most: MINUTE_MS, bound: 'at most 1m' })
const CALLS_MAX = 10_000
const BITS_MAX = 10_000

const DISK_ERRORS: readonly DiskError[] = ['EIO', 'ENOSPC', 'EMFILE', 'short']
const DISK_OPERATIONS: readonly DiskOperation[] = [
  ...(['open', 'read', 'write', 'sync', 'list', 'rename', 'remove'] as const)
]

export interface Span {
  lengthMs: number
  faultsEndMs: number
}

const EVERY_MIN_MS = SECOND_MS
const TIME = duration()
const TIMES = {
  at: TIME.optional(),
  from: TIME.optional(),
  to: TIME.optional(),
  every: duration({ least: EVERY_MIN_MS, bound: 'at least 1s' }).optional()
}
const FOR = { for: durations.optional() }

type Times = { [Name in keyof typeof TIMES]?: number | undefined }

interface Reading {
  span: Span
  /** Whatever cannot be is told here. */
  issues: z.RefinementCtx
}

/** When a fault acts that lasts at most `lastsMs`. */
function whenOf(times: Times, lastsMs: number, { span, issues }: Reading): When {
  const { at, from = 0, to = span.faultsEndMs, every } = times
  const problem = (field: string, message: string): void =>
    issues.addIssue({ code: 'custom', path: [field], message })
  const end = `faults end ${timeText(span.faultsEndMs)} after the start, so that the mesh can heal`
  if (at !== undefined) {
    for (const field of ['from', 'to', 'every'] as const) {
      if (times[field] !== undefined)
        problem(field, 'has no meaning beside at: leave one of them out')
    }
    if (at >= span.faultsEndMs) problem('at', `is too late: ${end}`)
    else if (at + lastsMs > span.faultsEndMs) {
      problem('at', `is too late for what lasts ${timeText(lastsMs)}: ${end}`)
    }
    return { kind: 'once', atMs: at }
  }
  if (every === undefined) {
    issues.addIssue('has no time: write at, or every with from and to')
  }
  if (from >= span.faultsEndMs) problem('from', `is too late: ${end}`)
  else if (from >= to) problem('to', 'is not after from: write a later time')
  const toMs = Math.min(to, span.faultsEndMs)
  return { kind: 'random', fromMs: from, toMs, everyMs: every ?? EVERY_MIN_MS }
}

/** 1d12h */
export function timeText(ms: number): string {
  const parts = [
    [Math.floor(ms / (24 * HOUR_MS)), 'd'],
    [Math.floor(ms / HOUR_MS) % 24, 'h'],
    [Math.floor(ms / MINUTE_MS) % 60, 'm'],
    [Math.floor(ms / SECOND_MS) % 60, 's']
  ] as const
  const text = parts.map(([amount, unit]) => (amount === 0 ? '' : `${amount}${unit}`)).join('')
  return text === '' ? '0s' : text
}

/** A fault of computers. */
function one(written: Times & { who: WrittenWho }, lastsMs: number, reading: Reading) {
  const when = whenOf(written, lastsMs, reading)
  return { when, who: chosen(written.who, when.kind === 'once') }
}

/** A fault of links; names mean each of their peers, so that sites are cut from each other whole. */
function two(written: Times & { between: WrittenSides }, lastsMs: number, reading: Reading) {
  const sides = written.between.map((side) => chosen(side, true))
  const [from, to] = sides
  if (from === undefined || to === undefined) throw new Error('a link has two ends')
  const between: Between = [from, to]
  return { when: whenOf(written, lastsMs, reading), between }
}

type WrittenSides = readonly [WrittenWho, WrittenWho]

function computerFaults(names: Names, span: Span) {
  const fields = { ...TIMES, ...FOR, who: who(names) }
  const lasting = z.enum(['kill', 'crash', 'stop', 'sleep', 'isolate', 'full'])
  const ofTrees = z.enum(['replace', 'unreadable'])
  return [
    strict({ ...fields, do: lasting }).transform((written, issues) => {
      const forMs = written.for ?? DEFAULT_FOR[written.do]
      return { do: written.do, forMs, ...one(written, forMs.most, { span, issues }) }
    }),
    strict({ ...fields, do: ofTrees, who: who(names, { only: 'endpoint' }) }).transform(
      (written, issues) => {
        const forMs = written.for ?? DEFAULT_FOR[written.do]
        return { do: written.do, forMs, ...one(written, forMs.most, { span, issues }) }
      }
    ),
    strict({ ...TIMES, do: z.literal('destroy'), who: fields.who }).transform(
      (written, issues) => ({ do: written.do, ...one(written, 0, { span, issues }) })
    )
  ] as const
}

/** What lasts for ever, unless it is said how long. */
function habits(names: Names, span: Span) {
  const fields = { ...TIMES, ...FOR, who: who(names) }
  const lies = wordsOf(LIES).default([...LIES])
  return [
    strict({ ...fields, do: z.literal('clock'), by: offset }).transform((written, issues) => {
      const { do: kind, for: forMs, by: byMs } = written
      return { do: kind, forMs, byMs, ...one(written, forMs?.most ?? 0, { span, issues }) }
    }),
    strict({ ...fields, do: z.literal('drift'), ppm }).transform((written, issues) => {
      const { do: kind, for: forMs, ppm: gained } = written
      return { do: kind, forMs, ppm: gained, ...one(written, forMs?.most ?? 0, { span, issues }) }
    }),
    strict({ ...fields, do: z.literal('lie'), lies }).transform((written, issues) => {
      const { do: kind, for: forMs, lies: told } = written
      return { do: kind, forMs, lies: told, ...one(written, forMs?.most ?? 0, { span, issues }) }
    })
  ] as const
}

function diskFaults(names: Names, span: Span) {
  const fields = { ...TIMES, who: who(names) }
  const broken = {
    error: word(DISK_ERRORS).default('EIO'),
    calls: integers(1, CALLS_MAX).default({ least: 1, most: 1 }),
    operation: word(DISK_OPERATIONS).optional()
  }
  const latency = LATENCY.default(DEFAULT_DISK_LATENCY_MS)
  return [
    strict({ ...fields, ...FOR, do: z.literal('disk-error'), ...broken }).transform(
      (written, issues) => {
        const { do: kind, error, calls, operation } = written
        const forMs = written.for ?? DEFAULT_FOR[kind]
        const acts = one(written, forMs.most, { span, issues })
        return { do: kind, forMs, error, calls, operation, ...acts }
      }
    ),
    strict({ ...fields, ...FOR, do: z.literal('slow-disk'), latency }).transform(
      (written, issues) => {
        const { do: kind, latency: latencyMs } = written
        const forMs = written.for ?? DEFAULT_FOR[kind]
        return { do: kind, forMs, latencyMs, ...one(written, forMs.most, { span, issues }) }
      }
    ),
    strict({ ...fields, do: z.literal('rot'), bits: integer(1, BITS_MAX).default(1) }).transform(
      (written, issues) => ({
        do: written.do,
        bits: written.bits,
        ...one(written, 0, { span, issues })
      })
    )
  ] as const
}

function linkFaults(names: Names, span: Span) {
  const side = who(names)
  const between = z.tuple([side, side], 'names no two ends: write two peers, groups or sites')
  const either = { ...TIMES, who: side.optional(), between: between.optional() }
  const kinds = z.enum(['cut', 'silence', 'oneway'])
  const slow = { rate: rate.optional(), latency: LATENCY.optional() }
  return [
    strict({ ...TIMES, ...FOR, do: kinds, between }).transform((written, issues) => {
      const forMs = written.for ?? DEFAULT_FOR[written.do]
      return { do: written.do, forMs, ...two(written, forMs.most, { span, issues }) }
    }),
    strict({ ...either, do: z.literal('drop') }).transform((written, issues) => ({
      do: written.do,
      ...oneOrTwo(written, 0, { span, issues })
    })),
    strict({ ...either, ...FOR, do: z.literal('slow-link'), ...slow }).transform(
      (written, issues) => {
        const { do: kind, rate: slowRate, latency } = written
        const forMs = written.for ?? DEFAULT_FOR[kind]
        const isBare = slowRate === undefined && latency === undefined
        const latencyMs = isBare ? DEFAULT_LINK_LATENCY_MS : latency
        const acts = oneOrTwo(written, forMs.most, { span, issues })
        return { do: kind, forMs, rate: slowRate, latencyMs, ...acts }
      }
    )
  ] as const
}

/** All links of computers, or those between two sides. */
function oneOrTwo(
  written: Times & { who?: WrittenWho | undefined; between?: WrittenSides | undefined },
  lastsMs: number,
  reading: Reading
) {
  const { who: whose, between } = written
  if (whose !== undefined && between === undefined) {
    return { between: undefined, ...one({ ...written, who: whose }, lastsMs, reading) }
  }
  if (between !== undefined && whose === undefined) {
    return { who: undefined, ...two({ ...written, between }, lastsMs, reading) }
  }
  reading.issues.addIssue('has no ends, or too many: write either who or between')
  return z.NEVER
}

/** One fault; `span` says when faults end. */
export function faultSchema(names: Names, span: Span) {
  const links = linkFaults(names, span)
  const disks = diskFaults(names, span)
  const kinds = [
    ...computerFaults(names, span),
    ...links,
    ...disks,
    ...habits(names, span)
  ] as const
  return z.discriminatedUnion('do', kinds, {
    error: ({ input }) =>
      typeof input === 'object' && input !== null
        ? `is no kind of fault: write one of ${FAULT_KINDS.join(', ')}`
        : 'is no fault: write a mapping such as { at: 1d, do: crash, who: any }'
  })
}
