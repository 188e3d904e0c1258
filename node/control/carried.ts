// What a courier carries, on its way between a command and its peer: the opening of a parcel, and blocks as
// they lie. Lengths are checked; nothing else is proved here.

import { cidFromBytes } from '../../store/block.ts'
import { Malformed } from '../../store/errors.ts'
import type { CarriedPoint, Opening } from '../../store/parcel.ts'
import { methodOf } from '../../store/segment.ts'
import { assertStored, type StoredBlock } from '../../store/stored.ts'

interface WrittenPoint {
  number: number
  root: Uint8Array
}

export interface WrittenOpening {
  mesh: Uint8Array
  endpoint: Uint8Array
  point: WrittenPoint
  since?: WrittenPoint | undefined
  bases: Uint8Array[]
  inside: Uint8Array[]
  mark: Uint8Array
  head: Uint8Array
  papers: Uint8Array[]
}

export type WrittenCarried = [method: number, plainLength: number, body: Uint8Array]

export function writeOpening({ point, since, ...fields }: Opening): WrittenOpening {
  const written = ({ number, root }: CarriedPoint): WrittenPoint => ({ number, root: root.bytes })
  return {
    ...fields,
    bases: [...fields.bases],
    inside: [...fields.inside],
    papers: [...fields.papers],
    point: written(point),
    ...(since && { since: written(since) })
  }
}

/** @throws {Malformed} */
export function readOpening({ point, since, ...fields }: WrittenOpening): Opening {
  const read = ({ number, root }: WrittenPoint): CarriedPoint => ({
    number,
    root: cidFromBytes(root)
  })
  return { ...fields, point: read(point), since: since && read(since) }
}

/** @throws {Malformed} */
export function readCarried([method, plainLength, body]: WrittenCarried): StoredBlock {
  const known = methodOf(method)
  if (known === undefined) throw new Malformed(`a block that is packed in the way ${method}`)
  const stored = { method: known, plainLength, body }
  assertStored(stored)
  return stored
}
