// The schema of a scenario file, but for its faults: every field, what it may be, and what it is without.
// A file is read against the names that it defines itself and against its own length, so that one pass
// finds all that is wrong with it.

import { z } from 'zod'
import { faultSchema, type Span } from './faults.ts'
import { LIES } from '../liar/lie.ts'
import {
  isName,
  membersOf,
  NAME_EXPECTED,
  namesIn,
  PEERS_MAX,
  ROLES,
  rolesOf,
  type Names
} from './names.ts'
import {
  daily,
  DAY_MS,
  days,
  duration,
  HOUR_MS,
  hours,
  integer,
  listOf,
  MINUTE_MS,
  moment,
  offset,
  ppm,
  rate,
  scalar,
  SECOND_MS,
  share,
  size,
  strict,
  text,
  truth,
  wordsOf
} from './values.ts'

export const CHECKS = [
  ...(['restores', 'plaintext', 'undo', 'closure', 'digests'] as const),
  ...(['heads', 'keeps', 'records', 'heals', 'errors'] as const)
] as const

const FILES_MAX = 100_000
const FAULTS_MAX = 1000
const SITES_MAX = 100
const LENGTH = duration({ least: MINUTE_MS, bound: 'at least 1m' })
const LATENCY = duration({ most: MINUTE_MS, bound: 'at most 1m' })
const HEAL_MAX_MS = 12 * HOUR_MS

const DEFAULT_START_MS = Date.UTC(2026, 0, 5, 8)
/** Of a computer's link, in bytes a second. */
const DEFAULT_RATE = 100 * 2 ** 20
/** In a site and between two of which the file says nothing. */
export const DEFAULT_SITE = { latency: 1, rate: DEFAULT_RATE, uplink: undefined }
export const DEFAULT_LINK = { latency: 20, loss: 0 }
/** What an endpoint has of its own. */
export const DEFAULT_TREE = { files: 40, size: 2 ** 20 }
const DEFAULT_BASE = { files: 80, bytes: 4 * 2 ** 20 }

const name = scalar((given) => (isName(given) ? given : undefined), NAME_EXPECTED)
const trees = {
  files: integer(0, FILES_MAX),
  size: size(2 ** 30, '1 GiB')
}

/** What the file says of its own length, however wrong the rest is. */
function spanIn(file: { length?: unknown; heal?: unknown }): Span {
  const length = LENGTH.safeParse(file.length)
  const lengthMs = length.success ? length.data : Number.MAX_SAFE_INTEGER
  const heal = duration({ most: lengthMs - 1 }).safeParse(file.heal)
  const healMs = heal.success ? heal.data : Math.min(lengthMs / 4, HEAL_MAX_MS)
  return { lengthMs, faultsEndMs: Math.round(lengthMs - healMs) }
}

function sitesSchema({ twice }: Names) {
  const site = strict({
    latency: LATENCY.default(DEFAULT_SITE.latency),
    rate: rate.default(DEFAULT_SITE.rate),
    uplink: rate.optional()
  })
  return z.record(keyOf(twice), site, 'is no mapping: write the sites by their names')
}

/** The name of a site or peer. */
function keyOf(twice: ReadonlySet<string>) {
  return z
    .string()
    .refine(isName, `is no name here: write ${NAME_EXPECTED}`)
    .refine((key) => !twice.has(key), 'is the name of something else too: write another')
}

function linkSchema({ sites }: Names) {
  const end = scalar(
    (given) => sites.find((site) => site === given),
    `the name of a site: ${sites.join(', ')}`
  )
  return strict({
    between: z
      .tuple([end, end], 'names no two ends: write two sites')
      .refine(([from, to]) => from !== to, 'names one site twice: write two'),
    latency: LATENCY.default(DEFAULT_LINK.latency),
    loss: daily(100_000).default(DEFAULT_LINK.loss)
  })
}

function peerSchema({ sites }: Names, { hasBase }: { hasBase: boolean }) {
  const site = scalar(
    (given) => sites.find((each) => each === given),
    sites.length === 0 ? 'no site: there are no sites' : `the name of a site: ${sites.join(', ')}`
  )
  const peer = strict({
    count: integer(1, PEERS_MAX).default(1),
    site: site.optional(),
    roles: wordsOf(ROLES).optional(),
    files: trees.files.optional(),
    size: trees.size.optional(),
    base: truth.default(false).refine((has) => !has || hasBase, 'is true, but there is no base'),
    disk: size(2 ** 50, '1 PiB').optional(),
    clock: offset.default(0),
    drift: ppm.default(0),
    rate: rate.optional(),
    lies: wordsOf(LIES).optional()
  })
  // `attic:` alone is a peer of which nothing needs to be said.
  return z.preprocess((value) => value ?? {}, peer)
}

function peersSchema(names: Names, options: { hasBase: boolean }) {
  const peers = z.record(
    keyOf(names.twice),
    peerSchema(names, options),
    'is no mapping: write the peers by their names'
  )
  return peers.superRefine((written, issues) => {
    const problem = (path: string[], message: string): void =>
      issues.addIssue({ code: 'custom', path, message })
    const groups = Object.entries(written)
    const count = groups.reduce((sum, [, peer]) => sum + peer.count, 0)
    if (count < 1 || count > PEERS_MAX) problem([], `are ${count}: write 1 to ${PEERS_MAX} peers`)
    for (const [i, [group, peer]] of groups.entries()) {
      const roles = rolesOf(peer.roles, i === 0)
      const taken = membersOf(group, peer.count).find((each) => names.twice.has(each))
      if (taken !== undefined) problem([group], `makes ${taken}, which there is already`)
      if (i === 0 && peer.count > 1)
        problem([group, 'count'], 'is more than 1: one founds the mesh')
      const ofTree = (['files', 'size'] as const).find((field) => peer[field] !== undefined)
      const needsTree = ofTree ?? (peer.base ? 'base' : undefined)
      if (needsTree !== undefined && !roles.includes('endpoint')) {
        problem([group, needsTree], 'is said of a peer without the role endpoint: it has no files')
      }
    }
  })
}

function baseSchema({ peers }: Names) {
  const publishers = peers.get('publisher') ?? []
  const by = scalar(
    (given) => publishers.find((each) => each === given),
    `the name of a peer with the role publisher: ${publishers.join(', ')}`
  )
  return strict({
    name: name.default('system'),
    version: text(40, 'a version such as "1", in quotes').default('1'),
    files: trees.files.default(DEFAULT_BASE.files),
    size: trees.size.default(DEFAULT_BASE.bytes),
    by: by.optional()
  })
    .refine(() => publishers.length > 0, 'is published by nobody: give a peer the role publisher')
    .transform(({ by: given, size: bytes, ...rest }) => ({
      ...rest,
      bytes,
      by: given ?? publishers[0] ?? ''
    }))
}

const KEEP_MAX = 10_000
const kept = integer(0, KEEP_MAX).default(0)
const keepSchema = strict({
  last: kept,
  within: duration({ most: 3650 * DAY_MS, bound: 'at most 3650d' }).default(0),
  hourly: kept,
  daily: kept,
  weekly: kept,
  monthly: kept,
  yearly: kept
}).transform(({ within: withinMs, ...rest }) => ({ ...rest, withinMs }))

const policySchema = strict({
  keep: keepSchema.optional(),
  copies: integer(1, 32).default(2),
  sites: integer(1, 32).default(1),
  undo: duration({ least: 7 * DAY_MS, most: 3650 * DAY_MS, bound: 'from 7d to 3650d' })
    .default(30 * DAY_MS)
    .transform((ms) => Math.round(ms / DAY_MS))
}).transform(({ undo: undoDays, keep, ...rest }) => ({ ...rest, keep, undoDays }))

const workloadSchema = strict({
  hours: hours.default({ fromMs: 8 * HOUR_MS, toMs: 18 * HOUR_MS }),
  days: days.default([1, 2, 3, 4, 5]),
  changes: daily(100_000).default(40),
  backups: duration({ least: MINUTE_MS, bound: 'at least 1m' }).default(4 * HOUR_MS),
  during: share.default(0.3),
  pins: share.default(0),
  floods: share.default(0)
})

function checksSchema({ lengthMs }: Span) {
  const at = duration({ most: lengthMs, bound: 'not later than the end' })
  return strict({
    every: duration({ least: SECOND_MS, bound: 'at least 1s' }).default(DAY_MS),
    at: listOf(at, 1000).default([]),
    only: wordsOf(CHECKS).default([...CHECKS])
  })
}

/** The schema against which `file`, plain values of a YAML file, can be read. */
export function scenarioSchema(file: unknown) {
  const given = z.looseObject({}).catch({}).parse(file)
  const names = namesIn(given)
  const span = spanIn(given)
  const heal = duration({ most: span.lengthMs - 1, bound: 'shorter than the length' })
  return strict({
    scenario: text(80, 'a name, at most 80 characters'),
    about: text(500, 'one or two sentences'),
    length: LENGTH,
    heal: heal.optional(),
    start: moment.default(DEFAULT_START_MS),
    sites: sitesSchema(names).optional(),
    links: listOf(linkSchema(names), SITES_MAX * SITES_MAX).optional(),
    policy: policySchema.prefault({}),
    base: baseSchema(names).optional(),
    peers: peersSchema(names, { hasBase: given['base'] !== undefined }),
    workload: workloadSchema.prefault({}),
    faults: z.array(faultSchema(names, span)).max(FAULTS_MAX).default([]),
    checks: checksSchema(span).prefault({})
  }).transform((written) => ({ ...written, ...span }))
}

export type WrittenScenario = z.output<ReturnType<typeof scenarioSchema>>
