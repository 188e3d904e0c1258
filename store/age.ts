// age, the file format of age-encryption.org/v1, as far as an escrow needs it: a file in memory, X25519
// keys, no armour. Anybody's age tool opens what is made here. Written anew because the whole of it must
// happen in one step and draw from the Random port, or a run could not be repeated from its seed. Nothing
// of a file is given out before all of it has proven true.

import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  timingSafeEqual,
  type KeyObject
} from 'node:crypto'
import { bech32 } from '@scure/base'
import { Malformed, NotOpened } from './errors.ts'
import type { Random } from './random.ts'

const IDENTITY_PREFIX = 'AGE-SECRET-KEY-'
const RECIPIENT_PREFIX = 'age'
const INTRO = 'age-encryption.org/v1\n'
/** An argument or more, then base64 in lines of 64 characters, of which the last is shorter. */
const STANZA = /-> ([!-~]+(?: [!-~]+)*)\n((?:[A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/]{0,63}\n)/y
const FOOTER = /--- ([A-Za-z0-9+/]{43})\n/y
/** The MAC covers the header up to and with this much of the footer. */
const FOOTER_MARK = '---'
const X25519 = 'X25519'

/** Of an identity; a recipient is shorter. */
const TEXT_LENGTH_MAX = 74

const KEY_BYTES = 32
const FILE_KEY_BYTES = 16
const SALT_BYTES = 16
const TAG_BYTES = 16
const CHUNK_BYTES = 1 << 16
const BOXED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES
/** Room for a dozen recipients, where there is one. */
const HEADER_BYTES_MAX = 1 << 12
/** For a key that boxes one message only. */
const NONCE = new Uint8Array(12)

/** What stands before the raw key in DER: PKCS #8 for a private X25519 key, SPKI for a public one. */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex')
const PUBLIC_PREFIX = Buffer.from('302a300506032b656e032100', 'hex')

/** The identity (`AGE-SECRET-KEY-1…`) of 32 secret bytes. */
export function identityOf(secret: Uint8Array): string {
  if (secret.length !== KEY_BYTES) throw new RangeError(`an identity has ${KEY_BYTES} bytes`)
  return bech32.encodeFromBytes(IDENTITY_PREFIX.toLowerCase(), secret).toUpperCase()
}

/** The recipient (`age1…`) that belongs to an identity. @throws {Malformed} */
export function recipientOf(identity: string): string {
  return bech32.encodeFromBytes(RECIPIENT_PREFIX, publicOf(readIdentity(identity)))
}

/**
 * Encrypts to a recipient: about 200 bytes longer than `plaintext`.
 *
 * @throws {Malformed} if that is no recipient, or one that anybody could read.
 */
export function encryptTo(recipient: string, plaintext: Uint8Array, random: Random): Uint8Array {
  const point = readRecipient(recipient)
  const fileKey = random.bytes(FILE_KEY_BYTES)
  const ephemeral = random.bytes(KEY_BYTES)
  const share = publicOf(ephemeral)
  const key = wrapKey(agree(ephemeral, point), share, point)
  const stanza = `-> ${X25519} ${toBase64(share)}\n${toBase64(box(key, NONCE, fileKey))}\n`
  const header = Buffer.from(`${INTRO}${stanza}${FOOTER_MARK}`)
  const salt = random.bytes(SALT_BYTES)
  return joined([
    header,
    Buffer.from(` ${toBase64(macOf(fileKey, header))}\n`),
    salt,
    ...sealPayload(payloadKey(fileKey, salt), plaintext)
  ])
}

/**
 * The plaintext of a file.
 *
 * @throws {Malformed} if it is no age file. @throws {NotOpened} if it was made for others, or changed.
 */
export function decryptWith(identity: string, file: Uint8Array): Uint8Array {
  const secret = readIdentity(identity)
  const { stanzas, signed, mac, payload } = readHeader(file)
  const fileKey = unwrap(secret, stanzas)
  if (fileKey === undefined) throw new NotOpened('an age file was made for somebody else')
  if (!timingSafeEqual(mac, macOf(fileKey, signed))) throw changed()
  return openPayload(fileKey, payload)
}

/** How one recipient gets at the file's key. Kinds that are not known here are passed over. */
interface Stanza {
  /** The first is the kind. */
  args: string[]
  body: Uint8Array
}

interface Header {
  stanzas: Stanza[]
  /** What the MAC covers. */
  signed: Uint8Array
  mac: Uint8Array
  payload: Uint8Array
}

function readHeader(file: Uint8Array): Header {
  const text = Buffer.from(file.subarray(0, HEADER_BYTES_MAX)).toString('latin1')
  if (!text.startsWith(INTRO)) throw new Malformed('no age file of version 1')
  const stanzas: Stanza[] = []
  let at = INTRO.length
  for (;;) {
    const [whole, args, body] = matchAt(STANZA, text, at)
    if (whole === undefined || args === undefined || body === undefined) break
    stanzas.push({ args: args.split(' '), body: fromBase64(body.replaceAll('\n', '')) })
    at += whole.length
  }
  const [footer, mac] = matchAt(FOOTER, text, at)
  if (footer === undefined || mac === undefined) throw new Malformed('a broken age header')
  return {
    stanzas,
    signed: file.subarray(0, at + FOOTER_MARK.length),
    mac: fromBase64(mac),
    payload: file.subarray(at + footer.length)
  }
}

function matchAt(pattern: RegExp, text: string, at: number): readonly string[] {
  pattern.lastIndex = at
  return pattern.exec(text) ?? []
}

/** The key of the file, from the first stanza that this secret opens. */
function unwrap(secret: Uint8Array, stanzas: readonly Stanza[]): Uint8Array | undefined {
  const point = publicOf(secret)
  for (const { args, body } of stanzas) {
    if (args[0] !== X25519) continue
    const share = fromBase64(args[1] ?? '')
    const fits = args.length === 2 && share.length === KEY_BYTES
    if (!fits || body.length !== FILE_KEY_BYTES + TAG_BYTES) {
      throw new Malformed('a broken X25519 stanza')
    }
    const fileKey = unbox(wrapKey(agree(secret, share), share, point), NONCE, body)
    if (fileKey !== undefined) return fileKey
  }
  return undefined
}

function sealPayload(key: Uint8Array, plaintext: Uint8Array): Uint8Array[] {
  return cut(plaintext, CHUNK_BYTES).map((chunk, i, all) =>
    box(key, chunkNonce(i, i === all.length - 1), chunk)
  )
}

function openPayload(fileKey: Uint8Array, payload: Uint8Array): Uint8Array {
  const key = payloadKey(fileKey, payload.subarray(0, SALT_BYTES))
  const chunks = cut(payload.subarray(SALT_BYTES), BOXED_CHUNK_BYTES).map((boxed, i, all) => {
    const chunk = unbox(key, chunkNonce(i, i === all.length - 1), boxed)
    // One plaintext, one file: only an empty one may end with an empty chunk.
    if (chunk === undefined || (i > 0 && chunk.length === 0)) throw changed()
    return chunk
  })
  return joined(chunks)
}

/** At least one piece, of which only the last may be shorter, or empty. */
function cut(bytes: Uint8Array, length: number): Uint8Array[] {
  const count = Math.max(1, Math.ceil(bytes.length / length))
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * length, (i + 1) * length))
}

/** The number of the chunk in 11 bytes, then whether it is the last: so none can be moved or cut off. */
function chunkNonce(index: number, isLast: boolean): Uint8Array {
  const nonce = Buffer.alloc(NONCE.length)
  nonce.writeUIntBE(index, NONCE.length - 7, 6)
  nonce[NONCE.length - 1] = isLast ? 1 : 0
  return nonce
}

/** ChaCha20-Poly1305, the tag at the end. */
function box(key: Uint8Array, nonce: Uint8Array, message: Uint8Array): Uint8Array {
  const options = { authTagLength: TAG_BYTES }
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, options)
  return joined([cipher.update(message), cipher.final(), cipher.getAuthTag()])
}

function unbox(key: Uint8Array, nonce: Uint8Array, boxed: Uint8Array): Uint8Array | undefined {
  if (boxed.length < TAG_BYTES) return undefined
  const end = boxed.length - TAG_BYTES
  const options = { authTagLength: TAG_BYTES }
  const decipher = createDecipheriv('chacha20-poly1305', key, nonce, options)
  decipher.setAuthTag(boxed.subarray(end))
  try {
    return joined([decipher.update(boxed.subarray(0, end)), decipher.final()])
  } catch {
    return undefined
  }
}

function wrapKey(agreed: Uint8Array, share: Uint8Array, point: Uint8Array): Uint8Array {
  return derive(agreed, Buffer.concat([share, point]), 'age-encryption.org/v1/X25519')
}

function payloadKey(fileKey: Uint8Array, salt: Uint8Array): Uint8Array {
  return derive(fileKey, salt, 'payload')
}

function macOf(fileKey: Uint8Array, signed: Uint8Array): Uint8Array {
  const key = derive(fileKey, new Uint8Array(), 'header')
  return createHmac('sha256', key).update(signed).digest()
}

function derive(key: Uint8Array, salt: Uint8Array, label: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, salt, label, KEY_BYTES))
}

/** X25519. @throws {Malformed} for a point of low order, with which every secret agrees on zeros. */
function agree(secret: Uint8Array, point: Uint8Array): Uint8Array {
  const der = Buffer.concat([PUBLIC_PREFIX, point])
  const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' })
  try {
    return diffieHellman({ privateKey: privateKey(secret), publicKey })
  } catch (cause) {
    throw new Malformed('an X25519 key of low order', { cause })
  }
}

function publicOf(secret: Uint8Array): Uint8Array {
  const der = createPublicKey(privateKey(secret)).export({ format: 'der', type: 'spki' })
  return new Uint8Array(der.subarray(PUBLIC_PREFIX.length))
}

function privateKey(secret: Uint8Array): KeyObject {
  const der = Buffer.concat([PRIVATE_PREFIX, secret])
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
}

function readIdentity(text: string): Uint8Array {
  const secret = text === text.toUpperCase() ? fromBech32(text, IDENTITY_PREFIX) : undefined
  if (secret === undefined) throw new Malformed('no age X25519 identity')
  return secret
}

function readRecipient(text: string): Uint8Array {
  const point = text === text.toLowerCase() ? fromBech32(text, RECIPIENT_PREFIX) : undefined
  if (point === undefined) throw new Malformed('no age X25519 recipient')
  return point
}

/** What is wrong is not told: the text may be a secret. */
function fromBech32(text: string, prefix: string): Uint8Array | undefined {
  if (text.length > TEXT_LENGTH_MAX) return undefined
  try {
    const { prefix: found, bytes } = bech32.decodeToBytes(text)
    const fits = found === prefix.toLowerCase() && bytes.length === KEY_BYTES
    return fits ? bytes : undefined
  } catch {
    return undefined
  }
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '')
}

/** @throws {Malformed} if the bytes would not be written so. */
function fromBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  if (toBase64(bytes) !== text) throw new Malformed('base64 that is not canonical')
  return bytes
}

/** Bytes of their own: those of a Buffer may lie in a pool beside others'. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

function changed(): NotOpened {
  return new NotOpened('an age file was changed since it was made')
}
