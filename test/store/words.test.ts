import test from 'ava'
import fc from 'fast-check'
import { toHex } from '../../store/block.ts'
import { WrongWords } from '../../store/errors.ts'
import { verify } from '../../store/key.ts'
import {
  inviteKeys,
  inviteMac,
  inviteToWords,
  secretToWords,
  splitSecret,
  wordsToInvite,
  wordsToPhrase,
  wordsToSecret
} from '../../store/words.ts'

const secrets = fc.uint8Array({ minLength: 32, maxLength: 32 })
const invites = fc.uint8Array({ minLength: 10, maxLength: 10 })

test('24 words give back the 32 bytes, as bip39 says', (t) => {
  t.is(secretToWords(new Uint8Array(32)), 'abandon '.repeat(23) + 'art')
  const holds = fc.property(secrets, (secret) => {
    t.deepEqual(wordsToSecret(secretToWords(secret)), secret)
  })
  fc.assert(holds, { numRuns: 50 })
})

test('8 words give back the 80 bits of an invite', (t) => {
  const holds = fc.property(invites, (bits) => {
    const words = inviteToWords(bits)
    t.is(words.split('-').length, 8)
    t.deepEqual(wordsToInvite(words), bits)
  })
  fc.assert(holds, { numRuns: 50 })
})

test('the words of an invite are a fixed part of the format', (t) => {
  t.is(
    inviteToWords(new Uint8Array(10)),
    'abandon-abandon-abandon-abandon-abandon-abandon-abandon-cable'
  )
})

const words = secretToWords(new Uint8Array(32).fill(0x5a))
const list = words.split(' ')
const typed: Record<string, string> = {
  'upper case and many spaces': `  ${words.toUpperCase().replaceAll(' ', '   ')}\n`,
  commas: list.join(', '),
  dashes: list.join('-'),
  'long dashes': list.join(' – '),
  'a numbered list': list.map((word, i) => `${i + 1}. ${word}`).join('\n'),
  'a list numbered without spaces': list.map((word, i) => `${i + 1})${word}`).join('\r\n'),
  'a sheet with tabs and colons': list.map((word, i) => `${i + 1}:\t${word}.`).join('\n')
}
for (const [how, text] of Object.entries(typed)) {
  test(`words may be typed with ${how}`, (t) => {
    t.deepEqual(wordsToSecret(text), new Uint8Array(32).fill(0x5a))
  })
}

test('a word that is not in the list is named by its number, never by itself', (t) => {
  const failure = t.throws(() => wordsToSecret(list.with(6, 'hunter2secret').join(' ')), {
    instanceOf: WrongWords
  })
  t.is(failure.position, 7)
  t.regex(failure.message, /word 7/)
  t.false(
    JSON.stringify([failure.message, failure.next, String(failure.stack)]).includes('hunter2')
  )
})

test('swapped or other words are a wrong checksum, and say so without the words', (t) => {
  const swapped = secretToWords(Uint8Array.from({ length: 32 }, (_, i) => i)).split(' ')
  const [first = '', second = ''] = swapped
  const failure = t.throws(() => wordsToSecret([second, first, ...swapped.slice(2)].join(' ')), {
    instanceOf: WrongWords
  })
  t.regex(failure.message, /checksum/)
  t.is(failure.position, undefined)
  t.false(String(failure.stack).includes(second))
  t.is(failure.cause, undefined)
})

test('too few and too many words are counted', (t) => {
  t.throws(() => wordsToSecret(list.slice(1).join(' ')), { message: /24 .* 23 / })
  t.throws(() => wordsToSecret(`${words} zoo`), { message: /24 .* 25 / })
  t.throws(() => wordsToInvite(''), { instanceOf: WrongWords, message: /8 .* 0 / })
  t.throws(() => wordsToSecret('zoo '.repeat(10_000)), { instanceOf: WrongWords })
})

test('most wrong invites fail their checksum', (t) => {
  const bits = Uint8Array.from({ length: 10 }, (_, i) => i)
  const right = inviteToWords(bits).split('-')
  let caught = 0
  for (let i = 0; i < 8; i++) {
    const wrong = right.with(i, right[i] === 'zoo' ? 'abandon' : 'zoo').join('-')
    try {
      wordsToInvite(wrong)
    } catch (error) {
      t.true(error instanceof WrongWords)
      caught++
    }
  }
  t.true(caught >= 6)
})

test('any text is words or one typed failure', (t) => {
  const holds = fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
    t.throws(() => wordsToSecret(text), { instanceOf: WrongWords })
    t.throws(() => wordsToInvite(text), { instanceOf: WrongWords })
  })
  fc.assert(holds, { numRuns: 200 })
})

test('an invite gives one id, one signing key and one mac, none of which tells the others', (t) => {
  const keys = inviteKeys(new Uint8Array(10).fill(3))
  const same = inviteKeys(new Uint8Array(10).fill(3))
  const other = inviteKeys(new Uint8Array(10).fill(4))
  const mesh = new Uint8Array(32).fill(1)
  // Computed with Python's hashlib.
  t.is(toHex(keys.id), '97165d9b767ba2c0d1d3e4e9bf7b8096')
  t.is(keys.id.length, 16)
  t.deepEqual(same.id, keys.id)
  t.deepEqual(inviteMac(same.mac, mesh), inviteMac(keys.mac, mesh))
  t.notDeepEqual(other.id, keys.id)
  t.notDeepEqual(inviteMac(keys.mac, mesh), inviteMac(keys.mac, new Uint8Array(32)))
  t.true(verify(same.key.public, mesh, keys.key.sign(mesh)))
})

test('a split phrase says nothing by halves, and all together', (t) => {
  const secret = new Uint8Array(32).fill(7)
  const pad = new Uint8Array(32).map((_, i) => i * 5)
  const [one, other] = splitSecret(secret, pad)
  t.deepEqual(wordsToPhrase(`${one}\n${other}`), secret)
  t.deepEqual(wordsToPhrase(`${other} ${one}`), secret)
  t.deepEqual(wordsToPhrase(secretToWords(secret)), secret)
  t.notDeepEqual(wordsToPhrase(one), secret)
  t.throws(() => wordsToPhrase(`${one} abandon`), { name: 'WrongWords' })
})
