// What was protected comes back: all is lost but one of those who were said to hold it, and a blank
// computer restores the tree from there, byte for byte. And "protected" means as many keepers, on as many
// sites, as policy asks, each of which signed for it.

import { agreesWithAny, differencesOf } from '../model/tree-differences.ts'
import type { SeededRandom } from '../random.ts'
import type { Checker, Office, ProtectedClaim, SavedClaim, SeenComputer } from './checker.ts'
import { durableHome, few, isAnswerable, lastHeads, nameOf, pointOf } from './seen.ts'

export class Restores implements Checker {
  readonly name = 'restores'
  readonly #random: SeededRandom
  readonly #judged = new WeakSet<ProtectedClaim>()
  /** By peer, of all computers that were ever seen: those that are gone held a copy on a site as well. */
  readonly #sites = new Map<string, string>()

  constructor(random: SeededRandom) {
    this.#random = random
  }

  async check(office: Office): Promise<string[]> {
    for (const { peer, site } of office.computers) this.#sites.set(peer, site)
    const violations: string[] = []
    for (const claim of office.protected) {
      if (this.#judged.has(claim)) continue
      this.#judged.add(claim)
      violations.push(...this.#judge(office, claim))
    }
    for (const claims of byEndpoint(office.protected).values()) {
      for (const { holder, saved } of chosen(office, claims, this.#random)) {
        violations.push(...(await restored(office, holder, saved)))
      }
    }
    return violations
  }

  /** Whoever is told that a point is protected can rely on it at once. */
  atPromise(office: Office, { peer }: SeenComputer): string[] {
    for (const each of office.computers) this.#sites.set(each.peer, each.site)
    return office.protected
      .filter((claim) => claim.at === office.now && claim.saved.writer === peer)
      .filter((claim) => !this.#judged.has(claim))
      .flatMap((claim) => {
        this.#judged.add(claim)
        return [...this.#judge(office, claim), ...unprovedOf(office, claim)]
      })
  }

  /** Does it have the copies that it counts? */
  #judge(office: Office, { saved, holders }: ProtectedClaim): string[] {
    const { copies, sites } = office.policy
    const counted = [...new Set(holders)].filter((peer) => {
      const holder = office.computers.find((computer) => computer.peer === peer)
      if (peer === saved.writer) return false
      return holder === undefined || !isAnswerable(holder) || hasSigned(holder, saved)
    })
    const what = `${pointOf(saved)} was said to be protected`
    const names = counted.map((peer) => nameOf(office, peer)).join(', ') || 'nobody'
    if (counted.length < copies) return [`${what}, but of ${copies} copies only ${names} signed`]
    const known = counted.map((peer) => this.#sites.get(peer)).filter((site) => site !== undefined)
    if (known.length < counted.length || new Set(known).size >= sites) return []
    return [`${what}, but not on ${sites} sites: ${names} are on ${new Set(known).size}`]
  }
}

/** Whom it counts without having a receipt of theirs: nobody, not even a liar, counts unsigned. */
function unprovedOf(office: Office, { saved, holders }: ProtectedClaim): string[] {
  const owner = office.computers.find(({ peer }) => peer === saved.writer)
  if (owner === undefined || !isAnswerable(owner)) return []
  const home = durableHome(owner)
  const heads = home.heads.filter(
    ({ endpoint, writer, seq }) =>
      endpoint === saved.endpoint && writer === saved.writer && seq >= saved.seq
  )
  const ids = new Set(heads.map(({ id }) => id))
  const issuers = new Set(
    home.receipts.filter(({ head }) => ids.has(head)).map(({ issuer }) => issuer)
  )
  return holders
    .filter((peer) => !issuers.has(peer))
    .map((peer) => {
      const what = `${pointOf(saved)} was said to be with ${nameOf(office, peer)}`
      return `${what}, whose receipt ${owner.name} does not have`
    })
}

/** Its own receipt, for this head or for a later one of the line. */
function hasSigned(holder: SeenComputer, { endpoint, writer, seq }: SavedClaim): boolean {
  const home = durableHome(holder)
  const heads = home.heads.filter(
    (head) => head.endpoint === endpoint && head.writer === writer && head.seq >= seq
  )
  const ids = new Set(heads.map(({ id }) => id))
  return home.receipts.some(({ issuer, head }) => issuer === holder.peer && ids.has(head))
}

function byEndpoint(claims: readonly ProtectedClaim[]): Map<string, ProtectedClaim[]> {
  return Map.groupBy(claims, ({ saved }) => saved.endpoint)
}

/** At the end every holder, before that one; of each the latest claim and one of those before. */
function chosen(
  office: Office,
  claims: readonly ProtectedClaim[],
  random: SeededRandom
): { holder: SeenComputer; saved: SavedClaim }[] {
  const latest = claims.reduce((a, b) => (b.saved.at >= a.saved.at ? b : a))
  const able = holdersOf(office, claims, latest.saved)
  const holders = office.isHealed || able.length === 0 ? able : [random.pick(able)]
  return holders.flatMap((holder) => {
    const older = claims
      .filter(({ saved }) => saved !== latest.saved)
      .filter(({ saved }) => holdersOf(office, claims, saved).includes(holder))
      .filter(({ saved }) => isListed(office, holder, saved))
      .map(({ saved }) => saved)
    const one = older.length === 0 ? [] : [random.pick(older)]
    return [latest.saved, ...one].map((saved) => ({ holder, saved }))
  })
}

/** Everybody who was said to hold it, and still answers for it. */
function holdersOf(
  { computers }: Office,
  claims: readonly ProtectedClaim[],
  saved: SavedClaim
): SeenComputer[] {
  const peers = new Set(
    claims.filter((claim) => claim.saved === saved).flatMap(({ holders }) => holders)
  )
  return computers.filter((computer) => isAnswerable(computer) && peers.has(computer.peer))
}

/** Retention has not let go of it. Of two points with one root nobody outside can say which was. */
function isListed(
  { saved, policy }: Office,
  holder: SeenComputer,
  { endpoint, root, point }: SavedClaim
): boolean {
  const isAlike = (other: SavedClaim): boolean =>
    other.endpoint === endpoint && other.root === root && other.point !== point
  if (policy.keep !== undefined && saved.some(isAlike)) return false
  const heads = lastHeads(durableHome(holder)).filter((head) => head.endpoint === endpoint)
  // Of a computer that was replaced the last head stays, and is gone on from.
  const writer = saved.findLast((other) => other.endpoint === endpoint)?.writer
  const newest = heads.filter((head) => head.writer === writer)
  return (newest.length === 0 ? heads : newest).some((head) => head.roots.includes(root))
}

async function restored(
  office: Office,
  holder: SeenComputer,
  claim: SavedClaim
): Promise<string[]> {
  const what = `${pointOf(claim)}, from ${holder.name} alone,`
  const [state, ...others] = claim.states
  if (state === undefined) return []
  try {
    const { state: found, digest } = await office.restoreFrom(holder, claim)
    const differing =
      others.length === 0 && claim.skipped.length === 0
        ? differencesOf(state, found)
        : agreesWithAny(claim.states, found, claim.skipped)
    const names = digest === claim.digest ? [] : [`it has the digest ${digest}`]
    return few([...differing, ...names]).map((each) => `${what} came back otherwise: ${each}`)
  } catch (error) {
    return [`${what} did not come back: ${error instanceof Error ? error.message : String(error)}`]
  }
}
