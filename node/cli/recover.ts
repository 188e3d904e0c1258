// `recover`: a blank computer, the recovery words, and whoever is still alive. It signs this computer in by
// the authority of the words, and hands it an endpoint's history when asked.

import { hostname } from 'node:os'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { toHex } from '../../store/block.ts'
import { peerIdText } from '../../store/peer.ts'
import { enterByWords } from '../mesh/joining.ts'
import { action, withCommonFlags, type Context } from './command.ts'
import { list, memberRolesOf } from './flags.ts'
import { homeFolder } from './home-folder.ts'
import { realPorts } from './real-ports.ts'
import { askWords } from './words.ts'

interface Flags {
  name: string
  root?: string
  role?: string[]
  site: string
  addr?: string[]
  replaces?: string
  recoveryFile?: string
  listen?: string[]
  mdns: boolean
}

export function define(command: Command): void {
  withCommonFlags(command)
    .option('--name <peer>', 'name of this computer', hostname())
    .option('--root <dir>', 'the directory to protect on this computer')
    .option('--role <roles>', 'roles of this computer: endpoint, storage', list)
    .option('--site <site>', 'where this computer stands', '')
    .option('--addr <addr>', 'where a member is (repeatable)', list)
    .option('--replaces <endpoint>', 'the endpoint whose history goes on here')
    .option('--recovery-file <file>', 'a file that holds the recovery words')
    .option('--listen <addr>', 'where this peer will listen (repeatable)', list)
    .option('--no-mdns', 'do not look for members on the LAN')
    .action(action<Flags>(recover))
}

async function recover(context: Context, flags: Flags): Promise<void> {
  const { output, home, session, signal } = context
  const words = await askWords(flags.recoveryFile)
  output.progress('looking for a member…')
  const { root, replaces } = flags
  const entered = await enterByWords(await realPorts(homeFolder(home)), {
    words,
    name: flags.name,
    root: root === undefined ? undefined : resolve(root),
    roles: memberRolesOf(flags.role ?? ['endpoint']),
    site: flags.site,
    addresses: flags.addr ?? [],
    replaces,
    listen: flags.listen,
    mdns: flags.mdns ? undefined : false
  })
  const { roster, peer, via, mesh } = entered
  output.line(`This computer is back in the mesh "${roster.name}".`)
  if (replaces !== undefined) {
    const args = { endpoint: replaces, words, own: true }
    const { endpoint, points } = await (await session()).call('recoverEndpoint', args, { signal })
    output.line(`The history of ${endpoint} goes on here: ${points} restore point(s).`)
  }
  const endpoints = [...roster.endpoints.values()].map(({ name }) => name)
  output.line(`Endpoints in the mesh: ${endpoints.join(', ') || 'none'}.`)
  output.next(
    replaces === undefined
      ? 'run `drystone restore --endpoint NAME --to DIR --recovery-file FILE`.'
      : 'run `drystone restore --in-place`, then `drystone up`.'
  )
  output.result({
    mesh: toHex(mesh),
    peer: peerIdText(peer),
    via: roster.members.get(toHex(via))?.name ?? peerIdText(via),
    endpoints
  })
}
