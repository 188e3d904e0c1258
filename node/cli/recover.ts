// `recover`: a blank computer, the recovery words, and whoever is still alive. It signs this computer in by
// the authority of the words, and hands it an endpoint's history when asked.

import { hostname } from 'node:os'
import type { Command } from 'commander'
import { toHex } from '../../store/block.ts'
import { peerIdText } from '../../store/peer.ts'
import { Home } from '../home.ts'
import { enterByWords } from '../mesh/joining.ts'
import type { Ports } from '../ports.ts'
import { action, withCommonFlags, type Context } from './command.ts'
import { list, memberRolesOf } from './flags.ts'
import { homeFolder } from './home-folder.ts'
import { addressesOf, rootOf } from './places.ts'
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
  // Slips first: before words are asked for, and anything is made.
  const root = await rootOf(flags.root, { mayBeMissing: true })
  const addresses = addressesOf(flags.addr)
  addressesOf(flags.listen)
  const words = await askWords(flags.recoveryFile)
  const ports = await realPorts(homeFolder(home))
  // An earlier try may have come in, and been interrupted before the keys were here.
  const unfinished = (await new Home(ports.disk).settingsIfAny())?.recovering
  const via =
    unfinished === undefined
      ? await comeIn(context, ports, { flags, words, root, addresses })
      : undefined
  const taken = (await new Home(ports.disk).settings()).recovering
  const peer = await session()
  if (taken !== undefined) {
    const args = { endpoint: taken, words, own: true }
    const { endpoint, points } = await peer.call('recoverEndpoint', args, { signal })
    output.line(`The history of ${endpoint} goes on here: ${points} restore point(s).`)
  }
  const { endpoints } = await peer.call('endpoints', {})
  const names = endpoints.map(({ name }) => name)
  const { mesh, peer: self } = await peer.call('identity', {})
  output.line(`Endpoints in the mesh: ${names.join(', ') || 'none'}.`)
  output.next(
    taken === undefined
      ? 'run `drystone restore --endpoint NAME --to DIR --recovery-file FILE`.'
      : 'run `drystone restore --in-place`, then `drystone up`.'
  )
  output.result({ mesh, peer: self, via, endpoints: names })
}

interface Coming {
  flags: Flags
  words: string
  root: string | undefined
  addresses: string[]
}

/** Signs this computer in; returns who let it in. */
async function comeIn(
  { output }: Context,
  ports: Ports,
  { flags, words, root, addresses }: Coming
): Promise<string> {
  output.progress('looking for a member…')
  const { replaces } = flags
  const { roster, via } = await enterByWords(ports, {
    words,
    name: flags.name,
    root,
    roles: memberRolesOf(flags.role ?? ['endpoint']),
    site: flags.site,
    addresses,
    replaces,
    listen: flags.listen,
    mdns: flags.mdns ? undefined : false
  })
  output.line(`This computer is back in the mesh "${roster.name}".`)
  return roster.members.get(toHex(via))?.name ?? peerIdText(via)
}
