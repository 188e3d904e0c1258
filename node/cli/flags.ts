// Reading what people write on the command line: lists, roles, spans, points and times. What cannot be read
// is a WrongUsage that says what would be right.

import type { MemberRole, Role } from '../../store/roster-bodies.ts'
import { WrongUsage } from './session.ts'

const ROLES: readonly Role[] = ['admin', 'publisher', 'storage', 'endpoint']
const UNITS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000
}

/** A flag that may be repeated, or hold several values with commas. */
export function list(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), ...value.split(',').filter((item) => item !== '')]
}

/** @throws {WrongUsage} */
export function rolesOf(given: readonly string[]): Role[] {
  return given.map((text) => {
    const role = ROLES.find((each) => each === text)
    if (role === undefined) throw new WrongUsage(`${text} is no role: ${ROLES.join(', ')}`)
    return role
  })
}

/** Roles that an invite or a recovery may give. @throws {WrongUsage} */
export function memberRolesOf(given: readonly string[]): MemberRole[] {
  return rolesOf(given).map((role) => {
    if (role === 'storage' || role === 'endpoint') return role
    throw new WrongUsage(`the role ${role} is given by the recovery words only, at setup`)
  })
}

/** A span such as 90s, 30m, 7d, in milliseconds. @throws {WrongUsage} */
export function spanMs(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([smhdw])$/.exec(text) ?? []
  if (amount === undefined) {
    throw new WrongUsage(`${text} is no span`, { next: 'Write 90s, 30m, 12h or 7d.' })
  }
  return Math.round(Number(amount) * (UNITS[unit ?? 's'] ?? 1000))
}

/** A whole number from 0 on. @throws {WrongUsage} */
export function countOf(text: string, what: string): number {
  if (!/^\d{1,9}$/.test(text)) {
    throw new WrongUsage(`${what} takes a whole number, not ${text}`, { next: 'Write 0 or more.' })
  }
  return Number(text)
}

/** Which restore point: a number, `latest`, or the last one not later than a time. */
export type Which = 'latest' | number | { notAfter: number }

/** `latest`, `3`, `desk-1/3`, or a time. @throws {WrongUsage} */
export function pointOf(text: string, now: number): { endpoint?: string; which: Which } {
  const slash = text.lastIndexOf('/')
  if (slash > 0) {
    const { which } = pointOf(text.slice(slash + 1), now)
    return { endpoint: text.slice(0, slash), which }
  }
  if (text === 'latest') return { which: 'latest' }
  if (/^\d+$/.test(text)) return { which: Number(text) }
  return { which: { notAfter: timeOf(text, now) } }
}

/** ISO, or words in local time: `2 days ago`, `tuesday 14:00`, `yesterday`. @throws {WrongUsage} */
export function timeOf(text: string, now: number): number {
  const words = text.trim().toLowerCase()
  const [, amount, unit] = /^(\d+) (minute|hour|day|week)s? ago$/.exec(words) ?? []
  if (amount !== undefined) return now - Number(amount) * (UNITS[(unit ?? 'd').charAt(0)] ?? 0)
  const [, day, hours, minutes] = /^([a-z]+)(?: (\d{1,2}):(\d{2}))?$/.exec(words) ?? []
  const back = day === undefined ? undefined : daysBack(day, now)
  if (back !== undefined) {
    const date = new Date(now - back * 86_400_000)
    if (hours === undefined) date.setHours(23, 59, 59, 999)
    else date.setHours(Number(hours), Number(minutes), 0, 0)
    return date.getTime()
  }
  const time = Date.parse(text)
  if (Number.isNaN(time)) {
    throw new WrongUsage(`${JSON.stringify(text)} is no point and no time`, {
      next: 'Write latest, a number, 2026-11-23T14:00, "tuesday 14:00" or "2 days ago".'
    })
  }
  return time
}

const DAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']

/** Days since the last day of this name; today counts as 0. */
function daysBack(day: string, now: number): number | undefined {
  if (day === 'today') return 0
  if (day === 'yesterday') return 1
  const index = DAYS.indexOf(day)
  return index < 0 ? undefined : (new Date(now).getDay() - index + 7) % 7
}
