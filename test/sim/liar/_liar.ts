// A liar in an office: one computer whose network lies about what is in a set, now and later; and a lost
// computer that comes back beside it.

import { Endpoint } from '../../../node/endpoint.ts'
import { enterByWords } from '../../../node/mesh/joining.ts'
import { gatherHeads, recoverSecret } from '../../../node/recovery.ts'
import { restore } from '../../../node/restorer.ts'
import type { Computer, FleetInit } from '../../../sim/office/fleet.ts'
import type { Lie } from '../../../sim/liar/lie.ts'
import { lyingNetwork } from '../../../sim/liar/network.ts'
import { SeededRandom } from '../../../sim/random.ts'
import type { MemoryTree } from '../../../sim/tree/tree.ts'
import { check } from '../../../store/check.ts'
import { SimClock } from '../../../sim/clock.ts'
import { ROOT, office, type Office } from '../_office.ts'

export interface LiarOffice extends Office {
  /** What the computer named "liar" lies about; nothing at first. */
  lies: Set<Lie>
}

export async function liarOffice(seed: string): Promise<LiarOffice> {
  const lies = new Set<Lie>()
  const clock = new SimClock()
  const wrapNetwork: FleetInit['wrapNetwork'] = (network, { name, key }) => {
    const random = new SeededRandom(`${seed}/lies`)
    return name === 'liar'
      ? lyingNetwork(network, { key, clock, random, lies: () => lies })
      : network
  }
  return { ...(await office(seed, { clock, wrapNetwork })), lies }
}

export async function wait({ fleet }: Office, seconds: number): Promise<void> {
  await fleet.run(fleet.clock.sleep(seconds * 1000))
}

/** Files enough for some hundred blocks, of which no two are alike. */
export function fillHome(tree: MemoryTree): void {
  for (let i = 0; i < 40; i++) {
    tree.put(`letters/${i % 5}/${i}`, new SeededRandom(`letter ${i}`).bytes(4000 + 100 * i))
  }
}

export interface Back {
  computer: Computer
  tree: MemoryTree
  point: number
}

/** A blank computer takes the place of the endpoint, by the words, and restores its last point. */
export async function comeBack(
  { fleet, words }: Office,
  replaces: string,
  addresses: string[] = []
): Promise<Back> {
  const name = `new ${replaces}`
  const blank = fleet.computer(name)
  const roles = ['endpoint' as const]
  const entry = { name, root: ROOT, addresses, words, roles, site: '', replaces }
  await fleet.run(enterByWords(blank.ports, entry))
  await fleet.run(blank.up())
  const { node } = blank
  const { network, members, heads } = node
  const parts = { network, members, heads, clock: fleet.clock }
  const { id } = members.endpoint(replaces)
  await fleet.run(gatherHeads(parts, id))
  const secret = recoverSecret(parts, id, words)
  await fleet.run(node.home.saveEndpoint(secret))
  const endpoint = new Endpoint(secret)
  const last = heads.last(id)
  if (last === undefined) throw new Error('nobody showed a head')
  const { number, root } = endpoint.point(last.head, 'latest')
  const reading = node.read(endpoint)
  const top = await fleet.run(reading.reader.top(root))
  const here = new Uint8Array()
  const pieces = [{ entry: top, from: here, to: here }]
  const tree = blank.tree(ROOT)
  await fleet.run(restore({ reader: reading.reader, pieces, target: tree }))
  await fleet.run(reading.close())
  return { computer: blank, tree, point: number }
}

/** Blocks on a computer that are not what they should be. */
export async function damagedOn({ fleet }: Office, { node }: Computer): Promise<number> {
  const report = await fleet.run(check({ blockstore: node.store }, { deep: true }))
  return report.damaged.length + report.unreadable.length
}
