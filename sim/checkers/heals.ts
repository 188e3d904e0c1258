// The mesh heals: once no fault acts any more and there was time, every computer that is up and protects a
// tree has its newest points with as many keepers, on as many sites, as policy asks. Who lies or rots in
// silence cannot be told from a good keeper, so its receipt is not held against the mesh; and nobody can do
// what there is no room for.

import type { Checker, Office, SeenComputer } from './checker.ts'
import { answerable, durableHome, isAble, isAnswerable } from './seen.ts'

/** What was saved less than this ago may still be on its way. */
const REPLICATION_MS = 5 * 60_000

/** A backup that should have been there may still be running. */
const BACKUP_MS = 60 * 60_000

export class Heals implements Checker {
  readonly name = 'heals'

  async check(office: Office): Promise<string[]> {
    if (!office.isHealed) return []
    const signed = receiptsIn(office)
    return answerable(office)
      .filter(({ endpoint }) => endpoint !== undefined)
      .filter(isAble)
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
  const own = office.saved.filter((claim) => claim.computer === name && claim.writer === peer)
  if (own.length === 0) return [`${name} has no restore point at all`]
  const last = Math.max(...own.map(({ at }) => at))
  const { calm, now } = office
  const slackMs = BACKUP_MS + 2 * (calm?.backupEveryMs ?? 0)
  if (calm !== undefined && now - calm.sinceMs > slackMs && now - last > slackMs) {
    return [`${name} was not backed up for ${Math.round((now - last) / 60_000)} minutes`]
  }
  const settled = own.filter(({ at }) => at <= office.now - REPLICATION_MS).map(({ seq }) => seq)
  if (settled.length === 0) return []
  const heads = durableHome(computer)
    .heads.filter((head) => head.endpoint === endpoint && head.writer === peer)
    .filter(({ seq }) => seq >= Math.max(...settled))
    .sort((a, b) => a.seq - b.seq)
  if (heads.length === 0) return [`${name} does not have its own head ${Math.max(...settled)}`]
  const found = heads.map(({ id, seq }) => {
    const lack = lackOf(office, computer, signed.get(id) ?? new Set())
    return lack && `head ${seq} of ${name} is with ${lack}`
  })
  return found.some((lack) => lack === undefined) ? [] : found.slice(0, 1).map(String)
}

/** Who has a head that these signed for, and what policy asks beyond; undefined if that is enough. */
function lackOf(
  office: Office,
  computer: SeenComputer,
  issuers: ReadonlySet<string>
): string | undefined {
  const { policy } = office
  const holders = office.computers.filter((each) => each !== computer && issuers.has(each.peer))
  const good = holders.filter(isAnswerable)
  const others = answerable(office).filter(
    (each) => each !== computer && each.isStorage && (isAble(each) || good.includes(each))
  )
  const doubtful = holders.length - good.length
  const copies = Math.min(policy.copies - doubtful, others.length)
  const sites = Math.min(policy.sites, sitesOf([...others, ...holders]))
  const names = holders.map((holder) => holder.name).join(', ') || 'nobody'
  const lacking = others.filter((each) => !holders.includes(each)).map((each) => each.name)
  const could = lacking.length === 0 ? '' : `; ${lacking.join(', ')} could hold it`
  if (good.length < copies) return `${names}: policy asks for ${policy.copies} copies${could}`
  if (sitesOf(holders) < sites) return `${names}: policy asks for ${policy.sites} sites${could}`
  return undefined
}

function sitesOf(computers: readonly SeenComputer[]): number {
  return new Set(computers.map(({ site }) => site)).size
}
