// `up`: run the peer in the foreground until it is told to stop.
// It says that it is ready when it can be called and reached, and lets go of the home when it ends.

import type { Command } from 'commander'
import { join } from 'node:path'
import { HomeBusy } from '../../store/errors.ts'
import { peerIdText } from '../../store/peer.ts'
import { hostControl } from '../control/host.ts'
import { performer } from '../control/perform.ts'
import { SOCKET_FILE } from '../control/socket.ts'
import { Node } from '../node.ts'
import { action, withCommonFlags } from './command.ts'
import { list } from './flags.ts'
import { homeFolder } from './home-folder.ts'
import { rebuiltText } from './output.ts'
import { addressesOf } from './places.ts'
import { realPorts } from './real-ports.ts'
import { isPeerRunning } from './session.ts'

interface Flags {
  listen?: string[]
  mdns: boolean
}

export function define(command: Command): void {
  withCommonFlags(command)
    .option('--listen <addr>', 'where to listen this time (repeatable)', list)
    .option('--no-mdns', 'neither look for peers on the LAN nor be found')
    .action(
      action<Flags>(async ({ output, home, signal }, flags) => {
        const folder = homeFolder(home)
        // The index has the lock, and somebody may have deleted the index.
        if (await isPeerRunning(folder)) throw new HomeBusy(folder)
        addressesOf(flags.listen)
        const ports = await realPorts(folder)
        const node = await Node.open(ports, ({ listen, mdns }) => ({
          listen: flags.listen ?? listen,
          mdns: flags.mdns ? mdns : false
        }))
        let stop = (): void => {}
        const stopped = new Promise<void>((resolve) => (stop = resolve))
        await node.start()
        node.tree.track()
        const control = await hostControl(ports, performer(node, stop))
        const peer = peerIdText(node.network.self)
        const addrs = node.network.addresses()
        const { rebuilt } = node.store
        output.event('ready', { peer, addrs, control: join(folder, SOCKET_FILE), rebuilt })
        output.line(`${node.members.member(node.network.self)?.name ?? peer} is up.`)
        for (const address of addrs) output.line(`  ${address}`)
        if (rebuilt > 0) output.line(rebuiltText(rebuilt))
        output.next('leave this running; use another terminal for other commands.')
        signal.addEventListener('abort', () => stop(), { once: true })
        await stopped
        // The node first: calls in progress end, and are answered, before their wires go.
        await node.stop()
        await control.close()
        output.result({ peer })
      })
    )
}
