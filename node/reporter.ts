// The reporter: am I safe? It says in one sentence what would be lost if this computer died now, who has
// copies, and when a restore was last proven, and names every problem with what to do about it.

import { toHex } from '../store/block.ts'
import { peerIdText } from '../store/peer.ts'
import { blockText, type BlockName } from '../store/quarantine.ts'
import type { MarkedHead } from './heads.ts'
import type { Node } from './node.ts'
import type { Endpoint } from './endpoint.ts'
import { showPath } from './tree/path.ts'

export interface Problem {
  name: string
  message: string
  next: string
}

export interface Status {
  peer: string
  name: string
  endpoint: string | undefined
  roles: string[]
  lastPoint: string | undefined
  lastProtected: string | undefined
  /** Seconds of work that would be lost; undefined where nothing is protected yet, or nothing is to be. */
  atRiskSeconds: number | undefined
  copies: string[]
  provenAt: string | undefined
  isProtected: boolean
  /** True while files of a base that were taken on trust are still to be read. */
  unproven: boolean
  /** When files that backups skip were last read and compared. */
  auditedAt: string | undefined
  /** Segments that the index did not know when the peer started, and that were read again. */
  rebuilt: number
  problems: Problem[]
}

export async function reportStatus(node: Node): Promise<Status> {
  const { members, network, heads, home, ports, replicator, settings, store, bets } = node
  const member = members.member(network.self)
  const isWriter = settings.root !== undefined && (await home.endpoint()) !== undefined
  const mine = isWriter ? await node.endpoint() : undefined
  const last = mine && heads.last(mine.id)
  const lastPoint = last && mine.points(last.head).at(-1)
  const milestones = await home.milestones()
  const reached = milestones.protected
  const isProtected = last !== undefined && replicator.isProtected(last)
  const copies = last === undefined ? [] : replicator.presentCopiesOf(last)
  const audited = await bets.state()
  const nameOf = (peer: Uint8Array): string => members.member(peer)?.name ?? peerIdText(peer)
  const text = (ms: number | undefined): string | undefined =>
    ms === undefined ? undefined : new Date(ms).toISOString()
  return {
    peer: peerIdText(network.self),
    name: nameOf(network.self),
    endpoint: mine && members.roster.endpoints.get(toHex(mine.id))?.name,
    roles: [...(member?.roles ?? [])].sort(),
    lastPoint: text(lastPoint?.time),
    lastProtected: text(reached?.time),
    atRiskSeconds:
      reached === undefined
        ? undefined
        : Math.max(0, Math.round((ports.clock.now() - reached.time) / 1000)),
    copies: copies.map(nameOf).sort(),
    provenAt: text(milestones.provenAt),
    isProtected: mine === undefined || isProtected,
    unproven: audited.pass !== undefined,
    auditedAt: text(audited.auditedAt),
    rebuilt: store.rebuilt,
    problems: [
      ...findProblems(node, { mine, last, isProtected }),
      ...liesOf((await bets.lies()).map(({ path }) => showPath(path)).reverse()),
      ...damageOf(await node.quarantine.list())
    ]
  }
}

/** Files that backups skipped, and that had changed, the newest first. */
function liesOf(paths: readonly string[]): Problem[] {
  if (paths.length === 0) return []
  return [
    {
      name: 'ChangedUnnoticed',
      message: `other content than size, time and inode say: ${someOf(paths)}`,
      next: 'The next backup saves it; `drystone versions PATH` shows what was. See if the disk fails.'
    }
  ]
}

/** The first names, and how many there are beside. */
function someOf(names: readonly string[]): string {
  const more = names.length > NAMED_MAX ? `, and ${names.length - NAMED_MAX} more` : ''
  return `${names.slice(0, NAMED_MAX).join(', ')}${more}`
}

/** How many of a kind are named; the others are counted. */
const NAMED_MAX = 3

/** Damage that nobody has healed yet. */
function damageOf(blocks: readonly BlockName[]): Problem[] {
  if (blocks.length === 0) return []
  return [
    {
      name: 'Damaged',
      message: `blocks kept here are damaged or missing: ${someOf(blocks.map(blockText))}`,
      next: 'They come back by themselves while a peer that has them runs; or run `drystone repair`.'
    }
  ]
}

function findProblems(
  { home, members, bases, network, heads, store, replicator, presence, sweeper }: Node,
  {
    mine,
    last,
    isProtected
  }: { mine: Endpoint | undefined; last: MarkedHead | undefined; isProtected: boolean }
): Problem[] {
  const problems: Problem[] = []
  const { policy } = members.roster
  const others = members
    .withRole('storage')
    .filter(({ peer }) => toHex(peer) !== toHex(network.self))
  if (mine !== undefined && others.length < policy.copies) {
    problems.push({
      name: 'TooFewStoragePeers',
      message: `policy asks for ${policy.copies} copies and there are ${others.length} other storage peers`,
      next: 'Let one more computer join with `drystone invite --role storage`.'
    })
  }
  if (mine !== undefined && last === undefined) {
    problems.push({
      name: 'NoRestorePoint',
      message: 'this computer has no restore point yet',
      next: 'Run `drystone backup`.'
    })
  }
  if (last !== undefined && !isProtected) {
    problems.push({
      name: 'NotProtected',
      message: 'the last restore point has fewer copies than policy asks',
      next: 'See that the storage peers run (`drystone peers`); copies go out by themselves.'
    })
  }
  const signers = last === undefined ? [] : replicator.copiesOf(last)
  const absent = signers.filter((peer) => !presence.isPresent(peer))
  for (const peer of absent) {
    const name = members.member(peer)?.name ?? peerIdText(peer)
    problems.push({
      name: 'KeeperAbsent',
      message: `${name} has a copy, and nobody reached it for hours: the copy does not count`,
      next: `Start ${name}. If it is lost, nothing else is to do: another storage peer takes its place.`
    })
  }
  for (const failure of [
    store.poison,
    sweeper.failure,
    mine && (heads.moved(mine.id, network.self) ?? heads.fork(mine.id, network.self))
  ]) {
    if (failure === undefined) continue
    const { name, message, next = '' } = failure
    problems.push({ name, message, next })
  }
  if (home.mended.size > 0) {
    problems.push({
      name: 'DiskRots',
      message: `damaged on this disk, and put right: ${[...home.mended].join(', ')}`,
      next: 'Run `drystone check`, and see whether the disk is failing.'
    })
  }
  for (const message of members.roster.problems) {
    problems.push({ name: 'Roster', message, next: 'Ask an admin of the mesh.' })
  }
  for (const message of bases.problems()) {
    const next = 'Ask the publishers to agree, and to publish it again.'
    problems.push({ name: 'Base', message, next })
  }
  return problems
}
