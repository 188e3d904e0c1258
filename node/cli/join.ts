// `join`: become a member with the words of an invite.
// Interrupted, it can be run again: the computer keeps the key it first knocked with.

import { hostname } from 'node:os'
import type { Command } from 'commander'
import { toHex } from '../../store/block.ts'
import { peerIdText } from '../../store/peer.ts'
import { secretToWords } from '../../store/words.ts'
import { Home } from '../home.ts'
import { joinMesh } from '../mesh/joining.ts'
import { action, withCommonFlags } from './command.ts'
import { list } from './flags.ts'
import { homeFolder } from './home-folder.ts'
import { addressesOf, rootOf } from './places.ts'
import { realPorts } from './real-ports.ts'

interface Flags {
  name: string
  root?: string
  addr?: string[]
  ownRecovery?: boolean
  listen?: string[]
  mdns: boolean
}

export function define(command: Command): void {
  withCommonFlags(command)
    .argument('<code...>', 'the eight words')
    .option('--name <peer>', 'name of this computer', hostname())
    .option('--root <dir>', 'the directory to protect on this computer')
    .option('--addr <addr>', 'where a member is (repeatable)', list)
    .option('--own-recovery', 'keep the recovery of this computer to yourself')
    .option('--listen <addr>', 'where this peer will listen (repeatable)', list)
    .option('--no-mdns', 'do not look for members on the LAN')
    .action(
      action<Flags>(async ({ output, home }, flags, ...code) => {
        const root = await rootOf(flags.root)
        const addresses = addressesOf(flags.addr)
        addressesOf(flags.listen)
        const ports = await realPorts(homeFolder(home))
        output.progress('looking for a member…')
        const entered = await joinMesh(ports, code.join(' '), {
          name: flags.name,
          root,
          addresses,
          listen: flags.listen,
          mdns: flags.mdns ? undefined : false,
          ownRecovery: flags.ownRecovery
        })
        const { roster, peer, via, mesh, endpoint } = entered
        const name = roster.members.get(toHex(peer))?.name ?? ''
        const host = roster.members.get(toHex(via))?.name ?? peerIdText(via)
        output.line(
          `This computer, ${name}, is now in the mesh "${roster.name}" (let in by ${host}).`
        )
        const recovery =
          flags.ownRecovery === true ? await ownWords(new Home(ports.disk)) : undefined
        if (recovery !== undefined) {
          output.line('Its own recovery words, shown once; nothing else opens its backups:')
          output.line(`  ${recovery}`)
        }
        const taken = (await new Home(ports.disk).settings()).recovering
        if (taken === undefined) output.next('run `drystone up`, then `drystone backup`.')
        else {
          const history = roster.endpoints.get(taken)?.name ?? taken
          output.line(`The history of ${history} goes on here, once its keys are.`)
          output.next('run `drystone recover --recovery-file FILE` with the recovery words.')
        }
        output.result({
          mesh: toHex(mesh),
          peer: peerIdText(peer),
          name,
          endpoint: endpoint && toHex(endpoint),
          via: host,
          recovery
        })
      })
    )
}

async function ownWords(home: Home): Promise<string | undefined> {
  const root = (await home.endpoint())?.epochs.at(-1)
  return root && secretToWords(root)
}
