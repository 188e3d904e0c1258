import { randomBytes } from 'node:crypto'
import test from 'ava'
import { SimNetwork } from '../../sim/network.ts'
import { systemClock } from '../../store/clock.ts'
import { conformance } from '../_net/conformance.ts'

const hub = new SimNetwork({ clock: systemClock })

conformance(test, async (t, gate) => {
  const network = hub.attach(new Uint8Array(randomBytes(32)), gate, { mdns: false })
  t.teardown(() => network.stop())
  await network.start()
  return network
})
