// Valid signed records and heads for the corpus: what is said in the story, and what its writer and keepers
// sign. The nasty ones are made from these by rule, where they are read (test/store/malformed/).

import { signBase } from '../../store/base.ts'
import { decode, encode } from '../../store/codec.ts'
import { encodeHead, headId } from '../../store/head.ts'
import { signMark } from '../../store/mark.ts'
import { signReceipt } from '../../store/receipt.ts'
import { decodeRecord, encodeRecord, type SignedRecord } from '../../store/signed.ts'
import { idOf } from '../store/_mesh.ts'
import { BASE, HEAD_KEY, HEAD_PLACE, MESH, WRITER, pointOf } from './story.ts'
import type { Sample } from './text.ts'

const HEAD = encodeHead(
  { ...HEAD_PLACE, points: [1, 2, 3, 5].map(pointOf) },
  { headKey: HEAD_KEY, salt: new Uint8Array(32).fill(5) }
)
const FIRST_HEAD = encodeHead(
  { ...HEAD_PLACE, seq: 0, prev: undefined, bases: [], escrow: new Uint8Array(0), points: [] },
  { headKey: HEAD_KEY, salt: new Uint8Array(32) }
)

/** Every record of the story, and the join that stands in a sponsor. */
function storyRecords(): SignedRecord[] {
  const sponsor = MESH.records.find(({ kind }) => kind === 'sponsor')
  const fields = sponsor && (decode(sponsor.body) as { join: Uint8Array })
  return fields === undefined ? MESH.records : [...MESH.records, decodeRecord(fields.join)]
}

function bodySamples(): Record<'mark' | 'receipt' | 'base', Sample[]> {
  const at = { mesh: MESH.id, head: headId(HEAD), blocks: 12, bytes: 3456, at: 9000, undoDays: 30 }
  const { parent, ...first } = BASE
  const record = (name: string, { body }: SignedRecord): Sample => ({ name, bytes: body })
  return {
    mark: [record('a mark', signMark(HEAD, WRITER)), record('first', signMark(FIRST_HEAD, WRITER))],
    receipt: [
      record('for a head', signReceipt({ ...at, endpoint: idOf('E') }, WRITER)),
      record('for a base', signReceipt(at, WRITER))
    ],
    base: [
      record(
        `with a parent of ${parent?.length} bytes`,
        signBase(BASE, { key: WRITER, mesh: MESH.id })
      ),
      record('first', signBase(first, { key: WRITER, mesh: MESH.id }))
    ]
  }
}

export function signedSamples(): Record<string, Sample[]> {
  const roster = storyRecords().map((record, i) => ({
    name: `${i} ${record.kind}`,
    bytes: encodeRecord(record)
  }))
  const points = (numbers: number[]): Sample => {
    const body = encode(
      numbers.map(pointOf).map(({ number, time, digest, root, flags }) => {
        return [number, time, digest, root.bytes, flags]
      })
    )
    const size = Buffer.alloc(5)
    size.writeUInt32BE(body.length, 1)
    return { name: `${numbers.length} points`, bytes: Buffer.concat([size, body]) }
  }
  return {
    record: roster.slice(0, 6),
    roster,
    head: [
      { name: 'a head', bytes: HEAD },
      { name: 'the first head', bytes: FIRST_HEAD }
    ],
    points: [points([1, 2, 3, 5]), points([]), points([2 ** 40])],
    ...bodySamples()
  }
}
