import { randomBytes } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { Libp2pNetwork, type Libp2pNetworkInit } from '../../../node/net/libp2p-network.ts'
import type { Gate } from '../../../protocol/network.ts'
import { systemClock } from '../../../store/clock.ts'
import { conformance } from '../../_net/conformance.ts'

async function attach(
  t: ExecutionContext,
  gate: Gate,
  init: Libp2pNetworkInit = {}
): Promise<Libp2pNetwork> {
  const components = { seed: new Uint8Array(randomBytes(32)), gate, clock: systemClock }
  const network = new Libp2pNetwork(components, { listen: ['127.0.0.1:0'], mdns: false, ...init })
  t.teardown(() => network.stop())
  await network.start()
  return network
}

conformance(test, attach)
