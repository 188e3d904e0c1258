// An inspection: everything that this peer keeps, held against what it should be. Blocks, their closures,
// and the small files of the home. What is found is remembered, so that nothing is signed that stands on it;
// nothing is taken away.

import { BASE_SCOPE, type Scope } from '../store/block.ts'
import { check, type CheckReport } from '../store/check.ts'
import { DEFAULT_BYTES_PER_SECOND, Pace } from '../store/pace.ts'
import { blockText } from '../store/quarantine.ts'
import type { Placed } from '../store/segment.ts'
import { quarantinedFiles } from './file-repair.ts'
import { findFaults } from './home-files.ts'
import type { Node } from './node.ts'
import { promisedRoots } from './promised.ts'

export interface InspectInput {
  /** Read and prove every block. */
  deep: boolean
  /** Do not spare the computer. */
  fullSpeed: boolean
  signal: AbortSignal
  /** Told how much was gone through so far. */
  onProgress: (seen: { blocks: number; bytes: number }) => void
  onUnindexed?: (scope: Scope, placed: readonly Placed[]) => void
}

export interface Inspection {
  report: CheckReport
  /** Paths of small files that are damaged or missing. */
  files: string[]
}

/** Looks at everything, and remembers which blocks are not whole. */
export async function inspect(node: Node, input: InspectInput): Promise<Inspection> {
  const { store, quarantine, network, home } = node
  const { deep, signal, onProgress, onUnindexed } = input
  const sum = { blocks: 0, bytes: 0 }
  const report = await check(
    { blockstore: store },
    {
      ...{ deep, signal, onUnindexed, pace: paceOf(node, input) },
      roots: promisedRoots(node, network.self),
      elsewhere: [BASE_SCOPE],
      onProgress: ({ blocks, bytes }) => {
        sum.blocks += blocks
        sum.bytes += bytes
        onProgress({ ...sum })
      }
    }
  )
  for (const { scope, hash } of [...report.damaged, ...report.missing]) {
    await store.blame(scope, hash)
  }
  await quarantine.save()
  return { report, files: await findFaults({ ...node, disk: home.disk }, signal) }
}

/** All that is damaged or missing, by name: blocks as `scope/hash`, and paths in the home. */
export function namesOf({ report, files }: Inspection): string[] {
  const { damaged, missing, unreadable, footers } = report
  return [...[...damaged, ...missing].map(blockText), ...unreadable, ...footers, ...files]
}

/** What is set aside: blocks that are given to nobody, and files that were moved. */
export async function quarantined({ quarantine, home }: Node): Promise<string[]> {
  const blocks = (await quarantine.list()).map(blockText)
  return [...blocks, ...(await quarantinedFiles(home.disk))]
}

/** How fast an inspection, or a repair, may read. */
export function paceOf({ ports }: Node, { fullSpeed }: { fullSpeed: boolean }): Pace {
  return new Pace(ports.clock, fullSpeed ? Infinity : DEFAULT_BYTES_PER_SECOND)
}
