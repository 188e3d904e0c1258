import test from 'ava'
import fc from 'fast-check'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { fromHex, toHex } from '../../store/block.ts'
import { endpointKeys, kdf, meshKeys, signingKey, verify } from '../../store/key.ts'

test('a seed gives the key and the signature of RFC 8032', (t) => {
  const key = signingKey(
    fromHex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb', 32)
  )
  t.is(toHex(key.public), '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c')
  t.is(
    toHex(key.sign(Uint8Array.of(0x72))),
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
      '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00'
  )
})

test('a derived key is HKDF-SHA-256 with an info of our own', (t) => {
  // Computed with Python's hmac and hashlib.
  t.is(
    toHex(kdf(new Uint8Array(32), 'authority')),
    'caaa8ed1f1846263e21092a2766a17fea506e40cd272e6d2a5ccc1e6f58f0539'
  )
  t.is(
    toHex(kdf(new Uint8Array(32).fill(1), 'head', new Uint8Array(32).fill(2))),
    '7fa7084383b2ed3412a3598de00941f4950aacef6f0b5f12aa6b8e0b2fddc9b4'
  )
})

test('a signature holds for its own key and bytes, and for no others', (t) => {
  const key = signingKey(new Uint8Array(32).fill(7))
  const other = signingKey(new Uint8Array(32).fill(8))
  const holds = fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(511), (bytes, bit) => {
    const signature = key.sign(bytes)
    const flipped = signature.slice()
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    return (
      verify(key.public, bytes, signature) &&
      !verify(other.public, bytes, signature) &&
      !verify(key.public, Uint8Array.of(...bytes, 0), signature) &&
      !verify(key.public, bytes, flipped)
    )
  })
  t.notThrows(() => fc.assert(holds, { numRuns: 50 }))
})

test('a key or signature of the wrong size, or off the curve, verifies nothing', (t) => {
  const key = signingKey(new Uint8Array(32))
  const bytes = Uint8Array.of(1)
  t.false(verify(key.public.subarray(1), bytes, key.sign(bytes)))
  t.false(verify(key.public, bytes, key.sign(bytes).subarray(1)))
  t.false(verify(new Uint8Array(32).fill(0xff), bytes, key.sign(bytes)))
  t.throws(() => signingKey(new Uint8Array(31)), { instanceOf: RangeError })
})

test('the recovery identity is one that age reads', async (t) => {
  const keys = meshKeys(new Uint8Array(32).fill(1))
  t.is(keys.recoveryIdentity.length, (await generateX25519Identity()).length)
  t.regex(await identityToRecipient(keys.recoveryIdentity), /^age1[0-9a-z]{58}$/)
  t.deepEqual(meshKeys(new Uint8Array(32).fill(1)).authority.public, keys.authority.public)
})

test('the keys of an endpoint differ from each other and from those of a mesh', (t) => {
  const secret = new Uint8Array(32).fill(1)
  const endpoint = endpointKeys(secret)
  const all = [
    endpoint.seal,
    endpoint.head,
    endpoint.claim.public,
    meshKeys(secret).authority.public
  ]
  t.is(new Set(all.map(toHex)).size, all.length)
})
