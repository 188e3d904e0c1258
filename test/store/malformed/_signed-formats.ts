// How signed records and heads are read and written again. Whoever may sign can sign anything, so bodies
// and points are put behind a true signature, or a true seal, before they are read.

import { createCipheriv } from 'node:crypto'
import { CID_BYTES, toHex } from '../../../store/block.ts'
import { openBase } from '../../../store/base.ts'
import { decode, encode } from '../../../store/codec.ts'
import { Malformed } from '../../../store/errors.ts'
import { decodeHead, openPoints, rootFromBytes, type Head } from '../../../store/head.ts'
import { kdf, type SigningKey } from '../../../store/key.ts'
import { openMark } from '../../../store/mark.ts'
import { openReceipt } from '../../../store/receipt.ts'
import { checkRecord } from '../../../store/roster-records.ts'
import { rungs } from '../../../store/seal.ts'
import {
  decodeRecord,
  encodeRecord,
  signedMessage,
  type SignedRecord
} from '../../../store/signed.ts'
import { HEAD_KEY, HEAD_PLACE, MESH, STORY_KEYS, WRITER } from '../../_corpus/story.ts'
import type { Format } from './_format.ts'

const TAG_BYTES = 16
const BAD_RECORD = ['Malformed', 'NotSigned']

export const SIGNED_FORMATS: readonly Format[] = [
  {
    name: 'record',
    failures: ['Malformed'],
    runs: 800,
    again: (bytes) => encodeRecord(decodeRecord(bytes))
  },
  { name: 'roster', failures: BAD_RECORD, runs: 2500, again: rosterAgain, proven: signAgain },
  { name: 'head', failures: ['Malformed'], runs: 1200, again: headAgain },
  { name: 'points', failures: ['NotOpened'], runs: 700, again: pointsAgain },
  bodyFormat('mark', (record) => ({ ...openMark(record, MESH.id) })),
  bodyFormat('receipt', (record) => ({ ...openReceipt(record, MESH.id) })),
  bodyFormat('base', (record) => {
    const { root, parent, ...fields } = openBase(record, MESH.id)
    const body = { v: 1, mesh: MESH.id, ...fields, root: root.bytes }
    return parent === undefined ? body : { ...body, parent }
  })
]

/** A sample is the body, which is then signed by somebody who could have. */
function bodyFormat(name: string, open: (record: SignedRecord) => object): Format {
  const again = (bytes: Uint8Array): Uint8Array =>
    encode(open(signBytes(name, new Uint8Array(bytes), WRITER)))
  return { name, failures: BAD_RECORD, runs: 500, again }
}

/** A record with this body, whatever is in it. */
export function signBytes(kind: string, body: Uint8Array, key: SigningKey): SignedRecord {
  const signature = key.sign(signedMessage(kind, body))
  return decodeRecord(encode([kind, body, key.public, signature]))
}

function rosterAgain(bytes: Uint8Array): Uint8Array {
  const record = decodeRecord(bytes)
  // The mesh of a genesis is its own id.
  const mesh = record.kind === 'genesis' ? record.id : MESH.id
  return encodeRecord({ ...record, body: encode(checkRecord(record, mesh).body) })
}

/** Signs a roster record again, if its issuer is of the story, and it can be read so far. */
export function signAgain(bytes: Uint8Array): Uint8Array {
  try {
    const { kind, body, issuer } = decodeRecord(bytes)
    const key = STORY_KEYS.get(toHex(issuer))
    return key === undefined ? bytes : encodeRecord(signBytes(kind, body, key))
  } catch (error) {
    if (error instanceof Malformed) return bytes
    throw error
  }
}

function headAgain(bytes: Uint8Array): Uint8Array {
  const { prev, roots, ...head } = decodeHead(bytes)
  const addresses = roots.map(({ bytes: address }) => address)
  return encode({ ...head, prev: prev ?? new Uint8Array(0), roots: addresses })
}

/** A sample is a payload, without the zeros at its end. */
function pointsAgain(sample: Uint8Array): Uint8Array | undefined {
  const rung = rungs().find((length) => length >= sample.length + TAG_BYTES)
  if (rung === undefined || sample.length < 5) return undefined
  const payload = Buffer.alloc(rung - TAG_BYTES)
  payload.set(sample)
  const points = openPoints(sealedHead(payload), HEAD_KEY)
  const list = points.map(({ number, time, digest, root, flags }) => {
    return [number, time, digest, root.bytes, flags]
  })
  const body = encode(list)
  const size = Buffer.alloc(5)
  size.writeUInt32BE(body.length, 1)
  const whole = Buffer.concat([size, body])
  // The zeros that a sample lacks were put behind it.
  const again = Buffer.concat([whole, Buffer.alloc(Math.max(0, sample.length - whole.length))])
  if (again.subarray(sample.length).some((byte) => byte !== 0)) throw new Error('other zeros')
  return again.subarray(0, sample.length)
}

/** A head that seals `payload`, and has the roots that its points say, as far as they say any. */
function sealedHead(payload: Buffer): Head {
  const head = { ...HEAD_PLACE, salt: new Uint8Array(32), roots: rootsIn(payload) }
  const number = Buffer.alloc(8)
  number.writeBigUInt64BE(BigInt(head.seq))
  const place = Buffer.concat([head.mesh, head.endpoint, head.writer, number])
  const key = kdf(HEAD_KEY, 'head', head.salt)
  const cipher = createCipheriv('aes-256-gcm', key, Buffer.alloc(12)).setAAD(place)
  const sealed = Buffer.concat([cipher.update(payload), cipher.final(), cipher.getAuthTag()])
  return { ...head, sealed: new Uint8Array(sealed) }
}

function rootsIn(payload: Buffer): Head['roots'] {
  try {
    const value = decode(payload.subarray(5, 5 + payload.readUInt32BE(1)))
    if (!Array.isArray(value)) return []
    const found = value.flatMap((point: unknown) => {
      const root: unknown = Array.isArray(point) ? point[3] : undefined
      return root instanceof Uint8Array && root.length === CID_BYTES ? [root] : []
    })
    const sorted = found.sort((a, b) => Buffer.compare(a, b))
    const once = sorted.filter((root, i) => i === 0 || Buffer.compare(root, sorted[i - 1] ?? root))
    return once.map(rootFromBytes)
  } catch (error) {
    if (error instanceof Malformed) return []
    throw error
  }
}
