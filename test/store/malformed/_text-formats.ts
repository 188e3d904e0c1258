// How texts and names are read and written again: words, codes, keys and peers as people type them, paths
// in a home, and the names and paths in a tree.

import { posix, win32 } from 'node:path'
import { identityOf, recipientOf } from '../../../store/age.ts'
import { fromHex, toHex } from '../../../store/block.ts'
import { assertInside } from '../../../store/disk.ts'
import { isName } from '../../../store/page-columns.ts'
import { joinPath, splitPath } from '../../../store/path.ts'
import { parsePeerId, peerIdText } from '../../../store/peer.ts'
import { segmentNumber, segmentPath } from '../../../store/segment.ts'
import {
  inviteToWords,
  secretToWords,
  wordsToInvite,
  wordsToPhrase,
  wordsToSecret
} from '../../../store/words.ts'
import { textFormat, type Format } from './_format.ts'

const WORDS = ['WrongWords']

export const TEXT_FORMATS: readonly Format[] = [
  textFormat('words', WORDS, { again: said(wordsToSecret, secretToWords) }),
  textFormat('phrase', WORDS, { again: said(wordsToPhrase, secretToWords) }),
  textFormat('invite', WORDS, { again: said(wordsToInvite, inviteToWords), runs: 600 }),
  textFormat('hex', ['Malformed'], { again: (text) => toHex(fromHex(text, 4)) }),
  textFormat('peer-id', ['Malformed'], { again: (text) => peerIdText(parsePeerId(text)) }),
  textFormat('age-identity', ['Malformed'], { again: identityAgain }),
  textFormat('home-path', ['Malformed'], { again: homePathAgain, runs: 600 }),
  textFormat('segment-name', [], { again: segmentNameAgain }),
  { name: 'name', failures: [], runs: 600, again: nameAgain },
  { name: 'path', failures: [], runs: 600, again: pathAgain }
]

/** Many texts say one secret: it is what must come back. */
function said(
  read: (text: string) => Uint8Array,
  write: (secret: Uint8Array) => string
): (text: string) => string {
  return (text) => {
    const secret = read(text)
    if (Buffer.compare(read(write(secret)), secret) !== 0) throw new Error('another secret')
    return text
  }
}

/** Its recipient shows that it was read; only the secret could be written again. */
function identityAgain(text: string): string {
  if (!/^age1[02-9ac-hj-np-z]{58}$/.test(recipientOf(text))) throw new Error('an odd recipient')
  // Accepted texts differ by a whole secret, or not at all.
  return text === text.toUpperCase() && text.length === identityOf(new Uint8Array(32)).length
    ? text
    : 'another form'
}

/** What is accepted is below the home, here and on Windows, which ignores dots and spaces at an end. */
function homePathAgain(text: string): string {
  assertInside(text)
  const shown = text.split('/').map((part) => part.replace(/[. ]+$/, ''))
  const places = [
    posix.relative('/home', posix.resolve('/home', text)),
    win32.relative('C:\\home', win32.resolve('C:\\home', text)).replaceAll('\\', '/'),
    shown.join('/')
  ]
  if (places.some((place) => place !== text))
    throw new Error(`a path that leads to ${places.join()}`)
  return text
}

function segmentNameAgain(text: string): string | undefined {
  const number = segmentNumber(text)
  return number === undefined ? undefined : segmentPath('base', number).slice('blocks/base/'.length)
}

/** A name can be made in a directory, and does not lead out of it. */
function nameAgain(bytes: Uint8Array): Uint8Array | undefined {
  if (!isName(bytes)) return undefined
  const text = Buffer.from(bytes).toString('latin1')
  if (posix.dirname(posix.resolve('/x', text)) !== '/x')
    throw new Error('a name that leads elsewhere')
  return bytes
}

function pathAgain(bytes: Uint8Array): Uint8Array | undefined {
  const names = splitPath(bytes)
  if (names.some((name) => !isName(name))) return undefined
  return names.reduce(joinPath, new Uint8Array(0))
}
