// A run as its reader wants it told: was all well, who was down, what was at risk and when it healed, what
// was checked, and how to see a violation again. A long timeline is folded until it fits: alike entries
// become one, first of one computer between two looks, at last of the whole run.

import { tableText } from '../node/cli/output.ts'
import type { Simulation, TimelineEntry } from './simulation.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

const TIMELINE_LINES_MAX = 60
const NAMES_MAX = 3

export interface ReportInit {
  /** The scenario as it was named, for the command that runs it again. */
  file: string
  /** What the scenario says about itself. */
  about: string
}

/** The report, line by line. The same run gives the same lines, but for its speed. */
export function reportText(simulation: Simulation, { file, about }: ReportInit): string[] {
  const { timeline, checks, violations, traceHash } = simulation
  return [
    verdictText(simulation),
    about,
    '',
    sizeText(simulation),
    '',
    ...timelineText(timeline),
    ...section('At risk, with fewer copies than policy asks:', riskText(simulation)),
    ...section('Checked:', [
      ...table(
        checks.map(({ name, looks, violations: found }) => [
          name,
          timesText(looks),
          ...alarm(found)
        ])
      )
    ]),
    '',
    speedText(simulation),
    `Trace hash ${traceHash}`,
    ...(violations.length === 0 ? [] : violationText(simulation, file))
  ]
}

/** One line: the scenario, the seed, and whether all was well. */
export function verdictText({ scenario, seed, violations }: Simulation): string {
  const [first] = violations
  const verdict = first === undefined ? 'all is well' : `VIOLATED: ${first.checker}`
  return `${scenario}, seed ${seed}: ${verdict}`
}

/** The command that shows a run again. */
export function replayText(file: string, seed: number): string {
  return `${commandText(file)} --seed ${seed}`
}

/** The command that runs a scenario. */
export function commandText(file: string): string {
  const isPlain = /^[\w./@%+=:,-]+$/.test(file)
  return `drystone sim ${isPlain ? file : `'${file.replaceAll("'", `'\\''`)}'`}`
}

function sizeText({ simulatedSeconds, peers, points, dropped, restored }: Simulation): string {
  const gone = dropped === 0 ? '' : `, ${dropped} let go of by the rules`
  return (
    `${lastingText(simulatedSeconds * 1000)} in the life of ${peers} peers: ` +
    `${points} restore points${gone}, ${restored} brought back by the checkers.`
  )
}

function speedText({ events, wallSeconds }: Simulation): string {
  const rate = wallSeconds > 0 ? Math.round(events / wallSeconds) : events
  return `${events} events in ${wallSeconds.toFixed(1)} seconds: ${rate} a second.`
}

function violationText({ violations, tail, seed }: Simulation, file: string): string[] {
  return [
    ...section(
      'What does not hold:',
      violations.map(({ checker, at, what }) => `  ${whenText(at)}  ${checker}: ${what}`)
    ),
    ...section(
      'The last events before it was seen:',
      tail.map((line) => `  ${line}`)
    ),
    '',
    `See it again: ${replayText(file, seed)}`
  ]
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines]
}

function table(rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0
    ? []
    : tableText(rows)
        .split('\n')
        .map((line) => `  ${line}`)
}

function alarm(violations: number): string[] {
  return violations === 0 ? [] : [`${violations} violated`]
}

/** `2d 03:12`: two days, three hours and twelve minutes after the start, as `at: 2d3h12m` in the file. */
export function whenText(ms: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0')
  const clock = `${two((ms % DAY_MS) / HOUR_MS)}:${two((ms % HOUR_MS) / MINUTE_MS)}`
  return `${Math.floor(ms / DAY_MS)}d ${clock}`
}

/** A length of time in its two largest units. */
function lastingText(ms: number): string {
  const units = [
    [DAY_MS, 'd'],
    [HOUR_MS, 'h'],
    [MINUTE_MS, 'm'],
    [1000, 's']
  ] as const
  let rest = ms
  const parts = units.map(([unit, name]) => {
    const amount = Math.floor(rest / unit)
    rest -= amount * unit
    return amount === 0 ? '' : `${amount}${name}`
  })
  const from = parts.findIndex((part) => part !== '')
  const text = from < 0 ? '0s' : parts.slice(from, from + 2).join(' ')
  return text.trim()
}

function timesText(times: number): string {
  return times === 1 ? 'once' : `${times} times`
}

/** Each endpoint that was at risk: how often, how long, and whether it healed. */
function riskText({ timeline, simulatedSeconds }: Simulation): string[] {
  const since = new Map<string, number>()
  const spells = new Map<string, { from: number; ms: number; isHealed: boolean }[]>()
  const note = (who: string, until: number, isHealed: boolean): void => {
    const from = since.get(who)
    if (from === undefined) return
    since.delete(who)
    spells.set(who, [...(spells.get(who) ?? []), { from, ms: until - from, isHealed }])
  }
  for (const { kind, who, at } of timeline) {
    if (kind === 'risk' && !since.has(who)) since.set(who, at)
    else if (kind === 'healed') note(who, at, true)
  }
  for (const who of [...since.keys()]) note(who, simulatedSeconds * 1000, false)
  const rows = [...spells].map(([who, list]) => {
    const longest = list.reduce((a, b) => (b.ms > a.ms ? b : a))
    const all = list.reduce((sum, { ms }) => sum + ms, 0)
    const times = `${timesText(list.length)}, ${lastingText(all)} in all`
    const most = `longest ${lastingText(longest.ms)} from ${whenText(longest.from)}`
    return [who, times, most, list.every(({ isHealed }) => isHealed) ? 'healed' : 'NOT HEALED']
  })
  return table(rows)
}

/** Alike entries as one. */
interface Fold {
  first: TimelineEntry
  last: TimelineEntry
  count: number
  who: Set<string>
}

function timelineText(timeline: readonly TimelineEntry[]): string[] {
  if (timeline.length === 0) return ['Nothing befell it.']
  const ways = [nothingAlike, alikeOfOneBetweenLooks, alikeBetweenLooks, alike]
  const folded = ways.map((keyOf) => fold(timeline, keyOf))
  const folds = folded.find((list) => list.length <= TIMELINE_LINES_MAX) ?? folded.at(-1) ?? []
  return table(folds.map(foldText))
}

function foldText({ first, last, count, who }: Fold): string[] {
  const names = [...who].filter((name) => name !== '').sort()
  const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : ''
  const often = count === 1 ? '' : ` (${timesText(count)}, last ${whenText(last.at)})`
  const mark = first.kind === 'violation' ? 'VIOLATED: ' : ''
  return [
    whenText(first.at),
    `${names.slice(0, NAMES_MAX).join(', ')}${more}`,
    `${mark}${first.what}${often}`
  ]
}

/** What makes two entries alike; entries of the same key become one. */
type KeyOf = (entry: TimelineEntry, place: { index: number; look: number }) => string

const nothingAlike: KeyOf = (_, { index }) => String(index)

const alikeOfOneBetweenLooks: KeyOf = (entry, place) =>
  `${entry.who}/${alikeBetweenLooks(entry, place)}`

const alikeBetweenLooks: KeyOf = (entry, place) =>
  entry.kind === 'check' ? String(place.index) : `${place.look}/${alike(entry, place)}`

/** The same but for numbers and quoted names. What was violated is never folded. */
const alike: KeyOf = ({ kind, what }, { index }) =>
  kind === 'violation' || kind === 'note'
    ? String(index)
    : `${kind}/${what.replace(/"[^"]*"|[\d.]+/g, '#')}`

function fold(timeline: readonly TimelineEntry[], keyOf: KeyOf): Fold[] {
  const folds = new Map<string, Fold>()
  let look = 0
  for (const [index, entry] of timeline.entries()) {
    const key = keyOf(entry, { index, look })
    const found = folds.get(key)
    if (found === undefined) {
      folds.set(key, { first: entry, last: entry, count: 1, who: new Set([entry.who]) })
    } else {
      found.last = entry
      found.count++
      found.who.add(entry.who)
    }
    if (entry.kind === 'check') look++
  }
  return [...folds.values()]
}
