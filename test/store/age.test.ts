import test from 'ava'
import { bech32 } from '@scure/base'
import fc from 'fast-check'
import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { SeededRandom } from '../../sim/random.ts'
import { decryptWith, encryptTo, identityOf, recipientOf } from '../../store/age.ts'
import { fromHex, toHex } from '../../store/block.ts'
import { Malformed, NotOpened } from '../../store/errors.ts'
import { meshKeys } from '../../store/key.ts'
import type { Random } from '../../store/random.ts'

const identity = identityOf(new Uint8Array(32).fill(7))
const recipient = recipientOf(identity)
const stranger = identityOf(new Uint8Array(32).fill(8))
const CHUNK_BYTES = 1 << 16

function encrypt(plaintext: Uint8Array, seed = 'age'): Uint8Array {
  return encryptTo(recipient, plaintext, new SeededRandom(seed))
}

/** Bytes that differ from place to place. */
function noise(length: number): Uint8Array {
  return new SeededRandom(`noise ${length}`).bytes(length)
}

/** The first draw is all ones, the second all twos, and so on. */
function counting(): Random {
  let draws = 0
  return { bytes: (length) => new Uint8Array(length).fill(++draws) }
}

async function opened(file: Uint8Array): Promise<Uint8Array> {
  const decrypter = new Decrypter()
  decrypter.addIdentity(identity)
  return decrypter.decrypt(file)
}

/** A file like one of ours, but for its header lines, which no MAC covers as they are. */
function withHeader(change: (header: string) => string): Uint8Array {
  const file = Buffer.from(encrypt(noise(48)))
  const end = file.indexOf('--- ')
  return Buffer.concat([
    Buffer.from(change(file.toString('latin1', 0, end)), 'latin1'),
    file.subarray(end)
  ])
}

test('a file is the one that another implementation made of the same draws', (t) => {
  // Made by Python's cryptography from the specification.
  const mesh = recipientOf(meshKeys(new Uint8Array(32)).recoveryIdentity)
  t.is(mesh, 'age1h6tf3ca28alrd5z0cq3fgjqjmz3uc9h3qdjmqvmw6q6n8mne456q8nky0z')
  const plaintext = Buffer.concat([Buffer.alloc(16, 2), Buffer.alloc(32, 1)])
  const header = [
    'age-encryption.org/v1',
    '-> X25519 zo060cy2M+x7cMF4FKXHbs0CloUFDTRHRboFhw5YfVk',
    'J7eOxrp9RhAwRVW9WS1ohEkD7m/wZ/Q1f0ZM8SZvrfw',
    '--- z2JubEwaTn7u7kyhURktc7els8PTm3j9wnl+0gLBNYU\n'
  ].join('\n')
  const payload =
    '0303030303030303030303030303030374aae1adf85f67ab5685729c6a79262e' +
    '3166618dfee37306b8d47ee4232f1447f5a94b109c328a6511ae911af1e21368333f7091c938b946076ecb6165dd9718'
  t.is(
    toHex(encryptTo(mesh, plaintext, counting())),
    toHex(Buffer.concat([Buffer.from(header), Buffer.from(payload, 'hex')]))
  )
})

test('a file opens to what it was made of, whatever its length', (t) => {
  const around = [-17, -16, -1, 0, 1, 16, 17].flatMap((by) => [
    CHUNK_BYTES + by,
    2 * CHUNK_BYTES + by
  ])
  for (const length of [...Array(201).keys(), ...around]) {
    const plaintext = noise(length)
    if (Buffer.compare(decryptWith(identity, encrypt(plaintext)), plaintext) !== 0) {
      t.fail(`${length} bytes`)
    }
  }
  t.pass()
})

test('what is opened has its bytes for itself', (t) => {
  const plaintext = decryptWith(identity, encrypt(noise(48)))
  t.is(plaintext.constructor, Uint8Array)
  t.is(plaintext.buffer.byteLength, 48)
})

test('age-encryption opens our files, and we open its own', async (t) => {
  for (const length of [0, 1, 48, 200, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 200_000]) {
    const plaintext = noise(length)
    t.deepEqual(await opened(encrypt(plaintext)), plaintext)
    const encrypter = new Encrypter()
    encrypter.addRecipient(recipient)
    t.deepEqual(decryptWith(identity, await encrypter.encrypt(plaintext)), plaintext)
  }
})

test('a recipient is the one that age-encryption finds', async (t) => {
  t.is(await identityToRecipient(identity), recipient)
  const other = await generateX25519Identity()
  t.is(recipientOf(other), await identityToRecipient(other))
})

test('one of several recipients opens a file, and stanzas of unknown kinds are passed over', async (t) => {
  const encrypter = new Encrypter()
  const grease = { args: ['x~-grease', '%', '!'], body: noise(96) }
  encrypter.addRecipient({ wrapFileKey: () => [grease] })
  encrypter.addRecipient(recipientOf(stranger))
  encrypter.addRecipient(recipient)
  const file = await encrypter.encrypt(noise(48))
  t.deepEqual(decryptWith(identity, file), noise(48))
  t.deepEqual(decryptWith(stranger, file), noise(48))
})

test('nobody else opens a file', (t) => {
  t.throws(() => decryptWith(stranger, encrypt(noise(48))), { instanceOf: NotOpened })
})

test('a file of which one bit is changed, or that is cut or goes on, never opens', (t) => {
  const file = encrypt(noise(48))
  const refused = (bytes: Uint8Array): boolean => {
    try {
      decryptWith(identity, bytes)
      return false
    } catch (error) {
      return error instanceof Malformed || error instanceof NotOpened
    }
  }
  for (let bit = 0; bit < file.length * 8; bit++) {
    const changed = file.slice()
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    if (!refused(changed)) t.fail(`bit ${bit}`)
  }
  for (let length = 0; length < file.length; length++) {
    if (!refused(file.subarray(0, length))) t.fail(`cut to ${length}`)
  }
  t.true(refused(Uint8Array.of(...file, 0)))
  const splice = fc.property(
    fc.nat(file.length),
    fc.nat(40),
    fc.uint8Array({ maxLength: 40 }),
    (at, drop, put) => {
      const changed = Buffer.concat([file.subarray(0, at), put, file.subarray(at + drop)])
      return Buffer.compare(changed, file) === 0 || refused(changed)
    }
  )
  fc.assert(splice, { numRuns: 2000 })
})

test('chunks that are moved, doubled, dropped or added never open', (t) => {
  const boxed = CHUNK_BYTES + 16
  const file = encrypt(noise(3 * CHUNK_BYTES))
  const start = file.length - 3 * boxed
  const chunks = [0, 1, 2].map((i) => file.subarray(start + i * boxed, start + (i + 1) * boxed))
  const [a, b, c] = chunks
  if (a === undefined || b === undefined || c === undefined) return t.fail()
  const head = file.subarray(0, start)
  t.deepEqual(decryptWith(identity, Buffer.concat([head, a, b, c])), noise(3 * CHUNK_BYTES))
  for (const order of [[a, b], [a, c], [a], [], [b, a, c], [a, a, b, c], [a, b, c, c]]) {
    t.throws(() => decryptWith(identity, Buffer.concat([head, ...order])), {
      instanceOf: NotOpened
    })
  }
})

test('a header that is not written as age writes it is refused', (t) => {
  const broken: Record<string, (header: string) => string> = {
    'another version': (header) => header.replace('v1', 'v2'),
    'no stanza line': (header) => header.replace('-> ', '->'),
    'two spaces': (header) => header.replace('X25519 ', 'X25519  '),
    'a space at the end': (header) => header.replace(/(X25519 \S+)/, '$1 '),
    'a carriage return': (header) => header.replaceAll('\n', '\r\n'),
    'an argument more': (header) => header.replace('X25519 ', 'X25519 more '),
    'an argument less': (header) => header.replace(/X25519 \S+/, 'X25519'),
    'padded base64': (header) => header.replace(/(X25519 \S+)/, '$1='),
    'a short share': (header) => header.replace(/(X25519) \S+/, '$1 AAAA'),
    'a short body': (header) => header.replace(/\n\S+\n$/, '\nAAAA\n'),
    'a body without an end': (header) => `${header.trimEnd()}${'A'.repeat(21)}\n`,
    'letters beyond ASCII': (header) => header.replace('X25519 ', 'X\u00e9 '),
    'a line of nothing': (header) => `${header}\n`
  }
  for (const [what, change] of Object.entries(broken)) {
    t.throws(() => decryptWith(identity, withHeader(change)), { instanceOf: Malformed }, what)
  }
})

test('a header without an end is given up early', (t) => {
  const stanza = '-> grease\n\n'
  t.throws(
    () =>
      decryptWith(
        identity,
        withHeader((header) => header + stanza.repeat(100_000))
      ),
    { instanceOf: Malformed }
  )
})

/** Points that X25519 takes to zero, whatever the secret. */
const LOW_ORDER = [
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`
]

test('a point of low order is no recipient and no share', (t) => {
  for (const hex of LOW_ORDER) {
    const point = fromHex(hex, 32)
    const weak = bech32.encodeFromBytes('age', point)
    t.throws(() => encryptTo(weak, noise(48), new SeededRandom('low')), { instanceOf: Malformed })
    const share = Buffer.from(point).toString('base64').replace('=', '')
    const file = withHeader((header) => header.replace(/X25519 \S+/, `X25519 ${share}`))
    t.throws(() => decryptWith(identity, file), { instanceOf: Malformed })
  }
})

test('a text that is no identity or no recipient is refused, and not repeated', (t) => {
  const flipped = `${identity.slice(0, -1)}${identity.endsWith('Q') ? 'P' : 'Q'}`
  for (const text of ['', 'words', recipient, flipped, identity.toLowerCase()]) {
    const error = t.throws(() => recipientOf(text), { instanceOf: Malformed })
    if (text !== '') t.false(`${error.message}${String(error.cause)}`.includes(text))
    t.throws(() => decryptWith(text, encrypt(noise(48))), { instanceOf: Malformed })
  }
  for (const text of ['', identity, recipient.toUpperCase(), `age1${'q'.repeat(58)}`]) {
    t.throws(() => encryptTo(text, noise(48), new SeededRandom('none')), { instanceOf: Malformed })
  }
  t.throws(() => identityOf(new Uint8Array(31)), { instanceOf: RangeError })
})
