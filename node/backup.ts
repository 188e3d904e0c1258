// A backup: one restore point. The tree is archived beside the state before and the base; blocks are
// durable before the head that names them, the head before the witnesses that let the next backup skip
// files. Nothing is told as done before it is.

import { RAW, cidFromHash, type CID, type Hash } from '../store/block.ts'
import type { Base } from '../store/base.ts'
import type { Blockstore } from '../store/blockstore.ts'
import type { Point } from '../store/head.ts'
import { BodyStateReader, openBodies, type StateReader } from '../store/reader.ts'
import { sealedSink } from '../store/sink.ts'
import type { Source } from '../store/source.ts'
import { archive, type ArchiveCount, type Skipped } from './archiver.ts'
import type { BaseStore } from './base-store.ts'
import type { Endpoint } from './endpoint.ts'
import { historyOf, writeHead, type History, type HeadWriterComponents } from './head-writer.ts'
import type { MarkedHead } from './heads.ts'
import type { Loss } from './loss.ts'
import type { OpenCrew } from './packer.ts'
import type { Sense } from './scanner.ts'
import type { Rules } from './selection.ts'
import type { Mode, Tracker } from './tracker.ts'
import type { Tree } from './tree/tree.ts'
import type { WitnessBook } from './witness.ts'

export interface BackupComponents extends HeadWriterComponents {
  store: Blockstore
  baseStore: BaseStore
  witnesses: WitnessBook
  /** Knows where something changed. */
  tracker: Tracker
  /** Blocks of this endpoint: from here, or from who holds them. */
  source: Source
  /** Who packs files; inline, if absent. */
  openCrew?: OpenCrew | undefined
}

export interface BackupInput {
  endpoint: Endpoint
  tree: Tree
  sense: Sense
  /** The base that is installed here. */
  base?: Base | undefined
  /** True if recovery is the owner's own: then the head carries no escrow. */
  ownRecovery: boolean
  /** What is left out. */
  rules?: Rules | undefined
  /** Look at everything, whatever the tracker knows. */
  isScan?: boolean | undefined
  /** Which of all points stay; absent if all do. */
  thin?: ((history: History) => Promise<Point[]>) | undefined
  onProgress?: ((count: ArchiveCount) => void) | undefined
  signal?: AbortSignal | undefined
}

export interface BackedUp {
  point: Point
  head: MarkedHead
  count: ArchiveCount
  skipped: Skipped[]
  /** So much is gone that somebody should be told. */
  loss: Loss | undefined
  /** Numbers of older points that this head lets go of. */
  dropped: number[]
  /** How what had changed was found, and why so. */
  mode: Mode
  why: string
  newBlocks: number
  newBytes: number
}

/** Takes one restore point and saves it here. @throws {HeadForked} @throws {Unreadable} @throws {DiskFull} */
export async function backUp(components: BackupComponents, input: BackupInput): Promise<BackedUp> {
  const { store, witnesses, baseStore, source, tracker, clock } = components
  const { endpoint, tree, sense, base, rules, signal, isScan, onProgress } = input
  const { last, points } = historyOf(components, endpoint)
  const reader = readerOf(source, endpoint)
  const based = base && { reader, root: base.root }
  const before = points.at(-1)
  const previous = before === undefined ? based : { reader, root: before.root }
  const sink = sealedSink(store, endpoint.scope, endpoint.sealing)
  const chunks = base && (await baseStore.chunkHashes(base))
  const inBase = (hash: Hash): CID | undefined =>
    chunks?.has(hash) === true ? cidFromHash(RAW, hash) : undefined
  const { openCrew } = components
  const archiving = { tree, clock, sink, sense, previous, base: based, inBase, witnesses, openCrew }
  try {
    const [look, archived] = await tracker.look(
      { tree, previous: previous?.root, base: base?.id, rules, isScan },
      (attention) =>
        archive({ ...archiving, rules, attention, signal, ...(onProgress && { onProgress }) })
    )
    const { digest, root, count, skipped, loss } = archived
    try {
      await store.flush()
      const number = (before?.number ?? 0) + 1
      const point: Point = { number, time: clock.now(), digest, root, flags: 0 }
      const all = [...points, point]
      // What preceded a mass deletion is not let go of before somebody was told.
      const stay = loss === undefined ? await input.thin?.({ last, points: all }) : undefined
      const head = await writeHead(components, { ...input, last, points: stay ?? all })
      await witnesses.commit()
      tracker.settle(look, { previous: root, base: base?.id, rules })
      const { newBlocks, newBytes } = sink.count
      const { mode, why } = look
      const stays = new Set(stay ?? all)
      const dropped = points.filter((each) => !stays.has(each)).map((each) => each.number)
      const told = { skipped, loss, dropped, mode, why }
      return { point, head, count, ...told, newBlocks, newBytes }
    } catch (error) {
      tracker.release(look)
      throw error
    }
  } finally {
    witnesses.discard()
  }
}

/** Reads an endpoint's states, sealed and plain. */
export function readerOf(source: Source, endpoint: Endpoint): StateReader {
  return new BodyStateReader(openBodies(source, endpoint.keyring))
}
