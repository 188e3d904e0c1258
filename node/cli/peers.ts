// `peers`: who is in the mesh, and who is there now.
// What a peer says of itself is shown, and nothing is decided by it.

import type { Command } from 'commander'
import { action, withCommonFlags } from './command.ts'
import { momentText, tableText } from './output.ts'

export function define(command: Command): void {
  withCommonFlags(command).action(
    action(async ({ output, session }) => {
      const { peers } = await (await session()).call('peers', {})
      const rows = peers.map(({ name, roles, site, online, lastSeen, peer }) => [
        name,
        online ? 'online' : lastSeen === undefined ? 'not seen' : `seen ${momentText(lastSeen)}`,
        roles.join(','),
        site,
        peer
      ])
      output.line(tableText([['name', 'now', 'roles', 'site', 'peer'], ...rows]))
      output.result({ peers })
    })
  )
}
