// What the roster says about keeping restore points: for the whole mesh, and for single endpoints, whose own
// rules take the place of the mesh's. While nobody has spoken everything stays, and the first word may be an
// admin's; from then on an admin only makes rules more generous, and only the authority makes them less so.
// A record holds all rules of its place, so no endpoint ever acts on half of them.

import { toHex } from './block.ts'
import { safestOf, type KeepRules } from './retention.ts'
import { entriesOf, type Counted } from './roster-chain.ts'
import type { EndpointId } from './roster-bodies.ts'
import type { Entry } from './roster-records.ts'

/** The place of rules for all endpoints that have none of their own. */
const WHOLE_MESH = ''

export interface KeepPolicy {
  /** By endpoint in hex; under the empty name those of the mesh. What nobody spoke of is not there. */
  rules: ReadonlyMap<string, KeepRules>
}

/** Step 9 of the fold. */
export function foldKeep({ entries, admins }: Counted, genesis: Entry<'genesis'>): KeepPolicy {
  const rules = new Map<string, KeepRules>()
  const byAuthority = new Set<string>()
  for (const { issuer, body } of entriesOf(entries, 'keep')) {
    const place = toHex(body.endpoint)
    if (issuer === genesis.issuer) {
      byAuthority.add(place)
      rules.set(place, body.rules)
    } else if (admins.has(issuer)) {
      rules.set(place, asked(rules, place, body.rules))
    }
  }
  const floor = byAuthority.has(WHOLE_MESH) ? rules.get(WHOLE_MESH) : undefined
  for (const [place, each] of rules) {
    if (floor !== undefined && !byAuthority.has(place)) rules.set(place, safestOf(each, floor))
  }
  return { rules }
}

/** What it comes to if an admin asks for `wanted`, where these rules hold. */
function asked(rules: ReadonlyMap<string, KeepRules>, place: string, wanted: KeepRules): KeepRules {
  const before = rules.get(place) ?? rules.get(WHOLE_MESH)
  return before === undefined ? wanted : safestOf(before, wanted)
}

/** The rules that an endpoint goes by; undefined if nobody spoke: then everything stays. */
export function keepRulesFor({ rules }: KeepPolicy, endpoint: EndpointId): KeepRules | undefined {
  return rules.get(toHex(endpoint)) ?? rules.get(WHOLE_MESH)
}

/** What it comes to if an admin asks for `wanted`; with an empty endpoint, for the mesh. */
export function keepRulesAsked(
  { rules }: KeepPolicy,
  wanted: KeepRules,
  endpoint: EndpointId
): KeepRules {
  return asked(rules, toHex(endpoint), wanted)
}
