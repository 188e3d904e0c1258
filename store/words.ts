// Words: secrets as people write them down. 24 words of the English bip39 list are 32 bytes (a mesh
// phrase, or an endpoint root); 8 words are an invite code of 80 random bits. Reading is strict about the
// words and kind about how they were typed. A failure says which word is wrong by its number and never
// repeats a word, since failures end up in logs.

import { scryptSync, createHmac } from 'node:crypto'
import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { sha256 } from './block.ts'
import { WrongWords } from './errors.ts'
import { kdf, signingKey, type SigningKey } from './key.ts'

const SECRET_BYTES = 32
const SECRET_WORDS = 24
/** Bytes of an invite code, without its checksum. */
export const INVITE_BYTES = 10
const INVITE_WORDS = 8
const WORD_BITS = 11
const TEXT_LENGTH_MAX = 4096
const INVITE_CONTEXT = Buffer.from('drystone/1/invite')
/** About 80 ms and 32 MiB a guess. */
const SCRYPT = { N: 1 << 15, r: 8, p: 1, maxmem: 64 << 20 }

const numberOfWord = new Map(wordlist.map((word, i) => [word, i]))

/** 32 secret bytes as 24 words, in lower case with single spaces. */
export function secretToWords(secret: Uint8Array): string {
  if (secret.length !== SECRET_BYTES) throw new RangeError(`a secret has ${SECRET_BYTES} bytes`)
  return entropyToMnemonic(secret, wordlist)
}

/**
 * The 32 bytes that 24 words stand for.
 *
 * @throws {WrongWords}
 */
export function wordsToSecret(text: string): Uint8Array {
  const words = readWords(text, SECRET_WORDS)
  try {
    return mnemonicToEntropy(words.join(' '), wordlist)
  } catch {
    // No cause: the library's message could hold words.
    throw wrongChecksum()
  }
}

/**
 * Two phrases that only together stand for `secret`: `pad`, 32 random bytes, and the difference to it.
 * Either alone says nothing.
 */
export function splitSecret(secret: Uint8Array, pad: Uint8Array): [string, string] {
  return [secretToWords(pad), secretToWords(difference(secret, pad))]
}

/**
 * The secret of one phrase of 24 words, or of both halves of a split one, one after the other.
 *
 * @throws {WrongWords}
 */
export function wordsToPhrase(text: string): Uint8Array {
  const words = textToWords(text)
  if (words.length !== 2 * SECRET_WORDS) return wordsToSecret(text)
  const [first, second] = [words.slice(0, SECRET_WORDS), words.slice(SECRET_WORDS)]
  return difference(wordsToSecret(first.join(' ')), wordsToSecret(second.join(' ')))
}

function difference(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, i) => byte ^ (b[i] ?? 0))
}

/** An invite code, from its 10 random bytes: 8 words joined by dashes, easy to paste in one piece. */
export function inviteToWords(bits: Uint8Array): string {
  if (bits.length !== INVITE_BYTES) throw new RangeError(`an invite has ${INVITE_BYTES} bytes`)
  let rest = toNumber(bits) * 256n + BigInt(inviteChecksum(bits))
  const words: string[] = []
  for (let i = 0; i < INVITE_WORDS; i++) {
    words.unshift(wordlist[Number(rest & 2047n)] ?? '')
    rest >>= BigInt(WORD_BITS)
  }
  return words.join('-')
}

/**
 * The 10 bytes of an invite code.
 *
 * @throws {WrongWords}
 */
export function wordsToInvite(text: string): Uint8Array {
  let all = 0n
  for (const word of readWords(text, INVITE_WORDS)) {
    all = (all << BigInt(WORD_BITS)) | BigInt(numberOfWord.get(word) ?? 0)
  }
  const bits = new Uint8Array(INVITE_BYTES)
  let rest = all >> 8n
  for (let i = INVITE_BYTES - 1; i >= 0; i--) {
    bits[i] = Number(rest & 255n)
    rest >>= 8n
  }
  if (inviteChecksum(bits) !== Number(all & 255n)) throw wrongChecksum()
  return bits
}

/** What the 10 bytes of an invite code give. */
export interface InviteKeys {
  /** 16 bytes: names the invite in the roster without telling the code. */
  id: Uint8Array
  /** Signs the join. */
  key: SigningKey
  /** By this the mesh proves to the joiner that it made the invite. */
  mac: Uint8Array
}

/** Stretches an invite code; takes about 80 ms, on purpose. */
export function inviteKeys(bits: Uint8Array): InviteKeys {
  const stretched = scryptSync(bits, INVITE_CONTEXT, SECRET_BYTES, SCRYPT)
  return {
    id: kdf(stretched, 'invite-id').slice(0, 16),
    key: signingKey(kdf(stretched, 'invite')),
    mac: kdf(stretched, 'invite-mac')
  }
}

/** The `mac` of an invite record: HMAC-SHA-256 of the mesh id under the invite's mac key. */
export function inviteMac(macKey: Uint8Array, mesh: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac('sha256', macKey).update(mesh).digest())
}

function inviteChecksum(bits: Uint8Array): number {
  return sha256(Buffer.concat([INVITE_CONTEXT, bits]))[0] ?? 0
}

function toNumber(bytes: Uint8Array): bigint {
  return bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
}

/** Exactly `count` words of the list. Case, commas, dashes, line breaks and numbering do not matter. */
function readWords(text: string, count: number): string[] {
  const words = textToWords(text)
  if (words.length !== count) {
    throw new WrongWords(`${count} words are needed, and ${words.length} were given`, {
      next: 'Type all the words in their order, separated by spaces.'
    })
  }
  const wrong = words.findIndex((word) => !numberOfWord.has(word))
  if (wrong !== -1) {
    throw new WrongWords(`word ${wrong + 1} is not in the word list`, {
      next: `Look at word ${wrong + 1} again: a letter may be wrong.`,
      position: wrong + 1
    })
  }
  return words
}

function textToWords(text: string): string[] {
  if (text.length > TEXT_LENGTH_MAX) {
    throw new WrongWords('that is far more than the words of two phrases')
  }
  return text
    .normalize('NFKD')
    .toLowerCase()
    .split(/[\s,;\p{Pd}]+/u)
    .map((word) => word.replace(/^\(?\d+[.):]*/, '').replace(/(?<![.:])[.:]+$/, ''))
    .filter((word) => word !== '')
}

function wrongChecksum(): WrongWords {
  return new WrongWords('every word is in the word list, but their checksum is wrong', {
    next: 'One word is another than was written, or two stand in each other’s place.'
  })
}
