// The publisher: a tree becomes a base image that all members share. It is archived into plain blocks,
// signed, and handed to storage peers; it counts as published only when one other than the publisher has
// signed for it, where there is one.

import { peerIdText, type PeerKey } from '../store/peer.ts'
import { toHex } from '../store/block.ts'
import { baseId, nextSerial, signBase, type Base } from '../store/base.ts'
import { BodyStateReader, openBodies } from '../store/reader.ts'
import { plainSink } from '../store/sink.ts'
import { archive, type ArchiveCount, type Archived, type Skipped } from './archiver.ts'
import { labelOf } from './bases.ts'
import { BaseExists, NotReplicated } from './errors.ts'
import { NotPublisher } from './standing-errors.ts'
import type { Node } from './node.ts'
import type { Tree, TreePath, TreeStat } from './tree/tree.ts'

/** How often to look whether the base has its copies. */
const LOOK_MS = 200
/** After this long without a copy, publishing gives up; the base stays, and goes on by itself. */
export const DEFAULT_PUBLISH_MS = 10 * 60_000

/** After this long with no other storage peer in sight, it gives up sooner. */
const ALONE_MS = 10_000

export interface CreateInput {
  tree: Tree
  name: string
  label: string
  parent?: Base | undefined
  rules?: readonly string[]
  includes?: ((path: TreePath, type: TreeStat['type']) => boolean) | undefined
  onProgress?: (count: ArchiveCount) => void
  signal?: AbortSignal | undefined
  publishMs?: number
}

export interface Created {
  base: Base
  count: ArchiveCount
  skipped: Skipped[]
  blocks: number
  newBlocks: number
  /** Bytes that the base scope grew by, at rest. */
  storedBytes: number
  copies: PeerKey[]
}

/** @throws {NotPublisher} @throws {NotReplicated} @throws {Unreadable} @throws {DiskFull} */
export async function createBase(node: Node, input: CreateInput): Promise<Created> {
  const { store, members, ports, network } = node
  if (!members.roster.publishers.has(toHex(network.self))) throw new NotPublisher()
  const before = await store.usage('base')
  const sink = plainSink(store)
  const { parent, includes, onProgress, signal } = input
  // What is taken over from the parent by reference must be here too, not only its pages.
  if (parent !== undefined) await node.baseStore.bringWhole(parent, { signal })
  const known = parent && {
    reader: new BodyStateReader(openBodies(node.baseStore.localSource())),
    root: parent.root
  }
  const { archived, base } = await store.holding(async () => {
    const archived = await archive({
      tree: input.tree,
      clock: ports.clock,
      sink,
      sense: { owners: ports.owners },
      openCrew: ports.openCrew,
      ...(known && { base: known }),
      ...(includes && { includes }),
      ...(onProgress && { onProgress }),
      signal
    })
    await store.flush()
    const base = alreadySigned(node, input, archived) ?? (await publish(node, input, archived))
    return { archived, base }
  })
  const after = await store.usage('base')
  const copies = await handOver(node, base, input)
  return {
    base,
    count: archived.count,
    skipped: archived.skipped,
    blocks: sink.count.blocks,
    newBlocks: sink.count.newBlocks,
    storedBytes: after.bytes - before.bytes,
    copies
  }
}

/** The same base, if an earlier try got as far as signing it. @throws {BaseExists} */
function alreadySigned({ bases }: Node, input: CreateInput, { root }: Archived): Base | undefined {
  const { name, label } = input
  const known = bases.list().find((base) => base.name === name && base.label === label)
  if (known === undefined || known.root.equals(root)) return known
  throw new BaseExists(labelOf(known))
}

async function publish(node: Node, input: CreateInput, archived: Archived): Promise<Base> {
  const { bases, members, key, ports } = node
  const { name, label, parent, rules = [] } = input
  const { root, digest } = archived
  const serial = nextSerial(bases.list(), name)
  const record = signBase(
    { name, serial, label, parent: parent?.id, root, digest, rules, time: ports.clock.now() },
    { key, mesh: members.roster.mesh }
  )
  await bases.records.put([record])
  const base = bases.get(baseId(record))
  if (base === undefined) throw new NotPublisher()
  return base
}

/** True if a storage peer other than this one is connected. */
function hasCompany({ members, network }: Node): boolean {
  const here = new Set(network.connected().map(toHex))
  return members.withRole('storage').some(({ peer }) => here.has(toHex(peer)))
}

/** Waits until as many storage peers hold the base as policy asks, or as there are. */
async function handOver(
  node: Node,
  base: Base,
  { signal, publishMs = DEFAULT_PUBLISH_MS }: CreateInput
): Promise<PeerKey[]> {
  const { bases, members, keeper, gossip, ports } = node
  const wanted = Math.min(members.roster.policy.copies, members.withRole('storage').length)
  const startedMs = ports.clock.monotonic()
  let accompaniedMs = startedMs
  for (;;) {
    await keeper.keepBases(() => {})
    await gossip.nudge()
    const copies = bases.holders(base.id)
    if (copies.length >= wanted && bases.isReady(base)) return copies
    const nowMs = ports.clock.monotonic()
    if (hasCompany(node)) accompaniedMs = nowMs
    if (nowMs - startedMs > publishMs || nowMs - accompaniedMs > ALONE_MS) {
      if (bases.isReady(base)) return copies
      throw new NotReplicated(copies.map(peerIdText))
    }
    await ports.clock.sleep(LOOK_MS, { signal })
  }
}
