import test from 'ava'
import fc from 'fast-check'
import { toHex } from '../../../store/block.ts'
import { foldBases, signBase } from '../../../store/base.ts'
import { decode, encode } from '../../../store/codec.ts'
import { Malformed } from '../../../store/errors.ts'
import { decodeHead } from '../../../store/head.ts'
import { markedHead, openMark, signMark } from '../../../store/mark.ts'
import { admit } from '../../../store/roster-admit.ts'
import { fold } from '../../../store/roster.ts'
import {
  decodeRecord,
  encodeRecord,
  isBadRecord,
  type SignedRecord
} from '../../../store/signed.ts'
import { BASE, MESH, OTHER_MESH, WRITER } from '../../_corpus/story.ts'
import { readCorpus } from '../../_corpus/text.ts'
import { keyOf } from '../_mesh.ts'
import { anyPlan, mutableSamples, mutantOf } from './_mutants.ts'
import { nastyMaps } from './_nasty-maps.ts'
import { signAgain, signBytes } from './_signed-formats.ts'

const RECORDS = MESH.records

/** The record in these bytes, signed again; undefined if they hold none. */
function recordIn(bytes: Uint8Array): SignedRecord | undefined {
  try {
    return decodeRecord(signAgain(bytes))
  } catch (error) {
    if (error instanceof Malformed) return undefined
    throw error
  }
}

/** Admission and fold take any records; what is admitted folds to the same, in whatever order. */
function takeIn(records: readonly SignedRecord[]): number {
  const { accepted, refused } = admit(RECORDS, records, MESH.id)
  if (!refused.every(({ failure }) => isBadRecord(failure)))
    throw new Error('refused for no reason')
  const all = [...RECORDS, ...accepted]
  const [one, other] = [fold(all), fold(all.toReversed())]
  if (toHex(one.digest) !== toHex(other.digest)) throw new Error('two orders, two rosters')
  foldBases(records, fold([...RECORDS, ...records]))
  return accepted.length
}

test('mutants of records, signed by those who could, never break admission or the fold', (t) => {
  const samples = mutableSamples('roster')
  let accepted = 0
  fc.assert(
    fc.property(fc.array(anyPlan, { minLength: 1, maxLength: 4 }), (plans) => {
      const records = plans.map((plan) => recordIn(mutantOf(samples, plan)))
      accepted += takeIn(records.filter((record) => record !== undefined))
    }),
    { numRuns: 400 }
  )
  t.true(accepted > 0)
})

test('records with a field dropped, doubled or of another type never break the fold', (t) => {
  for (const { kind, body, issuer, signature } of RECORDS) {
    const records = nastyMaps(kind, body).flatMap(({ bytes }) => {
      return recordIn(encode([kind, bytes, issuer, signature])) ?? []
    })
    t.is(takeIn(records), 0, kind)
  }
})

test('forks of every record of the story are admitted, and do not break the fold', (t) => {
  for (const [i, record] of RECORDS.entries()) {
    const fields = decode(record.body) as Record<string, unknown>
    const other = encode({ ...fields, time: 77 })
    const fork = recordIn(encodeRecord({ ...record, body: other }))
    if (fork === undefined) t.fail('a fork that cannot be read')
    // A genesis that differs is another mesh.
    else t.is(takeIn([fork]), i === 0 ? 0 : 1, record.kind)
  }
})

test('records of another mesh with the same people are refused', (t) => {
  for (const { kind, body } of RECORDS.slice(1)) {
    const fields = decode(body) as Record<string, unknown>
    const record = signBytes(kind, encode({ ...fields, mesh: OTHER_MESH }), keyOf('authority'))
    t.is(takeIn([record]), 0, kind)
  }
})

test('a head counts only as its mark says: not an older one, a fork, or one of another mesh', (t) => {
  const [{ bytes } = { bytes: new Uint8Array(0) }, { bytes: first } = { bytes }] = readCorpus(
    'valid',
    'head'
  )
  const record = signMark(bytes, WRITER)
  const mark = { body: openMark(record, MESH.id), record }
  t.is(markedHead(mark, bytes).seq, 3)
  const fields = decode(bytes) as Record<string, unknown>
  const others = [
    first,
    encode({ ...fields, time: 1 }),
    encode({ ...fields, seq: 4 }),
    encode({ ...fields, mesh: OTHER_MESH }),
    encode({ ...fields, writer: keyOf('thief').public })
  ]
  for (const other of others) {
    t.notThrows(() => decodeHead(other))
    t.throws(() => markedHead(mark, other), { instanceOf: Malformed })
  }
})

test('a record that nobody could read is not signed', (t) => {
  const rules = ['\ufeff- /tmp']
  t.throws(() => signBase({ ...BASE, rules }, { key: WRITER, mesh: MESH.id }), {
    instanceOf: Malformed
  })
})
