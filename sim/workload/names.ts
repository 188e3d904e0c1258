// Names as people and programs give them, and as nobody should but somebody does: accents in both of
// their forms, spaces, a line break, bytes that are no UTF-8, and as long as a file system takes.

import { NAME_LENGTH_MAX } from '../../node/tree/path.ts'
import type { SeededRandom } from '../random.ts'

const STEMS = [
  'report',
  'invoice',
  'photo',
  'letter',
  'draft',
  'plan',
  'notes',
  'budget',
  'scan',
  'minutes',
  'offer',
  'list'
] as const
const FOLDERS = ['customers', 'projects', 'photos', 'mail', 'old', 'taxes', 'archive'] as const
const ENDINGS = ['.txt', '.pdf', '.odt', '.jpg', '.csv', '.md', '', '.tar'] as const

/** The odd ones, by what is odd. The number keeps them apart. */
const ODD: readonly ((number: number) => Uint8Array | string)[] = [
  (n) => `Müller ${n} – ü.txt`.normalize('NFC'),
  (n) => `Müller ${n} – ü.txt`.normalize('NFD'),
  (n) => `two\nlines ${n}`,
  (n) => ` spaces  around ${n} `,
  (n) => `.hidden-${n}`,
  (n) => `-rf ${n}`,
  (n) => `日本語 ${n} 🧱`,
  (n) => `quote"s and $(echo ${n})'\\`,
  (n) => Buffer.concat([Buffer.from(`latin ${n} `, 'latin1'), Buffer.of(0xfc, 0xff, 0xfe)]),
  (n) => Buffer.concat([Buffer.of(0xc3, 0x28, 0x01, 0x7f), Buffer.from(`${n}`)]),
  (n) => `${n}-`.padEnd(NAME_LENGTH_MAX, 'long'),
  (n) => `${n}-${'ü'.repeat(120)}`
]

export const ODD_NAMES = ODD.length

/** The odd name of a kind, from 0 to ODD_NAMES - 1. */
export function oddName(kind: number, number: number): Uint8Array {
  const name = ODD[kind % ODD.length]?.(number) ?? `${number}`
  return new Uint8Array(typeof name === 'string' ? Buffer.from(name) : name)
}

/** A name for a file, mostly an ordinary one. */
export function fileName(random: SeededRandom): Uint8Array {
  const number = random.below(1_000_000)
  if (random.chance(0.1)) return oddName(random.below(ODD_NAMES), number)
  const space = random.pick(['-', ' ', '_'] as const)
  return bytesOf(`${random.pick(STEMS)}${space}${number}${random.pick(ENDINGS)}`)
}

export function directoryName(random: SeededRandom): Uint8Array {
  const number = random.below(100_000)
  if (random.chance(0.1)) return oddName(random.below(ODD_NAMES), number)
  return bytesOf(`${random.pick(FOLDERS)} ${number}`)
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text))
}
