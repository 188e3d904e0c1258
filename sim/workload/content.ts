// What is in people's files: text that compresses, or noise that does not. Whatever is private carries a
// mark, 32 bytes that no compressor makes shorter and no other file has, at a fixed place and again in every
// piece that could become a chunk: whoever finds a mark on another's disk has found plaintext. A mark proves
// itself, so that what was copied from a base, and has none, is not taken for private.

import { createCipheriv, hash } from 'node:crypto'
import type { SeededRandom } from '../random.ts'

export const MARK_BYTES = 32
/** The rest of a mark is the hash of these, so that it can be told from other bytes. */
const MARK_RANDOM_BYTES = 24
/** Where the first mark stands. */
export const MARK_AT = 16
/** Files that are shorter carry none. */
export const MARKED_BYTES_MIN = 64
/** From one mark to the next: less than any chunk of a file of several chunks. */
const MARK_EVERY = 32 * 1024

const LINE_BYTES = 48
const PAGE_LINES = 24
/** What people write, and what programs bring: no sentence is of both. */
const WORDS = {
  people:
    'the invoice of our order was sent on monday please find attached a draft for review before ' +
    'friday and call me when it is done total net tax due office stone wall customer number thank you',
  programs:
    'void static return struct buffer mutex thread kernel option default usage version license ' +
    'copyright synopsis daemon socket syscall pointer header include define register segfault'
} as const
type Author = keyof typeof WORDS

export type ContentKind = 'text' | 'noise'

/** Content of this length that nobody else has: with a mark, where it is long enough for one. */
export function privateContent(
  random: SeededRandom,
  length: number,
  kind: ContentKind = random.chance(0.6) ? 'text' : 'noise'
): Uint8Array {
  const isText = kind === 'text' && length >= MARKED_BYTES_MIN
  return marked(random, isText ? text(random, length) : noise(random, length))
}

/** The same bytes with a new mark of their own, if they are long enough. */
export function marked(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes)
  if (out.length < MARKED_BYTES_MIN) return out
  const drawn = random.bytes(MARK_RANDOM_BYTES)
  const mark = Buffer.concat([drawn, proofOf(drawn)])
  for (let at = MARK_AT; at + MARK_BYTES <= out.length; at += MARK_EVERY) out.set(mark, at)
  return out
}

/** The mark of a file's content; undefined if it carries none: it is too short, or nobody's own. */
export function markOf(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length < MARKED_BYTES_MIN) return undefined
  const mark = bytes.subarray(MARK_AT, MARK_AT + MARK_BYTES)
  const proof = proofOf(mark.subarray(0, MARK_RANDOM_BYTES))
  return proof.equals(mark.subarray(MARK_RANDOM_BYTES)) ? mark : undefined
}

function proofOf(drawn: Uint8Array): Buffer {
  return hash('sha256', drawn, 'buffer').subarray(0, MARK_BYTES - MARK_RANDOM_BYTES)
}

/** Bytes that no compressor makes shorter. */
export function noise(random: SeededRandom, length: number): Uint8Array {
  const cipher = createCipheriv('aes-256-ctr', random.bytes(32), new Uint8Array(16))
  return new Uint8Array(cipher.update(Buffer.alloc(length)))
}

/** A page of sentences over and over, with a number in each, so that no two pages are the same. */
export function text(random: SeededRandom, length: number, author: Author = 'people'): Uint8Array {
  const out = Buffer.alloc(length, ' ')
  const page = pageOf(random, author)
  for (let at = 0, n = 1; at < length; at += page.length, n++) {
    page.write(`${n}`.padStart(8), 0, 'latin1')
    out.set(page.subarray(0, length - at), at)
  }
  return new Uint8Array(out)
}

function pageOf(random: SeededRandom, author: Author): Buffer {
  const page = Buffer.alloc(PAGE_LINES * LINE_BYTES, ' ')
  for (let n = 0; n < PAGE_LINES; n++) {
    const words = sentence(random, author).slice(0, LINE_BYTES - 9)
    page.write(`\n        ${words}`, n * LINE_BYTES, 'latin1')
  }
  return page
}

/** A line that a person adds to a file. */
export function line(random: SeededRandom): Uint8Array {
  const words = `${sentence(random, 'people')} ${random.below(1_000_000)}\n`
  return new Uint8Array(Buffer.from(words))
}

function sentence(random: SeededRandom, author: Author): string {
  const words = WORDS[author].split(' ')
  return Array.from(random.bytes(9), (byte) => words[byte % words.length] ?? '').join(' ')
}
