// A backup: one restore point. The tree is archived beside the state before and the base; blocks are
// durable before the head that names them, the head before the witnesses that let the next backup skip
// files. Nothing is told as done before it is.

import { RAW, cidFromHash, type CID, type Hash } from '../store/block.ts'
import type { Base } from '../store/base.ts'
import type { Blockstore } from '../store/blockstore.ts'
import type { Clock } from '../store/clock.ts'
import { encodeHead, headId, type Point } from '../store/head.ts'
import type { SigningKey } from '../store/key.ts'
import { signMark } from '../store/mark.ts'
import type { Random } from '../store/random.ts'
import { BodyStateReader, openBodies, type StateReader } from '../store/reader.ts'
import { sealedSink } from '../store/sink.ts'
import type { Source } from '../store/source.ts'
import { archive, type ArchiveCount, type Skipped } from './archiver.ts'
import type { BaseStore } from './base-store.ts'
import type { Endpoint } from './endpoint.ts'
import type { Heads, MarkedHead } from './heads.ts'
import { sealEscrow } from './mesh/escrow.ts'
import type { Loss } from './loss.ts'
import type { Members } from './mesh/members.ts'
import type { OpenCrew } from './packer.ts'
import type { Sense } from './scanner.ts'
import type { Rules } from './selection.ts'
import type { Mode, Tracker } from './tracker.ts'
import type { Tree } from './tree/tree.ts'
import type { WitnessBook } from './witness.ts'

export interface BackupComponents {
  clock: Clock
  random: Random
  key: SigningKey
  store: Blockstore
  members: Members
  heads: Heads
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
  /** How what had changed was found, and why so. */
  mode: Mode
  why: string
  newBlocks: number
  newBytes: number
}

/** Takes one restore point and saves it here. @throws {HeadForked} @throws {Unreadable} @throws {DiskFull} */
export async function backUp(components: BackupComponents, input: BackupInput): Promise<BackedUp> {
  const { store, heads, witnesses, baseStore, source, tracker, clock } = components
  const { endpoint, tree, sense, base, rules, signal, isScan, onProgress } = input
  const last = heads.last(endpoint.id)
  const fork = heads.fork(endpoint.id, components.key.public)
  if (fork !== undefined) throw fork
  const points = last === undefined ? [] : endpoint.points(last.head)
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
      const head = await publish(components, input, { last, points: [...points, point] })
      await witnesses.commit()
      tracker.settle(look, { previous: root, base: base?.id, rules })
      const { newBlocks, newBytes } = sink.count
      const { mode, why } = look
      return { point, head, count, skipped, loss, mode, why, newBlocks, newBytes }
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

async function publish(
  { clock, random, key, members, heads }: BackupComponents,
  { endpoint, base, ownRecovery }: BackupInput,
  { last, points }: { last: MarkedHead | undefined; points: Point[] }
): Promise<MarkedHead> {
  const { roster } = members
  const bases = [...(last?.head.bases ?? []), ...(base === undefined ? [] : [base.id])]
  const body = encodeHead(
    {
      mesh: roster.mesh,
      endpoint: endpoint.id,
      writer: key.public,
      seq: (last?.head.seq ?? 0) + 1,
      prev: last && headId(last.body),
      time: clock.now(),
      bases,
      escrow: ownRecovery ? new Uint8Array() : sealEscrow(endpoint.secret, roster.recovery, random),
      points
    },
    { headKey: endpoint.headKey, salt: random.bytes(32) }
  )
  const marked = heads.check(signMark(body, key), body)
  await heads.put(marked)
  return marked
}
