// An office in memory: a mesh that nas founded, and computers that join it. Everything takes virtual
// time, so call what waits through `fleet.run`.

import { foundMesh } from '../../node/mesh/founding.ts'
import { inviteComputer } from '../../node/mesh/invite.ts'
import { joinMesh } from '../../node/mesh/joining.ts'
import { Fleet, type Computer, type FleetInit } from '../../sim/office/fleet.ts'

export const ROOT = '/home'
const LOOK_MS = 10_000

export interface Office {
  fleet: Fleet
  /** The mesh's recovery words. */
  words: string
  nas: Computer
}

export async function office(seed: string, init: FleetInit = {}): Promise<Office> {
  const fleet = new Fleet(seed, init)
  const nas = fleet.computer('nas')
  const founded = await fleet.run(
    foundMesh(nas.ports, {
      mesh: 'office',
      name: 'nas',
      roles: new Set(['admin', 'publisher', 'storage']),
      site: ''
    })
  )
  await founded.complete()
  await fleet.run(nas.up())
  return { fleet, words: founded.phrases.join(' '), nas }
}

/** A new computer joins: with a root it protects that, without it keeps for the others. */
export async function join({ fleet, nas }: Office, name: string, root?: string): Promise<Computer> {
  const role = root === undefined ? 'storage' : 'endpoint'
  const { code } = await fleet.run(inviteComputer(nas.node, { roles: [role], site: '', uses: 1 }))
  const computer = fleet.computer(name)
  await fleet.run(joinMesh(computer.ports, code, { name, root, addresses: [] }))
  await fleet.run(computer.up())
  // Until those on the LAN have seen each other.
  await fleet.run(fleet.clock.sleep(LOOK_MS))
  return computer
}
