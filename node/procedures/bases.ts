// Procedures about base images: making and publishing one, looking at those there are, bringing one here,
// and adopting one that this computer was imaged with.

import { z } from 'zod'
import { DAG_CBOR, cidFromHash, toHex } from '../../store/block.ts'
import type { Base } from '../../store/base.ts'
import { walkEntries } from '../../store/tree.ts'
import { labelOf } from '../bases.ts'
import { BaseNotReady, NoRoot } from '../errors.ts'
import { readInstalled, saveInstalled, type CompareInput } from '../installed.ts'
import type { Node } from '../node.ts'
import { proveState } from '../prover.ts'
import { createBase } from '../publisher.ts'
import { rulesFilter } from '../rules.ts'
import { hashFile } from '../tree/hash.ts'
import type { Tree } from '../tree/tree.ts'
import { namesOf, procedure, timeText } from './procedure.ts'

const ONE_BASE = z.strictObject({ base: z.string() })

function baseCid({ id }: Base): string {
  return cidFromHash(DAG_CBOR, id).toString()
}

async function baseRow(node: Node, base: Base) {
  return {
    base: baseCid(base),
    name: labelOf(base),
    serial: base.serial,
    root: base.root.toString(),
    digest: toHex(base.digest),
    time: timeText(base.time),
    parent: base.parent && toHex(base.parent),
    copies: namesOf(node, node.bases.holders(base.id)),
    ready: node.bases.isReady(base),
    here: await node.baseStore.hasWhole(base)
  }
}

/** @throws {BaseUnknown} @throws {BaseNotReady} */
function readyBase({ bases }: Node, name: string): Base {
  const base = bases.named(name)
  if (!bases.isReady(base)) throw new BaseNotReady(labelOf(base))
  return base
}

export const baseProcedures = {
  baseCreate: procedure(
    z.strictObject({
      name: z.string(),
      label: z.string(),
      from: z.string(),
      include: z.array(z.string()),
      exclude: z.array(z.string()),
      parent: z.string().optional()
    }),
    async ({ name, label, from, include, exclude, parent }, { node, onProgress, signal }) => {
      const created = await createBase(node, {
        tree: await node.ports.openTree(from),
        name,
        label,
        parent: parent === undefined ? undefined : node.bases.named(parent),
        rules: [...include.map((rule) => `+ ${rule}`), ...exclude.map((rule) => `- ${rule}`)],
        includes: rulesFilter(include, exclude),
        onProgress: ({ files, bytes }) => onProgress({ files, bytes }),
        signal
      })
      const { base, count, skipped, blocks, newBlocks, storedBytes, copies } = created
      return {
        base: baseCid(base),
        name: labelOf(base),
        root: base.root.toString(),
        digest: toHex(base.digest),
        entries: count.entries,
        files: count.files,
        bytes: count.bytes,
        blocks,
        newBlocks,
        storedBytes,
        copies: namesOf(node, copies),
        skipped
      }
    }
  ),

  baseList: procedure(z.strictObject({}), async (_, { node }) => ({
    bases: await Promise.all(node.bases.list().map((base) => baseRow(node, base)))
  })),

  baseShow: procedure(ONE_BASE, async ({ base }, { node, signal }) => {
    const found = node.bases.named(base)
    await node.baseStore.bringPages(found, { signal })
    const reading = node.read({}, node.baseStore.holders(found))
    try {
      const count = { entries: 0, files: 0, bytes: 0 }
      const top = await reading.reader.top(found.root)
      const start = { path: new Uint8Array(), entry: top }
      for await (const { entry } of walkEntries(reading.reader, start, { signal })) {
        count.entries++
        if (entry.type === 'file') count.files++
        count.bytes += entry.size
      }
      return { ...(await baseRow(node, found)), ...count, rules: [...found.rules] }
    } finally {
      await reading.close()
    }
  }),

  /** Reads every block of a base, and proves that it is the state that was signed. */
  baseVerify: procedure(ONE_BASE, async ({ base }, { node, onProgress, signal }) => {
    const found = node.bases.named(base)
    const reading = node.read({}, node.baseStore.holders(found))
    try {
      const { reader } = reading
      const { root, digest } = found
      const proof = await proveState({
        ...{ reader, root, digest, deep: true, signal },
        onProgress: ({ entries, bytes }) => onProgress({ entries, bytes })
      })
      const { entries, blocks, bytes, damaged, missing } = proof
      const ok = damaged.length === 0 && missing.length === 0
      return { name: labelOf(found), ok, entries, blocks, bytes, damaged, missing }
    } finally {
      await reading.close()
    }
  }),

  baseFetch: procedure(ONE_BASE, async ({ base }, { node, onProgress, signal }) => {
    const found = readyBase(node, base)
    const startedMs = node.ports.clock.monotonic()
    let bytes = 0
    const brought = await node.baseStore.bringWhole(found, {
      signal,
      onBlock: (size) => onProgress({ bytes: (bytes += size) })
    })
    return {
      name: labelOf(found),
      blocks: brought.blocks,
      bytes: brought.bytes,
      fromPeers: brought.fromPeers,
      seconds: (node.ports.clock.monotonic() - startedMs) / 1000
    }
  }),

  /** The name of the base that is installed here, if one is. */
  installedBase: procedure(z.strictObject({}), async (_, { node }) => {
    const id = await readInstalled(node.ports.disk)
    const found = id && node.bases.get(id)
    return { name: found && labelOf(found) }
  }),

  /** Opens a base for reading, so that the caller can deploy it with its own rights. */
  openBase: procedure(ONE_BASE, async ({ base }, { node, readings, signal }) => {
    const found = readyBase(node, base)
    await node.baseStore.bringPages(found, { signal })
    const reading = node.read({}, node.baseStore.holders(found))
    return {
      reading: readings.add(reading),
      name: labelOf(found),
      root: found.root.toString(),
      digest: toHex(found.digest),
      ownRoot: node.settings.root
    }
  }),

  baseAdopt: procedure(
    z.strictObject({ base: z.string(), verify: z.boolean() }),
    async ({ base, verify }, { node, onProgress, signal }) => {
      const found = readyBase(node, base)
      const { root } = node.settings
      if (root === undefined) throw new NoRoot()
      await node.baseStore.bringPages(found, { signal })
      const reading = node.read({}, node.baseStore.holders(found))
      try {
        const tree = await node.ports.openTree(root)
        const proof = new Proof(tree, (hashedBytes) => onProgress({ hashedBytes }))
        const { reader } = reading
        const top = await reader.top(found.root)
        const prove = verify ? { prove: proof.prove } : {}
        // What is taken on trust is read when there is time.
        if (!verify) await node.bets.proveAll()
        const { matched, differing, missing } = await node.tree.recognise({
          ...{ reader, top, signal },
          ...prove
        })
        await saveInstalled(node.ports.disk, found)
        const { hashedBytes } = proof
        return { name: labelOf(found), matched, differing, missing, hashedBytes }
      } finally {
        await reading.close()
      }
    }
  )
}

/** Proves a match by hashing the file: what `--verify` asks for. */
class Proof {
  hashedBytes = 0
  readonly prove: NonNullable<CompareInput['prove']>

  constructor(tree: Tree, onProgress: (hashedBytes: number) => void) {
    this.prove = async (path, stat, entry) => {
      const hash = await hashFile(tree, path, stat)
      this.hashedBytes += stat.size
      onProgress(this.hashedBytes)
      return entry.hash !== undefined && toHex(hash) === toHex(entry.hash)
    }
  }
}
