// Procedures about an endpoint's history: taking a restore point, listing them, opening one for reading,
// and giving its blocks, opened, to the caller, who writes restored files with its own rights.

import { z } from 'zod'
import { cidFromBytes, parseCid, toHex } from '../../store/block.ts'
import { PINNED } from '../../store/head.ts'
import { meshKeys } from '../../store/key.ts'
import { parsePeerId } from '../../store/peer.ts'
import { BLOCK_TYPES, type BlockType } from '../../store/seal.ts'
import { wordsToPhrase } from '../../store/words.ts'
import { Endpoint } from '../endpoint.ts'
import { NoHead, NoKeys, NoRoot } from '../errors.ts'
import { FEED_CHUNKS_MAX } from '../feed.ts'
import type { MarkedHead } from '../heads.ts'
import type { Node } from '../node.ts'
import { gatherHeads, recoverSecret } from '../recovery.ts'
import type { Replicated } from '../replicator.ts'
import { writeLying } from '../control/lying.ts'
import { nameOfPeer, namesOf, procedure, timeText } from './procedure.ts'
import { BODIES_MAX } from './readings.ts'

/** How often a backup that waits looks again. */
const LOOK_MS = 500

/** A point: the last, one by number, or the last not later than a time. */
export const WHICH = z.union([
  z.literal('latest'),
  z.int().min(0),
  z.strictObject({ notAfter: z.number() })
])

/** Replicates until the head is protected or the time is up. */
async function waitProtected(
  node: Node,
  { waitMs, signal }: { waitMs: number; signal: AbortSignal }
): Promise<Replicated | undefined> {
  const { clock } = node.ports
  const startedMs = clock.monotonic()
  for (;;) {
    const done = await node.replicate(signal)
    if (done?.isProtected === true) return done
    if (clock.monotonic() - startedMs >= waitMs) return done
    await clock.sleep(LOOK_MS, { signal })
  }
}

/** The endpoint to read: this computer's own, or another whose keys the mesh's words open. */
export async function readable(
  node: Node,
  { endpoint: name, words }: { endpoint?: string | undefined; words?: string | undefined },
  signal: AbortSignal
): Promise<{ endpoint: Endpoint; name: string; last: MarkedHead }> {
  const { members, network, heads, ports, home } = node
  const own = await home.endpoint()
  if (name === undefined && own === undefined) throw new NoRoot()
  const id = name === undefined ? own?.endpoint : members.endpoint(name).id
  if (id === undefined) throw new NoRoot()
  const parts = { network, members, heads, clock: ports.clock }
  const isOwn = own !== undefined && toHex(own.endpoint) === toHex(id)
  if (!isOwn && words === undefined) throw new NoKeys(name ?? toHex(id))
  if (!isOwn && words !== undefined) await claimToRead(node, id, words)
  if (!isOwn || heads.last(id) === undefined) await gatherHeads(parts, id, { signal })
  const secret = isOwn ? own : recoverSecret(parts, id, words ?? '')
  const last = heads.last(id)
  if (last === undefined) throw new NoHead()
  const title = members.roster.endpoints.get(toHex(id))?.name ?? toHex(id)
  return { endpoint: new Endpoint(secret), name: title, last }
}

/** With the mesh's words this peer may read an endpoint for a while; storage peers learn of it at once. */
async function claimToRead(node: Node, id: Uint8Array, words: string): Promise<void> {
  const { members, network, gossip } = node
  const { authority } = meshKeys(wordsToPhrase(words))
  if (toHex(authority.public) !== toHex(members.roster.authority)) return
  if (members.roster.endpoints.get(toHex(id))?.readers.has(toHex(network.self)) !== true) {
    await members.issue('claim', { endpoint: id, peer: network.self, can: 'read' }, authority)
  }
  await gossip.nudge()
}

/** Why peers have no copy, under the names that people know. */
function failuresByName(node: Node, failures: Record<string, string>): Record<string, string> {
  const named = Object.entries(failures).map(([id, why]) => {
    const name = nameOfPeer(node, parsePeerId(id))
    return [name, why.replaceAll(id, name)]
  })
  return Object.fromEntries(named) as Record<string, string>
}

export const historyProcedures = {
  backup: procedure(
    z.strictObject({ waitMs: z.number().optional(), scan: z.boolean().optional() }),
    async ({ waitMs, scan }, { node, onProgress, signal }) => {
      const before = await node.store.usage('base')
      const taken = await node.backUp({
        signal,
        isScan: scan,
        onProgress: ({ examined, hashedBytes }) => onProgress({ examined, hashedBytes })
      })
      onProgress({ point: taken.point.number, saved: true })
      const done =
        waitMs === undefined
          ? await node.replicate(signal)
          : await waitProtected(node, { waitMs, signal })
      const { point, count, skipped, loss, newBlocks, newBytes } = taken
      const { examined, changed, added, deleted, hashedBytes, baseHashedBytes } = count
      const copies = node.replicator.copiesOf(taken.head)
      return {
        point: point.number,
        time: timeText(point.time),
        digest: toHex(point.digest),
        root: point.root.toString(),
        ...{ mode: taken.mode, why: taken.why },
        ...{ examined, changed, added, deleted, hashedBytes, baseHashedBytes, newBlocks, newBytes },
        sentBytes: done?.sent.bytes ?? 0,
        baseSentBytes: done?.sent.baseBytes ?? 0,
        baseStoredBytes: (await node.store.usage('base')).bytes - before.bytes,
        copies: namesOf(node, copies),
        protected: done?.isProtected === true,
        failures: failuresByName(node, done?.failures ?? {}),
        skipped,
        ...(loss && { loss }),
        dropped: taken.dropped
      }
    }
  ),

  points: procedure(
    z.strictObject({ endpoint: z.string().optional(), words: z.string().optional() }),
    async (args, { node, signal }) => {
      const { endpoint, name, last } = await readable(node, args, signal)
      const copies = namesOf(node, node.replicator.copiesOf(last))
      const isOwn = node.settings.root !== undefined && args.endpoint === undefined
      // What a point added is known where it was taken; a head does not tell.
      const taken = isOwn ? await node.home.taken() : {}
      const points = endpoint.points(last.head).map(({ number, time, digest, root, flags }) => ({
        point: number,
        time: timeText(time),
        digest: toHex(digest),
        root: root.toString(),
        base: taken[number]?.base,
        newBytes: taken[number]?.newBytes,
        loss: taken[number]?.loss,
        // A head's receipts are for all that its points reach.
        copies,
        pinned: (flags & PINNED) !== 0
      }))
      return { endpoint: name, points }
    }
  ),

  openPoint: procedure(
    z.strictObject({
      endpoint: z.string().optional(),
      words: z.string().optional(),
      which: WHICH
    }),
    async ({ which, ...args }, { node, readings, signal }) => {
      const { endpoint, name, last } = await readable(node, args, signal)
      const point = endpoint.point(last.head, which)
      return {
        reading: readings.add(node.read(endpoint), point.root),
        endpoint: name,
        point: point.number,
        time: timeText(point.time),
        digest: toHex(point.digest),
        root: point.root.toString(),
        ownRoot: node.settings.root
      }
    }
  ),

  /** The bodies of blocks, opened as the type that their parents say; in the order asked. */
  bodies: procedure(
    z.strictObject({
      reading: z.int(),
      type: z.enum(Object.keys(BLOCK_TYPES) as [BlockType, ...BlockType[]]),
      cids: z.array(z.string()).max(BODIES_MAX)
    }),
    async ({ reading, type, cids }, { readings, signal }) => ({
      bodies: await readings.get(reading).bodies.bodies(type, cids.map(parseCid), { signal })
    })
  ),

  /**
   * Chunks as they lie, unproved, in the order asked: `[method, plain length, body]`, or, if places will do,
   * `[method, plain length, path, offset, stored length]`.
   */
  chunks: procedure(
    z.strictObject({
      reading: z.int(),
      cids: z.array(z.instanceof(Uint8Array)).max(FEED_CHUNKS_MAX),
      places: z.boolean()
    }),
    async ({ reading: number, cids: bytes, places }, { readings, signal }) => {
      const reading = readings.get(number)
      const cids = bytes.map(cidFromBytes)
      const found = await (places
        ? reading.places(cids, { signal })
        : reading.chunks(cids, { signal }))
      return { chunks: found.map(writeLying) }
    }
  ),

  closeReading: procedure(z.strictObject({ reading: z.int() }), ({ reading }, { readings }) =>
    readings.close(reading)
  ),

  /** Remembers that a restore was proven now. */
  proven: procedure(z.strictObject({}), async (_, { node }) => {
    await node.home.saveMilestones({ provenAt: node.ports.clock.now() })
    return {}
  }),

  /**
   * A state was restored to this computer's own root, every byte hashed on the way: what lies there as it
   * should need not be read at the next backup.
   */
  restoredInPlace: procedure(z.strictObject({ reading: z.int() }), async (args, context) => {
    const { node, readings, signal } = context
    const { reading, root } = readings.opened(args.reading)
    if (root === undefined) throw new NoRoot()
    const { reader } = reading
    const top = await reader.top(root)
    const { differing, missing } = await node.tree.recognise({ reader, top, signal })
    return { differing, missing }
  })
}
