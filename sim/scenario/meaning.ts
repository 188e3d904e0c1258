// From what a scenario file says to what it means: groups become their peers, every pair of sites gets its
// link, and what was left out gets its default where that depends on something else.

import { membersOf, rolesOf } from './names.ts'
import { DEFAULT_LINK, DEFAULT_SITE, DEFAULT_TREE } from './schema.ts'
import type { WrittenScenario } from './schema.ts'
import type { Scenario, ScenarioPeer, Site, SiteLink } from './scenario.ts'

type WrittenPeer = WrittenScenario['peers'][string]

export function meaningOf(
  written: WrittenScenario,
  lineOfFault: (index: number) => number
): Scenario {
  const { scenario: name, about, lengthMs, faultsEndMs, policy, base, checks } = written
  const { hours, days, changes, backups, during, pins, floods } = written.workload
  const sites = Object.entries(written.sites ?? { '': DEFAULT_SITE }).map(
    ([site, { latency, rate, uplink }]) => ({ name: site, latencyMs: latency, rate, uplink })
  )
  return {
    ...{ name, about, lengthMs, faultsEndMs, startMs: written.start },
    ...{ sites, links: linksOf(sites, written), policy, base },
    peers: Object.entries(written.peers).flatMap(([group, peer], i) =>
      peersOf(group, peer, { sites, isFounder: i === 0 })
    ),
    workload: { hours, days, changesPerDay: changes, backupEveryMs: backups, during, pins, floods },
    faults: written.faults.map((fault, i) => ({ ...fault, line: lineOfFault(i) })),
    checks: {
      everyMs: checks.every,
      atMs: [...new Set(checks.at)].sort((a, b) => a - b),
      only: checks.only
    }
  }
}

/** One link for each pair; where the file names a pair twice, the last counts. */
function linksOf(sites: readonly Site[], { links = [] }: WrittenScenario): SiteLink[] {
  return sites.flatMap(({ name: from }, i) =>
    sites.slice(i + 1).map(({ name: to }) => {
      const written = links.findLast(
        ({ between: [a, b] }) => (a === from && b === to) || (a === to && b === from)
      )
      const { latency, loss } = written ?? DEFAULT_LINK
      return { between: [from, to] as const, latencyMs: latency, lossPerDay: loss }
    })
  )
}

function peersOf(
  group: string,
  peer: WrittenPeer,
  { sites, isFounder }: { sites: readonly Site[]; isFounder: boolean }
): ScenarioPeer[] {
  const site = sites.find(({ name }) => name === peer.site) ?? sites[0]
  const roles = rolesOf(peer.roles, isFounder)
  const hasTree = roles.includes('endpoint')
  const { clock: clockMs, drift: driftPpm, disk: diskBytes, lies = [] } = peer
  return membersOf(group, peer.count).map((name) => ({
    ...{ name, group, site: site?.name ?? '', roles },
    files: hasTree ? (peer.files ?? DEFAULT_TREE.files) : 0,
    bytes: hasTree ? (peer.size ?? DEFAULT_TREE.size) : 0,
    hasBase: peer.base,
    ...{ diskBytes, clockMs, driftPpm },
    rate: peer.rate ?? site?.rate ?? DEFAULT_SITE.rate,
    lies
  }))
}
