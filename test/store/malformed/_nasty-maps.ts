// Nasty maps: from the body of a record, or from a head, every one that can be made by a rule: a field
// dropped, doubled, added, or of another type, another mesh, another version. They are put together from
// encoded fields, since no strict writer writes them.

import { decode, encode } from '../../../store/codec.ts'
import { OTHER_MESH } from '../../_corpus/story.ts'
import type { Sample } from '../../_corpus/text.ts'

/** Fields that may be left out: without them a body is another, and good. */
const OPTIONAL = new Set(['quota', 'endpoint', 'claimKey', 'replaces', 'parent'])

/** `what` is the kind of the record, or `head`. */
export function nastyMaps(what: string, bytes: Uint8Array): Sample[] {
  const fields = Object.entries(decode(bytes) as Record<string, unknown>)
  const samples: Sample[] = []
  const add = (name: string, changed: readonly [string, unknown][]): void => {
    samples.push({ name: `${what}: ${name}`, bytes: mapOf(changed) })
  }
  for (const [i, [key, value]] of fields.entries()) {
    const endpointOfClaim = what === 'claim' && key === 'endpoint'
    if (!OPTIONAL.has(key) || endpointOfClaim) add(`without ${key}`, fields.toSpliced(i, 1))
    add(`${key} twice`, fields.toSpliced(i, 0, [key, value]))
    add(`${key} is null`, fields.with(i, [key, null]))
    add(`${key} in a list`, fields.with(i, [key, [value]]))
    if (typeof value === 'number') {
      add(`${key} is 2^53`, fields.with(i, [key, 2n ** 53n]))
      add(`${key} is negative`, fields.with(i, [key, -1]))
      add(`${key} is a fraction`, fields.with(i, [key, 0.5]))
    }
    if (value instanceof Uint8Array) {
      add(`${key} is a byte longer than it may be`, fields.with(i, [key, longer(key, value)]))
    }
  }
  add(
    'of version 0',
    fields.map(([key, value]) => [key, key === 'v' ? 0 : value])
  )
  add(
    'of version 2',
    fields.map(([key, value]) => [key, key === 'v' ? 2 : value])
  )
  add('with a field more', [...fields, ['zzzzzzzzzz', 0]])
  add('with __proto__', [...fields, ['__proto__', 0]].sort(byKey) as [string, unknown][])
  add('backwards', fields.toReversed())
  if (what !== 'head' && fields.some(([key]) => key === 'mesh'))
    add(
      'of another mesh',
      fields.map(([key, value]) => [key, key === 'mesh' ? OTHER_MESH : value])
    )
  return samples
}

function longer(key: string, value: Uint8Array): Uint8Array {
  const most: Record<string, number> = { escrow: 1025, sealed: (1 << 20) + 1, join: 8193 }
  return Buffer.concat([value, new Uint8Array(Math.max(1, (most[key] ?? 0) - value.length))])
}

/** Canonical order: shorter keys first. */
function byKey([a]: readonly unknown[], [b]: readonly unknown[]): number {
  const [one, other] = [String(a), String(b)]
  return one.length - other.length || (one < other ? -1 : 1)
}

/** A map with these fields in this order, whatever they are. */
function mapOf(fields: readonly [string, unknown][]): Uint8Array {
  if (fields.length > 23) throw new Error('too many fields for a header of one byte')
  const parts = fields.flatMap(([key, value]) => [encode(key), encode(value)])
  return Buffer.concat([Uint8Array.of(0xa0 + fields.length), ...parts])
}
