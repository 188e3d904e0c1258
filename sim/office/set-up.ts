// Setting up an office as its people would, by the commands of the product: the first computer founds the
// mesh, the others join with invites, a base is published and adopted. What lies in the trees before that
// is the workload's.

import { toHex } from '../../store/block.ts'
import { meshKeys } from '../../store/key.ts'
import type { MemberRole, Role } from '../../store/roster-bodies.ts'
import { wordsToPhrase } from '../../store/words.ts'
import { foundMesh } from '../../node/mesh/founding.ts'
import { joinMesh } from '../../node/mesh/joining.ts'
import type { Computer, Fleet } from './fleet.ts'
import type { Scenario, ScenarioPeer } from '../scenario/scenario.ts'
import { furnish } from '../workload/furnish.ts'
import { furnishBase } from '../workload/furnish-base.ts'

/** The protected directory of every endpoint. */
export const ROOT = '/home'
/** What the base is made of, on its publisher. */
export const IMAGE = '/image'

const HOUR_MS = 60 * 60_000
const DAY_MS = 24 * HOUR_MS
/** For how long somebody looks whether a base is ready, and how often. */
const LOOKS = 60
const LOOK_MS = 10_000

export interface Place {
  /** The mesh's recovery words. */
  words: string
}

/** Call it in virtual time. */
export async function setUp(fleet: Fleet, scenario: Scenario): Promise<Place> {
  shapeNetwork(fleet, scenario)
  const [first, ...others] = scenario.peers
  if (first === undefined) throw new Error('a scenario without peers')
  const founder = computerOf(fleet, first)
  furnishTrees(fleet, founder, { peer: first, scenario })
  const founded = await foundMesh(founder.ports, {
    mesh: 'office',
    name: first.name,
    roles: new Set<Role>(['admin', 'publisher', ...first.roles]),
    site: first.site,
    root: rootOf(first)
  })
  await founded.complete()
  await founder.up()
  await noteEndpoint(founder)
  const words = founded.phrases.join(' ')
  await setPolicy(founder, words, scenario)
  for (const peer of others) await join(fleet, { founder, peer, words, scenario })
  await publish(fleet, scenario)
  return { words }
}

/** The protected directory of a peer that has one. */
export function rootOf({ roles }: ScenarioPeer): string | undefined {
  return roles.includes('endpoint') ? ROOT : undefined
}

/** The roles that an invite gives. */
export function memberRoles({ roles }: ScenarioPeer): MemberRole[] {
  return roles.filter((role) => role === 'endpoint' || role === 'storage')
}

/** A computer as the scenario has it. */
export function computerOf(fleet: Fleet, peer: ScenarioPeer, name = peer.name): Computer {
  const computer = fleet.computer(name, { site: peer.site })
  if (peer.diskBytes !== undefined) computer.disk.capacity = peer.diskBytes
  return computer
}

function shapeNetwork({ network }: Fleet, { sites, links }: Scenario): void {
  for (const { name, latencyMs, rate, uplink } of sites) {
    network.setSite(name, { latencyMs, rate, uplinkRate: uplink })
  }
  for (const { between, latencyMs } of links) network.setLink(...between, { latencyMs })
}

function furnishTrees(
  fleet: Fleet,
  computer: Computer,
  { peer, scenario }: { peer: ScenarioPeer; scenario: Scenario }
): void {
  if (!peer.roles.includes('endpoint')) return
  const tree = computer.tree(ROOT)
  const { base } = scenario
  if (peer.hasBase && base !== undefined) {
    furnishBase(tree, { random: fleet.random.fork('base'), files: base.files, bytes: base.bytes })
  }
  const { files, bytes } = peer
  furnish(tree, { random: fleet.random.fork(`${peer.name}/files`), files, bytes })
}

async function setPolicy({ node }: Computer, words: string, { policy }: Scenario): Promise<void> {
  const { authority } = meshKeys(wordsToPhrase(words))
  const { members } = node
  for (const field of ['copies', 'sites', 'undoDays'] as const) {
    const value = policy[field]
    if (members.roster.policy[field] === value) continue
    await members.issue('policy', { field, value }, authority)
  }
  if (policy.keep === undefined) return
  const { withinMs, ...rest } = policy.keep
  const rules = { ...rest, withinHours: Math.ceil(withinMs / HOUR_MS) }
  await members.issue('keep', { endpoint: new Uint8Array(0), rules }, authority)
}

interface Joining {
  founder: Computer
  peer: ScenarioPeer
  words: string
  scenario: Scenario
}

async function join(fleet: Fleet, { founder, peer, words, scenario }: Joining): Promise<void> {
  const computer = computerOf(fleet, peer)
  furnishTrees(fleet, computer, { peer, scenario })
  const invited = await founder.ask('invite', {
    roles: memberRoles(peer),
    site: peer.site,
    uses: 1,
    expiresMs: DAY_MS
  })
  const code = invited?.code ?? ''
  const addresses = founder.node.network.addresses()
  await joinMesh(computer.ports, code, { name: peer.name, root: rootOf(peer), addresses })
  await computer.up()
  await noteEndpoint(computer)
  const { authority } = meshKeys(wordsToPhrase(words))
  const { members, network } = computer.node
  const own = { peer: network.self }
  if (peer.roles.includes('admin')) await members.issue('admin', own, authority)
  if (peer.roles.includes('publisher')) {
    await members.issue('publisher', { ...own, threshold: 1 }, authority)
  }
}

/** Remembers which endpoint lives on a computer, if one does. */
export async function noteEndpoint(computer: Computer): Promise<void> {
  const secret = await computer.node.home.endpoint()
  computer.endpoint = secret && toHex(secret.endpoint)
}

/** Makes the base, waits until it is ready, and has it adopted where it lies. */
async function publish(fleet: Fleet, { base, peers }: Scenario): Promise<void> {
  if (base === undefined) return
  const publisher = fleet.computer(base.by)
  furnishBase(publisher.tree(IMAGE), {
    random: fleet.random.fork('base'),
    files: base.files,
    bytes: base.bytes
  })
  const { name, version } = base
  const image = { name, label: version, from: IMAGE, include: [], exclude: [] }
  await publisher.ask('baseCreate', image)
  for (const peer of peers.filter(({ hasBase }) => hasBase)) {
    await adopt(fleet, fleet.computer(peer.name), `${name}@${version}`)
  }
}

async function adopt({ clock }: Fleet, computer: Computer, base: string): Promise<void> {
  for (let looks = 1; ; looks++) {
    try {
      await computer.ask('baseAdopt', { base, verify: false })
      return
    } catch (error) {
      if (looks >= LOOKS) throw error
      await clock.sleep(LOOK_MS)
    }
  }
}
