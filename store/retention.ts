// Retention: which restore points stay, by rules such as "the newest of each of the last seven days". Pure
// arithmetic over points, rules and one moment, so that a plan and its doing agree anywhere. The latest
// point, pinned ones, and the one before a mass deletion always stay. `within` counts by receipts alone:
// whatever dates a writer gives, and however many points it takes, nothing that `within` keeps is pushed
// out; and no point has its place in the calendar later than storage peers had it. Done twice, it drops
// nothing more; more generous rules keep at least as much.

import { integerOf, readMap, type Fields } from './codec.ts'

/** Slots of the calendar, in UTC; weeks begin on Monday. Finest first. */
export const SLOT_RULES = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const
export type SlotRule = (typeof SLOT_RULES)[number]

/** What to keep; what any rule keeps stays. All zero: everything stays. */
export interface KeepRules extends Record<SlotRule, number> {
  /** So many of the highest numbers. */
  last: number
  /** Hours before the moment of the plan: what storage peers signed for since then stays. */
  withinHours: number
}

export type KeepRule = keyof KeepRules
export const KEEP_RULES: readonly KeepRule[] = ['last', 'withinHours', ...SLOT_RULES]
export const KEEP_MAX = 10_000
export const WITHIN_HOURS_MAX = 3650 * 24

/** A restore point, as far as keeping it is concerned. */
export interface KeptPoint {
  number: number
  /** Milliseconds since 1970, by the writer's clock. */
  time: number
  /**
   * Milliseconds since 1970, by storage peers' clocks: when those other than the writer had signed for a
   * head that names it. Undefined if none has.
   */
  received: number | undefined
  pinned: boolean
  /** The point after it lacks much of what it holds: see node/loss.ts. */
  beforeLoss: boolean
}

export type KeptBy = 'latest' | 'pinned' | 'beforeLoss' | 'everything' | KeepRule

export interface Plan {
  kept: { number: number; by: KeptBy[] }[]
  /** `instead`: the point that stays for the finest of its slots that is still kept; the newest there. */
  dropped: { number: number; instead: { rule: SlotRule; number: number } | undefined }[]
}

export interface PlanInput {
  /** By number, rising. */
  points: readonly KeptPoint[]
  /** Undefined, or all zero: everything stays. */
  rules: KeepRules | undefined
  /** Milliseconds since 1970, not later than storage peers' clocks; undefined if none has signed lately. */
  now: number | undefined
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** 1970 began on a Thursday. */
const MONDAY_DAYS = 3
/** No calendar goes further; a writer may say so. */
const TIME_MAX = 8.64e15

const SLOT_OF: Readonly<Record<SlotRule, (time: number) => number>> = {
  hourly: (time) => Math.floor(time / HOUR_MS),
  daily: (time) => Math.floor(time / DAY_MS),
  weekly: (time) => Math.floor((time / DAY_MS + MONDAY_DAYS) / 7),
  monthly: (time) => new Date(time).getUTCFullYear() * 12 + new Date(time).getUTCMonth(),
  yearly: (time) => new Date(time).getUTCFullYear()
}

const COUNT = integerOf(0, KEEP_MAX)
const RULES: Fields<KeepRules> = {
  last: COUNT,
  withinHours: integerOf(0, WITHIN_HOURS_MAX),
  hourly: COUNT,
  daily: COUNT,
  weekly: COUNT,
  monthly: COUNT,
  yearly: COUNT
}

/** Reads rules, each of them and no other. @throws {Malformed} */
export function readKeepRules(value: unknown, field: string): KeepRules {
  return readMap(value, field, RULES)
}

/** Rules that say nothing, or the ones that are given. */
export function keepRulesOf(given: Partial<KeepRules> = {}): KeepRules {
  const none = { last: 0, withinHours: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 }
  return { ...none, ...given }
}

/** True for rules that let nothing go. */
export function keepsEverything(rules: KeepRules): boolean {
  return KEEP_RULES.every((rule) => rules[rule] === 0)
}

/** The least generous rules that keep all that either keeps. */
export function safestOf(one: KeepRules, other: KeepRules): KeepRules {
  if (keepsEverything(one) || keepsEverything(other)) return keepRulesOf()
  const each = KEEP_RULES.map((rule) => [rule, Math.max(one[rule], other[rule])])
  return keepRulesOf(Object.fromEntries(each) as KeepRules)
}

/** What stays and what goes. */
export function planRetention({ points, rules, now }: PlanInput): Plan {
  if (rules === undefined || keepsEverything(rules)) {
    return { kept: points.map(({ number }) => ({ number, by: ['everything'] })), dropped: [] }
  }
  const reasons = new Map<number, KeptBy[]>(points.map(({ number }) => [number, []]))
  const keep = (number: number, by: KeptBy): void => void reasons.get(number)?.push(by)
  const latest = points.at(-1)
  if (latest !== undefined) keep(latest.number, 'latest')
  const since = now === undefined ? undefined : now - rules.withinHours * HOUR_MS
  for (const { number, received, pinned, beforeLoss } of points) {
    if (pinned) keep(number, 'pinned')
    if (beforeLoss) keep(number, 'beforeLoss')
    // What no storage peer has signed for has only begun to wait.
    const isWithin = received === undefined || since === undefined || received > since
    if (rules.withinHours > 0 && isWithin) keep(number, 'withinHours')
  }
  if (rules.last > 0) for (const { number } of points.slice(-rules.last)) keep(number, 'last')
  const bySlot = SLOT_RULES.map((rule) => ({ rule, slots: newestOf(points, rule, rules[rule]) }))
  for (const { rule, slots } of bySlot) for (const number of slots.values()) keep(number, rule)
  const kept = points
    .map(({ number }) => ({ number, by: reasons.get(number) ?? [] }))
    .filter(({ by }) => by.length > 0)
  const dropped = points
    .filter(({ number }) => reasons.get(number)?.length === 0)
    .map((point) => {
      const { number } = point
      const found = bySlot.find(({ rule, slots }) => slots.has(slotOf(rule, point)))
      const stays = found?.slots.get(slotOf(found.rule, point))
      const instead = found && stays !== undefined ? { rule: found.rule, number: stays } : undefined
      return { number, instead }
    })
  return { kept, dropped }
}

/** The newest point of each of the newest slots that there are points in, up to so many slots. */
function newestOf(
  points: readonly KeptPoint[],
  rule: SlotRule,
  count: number
): Map<number, number> {
  const newest = new Map<number, number>()
  if (count === 0) return newest
  const latestFirst = [...points].sort((a, b) => timeOf(b) - timeOf(a) || b.number - a.number)
  for (const point of latestFirst) {
    const slot = slotOf(rule, point)
    if (newest.has(slot)) continue
    if (newest.size === count) break
    newest.set(slot, point.number)
  }
  return newest
}

function slotOf(rule: SlotRule, point: KeptPoint): number {
  return SLOT_OF[rule](timeOf(point))
}

/** A date in the future would take the place of every one that is to come. */
function timeOf({ time, received = TIME_MAX }: KeptPoint): number {
  return Math.min(time, received, TIME_MAX)
}

/** Drops all between two points, but pinned ones; both stay. */
export function planCollapse(
  points: readonly KeptPoint[],
  { from, to }: { from: number; to: number }
): { kept: number[]; dropped: number[] } {
  const goes = ({ number, pinned }: KeptPoint): boolean => !pinned && number > from && number < to
  return {
    kept: points.filter((point) => !goes(point)).map(({ number }) => number),
    dropped: points.filter(goes).map(({ number }) => number)
  }
}
