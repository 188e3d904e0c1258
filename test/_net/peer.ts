// A peer in a process of its own, for tests that need one to kill, or one elsewhere on a LAN. It is told
// what to be by one JSON argument, says what it sees as JSON lines, and stops when its input ends.

import { systemClock } from '../../store/clock.ts'
import { fromHex, toHex } from '../../store/block.ts'
import { Libp2pNetwork, type Libp2pNetworkInit } from '../../node/net/libp2p-network.ts'

export interface PeerArgument extends Libp2pNetworkInit {
  /** 32 bytes in hex. */
  seed: string
}

export type PeerLine =
  | { type: 'ready'; peer: string; addresses: string[] }
  | { type: 'seen'; peer: string; addresses: string[] }
  | { type: 'failed'; why: string }

function say(line: PeerLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

const { seed, ...init } = JSON.parse(process.argv[2] ?? '{}') as PeerArgument
const network = new Libp2pNetwork(
  // Everybody is a member here: what is tested is the network, and not who may.
  { seed: fromHex(seed, 32), gate: { isMember: () => true }, clock: systemClock },
  init
)
network.handle('/flood', async (wire) => {
  for (;;) await wire.write(new Uint8Array(65_536))
})
network.handle('/sink', async (wire) => {
  while ((await wire.read()) !== undefined);
})
network.watch((event) => {
  if (event.type !== 'seen') return
  const { peer, addresses } = event.sighting
  say({ type: 'seen', peer: toHex(peer), addresses })
})
process.stdin.on('end', () => void network.stop().then(() => process.exit(0)))
process.stdin.resume()
try {
  await network.start()
  say({ type: 'ready', peer: toHex(network.self), addresses: network.addresses() })
} catch (error) {
  say({ type: 'failed', why: error instanceof Error ? error.name : String(error) })
}
