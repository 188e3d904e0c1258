// Rules of retention as people write them: flags such as `--keep-daily 7`, or words such as `keep-daily=7`;
// and as they are shown. `within` is a span, counted in whole hours, never fewer than it says.

import type { Command } from 'commander'
import { KEEP_MAX, KEEP_RULES, WITHIN_HOURS_MAX, type KeepRule } from '../../store/retention.ts'
import { countOf, spanMs } from './flags.ts'
import { WrongUsage } from './session.ts'

const HOUR_MS = 3_600_000

/** Rules that were said. */
export type SaidRules = Partial<Record<KeepRule, number>>

/** As commander names them. */
export interface KeepFlags {
  keepLast?: string
  keepWithin?: string
  keepHourly?: string
  keepDaily?: string
  keepWeekly?: string
  keepMonthly?: string
  keepYearly?: string
}

const FLAG_OF: Readonly<Record<KeepRule, keyof KeepFlags>> = {
  last: 'keepLast',
  withinHours: 'keepWithin',
  hourly: 'keepHourly',
  daily: 'keepDaily',
  weekly: 'keepWeekly',
  monthly: 'keepMonthly',
  yearly: 'keepYearly'
}

export function withKeepFlags(command: Command): Command {
  return command
    .option('--keep-last <n>', 'the newest n')
    .option('--keep-within <span>', 'all that storage peers had in this span: 30d, 12h')
    .option('--keep-hourly <n>', 'the newest of each of n hours')
    .option('--keep-daily <n>', 'the newest of each of n days')
    .option('--keep-weekly <n>', 'the newest of each of n weeks')
    .option('--keep-monthly <n>', 'the newest of each of n months')
    .option('--keep-yearly <n>', 'the newest of each of n years')
}

/** What the flags say; undefined if they say nothing. @throws {WrongUsage} */
export function rulesFrom(flags: KeepFlags): SaidRules | undefined {
  const said: SaidRules = {}
  for (const rule of KEEP_RULES) {
    const text = flags[FLAG_OF[rule]]
    if (text !== undefined) said[rule] = ruleOf(rule, text)
  }
  return Object.keys(said).length === 0 ? undefined : said
}

/** The rule of a name such as `keep-daily`; undefined if there is none. */
export function ruleNamed(name: string): KeepRule | undefined {
  return KEEP_RULES.find((rule) => nameOfRule(rule) === name)
}

/** @throws {WrongUsage} */
export function ruleOf(rule: KeepRule, text: string): number {
  const isSpan = rule === 'withinHours'
  const name = nameOfRule(rule)
  const value = isSpan && text !== '0' ? Math.ceil(spanMs(text) / HOUR_MS) : countOf(text, name)
  const most = isSpan ? WITHIN_HOURS_MAX : KEEP_MAX
  if (value > most) {
    const unit = isSpan ? ' hours' : ''
    throw new WrongUsage(`${name} is ${text}`, { next: `Write ${most}${unit} or less.` })
  }
  return value
}

/** `keep-last 3, keep-within 30d`. */
export function rulesText(rules: SaidRules): string {
  const texts = KEEP_RULES.flatMap((rule) => {
    const value = rules[rule] ?? 0
    return value === 0
      ? []
      : [`${nameOfRule(rule)} ${rule === 'withinHours' ? spanOf(value) : value}`]
  })
  return texts.length === 0 ? 'everything stays' : texts.join(', ')
}

/** Why a point stays, for people. */
export function whyText(why: string): string {
  const rule = KEEP_RULES.find((each) => each === why)
  if (rule !== undefined) return nameOfRule(rule)
  return why === 'beforeLoss' ? 'before a mass deletion' : why
}

/** `keep-daily`. */
export function nameOfRule(rule: KeepRule): string {
  return `keep-${rule === 'withinHours' ? 'within' : rule}`
}

function spanOf(hours: number): string {
  return hours % 24 === 0 ? `${hours / 24}d` : `${hours}h`
}
