// An overhaul: all that this peer keeps is looked at, and brought back from wherever it can be had. What is
// known to be damaged comes first, since reading everything takes long and may be interrupted. In the end the
// copies of what this computer protects are filled up again. Whatever could not be had is named, and who may
// have it; run again, it goes on from there.

import type { Hash, Scope } from '../store/block.ts'
import { DrystoneError } from '../store/errors.ts'
import { mendFromOwn, renewSegment } from '../store/mend.ts'
import { blockText } from '../store/quarantine.ts'
import { segmentNumber } from '../store/segment.ts'
import { repairFiles } from './file-repair.ts'
import { inspect, namesOf, paceOf, quarantined, type InspectInput } from './inspection.ts'
import type { Node } from './node.ts'
import { nameOfPeer } from './procedures/procedure.ts'

export type OverhaulInput = Omit<InspectInput, 'deep' | 'onUnindexed'>

export interface Overhauled {
  repaired: string[]
  unrepaired: string[]
  quarantined: string[]
  /** Peers that may have what is left, and were not there. */
  away: string[]
  /** Who signed for the last restore point of this computer. */
  copies: string[]
}

/** Whole blocks of a scope that the index lost, mended at once: more are met by the next run. */
const UNINDEXED_MAX = 1 << 16

/** @throws {DiskFull} @throws {DiskFailed} @throws {StorePoisoned} what was repaired by then stays so */
export async function overhaul(node: Node, input: OverhaulInput): Promise<Overhauled> {
  const { store, repairer, quarantine, home, ports } = node
  const { signal } = input
  const options = { signal, own: await node.ownScope(), pace: paceOf(node, input) }
  const known = await repairer.repair(options)
  const lost = new Map<Scope, Hash[]>()
  const found = await inspect(node, {
    ...input,
    deep: true,
    onUnindexed: (scope, placed) => {
      const hashes = lost.get(scope) ?? []
      lost.set(scope, hashes)
      for (const { hash } of placed) if (hashes.length < UNINDEXED_MAX) hashes.push(hash)
    }
  })
  for (const [scope, hashes] of lost) await mendFromOwn(store, { scope, hashes }, options)
  for (const path of found.report.footers) await renew(node, path, options)
  await store.flush()
  const { unrepaired, away } = await repairer.repair(options)
  await quarantine.save()
  const { network, gossip } = node
  const rooms = { ...node, disk: home.disk, network, gossip, clock: ports.clock }
  const files = await repairFiles(rooms, found.files, { signal })
  const left = [...unrepaired.map(blockText), ...found.report.unreadable, ...files.unrepaired]
  const was = new Set([...known.repaired.map(blockText), ...namesOf(found)])
  return {
    repaired: [...was].filter((name) => !left.includes(name)).sort(),
    unrepaired: left.sort(),
    quarantined: await quarantined(node),
    away: away.map((peer) => nameOfPeer(node, peer)).sort(),
    copies: await refill(node, signal)
  }
}

/** Moves all that counts out of a segment whose footer is damaged. */
async function renew(
  { store }: Node,
  path: string,
  options: Parameters<typeof renewSegment>[2]
): Promise<void> {
  const [, scope = '', name = ''] = path.split('/')
  const segment = segmentNumber(name)
  if (segment !== undefined) await renewSegment(store, { scope, segment }, options)
}

/** Keeps what is this peer's to keep, and sends out what it protects; who keeps that now. */
async function refill(node: Node, signal: AbortSignal): Promise<string[]> {
  try {
    await node.keeper.keepBases(() => node.gossip.tell())
    const done = await node.replicate(signal)
    return (done?.copies ?? []).map((peer) => nameOfPeer(node, peer)).sort()
  } catch (error) {
    // Care tries it again: what was repaired is repaired.
    if (!(error instanceof DrystoneError)) throw error
    return []
  }
}
