// Coming back: a blank computer, the mesh's words, and whoever is still alive. It is how a replaced computer
// gets its files again in a scenario, and how a checker finds out what could be restored if all was lost
// but one holder.

import { toHex } from '../store/block.ts'
import { Endpoint } from '../node/endpoint.ts'
import { Home } from '../node/home.ts'
import { enterByWords } from '../node/mesh/joining.ts'
import { openTop, restore } from '../node/restorer.ts'
import type { MemberRole } from '../store/roster-bodies.ts'
import { SimClock } from './clock.ts'
import type { Restored, SavedClaim } from './checkers/checker.ts'
import { Fleet, type Computer } from './fleet.ts'
import { stateOf } from './model/tree-state.ts'
import { ROOT, noteEndpoint } from './set-up.ts'

export interface ComingBack {
  words: string
  /** The endpoint that it makes its own, by name or hex id. */
  replaces: string | undefined
  roles: readonly MemberRole[]
}

/**
 * Signs a blank computer in, and makes the endpoint its own; goes on where an earlier try stopped. Its
 * files are still to be restored.
 */
export async function comeBack(
  computer: Computer,
  { words, replaces, roles }: ComingBack
): Promise<void> {
  const { name, site, ports } = computer
  const root = replaces === undefined ? undefined : ROOT
  if ((await new Home(ports.disk).settingsIfAny()) === undefined) {
    await enterByWords(ports, { name, root, addresses: [], words, roles, site, replaces })
  }
  await computer.up()
  if (replaces === undefined) return
  await computer.ask('recoverEndpoint', { endpoint: replaces, words, own: true })
  await noteEndpoint(computer)
}

/** Restores a point of the computer's own endpoint to its protected directory. @returns the digest, in hex */
export async function restoreInPlace(
  computer: Computer,
  which: number | 'latest'
): Promise<string> {
  const { node } = computer
  const endpoint = await node.endpoint()
  const last = node.heads.last(endpoint.id)
  if (last === undefined) throw new Error('no head came')
  const point = new Endpoint(endpoint.secret).point(last.head, which)
  const reading = node.read(endpoint)
  try {
    const { reader } = reading
    const digest = toHex(point.digest)
    const top = await openTop(reader, { root: point.root, digest })
    const here = new Uint8Array()
    const pieces = [{ entry: top, from: here, to: here }]
    const target = computer.tree(ROOT)
    const { warnings } = await restore({ reader, pieces, target, conflict: 'overwrite' })
    if (warnings.length > 0) throw new Error(`it warns: ${warnings.join('; ')}`)
    return digest
  } finally {
    await reading.close()
  }
}

/**
 * All is lost but one holder, whose power goes as well: what a blank computer restores from what is left on
 * its disk. Another world with a time of its own; this one does not notice.
 */
export async function restoreFromOne(
  holder: Computer,
  claim: SavedClaim,
  { words, seed }: { words: string; seed: string }
): Promise<Restored> {
  const clock = new SimClock({ startMs: holder.wall.now() })
  const fleet = new Fleet(seed, { clock })
  const { site } = holder
  const left = fleet.computer(holder.name, { site, disk: holder.disk.durable() })
  const blank = fleet.computer('blank', { site })
  try {
    await fleet.run(left.up())
    const roles = ['endpoint'] as const
    await fleet.run(comeBack(blank, { words, replaces: claim.endpoint, roles }))
    const digest = await fleet.run(restoreInPlace(blank, claim.point))
    return { state: stateOf(blank.tree(ROOT)), digest }
  } finally {
    for (const computer of [left, blank]) computer.kill()
  }
}
