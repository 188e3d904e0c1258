// `invite`: eight words that let a computer in.
// The words are shown once and kept nowhere; the mesh keeps what is needed to recognise them.

import type { Command } from 'commander'
import { action, withCommonFlags } from './command.ts'
import { list, memberRolesOf, spanMs } from './flags.ts'
import { momentText } from './output.ts'
import { WrongUsage } from './session.ts'

interface Flags {
  role: string[]
  site: string
  uses: string
  expires: string
  replaces?: string
}

export function define(command: Command): void {
  withCommonFlags(command)
    .option('--role <roles>', 'roles of the new computer: endpoint, storage', list)
    .option('--site <site>', 'where it stands', '')
    .option('--uses <n>', 'how many computers may come in by it', '1')
    .option('--expires <span>', 'for how long it is good', '7d')
    .option('--replaces <endpoint>', 'the endpoint whose history goes on on the new computer')
    .action(
      action<Flags>(async ({ output, session }, flags) => {
        const uses = Number(flags.uses)
        if (!Number.isInteger(uses) || uses < 1) throw new WrongUsage('--uses takes 1 or more')
        const { replaces } = flags
        const roles = memberRolesOf(flags.role ?? ['endpoint'])
        if (replaces !== undefined && (uses > 1 || !roles.includes('endpoint'))) {
          throw new WrongUsage('--replaces is for one computer with the role endpoint', {
            next: 'Leave --uses out, and let --role name endpoint.'
          })
        }
        const peer = await session()
        const { code, expires } = await peer.call('invite', {
          roles,
          site: flags.site,
          uses,
          expiresMs: spanMs(flags.expires),
          replaces
        })
        output.line(code)
        output.line(`Good until ${momentText(expires)}, for ${uses} computer(s).`)
        if (!peer.isRunning) {
          output.line('The peer of this home does not run: nobody can come in until it does.')
        }
        if (replaces !== undefined) {
          output.line(`Once it is in, the history of ${replaces} goes on there, and nowhere else.`)
        }
        output.next(`on the new computer, run \`drystone join ${code}\`.`)
        output.result({ code, expires })
      })
    )
}
