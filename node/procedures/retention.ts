// Procedures that change which restore points there are: by rules, by hand, and by pins. Each writes the
// next head of this computer's own endpoint, or only says what would go; keepers still hold what a head
// dropped for its undo time.

import { z } from 'zod'
import { toHex } from '../../store/block.ts'
import { PINNED, type Point } from '../../store/head.ts'
import {
  KEEP_MAX,
  KEEP_RULES,
  WITHIN_HOURS_MAX,
  keepRulesOf,
  planCollapse,
  type KeepRules,
  type Plan
} from '../../store/retention.ts'
import type { Endpoint } from '../endpoint.ts'
import { NotWriter } from '../standing-errors.ts'
import type { History } from '../head-writer.ts'
import type { Node } from '../node.ts'
import { keptPoints } from '../retention.ts'
import { WHICH } from './history.ts'
import { procedure, timeText } from './procedure.ts'

const COUNT = z.int().min(0).max(KEEP_MAX)

/** Some rules; what is not there is 0. */
export const RULES = z.strictObject({
  last: COUNT.optional(),
  withinHours: z.int().min(0).max(WITHIN_HOURS_MAX).optional(),
  hourly: COUNT.optional(),
  daily: COUNT.optional(),
  weekly: COUNT.optional(),
  monthly: COUNT.optional(),
  yearly: COUNT.optional()
})

/** The rules that are not 0. */
export function rulesSaid(rules: KeepRules | undefined): Partial<KeepRules> {
  const said = KEEP_RULES.filter((rule) => (rules?.[rule] ?? 0) > 0)
  return Object.fromEntries(said.map((rule) => [rule, rules?.[rule]]))
}

export const retentionProcedures = {
  /** What stays and goes, and why; by the rules given, or else those of the mesh. With `apply` it goes. */
  retention: procedure(
    z.strictObject({ apply: z.boolean(), rules: RULES.optional() }),
    async ({ apply, rules: given }, { node, signal }) => {
      const endpoint = await node.endpoint()
      const rules =
        given === undefined ? node.retention.rulesFor(endpoint) : keepRulesOf(withoutAbsent(given))
      let result: Thinned | undefined
      await change(node, endpoint, async ({ last, points }) => {
        if (last !== undefined) await node.retention.note({ last, points })
        const plan = await node.retention.plan({ last, points }, rules)
        result = thinned(points, plan)
        return apply
          ? without(
              points,
              plan.dropped.map(({ number }) => number)
            )
          : points
      })
      const sent = apply ? await node.replicate(signal) : undefined
      const said = rules && rulesSaid(rules)
      return { ...(result ?? NOTHING), rules: said, applied: apply, protected: sent?.isProtected }
    }
  ),

  /** Drops what lies between two points, but pinned ones. */
  collapse: procedure(
    z.strictObject({ from: WHICH, to: WHICH, dryRun: z.boolean() }),
    async ({ from, to, dryRun }, { node, signal }) => {
      const endpoint = await node.endpoint()
      let result: Thinned | undefined
      await change(node, endpoint, async ({ last, points }) => {
        const taken = await node.home.taken()
        const ends = last && {
          from: endpoint.point(last.head, from).number,
          to: endpoint.point(last.head, to).number
        }
        const plan = planCollapse(keptPoints(points, taken), ends ?? { from: 0, to: 0 })
        result = thinned(points, {
          kept: plan.kept.map((number) => ({ number, by: [] })),
          dropped: plan.dropped.map((number) => ({ number, instead: undefined }))
        })
        return dryRun ? points : without(points, plan.dropped)
      })
      const sent = dryRun ? undefined : await node.replicate(signal)
      return { ...(result ?? NOTHING), applied: !dryRun, protected: sent?.isProtected }
    }
  ),

  /** Pins a point, or lets go of its pin. */
  pin: procedure(
    z.strictObject({ endpoint: z.string().optional(), which: WHICH, pinned: z.boolean() }),
    async ({ endpoint: name, which, pinned }, { node, signal }) => {
      const endpoint = await ownNamed(node, name)
      let point: Point | undefined
      let result: Thinned | undefined
      await change(node, endpoint, ({ last, points }) => {
        point = last && endpoint.point(last.head, which)
        const next = points.map((each) => withPin(each, each.number === point?.number, pinned))
        const kept = next.map(({ number, flags }) => ({
          number,
          by: (flags & PINNED) === 0 ? [] : (['pinned'] as const).slice()
        }))
        result = thinned(next, { kept, dropped: [] })
        return Promise.resolve(next)
      })
      const sent = await node.replicate(signal)
      return { ...(result ?? NOTHING), point: point?.number, pinned, protected: sent?.isProtected }
    }
  )
}

interface Thinned {
  kept: { point: number; time: string; why: string[] }[]
  dropped: { point: number; time: string; instead?: { rule: string; point: number } }[]
  before: number
  after: number
}

const NOTHING: Thinned = { kept: [], dropped: [], before: 0, after: 0 }

function thinned(points: readonly Point[], { kept, dropped }: Plan): Thinned {
  const times = new Map(points.map(({ number, time }) => [number, timeText(time)]))
  const row = (number: number) => ({ point: number, time: times.get(number) ?? '' })
  return {
    kept: kept.map(({ number, by }) => ({ ...row(number), why: by })),
    dropped: dropped.map(({ number, instead }) => ({
      ...row(number),
      ...(instead && { instead: { rule: instead.rule, point: instead.number } })
    })),
    before: points.length,
    after: kept.length
  }
}

/** Changes the points of this computer's endpoint in its turn. */
async function change(
  node: Node,
  endpoint: Endpoint,
  next: (history: History) => Promise<Point[]>
): Promise<void> {
  await node.tree.rewrite(endpoint, next)
}

/** This computer's own endpoint, under its own name if one is given. @throws {NotWriter} @throws {NoRoot} */
async function ownNamed(node: Node, name: string | undefined): Promise<Endpoint> {
  const endpoint = await node.endpoint()
  if (name === undefined) return endpoint
  if (toHex(node.members.endpoint(name).id) !== toHex(endpoint.id)) throw new NotWriter(name)
  return endpoint
}

function withPin(point: Point, isMeant: boolean, pinned: boolean): Point {
  if (!isMeant || ((point.flags & PINNED) !== 0) === pinned) return point
  return { ...point, flags: pinned ? point.flags | PINNED : point.flags & ~PINNED }
}

function without(points: readonly Point[], numbers: readonly number[]): Point[] {
  const gone = new Set(numbers)
  return points.filter(({ number }) => !gone.has(number))
}

function withoutAbsent(rules: z.infer<typeof RULES>): Partial<KeepRules> {
  return Object.fromEntries(Object.entries(rules).filter(([, value]) => value !== undefined))
}
