// A node for the moment: what a command starts in its own process when the peer of its home does not run.
// It is loaded only then, as it brings the whole network with it.

import { toHex } from '../../store/block.ts'
import { systemClock } from '../../store/clock.ts'
import type { Caller } from '../control/call.ts'
import { performer } from '../control/perform.ts'
import { Node } from '../node.ts'
import { callingOut } from '../ports.ts'
import { realPorts } from './real-ports.ts'

/** A moment for a node that was just started to find the others. */
const SETTLE_MS = 3_000

/** Starts a node and calls it. @throws {NoMesh} @throws {HomeBusy} if another process has the home. */
export async function openMoment(folder: string): Promise<Caller> {
  // It would listen where the peer itself will; a node of the moment only calls out.
  const node = await Node.open(await realPorts(folder), callingOut)
  await node.start()
  await settle(node)
  const perform = performer(node, () => {})
  return {
    call: (name, args, context = {}) => perform(name, args, context),
    close: () => node.stop()
  }
}

/** Waits until the other storage peers are connected, or for a moment. */
async function settle(node: Node): Promise<void> {
  const self = toHex(node.network.self)
  const others = node.members.withRole('storage').map(({ peer }) => toHex(peer))
  const startedMs = systemClock.monotonic()
  for (;;) {
    const here = new Set([self, ...node.network.connected().map(toHex)])
    if (others.every((peer) => here.has(peer))) return
    if (systemClock.monotonic() - startedMs > SETTLE_MS) return
    await systemClock.sleep(50)
  }
}
