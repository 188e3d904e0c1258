// Coming back: a blank computer, the mesh's words, and whoever is still alive. It is how a replaced computer
// gets its files again in a scenario, and how a checker finds out what could be restored after a disaster.

import { toHex } from '../../store/block.ts'
import { Endpoint } from '../../node/endpoint.ts'
import { Home } from '../../node/home.ts'
import { enterByWords } from '../../node/mesh/joining.ts'
import { openTop, restore } from '../../node/restorer.ts'
import type { MemberRole } from '../../store/roster-bodies.ts'
import type { Computer } from './fleet.ts'
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

/** Restores a point of the computer's own endpoint to one of its directories. @returns the digest, in hex */
export async function restoreTo(
  computer: Computer,
  root: string,
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
    const target = computer.tree(root)
    const { warnings } = await restore({ reader, pieces, target, conflict: 'overwrite' })
    if (warnings.length > 0) throw new Error(`it warns: ${warnings.join('; ')}`)
    return digest
  } finally {
    await reading.close()
  }
}
