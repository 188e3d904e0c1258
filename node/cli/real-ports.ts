// The real ports: this computer's disk, network, clock and randomness, for the node of one home.
// It is the one place where the outside world is put together; everything else is given it.

import { join } from 'node:path'
import { systemClock } from '../../store/clock.ts'
import { openDisk, type Disk } from '../../store/disk.ts'
import { openIndex } from '../../store/index.ts'
import { systemRandom } from '../../store/random.ts'
import { Libp2pNetwork } from '../net/libp2p-network.ts'
import type { Ports } from '../ports.ts'
import { threadCrew } from '../threads/crew.ts'
import { isRoot, openRealTree } from './local-tree.ts'

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
    openCrew: threadCrew,
    openIndex: () => openIndex({ location: join(disk.location ?? location, 'index') })
  }
}
