// Strict DAG-CBOR: the only encoding of structured data, on disk and on the wire. A value has one
// encoding; bytes that decode but would not encode to themselves are refused, as is nesting deeper than
// DEPTH_MAX, more items than ITEMS_MAX, any length beyond the bytes that are there, and every tag: addresses
// are plain bytes here. All that is checked before anything is allocated.

import * as dagCbor from '@ipld/dag-cbor'
import { Malformed, quoted } from './errors.ts'

export const DEPTH_MAX = 32
/**
 * Items in one value, keys included: what fits in a block takes a hundred times its room if it is all empty
 * maps. A full page, or a head of a million bytes, has fewer than 120,000.
 */
export const ITEMS_MAX = 1 << 17

export function encode(value: unknown): Uint8Array {
  return dagCbor.encode(value)
}

/**
 * Decodes `bytes`, which must be the one encoding of one value. `itemsMax` is for what we wrote ourselves.
 *
 * @throws {Malformed}
 */
export function decode(bytes: Uint8Array, { itemsMax = ITEMS_MAX } = {}): unknown {
  assertShape(bytes, itemsMax)
  let value: unknown
  let again: Uint8Array
  try {
    value = dagCbor.decode(bytes)
    again = dagCbor.encode(value)
  } catch (cause) {
    throw new Malformed('bytes are not strict DAG-CBOR', { cause })
  }
  if (Buffer.compare(bytes, again) !== 0)
    throw new Malformed('bytes are not in canonical order or form')
  return value
}

/**
 * Walks the item headers of RFC 8949 without building anything: refuses nesting beyond DEPTH_MAX,
 * indefinite lengths, tags, more than `itemsMax` items, and any length that the remaining bytes cannot hold.
 */
function assertShape(bytes: Uint8Array, itemsMax: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  /** Items still to come at each open level. */
  const open: number[] = [1]
  let at = 0
  let items = 1
  while (open.length > 0) {
    const top = open.length - 1
    if (open[top] === 0) {
      open.pop()
      continue
    }
    open[top] = (open[top] ?? 0) - 1
    const { major, argument, next } = readHeader(view, at)
    at = next
    if (major === 2 || major === 3) {
      if (argument > bytes.length - at)
        throw new Malformed('a length runs past the end of the bytes')
      at += argument
    } else if (major === 4 || major === 5) {
      const inside = major === 5 ? argument * 2 : argument
      if (inside > bytes.length - at) throw new Malformed('a count runs past the end of the bytes')
      if (open.length > DEPTH_MAX) throw new Malformed(`nested deeper than ${DEPTH_MAX}`)
      items += inside
      if (items > itemsMax) throw new Malformed(`more than ${itemsMax} items in one value`)
      open.push(inside)
    } else if (major === 6) {
      throw new Malformed('a tagged value')
    }
  }
  if (at !== bytes.length) throw new Malformed(`${bytes.length - at} bytes follow the value`)
}

function readHeader(view: DataView, at: number): { major: number; argument: number; next: number } {
  const left = view.byteLength - at
  if (left < 1) throw new Malformed('the bytes end inside a value')
  const first = view.getUint8(at)
  const major = first >> 5
  const low = first & 31
  const extra = low < 24 ? 0 : low < 28 ? 1 << (low - 24) : -1
  if (extra < 0) throw new Malformed('indefinite or reserved length')
  if (left < 1 + extra) throw new Malformed('the bytes end inside a value')
  let argument = low
  if (extra === 1) argument = view.getUint8(at + 1)
  else if (extra === 2) argument = view.getUint16(at + 1)
  else if (extra === 4) argument = view.getUint32(at + 1)
  else if (extra === 8) argument = Number(view.getBigUint64(at + 1))
  return { major, argument, next: at + 1 + extra }
}

/** A shape that a decoded value must have: maps a field to its check. */
export type Fields<T> = { readonly [K in keyof T]-?: (value: unknown, field: string) => T[K] }

/**
 * Reads a map that has exactly the fields of `fields`; a check that accepts undefined makes a field
 * optional.
 *
 * @throws {Malformed} naming the field.
 */
export function readMap<T extends object>(value: unknown, what: string, fields: Fields<T>): T {
  if (!isPlainMap(value)) throw new Malformed(`${what} is not a map`)
  for (const key of Object.keys(value)) {
    if (!Object.hasOwn(fields, key))
      throw new Malformed(`${what} has an unknown field ${quoted(key)}`)
  }
  const out: Record<string, unknown> = {}
  for (const key of Object.keys(fields) as (keyof T & string)[]) {
    const read = fields[key](Object.hasOwn(value, key) ? value[key] : undefined, `${what}.${key}`)
    if (read !== undefined) out[key] = read
  }
  return out as T
}

function isPlainMap(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array) &&
    Object.getPrototypeOf(value) === Object.prototype
  )
}

/** Bytes of exactly `length`, or of `[least, most]`. */
export function bytesOf(
  least: number,
  most = least
): (value: unknown, field: string) => Uint8Array {
  return (value, field) => {
    if (!(value instanceof Uint8Array)) throw new Malformed(`${field} is not bytes`)
    if (value.length < least || value.length > most)
      throw new Malformed(`${field} has ${value.length} bytes`)
    return value
  }
}

/** A whole number from `least` to `most`. */
export function integerOf(
  least = 0,
  most = Number.MAX_SAFE_INTEGER
): (value: unknown, field: string) => number {
  return (value, field) => {
    if (
      typeof value !== 'number' ||
      !Number.isSafeInteger(value) ||
      value < least ||
      value > most
    ) {
      throw new Malformed(`${field} is not a whole number from ${least} to ${most}`)
    }
    return value
  }
}

/** Text of at most `most` UTF-16 units. */
export function textOf(most: number, least = 0): (value: unknown, field: string) => string {
  return (value, field) => {
    if (typeof value !== 'string' || value.length > most || value.length < least) {
      throw new Malformed(`${field} is not text of ${least} to ${most} characters`)
    }
    return value
  }
}

export function booleanOf(value: unknown, field: string): boolean {
  if (typeof value !== 'boolean') throw new Malformed(`${field} is not true or false`)
  return value
}

/** One of the given texts. */
export function oneOf<T extends string>(
  ...allowed: readonly T[]
): (value: unknown, field: string) => T {
  return (value, field) => {
    if (!allowed.includes(value as T))
      throw new Malformed(`${field} is not one of ${allowed.join(', ')}`)
    return value as T
  }
}

/** A list of at most `most` items, each read by `item`. */
export function listOf<T>(
  item: (value: unknown, field: string) => T,
  most: number
): (value: unknown, field: string) => T[] {
  return (value, field) => {
    if (!Array.isArray(value) || value.length > most) {
      throw new Malformed(`${field} is not a list of at most ${most}`)
    }
    return value.map((each, i) => item(each, `${field}[${i}]`))
  }
}

/** The same check, but the field may be missing. */
export function optional<T>(
  check: (value: unknown, field: string) => T
): (value: unknown, field: string) => T | undefined {
  return (value, field) => (value === undefined ? undefined : check(value, field))
}

/** A list of fixed length, read position by position. @throws {Malformed} */
export function readList(value: unknown, what: string, length: number): unknown[] {
  if (!Array.isArray(value) || value.length !== length) {
    throw new Malformed(`${what} is not a list of ${length}`)
  }
  return value as unknown[]
}
