// Sealed blocks: private content, links in the clear (SECURITY-DESIGN 7). The IV is synthetic, a MAC over
// type, links and payload, and the key of the one message is derived from it; so the same content gives
// the same block, and a nonce never meets two messages. A keeper reads the links and nothing else.

import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject
} from 'node:crypto'
import { BLOCK_BYTES_MAX, DAG_CBOR, HASH_BYTES, cidOf, type CID, type Hash } from './block.ts'
import { bytesOf, decode, encode, integerOf, readList } from './codec.ts'
import { Malformed, NotOpened } from './errors.ts'
import { kdf } from './key.ts'
import { shrink, unpacked } from './zstd.ts'

/** What a block holds; its number is under the seal, so one type can never pass for another. */
export const BLOCK_TYPES = { chunk: 1, page: 2, list: 3, top: 4 } as const
export type BlockType = keyof typeof BLOCK_TYPES

/** The keys of one epoch of one endpoint. As key objects: raw bytes cost five times as much to use. */
export interface SealKeys {
  epoch: number
  siv: KeyObject
  key: KeyObject
}

/** The keys of every epoch of an endpoint, by epoch. */
export type Keyring = ReadonlyMap<number, SealKeys>

export interface SealedBlock {
  cid: CID
  bytes: Uint8Array
}

const VERSION = 1
const METHOD_RAW = 0
const METHOD_ZSTD = 1
const PAYLOAD_HEADER_BYTES = 5
const TAG_BYTES = 16
const NONCE = new Uint8Array(12)
const EPOCH_MAX = 0xffff
const ZEROS = Buffer.alloc(BLOCK_BYTES_MAX)

export function sealKeys(sealKey: Uint8Array, epoch = 0): SealKeys {
  return {
    epoch,
    siv: createSecretKey(kdf(sealKey, 'siv')),
    key: createSecretKey(kdf(sealKey, 'key'))
  }
}

/**
 * Seals `body`; `links` are the hashes of every block that the body refers to, in any order.
 *
 * @throws {Malformed} if it does not fit in one block.
 */
export function seal(
  keys: SealKeys,
  type: BlockType,
  body: Uint8Array,
  links: Hash[]
): SealedBlock {
  // A larger one may shrink enough to be sealed, but would never be opened.
  if (body.length > BLOCK_BYTES_MAX) throw new Malformed(`a body of ${body.length} bytes`)
  const sorted = packLinks(links)
  const packed = shrink(body, body.length - 1)
  const stored = packed ?? body
  const frame = encode([VERSION, keys.epoch, sorted, new Uint8Array(HASH_BYTES)]).length
  const payloadBytes = paddedPayload(frame, PAYLOAD_HEADER_BYTES + stored.length)
  const payload = Buffer.alloc(payloadBytes)
  payload[0] = packed === undefined ? METHOD_RAW : METHOD_ZSTD
  payload.writeUInt32BE(stored.length, 1)
  payload.set(stored, PAYLOAD_HEADER_BYTES)
  const siv = syntheticIv(keys, type, sorted, payload)
  const cipher = createCipheriv('aes-256-gcm', messageKey(keys, siv), NONCE)
  const box = Buffer.concat([cipher.update(payload), cipher.final(), cipher.getAuthTag()])
  const bytes = encode([VERSION, keys.epoch, sorted, siv, box])
  if (bytes.length > BLOCK_BYTES_MAX) throw new Malformed(`a sealed block of ${bytes.length} bytes`)
  return { cid: cidOf(DAG_CBOR, bytes), bytes }
}

/**
 * Opens a block whose bytes were verified against its CID.
 *
 * @throws {Malformed} if it is no sealed block.
 * @throws {NotOpened} if it was sealed under other keys, as another type, or not by the rules.
 */
export function unseal(
  keyring: Keyring,
  type: BlockType,
  bytes: Uint8Array
): { body: Uint8Array; links: Hash[] } {
  const { epoch, links, siv, box } = readSealed(bytes)
  const keys = keyring.get(epoch)
  if (keys === undefined) throw new NotOpened(`no keys for epoch ${epoch} of this endpoint`)
  const decipher = createDecipheriv('aes-256-gcm', messageKey(keys, siv), NONCE, {
    authTagLength: TAG_BYTES
  })
  decipher.setAuthTag(box.subarray(box.length - TAG_BYTES))
  let payload: Buffer
  try {
    payload = Buffer.concat([
      decipher.update(box.subarray(0, box.length - TAG_BYTES)),
      decipher.final()
    ])
  } catch (cause) {
    throw new NotOpened('a block does not open with these keys', { cause })
  }
  if (!syntheticIv(keys, type, links, payload).equals(siv)) {
    throw new NotOpened(`a block was not sealed as a ${type}`)
  }
  if (!isRung(bytes.length)) throw new NotOpened('a block is not padded to a step')
  return { body: readPayload(payload), links: unpackLinks(links) }
}

/** True if the bytes of a dag-cbor block are a sealed block rather than a plain page or list. */
export function isSealed(bytes: Uint8Array): boolean {
  return bytes[0] === 0x85 && bytes[1] === VERSION
}

/** The epoch and the links of a sealed block, as anyone may read them. @throws {Malformed} */
export function sealedLinks(bytes: Uint8Array): { epoch: number; links: Hash[] } {
  const { epoch, links } = readSealed(bytes)
  return { epoch, links: unpackLinks(links) }
}

interface Sealed {
  epoch: number
  links: Uint8Array
  siv: Uint8Array
  box: Uint8Array
}

function readSealed(bytes: Uint8Array): Sealed {
  if (bytes.length > BLOCK_BYTES_MAX) throw new Malformed('a block over the limit')
  const [version, epoch, links, siv, box] = readList(decode(bytes), 'sealed block', 5)
  if (version !== VERSION) throw new Malformed('a sealed block of another version')
  const sealed = {
    epoch: integerOf(0, EPOCH_MAX)(epoch, 'epoch'),
    links: bytesOf(0, BLOCK_BYTES_MAX)(links, 'links'),
    siv: bytesOf(HASH_BYTES)(siv, 'siv'),
    box: bytesOf(PAYLOAD_HEADER_BYTES + TAG_BYTES, BLOCK_BYTES_MAX)(box, 'box')
  }
  if (sealed.links.length % HASH_BYTES !== 0) throw new Malformed('links are not whole hashes')
  for (let at = HASH_BYTES; at < sealed.links.length; at += HASH_BYTES) {
    const before = sealed.links.subarray(at - HASH_BYTES, at)
    if (Buffer.compare(before, sealed.links.subarray(at, at + HASH_BYTES)) >= 0) {
      throw new Malformed('links are not sorted and unique')
    }
  }
  return sealed
}

function readPayload(payload: Buffer): Uint8Array {
  const method = payload[0]
  const length = payload.readUInt32BE(1)
  const end = PAYLOAD_HEADER_BYTES + length
  if (end > payload.length) throw new NotOpened('a sealed length runs past the payload')
  if (!ZEROS.subarray(end, payload.length).equals(payload.subarray(end)))
    throw new NotOpened('padding is not zeros')
  const stored = payload.subarray(PAYLOAD_HEADER_BYTES, end)
  if (method === METHOD_RAW) return stored
  if (method !== METHOD_ZSTD) throw new NotOpened('a block is packed in an unknown way')
  const body = unpacked(stored, BLOCK_BYTES_MAX)
  if (body === undefined) throw new NotOpened('a sealed block does not unpack')
  return new Uint8Array(body)
}

function syntheticIv(
  keys: SealKeys,
  type: BlockType,
  links: Uint8Array,
  payload: Uint8Array
): Buffer {
  const head = Buffer.alloc(5)
  head[0] = BLOCK_TYPES[type]
  head.writeUInt32BE(links.length / HASH_BYTES, 1)
  return createHmac('sha256', keys.siv).update(head).update(links).update(payload).digest()
}

function messageKey(keys: SealKeys, siv: Uint8Array): KeyObject {
  return createSecretKey(createHmac('sha256', keys.key).update(siv).digest())
}

function packLinks(links: Hash[]): Uint8Array {
  const sorted = [...links].sort((a, b) => Buffer.compare(a, b))
  return Buffer.concat(sorted.filter((link, i) => i === 0 || !sameBytes(link, sorted[i - 1])))
}

function sameBytes(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && Buffer.compare(a, b) === 0
}

function unpackLinks(packed: Uint8Array): Hash[] {
  const links: Hash[] = []
  for (let at = 0; at < packed.length; at += HASH_BYTES)
    links.push(packed.slice(at, at + HASH_BYTES))
  return links
}

/**
 * The payload's length with its zeros, so that the whole block has the length of a rung. `frame` is the
 * length of the block without its box.
 */
function paddedPayload(frame: number, least: number): number {
  const smallest = frame + boxBytes(least)
  for (const rung of rungs()) {
    if (rung < smallest) continue
    // The CBOR length of the box takes 1, 2, 3 or 5 bytes; try each.
    for (const header of [1, 2, 3, 5]) {
      const payload = rung - frame - header - TAG_BYTES
      if (payload >= least && frame + boxBytes(payload) === rung) return payload
    }
  }
  throw new Malformed('content too large for one sealed block')
}

function boxBytes(payload: number): number {
  const box = payload + TAG_BYTES
  return box + (box < 24 ? 1 : box < 256 ? 2 : box < 65536 ? 3 : 5)
}

/** Sizes that blocks may have: 512 B, then eight steps an octave, up to a whole block. */
export function* rungs(): Generator<number> {
  for (let octave = 512; octave < BLOCK_BYTES_MAX; octave *= 2) {
    for (let step = 8; step < 16; step++) yield (octave / 8) * step
  }
  yield BLOCK_BYTES_MAX
}

const RUNGS = new Set(rungs())

export function isRung(length: number): boolean {
  return RUNGS.has(length)
}
