// The real ports: this computer's disk, network, clock and randomness, for the node of one home.

import { homedir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../store/clock.ts'
import { openDisk, type Disk } from '../../store/disk.ts'
import { openIndex } from '../../store/index.ts'
import { systemRandom } from '../../store/random.ts'
import { Libp2pNetwork } from '../net/libp2p-network.ts'
import type { Ports } from '../ports.ts'
import { openTree, type RealTree } from '../tree/real-tree.ts'

/** This process may read all files, and set owners. */
export const isRoot = process.getuid?.() === 0

/** The folder of the home: as given, from DRYSTONE_HOME, or in the user's own folder. */
export function homeFolder(given: string | undefined): string {
  return given ?? process.env['DRYSTONE_HOME'] ?? join(homedir(), '.drystone')
}

export async function realPorts(location: string): Promise<Ports> {
  const disk: Disk = await openDisk(location)
  return {
    disk,
    clock: systemClock,
    random: systemRandom,
    owners: isRoot,
    openNetwork: ({ seed, gate }, { listen, mdns, lookOn }) =>
      new Libp2pNetwork(
        { seed, gate, clock: systemClock },
        {
          ...(listen && { listen }),
          ...(mdns !== undefined && { mdns }),
          ...(lookOn && { lookOn })
        }
      ),
    openTree: (root) => openRealTree(root),
    openIndex: () => openIndex({ location: join(disk.location ?? location, 'index') })
  }
}

/** A directory of this computer. Being root means to see and set owners, setuid and devices. */
export function openRealTree(root: string): Promise<RealTree> {
  return openTree(root, { owners: isRoot, privileges: isRoot })
}
