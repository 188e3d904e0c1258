import test from 'ava'
import { openEscrow, sealEscrow } from '../../../node/mesh/escrow.ts'
import { SeededRandom } from '../../../sim/random.ts'
import { encryptTo, recipientOf } from '../../../store/age.ts'
import { ESCROW_BYTES_MAX } from '../../../store/head.ts'
import { meshKeys } from '../../../store/key.ts'

const { recoveryIdentity } = meshKeys(new Uint8Array(32).fill(1))
const recipient = recipientOf(recoveryIdentity)
const random = new SeededRandom('escrow')

function secretOf(epochs: number): { endpoint: Uint8Array; epochs: Uint8Array[] } {
  return {
    endpoint: random.bytes(16),
    epochs: Array.from({ length: epochs }, () => random.bytes(32))
  }
}

test('an escrow opens to the roots of every epoch, and fits into a head', (t) => {
  for (const epochs of [1, 2, 20]) {
    const secret = secretOf(epochs)
    const escrow = sealEscrow(secret, recipient, random)
    t.deepEqual(openEscrow(escrow, recoveryIdentity), secret)
    t.true(escrow.length <= ESCROW_BYTES_MAX)
  }
})

test('an escrow of the same draws is the same, and of others another', (t) => {
  const secret = secretOf(1)
  const sealed = (seed: string): Uint8Array => sealEscrow(secret, recipient, new SeededRandom(seed))
  t.deepEqual(sealed('a'), sealed('a'))
  t.notDeepEqual(sealed('a'), sealed('b'))
})

test("an escrow that does not open says where to look: it is empty, others', or changed", (t) => {
  const escrow = sealEscrow(secretOf(1), recipient, random)
  const others = meshKeys(new Uint8Array(32).fill(2)).recoveryIdentity
  const changed = escrow.with(escrow.length - 1, (escrow.at(-1) ?? 0) ^ 1)
  for (const [bytes, identity] of [
    [escrow, others],
    [changed, recoveryIdentity],
    [new Uint8Array(), recoveryIdentity]
  ] as const) {
    const error = t.throws(() => openEscrow(bytes, identity), { name: 'NotOpened' })
    t.true('next' in error && String(error.next).includes('--own-recovery'))
  }
})

test('an escrow without keys, or with half of one, is refused', (t) => {
  for (const bytes of [0, 16, 47, 49, 79]) {
    const escrow = encryptTo(recipient, new Uint8Array(bytes), random)
    t.throws(() => openEscrow(escrow, recoveryIdentity), { message: 'the escrow holds no keys' })
  }
})
