// A block as it lies at rest, and as it travels: raw, or packed by zstd where that pays. Packing is proved
// before it is trusted (unpacked again and compared), and unpacking is bounded by the length that was
// promised, so neither a faulty compressor nor a bomb comes through.

import { BLOCK_BYTES_MAX, sha256, type Hash } from './block.ts'
import { Malformed } from './errors.ts'
import { shrink, unpacked } from './zstd.ts'

export const METHOD_RAW = 0
export const METHOD_ZSTD = 1
export type Method = typeof METHOD_RAW | typeof METHOD_ZSTD

export interface StoredBlock {
  method: Method
  /** Bytes of the block itself; equal to the body's length when raw. */
  plainLength: number
  body: Uint8Array
}

/** Where a block lies in a file of this computer, for who may read it. As unproved as what is read there. */
export interface StoredPlace {
  method: Method
  plainLength: number
  /** An absolute path. */
  path: string
  /** Of its body, from the start of the file. */
  offset: number
  storedLength: number
}

/** zstd is kept if it saves at least one part in so many. */
const SAVING = 16

/** `bytes` as they are. */
export function rawBlock(bytes: Uint8Array): StoredBlock {
  return { method: METHOD_RAW, plainLength: bytes.length, body: bytes }
}

/** The form in which `bytes` are kept. `compress: false` for what cannot shrink, such as sealed blocks. */
export function packBlock(bytes: Uint8Array, { compress }: { compress: boolean }): StoredBlock {
  const raw = rawBlock(bytes)
  if (!compress || bytes.length < SAVING) return raw
  const body = shrink(bytes, bytes.length - bytes.length / SAVING)
  return body === undefined ? raw : { method: METHOD_ZSTD, plainLength: bytes.length, body }
}

/** The block's bytes, if `stored` is the block with this hash; undefined if it is damaged. */
export function unpackBlock(hash: Hash, stored: StoredBlock): Uint8Array | undefined {
  const bytes = viewBlock(hash, stored)
  return bytes === undefined || bytes === stored.body ? bytes : new Uint8Array(bytes)
}

/** The same, as a view that is good until the next block is unpacked. */
export function viewBlock(hash: Hash, stored: StoredBlock): Uint8Array | undefined {
  const bytes = unpack(stored)
  if (bytes === undefined || Buffer.compare(sha256(bytes), hash) !== 0) return undefined
  return bytes
}

/** @throws {Malformed} if the lengths of a block from outside cannot be right. */
export function assertStored({ method, plainLength, body }: StoredBlock): void {
  if (!areLengths(method, plainLength, body.length)) {
    throw new Malformed(`a stored block claims ${plainLength} bytes in ${body.length}`)
  }
}

/** True if a block of `plainLength` bytes may be kept in `storedLength` with this method. */
export function areLengths(method: Method, plainLength: number, storedLength: number): boolean {
  if (plainLength > BLOCK_BYTES_MAX) return false
  return method === METHOD_RAW ? storedLength === plainLength : storedLength < plainLength
}

function unpack({ method, plainLength, body }: StoredBlock): Uint8Array | undefined {
  if (!areLengths(method, plainLength, body.length)) return undefined
  if (method === METHOD_RAW) return body
  const bytes = unpacked(body, plainLength)
  return bytes?.length === plainLength ? bytes : undefined
}
