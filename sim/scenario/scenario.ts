// A scenario: an office, what its people do, what befalls it, and when the checkers look. This is what a
// scenario file means once it is read: all names exist, all times are milliseconds, all sizes bytes, and a
// group of alike peers is its peers. How to write one is in README.md.

import type { z } from 'zod'
import type { Role } from '../../store/roster-bodies.ts'
import { ScenarioInvalid } from '../errors.ts'
import type { Lie } from '../liar/lie.ts'
import { meaningOf } from './meaning.ts'
import { scenarioSchema, type CHECKS } from './schema.ts'
import { ScenarioText } from './text.ts'

export type { Lie }
export type CheckName = (typeof CHECKS)[number]

export interface Scenario {
  name: string
  about: string
  /** From the moment the office is set up. */
  lengthMs: number
  /** No fault acts from here to the end: in this time the mesh has to heal. */
  faultsEndMs: number
  /** Wall time when the office is set up, in milliseconds since 1970. */
  startMs: number
  /** At least one; its name is '' if the file names none. */
  sites: readonly Site[]
  /** Every pair of sites. */
  links: readonly SiteLink[]
  policy: { copies: number; sites: number; undoDays: number; keep: ScenarioKeep | undefined }
  base: ScenarioBase | undefined
  /** In the order in which they come; the first founds the mesh. */
  peers: readonly ScenarioPeer[]
  workload: Workload
  faults: readonly Fault[]
  checks: Checks
}

/** Which restore points stay. */
export interface ScenarioKeep {
  last: number
  withinMs: number
  hourly: number
  daily: number
  weekly: number
  monthly: number
  yearly: number
}

export interface Site {
  name: string
  latencyMs: number
  /** Bytes a second of a computer's own link. */
  rate: number
  /** Bytes a second that all its computers together send to other sites; undefined for no bound. */
  uplink: number | undefined
}

export interface SiteLink {
  between: readonly [string, string]
  latencyMs: number
  /** How often a day a connection between the two breaks, on average. */
  lossPerDay: number
}

/** A base image that is made and published before the length begins. */
export interface ScenarioBase {
  name: string
  version: string
  files: number
  bytes: number
  /** The peer that publishes it. */
  by: string
}

export interface ScenarioPeer {
  name: string
  /** The name in the file: `desk` of `desk-2`. */
  group: string
  site: string
  roles: readonly Role[]
  /** Of its own, at the start, beside the base. 0 without the role endpoint. */
  files: number
  bytes: number
  /** It starts with the base on its disk. */
  hasBase: boolean
  /** Capacity of the disk under its home, in bytes; undefined for no bound. */
  diskBytes: number | undefined
  /** What its clock is ahead of the time, at the start. */
  clockMs: number
  /** Microseconds a second that its clock gains. */
  driftPpm: number
  /** Bytes a second of its link. */
  rate: number
  /** From the start. */
  lies: readonly Lie[]
}

/** What people do on each endpoint. */
export interface Workload {
  /** Of the day, in UTC; over midnight if `from` is later than `to`. All day: 0 to 24 hours. */
  hours: { fromMs: number; toMs: number }
  /** Days of the week, 0 for Sunday. */
  days: readonly number[]
  /** Per endpoint and working day. */
  changesPerDay: number
  backupEveryMs: number
  /** Share of the points that are pinned. */
  pins: number
  /** Share of the backups after which a flood of points follows that nobody needs. */
  floods: number
  /** Share of the backups during which people go on working. */
  during: number
}

export interface Checks {
  /** The checkers look every so often, and at the end. */
  everyMs: number
  /** And at these times. Sorted. */
  atMs: readonly number[]
  only: readonly CheckName[]
}

/** From `least` to `most`, both included; drawn anew each time the fault acts. */
export interface Range {
  least: number
  most: number
}

/** Once; or at random moments of a while, so far apart on average. */
export type When =
  { kind: 'once'; atMs: number } | { kind: 'random'; fromMs: number; toMs: number; everyMs: number }

/** Each of these peers; or one of them, drawn anew each time the fault acts. Never empty. */
export interface Who {
  each: boolean
  peers: readonly string[]
}

/** Every link from a peer of the one side to a peer of the other. */
export type Between = readonly [Who, Who]

export type DiskError = 'EIO' | 'ENOSPC' | 'EMFILE' | 'short'
export type DiskOperation = 'open' | 'read' | 'write' | 'sync' | 'list' | 'rename' | 'remove'

interface Acts {
  when: When
  /** Of the file, for people. */
  line: number
}

/** How long, before it is as before. */
interface Passes {
  forMs: Range
}

/** How long; undefined for ever. */
interface MayPass {
  forMs: Range | undefined
}

/** Exactly one of the two. */
type OnLinks = { who: Who; between: undefined } | { who: undefined; between: Between }

export type Fault = Acts &
  (
    | ({ do: 'kill' | 'crash' | 'stop' | 'sleep' | 'replace'; who: Who } & Passes)
    | { do: 'destroy'; who: Who }
    | ({ do: 'cut' | 'silence' | 'oneway'; between: Between } & Passes)
    | ({ do: 'isolate' | 'full' | 'unreadable'; who: Who } & Passes)
    | ({ do: 'drop' } & OnLinks)
    | ({ do: 'slow-link'; rate: number | undefined; latencyMs: number | undefined } & OnLinks &
        Passes)
    | ({
        do: 'disk-error'
        who: Who
        error: DiskError
        /** So many calls fail. Those not made in the time are let be. */
        calls: Range
        /** undefined: whichever comes. */
        operation: DiskOperation | undefined
      } & Passes)
    | ({ do: 'slow-disk'; who: Who; latencyMs: number } & Passes)
    | { do: 'rot'; who: Who; bits: number }
    | ({ do: 'clock'; who: Who; byMs: number } & MayPass)
    | ({ do: 'drift'; who: Who; ppm: number } & MayPass)
    | ({ do: 'lie'; who: Who; lies: readonly Lie[] } & MayPass)
  )

export type FaultKind = Fault['do']

/** Problems that one failure tells; the rest is counted. */
const PROBLEMS_TOLD_MAX = 20

/** Reads a scenario file; `file` is what it is called in messages. @throws {ScenarioInvalid} */
export function readScenario(text: string, { file }: { file: string }): Scenario {
  const source = new ScenarioText(text)
  if (source.value === undefined) throw invalid(source, file)
  const read = scenarioSchema(source.value).safeParse(source.value)
  for (const issue of read.error?.issues ?? []) report(source, issue)
  if (!read.success || source.problems.length > 0) throw invalid(source, file)
  return meaningOf(read.data, (fault) => source.lineOf(['faults', fault]))
}

function report(source: ScenarioText, issue: z.core.$ZodIssue): void {
  const { code, path, message } = issue
  const named = (names: readonly PropertyKey[], what: string): string => {
    const name = names.filter((step) => typeof step !== 'number').join('.')
    return `${name === '' ? 'the file' : name} ${what}`
  }
  if (code === 'unrecognized_keys') {
    for (const key of issue.keys) {
      const place = [...path, key]
      source.report(place, named(place, message), { atKey: true })
    }
  } else if (code === 'invalid_key') {
    source.report(path, named(path, issue.issues[0]?.message ?? message), { atKey: true })
  } else source.report(path, named(path, message))
}

function invalid({ problems }: ScenarioText, file: string): ScenarioInvalid {
  const [first = { line: 1, column: 1, what: '' }] = problems
  const told = problems
    .slice(0, PROBLEMS_TOLD_MAX)
    .map(({ line, column, what }) => `${file}:${line}:${column}: ${what}`)
  if (problems.length > told.length) told.push(`and ${problems.length - told.length} more`)
  const [, allowed] = first.what.split(': write ')
  const { line, column } = first
  const next =
    allowed === undefined
      ? `Correct line ${line}; sim/README.md says how a scenario is written.`
      : `In line ${line} write ${allowed}.`
  return new ScenarioInvalid(told.join('\n'), { file, line, column, next })
}
