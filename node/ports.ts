// The ports of a node: all that it may touch of the world. The real ones are put together in
// node/cli/real-ports.ts, the simulated ones in sim/; the node cannot tell which it has.

import type { Clock } from '../store/clock.ts'
import type { Disk } from '../store/disk.ts'
import type { Index } from '../store/index.ts'
import type { Random } from '../store/random.ts'
import type { Address, Gate, Network } from '../protocol/network.ts'
import type { OpenCrew } from './packer.ts'
import type { Tree } from './tree/tree.ts'

export interface NetworkSettings {
  /** Where to listen; absent means everywhere on the default port, empty means nowhere. */
  listen?: readonly Address[] | undefined
  mdns?: boolean | undefined
  /** Look for peers on the interfaces of these addresses, rather than of `listen`. */
  lookOn?: readonly Address[] | undefined
}

export interface Ports {
  disk: Disk
  clock: Clock
  random: Random
  /** This process sees owners, and may set them: it is root. */
  owners: boolean
  openNetwork(identity: { seed: Uint8Array; gate: Gate }, settings: NetworkSettings): Network
  openTree(root: string): Promise<Tree>
  openIndex(): Promise<Index>
  /** Who packs the files of a state; inline, if absent. */
  openCrew?: OpenCrew
}

/** Settings of one who only calls out: it listens nowhere, and looks where it would listen. */
export function callingOut({ listen, mdns }: NetworkSettings): NetworkSettings {
  return { listen: [], mdns, lookOn: listen?.map((address) => address.replace(/:\d+$/, '')) }
}
