// Procedures for couriers: a restore point leaves as a file, and comes in as one. The file itself is the
// command's; here blocks are given and taken, a portion with every call.

import { z } from 'zod'
import { toHex } from '../../store/block.ts'
import { labelOf } from '../bases.ts'
import { readCarried, readOpening, writeOpening } from '../control/carried.ts'
import { Exporter } from '../exporter.ts'
import { Importer } from '../importer.ts'
import { readable, WHICH } from './history.ts'
import { procedure, timeText } from './procedure.ts'

const BYTES = z.custom<Uint8Array>((value) => value instanceof Uint8Array)
const POINT = z.strictObject({ number: z.int().min(0), root: BYTES })
const STORED = z.tuple([z.int(), z.int().min(0), BYTES])

/** An opening as it travels between a peer and a command. */
const OPENING = z.strictObject({
  mesh: BYTES,
  endpoint: BYTES,
  point: POINT,
  since: POINT.optional(),
  bases: z.array(BYTES),
  inside: z.array(BYTES),
  mark: BYTES,
  head: BYTES,
  papers: z.array(BYTES)
})
export const courierProcedures = {
  exportOpen: procedure(
    z.strictObject({
      endpoint: z.string().optional(),
      words: z.string().optional(),
      which: WHICH,
      since: WHICH.optional(),
      withBase: z.boolean()
    }),
    async ({ which, since, withBase, ...args }, { node, parcels, signal }) => {
      const { endpoint, name, last } = await readable(node, args, signal)
      const point = endpoint.point(last.head, which)
      const from = since === undefined ? undefined : endpoint.point(last.head, since)
      const input = { endpoint, last, point, since: from, withBase, signal }
      const exporter = await Exporter.plan(node, input)
      const { opening, blocks } = exporter
      const labels = (ids: readonly Uint8Array[]): string[] =>
        node.bases
          .list()
          .filter(({ id }) => ids.some((each) => toHex(each) === toHex(id)))
          .map(labelOf)
      return {
        export: parcels.exports.add(exporter),
        opening: writeOpening(opening),
        endpoint: name,
        point: point.number,
        since: from?.number,
        time: timeText(point.time),
        digest: toHex(point.digest),
        bases: labels(opening.bases),
        inside: labels(opening.inside),
        blocks
      }
    }
  ),

  /** The next blocks, each `[hash, method, plain length, body]`; none once all are given. */
  exportNext: procedure(z.strictObject({ export: z.int() }), async (args, { parcels, signal }) => {
    const blocks = await parcels.exports.get(args.export).next(signal)
    return {
      blocks: blocks.map(
        ({ hash, stored }) => [hash, stored.method, stored.plainLength, stored.body] as const
      )
    }
  }),

  exportClose: procedure(z.strictObject({ export: z.int() }), async (args, { parcels }) => {
    await parcels.exports.close(args.export)
    return {}
  }),

  importOpen: procedure(z.strictObject({ opening: OPENING }), async (args, { node, parcels }) => ({
    import: parcels.imports.add(await Importer.open(node, readOpening(args.opening)))
  })),

  /** Gives the first of the blocks that are wanted, null for one that is not there; more are wanted then. */
  importGive: procedure(
    z.strictObject({ import: z.int(), blocks: z.array(STORED.nullable()) }),
    async ({ import: number, blocks }, { parcels }) => {
      const given = blocks.map((block) => (block?.length === 3 ? readCarried(block) : undefined))
      const step = await parcels.imports.get(number).step(given)
      return 'wants' in step
        ? { wants: step.wants, done: undefined }
        : { wants: [], done: step.done }
    }
  ),

  importClose: procedure(z.strictObject({ import: z.int() }), async (args, { parcels }) => {
    await parcels.imports.close(args.import)
    return {}
  })
}
