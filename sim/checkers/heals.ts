// The mesh heals: once no fault acts any more and there was time, every computer that is up and protects a
// tree has its newest head with as many keepers, on as many sites, as policy asks. Who lies or rots in
// silence cannot be told from a good keeper, so its receipt is not held against the mesh.

import type { Checker, Office, SeenComputer } from './checker.ts'
import { answerable, durableHome, isAnswerable, lastOf } from './seen.ts'

export class Heals implements Checker {
  readonly name = 'heals'

  async check(office: Office): Promise<string[]> {
    if (!office.isHealed) return []
    const signed = receiptsIn(office)
    return answerable(office)
      .filter(({ state, endpoint }) => state === 'up' && endpoint !== undefined)
      .flatMap((computer) => unprotected(office, computer, signed))
  }
}

/** Head id → peers that signed for it, as any computer that answers for its disk knows. */
function receiptsIn(office: Office): Map<string, Set<string>> {
  const signed = new Map<string, Set<string>>()
  for (const computer of answerable(office)) {
    for (const { head, issuer } of durableHome(computer).receipts) {
      const issuers = signed.get(head) ?? new Set<string>()
      signed.set(head, issuers.add(issuer))
    }
  }
  return signed
}

function unprotected(
  office: Office,
  computer: SeenComputer,
  signed: ReadonlyMap<string, ReadonlySet<string>>
): string[] {
  const { name, peer, endpoint = '' } = computer
  if (!office.saved.some((claim) => claim.computer === name && claim.writer === peer)) {
    return [`${name} has no restore point at all`]
  }
  const last = lastOf(durableHome(computer), endpoint, peer)
  if (last === undefined) return [`${name} has no head of its own`]
  const issuers = signed.get(last.id) ?? new Set()
  const holders = office.computers.filter((each) => each !== computer && issuers.has(each.peer))
  const good = holders.filter(isAnswerable)
  const others = answerable(office).filter(
    (each) => each !== computer && each.isStorage && (each.state === 'up' || good.includes(each))
  )
  const { policy } = office
  const doubtful = holders.length - good.length
  const copies = Math.min(policy.copies - doubtful, others.length)
  const sites = Math.min(policy.sites, sitesOf([...others, ...holders]))
  const names = holders.map((holder) => holder.name).join(', ') || 'nobody'
  const lacking = others.filter((each) => !holders.includes(each)).map((each) => each.name)
  const could = lacking.length === 0 ? '' : `; ${lacking.join(', ')} could hold it`
  const what = `head ${last.seq} of ${name} is with ${names}`
  if (good.length < copies) return [`${what}: policy asks for ${policy.copies} copies${could}`]
  return sitesOf(holders) < sites ? [`${what}: policy asks for ${policy.sites} sites${could}`] : []
}

function sitesOf(computers: readonly SeenComputer[]): number {
  return new Set(computers.map(({ site }) => site)).size
}
