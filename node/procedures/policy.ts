// Procedures about policy: what the mesh asks of every computer, as signed facts in the roster. An admin only
// makes it safer; with the recovery words it is the authority that speaks, and it may say less.

import { z } from 'zod'
import { toHex } from '../../store/block.ts'
import { meshKeys, type SigningKey } from '../../store/key.ts'
import { KEEP_RULES, keepRulesOf, keepsEverything, type KeepRules } from '../../store/retention.ts'
import { DEFAULT_POLICY, type Policy } from '../../store/roster-bodies.ts'
import { keepRulesAsked } from '../../store/roster-keep.ts'
import { WrongWords } from '../../store/errors.ts'
import { wordsToPhrase } from '../../store/words.ts'
import { NotAdmin, NotSafer } from '../standing-errors.ts'
import type { Node } from '../node.ts'
import { procedure } from './procedure.ts'
import { RULES, rulesSaid } from './retention.ts'

const FIELDS = Object.keys(DEFAULT_POLICY) as (keyof Policy)[]

export const policyProcedures = {
  policy: procedure(z.strictObject({}), (_, { node }) => Promise.resolve(policyOf(node))),

  setPolicy: procedure(
    z.strictObject({
      fields: z.strictObject({
        copies: z.int().min(1).max(32).optional(),
        sites: z.int().min(1).max(32).optional(),
        undoDays: z.int().min(7).max(3650).optional()
      }),
      /** Rules that change; the others of the place stay. */
      keep: RULES.optional(),
      /** Forget the rules of the place first: everything stays, but for what `keep` says. */
      keepAll: z.boolean(),
      endpoint: z.string().optional(),
      words: z.string().optional()
    }),
    async ({ fields, keep, keepAll, endpoint, words }, { node }) => {
      const { members } = node
      const speaker = speakerOf(node, words)
      const place = endpoint === undefined ? new Uint8Array(0) : members.endpoint(endpoint).id
      const wanted =
        keep !== undefined || keepAll ? wantedRules(node, { place, keep, keepAll }) : undefined
      // All is looked at before anything is said.
      if (speaker === undefined) {
        for (const field of FIELDS) {
          if ((fields[field] ?? Infinity) < members.roster.policy[field])
            throw new NotSafer(`fewer ${field}`)
        }
        if (wanted !== undefined && !isAllowed(node, place, wanted)) {
          throw new NotSafer('to keep fewer restore points')
        }
      }
      for (const field of FIELDS) {
        const value = fields[field]
        if (value === undefined || value === members.roster.policy[field]) continue
        await members.issue('policy', { field, value }, speaker)
      }
      if (wanted !== undefined) {
        await members.issue('keep', { endpoint: place, rules: wanted }, speaker)
      }
      return policyOf(node)
    }
  )
}

function policyOf({ members: { roster } }: Node) {
  const mesh = roster.keep.rules.get('')
  const own = [...roster.endpoints.values()].flatMap(({ id, name }) => {
    const rules = roster.keep.rules.get(toHex(id))
    return rules === undefined ? [] : [[name, rulesSaid(rules)] as const]
  })
  const policy = {
    ...roster.policy,
    keep: mesh && rulesSaid(mesh),
    endpoints: Object.fromEntries(own)
  }
  return { version: roster.version, policy }
}

/** The authority's key, if its words are given; undefined for this peer's own. */
function speakerOf(node: Node, words: string | undefined): SigningKey | undefined {
  const { members, network } = node
  if (words === undefined) {
    if (!members.roster.admins.has(toHex(network.self))) throw new NotAdmin()
    return undefined
  }
  const { authority } = meshKeys(wordsToPhrase(words))
  if (toHex(authority.public) !== toHex(members.roster.authority))
    throw new WrongWords('these are not the recovery words of this mesh')
  return authority
}

function wantedRules(
  { members: { roster } }: Node,
  {
    place,
    keep = {},
    keepAll
  }: { place: Uint8Array; keep?: z.infer<typeof RULES> | undefined; keepAll: boolean }
): KeepRules {
  const { rules } = roster.keep
  const before = keepAll ? undefined : (rules.get(toHex(place)) ?? rules.get(''))
  const wanted = { ...(before ?? keepRulesOf()) }
  for (const rule of KEEP_RULES) wanted[rule] = keep[rule] ?? wanted[rule]
  return wanted
}

/** True if an admin's word comes to what it asks for. */
function isAllowed({ members: { roster } }: Node, place: Uint8Array, wanted: KeepRules): boolean {
  const comesTo = keepRulesAsked(roster.keep, wanted, place)
  if (keepsEverything(wanted)) return true
  return KEEP_RULES.every((rule) => comesTo[rule] === wanted[rule])
}
