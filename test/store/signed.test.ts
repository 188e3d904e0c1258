import test from 'ava'
import { sha256 } from '../../store/block.ts'
import { encode } from '../../store/codec.ts'
import { Malformed, NotSigned } from '../../store/errors.ts'
import { checkRecord } from '../../store/roster-records.ts'
import {
  RECORD_BYTES_MAX,
  decodeRecord,
  encodeRecord,
  openRecord,
  signRecord,
  type SignedRecord
} from '../../store/signed.ts'
import { Mesh, NOWHERE, RECIPIENT, hexOf, idOf, keyOf, setUp } from './_mesh.ts'

const key = keyOf('nas')

test('the bytes of a record are those of the format', (t) => {
  const record = signRecord('mark', { a: 1 }, key)
  const body = Uint8Array.of(0xa1, 0x61, 0x61, 0x01)
  const message = Buffer.concat([Buffer.from('drystone/1/mark\0'), body])
  t.deepEqual(record.body, body)
  t.deepEqual(record.signature, key.sign(message))
  t.deepEqual(record.id, sha256(Buffer.concat([message, key.public])))
  t.deepEqual(
    Buffer.from(encodeRecord(record)),
    Buffer.concat([
      Buffer.from('84646d61726b44', 'hex'),
      body,
      Buffer.from('5820', 'hex'),
      key.public,
      Buffer.from('5840', 'hex'),
      record.signature
    ])
  )
})

test('a record decodes to what was encoded', (t) => {
  const record = signRecord('mark', { a: 1 }, key)
  t.deepEqual(decodeRecord(encodeRecord(record)), record)
})

test('the same body of two issuers is two records', (t) => {
  t.notDeepEqual(signRecord('mark', 1, key).id, signRecord('mark', 1, keyOf('desk')).id)
})

test('a record over 8 KiB is neither made nor read', (t) => {
  t.notThrows(() => signRecord('mark', new Uint8Array(RECORD_BYTES_MAX - 200), key))
  t.throws(() => signRecord('mark', new Uint8Array(RECORD_BYTES_MAX), key), {
    instanceOf: Malformed
  })
  t.throws(() => decodeRecord(new Uint8Array(RECORD_BYTES_MAX + 1)), { instanceOf: Malformed })
})

const shapes: Record<string, unknown> = {
  'no list': { kind: 'mark' },
  'too short': ['mark', NOWHERE, key.public],
  'too long': ['mark', NOWHERE, key.public, new Uint8Array(64), 1],
  'a kind with a NUL': ['mark\0', NOWHERE, key.public, new Uint8Array(64)],
  'an empty kind': ['', NOWHERE, key.public, new Uint8Array(64)],
  'a kind in upper case': ['Mark', NOWHERE, key.public, new Uint8Array(64)],
  'a short issuer': ['mark', NOWHERE, key.public.subarray(1), new Uint8Array(64)],
  'a short signature': ['mark', NOWHERE, key.public, new Uint8Array(63)],
  'a body that is no bytes': ['mark', {}, key.public, new Uint8Array(64)]
}
for (const [what, value] of Object.entries(shapes)) {
  test(`an envelope with ${what} is malformed`, (t) => {
    t.throws(() => decodeRecord(encode(value)), { instanceOf: Malformed })
  })
}

test('a record is checked in the order of the format', (t) => {
  const mesh = new Uint8Array(32).fill(1)
  const asked: string[] = []
  const open = (record: SignedRecord): unknown =>
    openRecord(record, {
      kind: 'mark',
      mesh,
      read: (value) => {
        asked.push('read')
        if (typeof value !== 'object' || value === null) throw new Malformed('no map')
        return value
      },
      mayIssue: (body) => {
        asked.push('issuer')
        return !('refuse' in body)
      },
      meaning: () => {
        asked.push('meaning')
      }
    })
  const steps = (record: SignedRecord): string[] => {
    asked.length = 0
    const error = t.throws(() => open(record))
    return [...asked, error.message]
  }
  const good = signRecord('mark', { mesh }, key)
  const unsigned = { ...good, signature: new Uint8Array(64) }
  t.deepEqual(open(good), { mesh })
  t.deepEqual(asked, ['read', 'issuer', 'meaning'])
  t.deepEqual(steps({ ...unsigned, body: new Uint8Array(9000) }), ['a record over the limit'])
  t.regex(steps({ ...unsigned, kind: 'base' }).join(), /^a base record where mark belongs$/)
  t.regex(steps({ ...unsigned, body: Uint8Array.of(0xff) }).join(), /^indefinite/)
  t.regex(steps({ ...unsigned, body: encode({ mesh: NOWHERE }) }).join(), /^read,.*another mesh$/)
  t.regex(
    steps({ ...unsigned, body: encode({ mesh, refuse: 1 }) }).join(),
    /^read,issuer,.*may not/
  )
  t.regex(steps(unsigned).join(), /^read,issuer,.*false signature$/)
})

test('a signature for one kind is no signature for another', (t) => {
  const mesh = setUp()
  const fields = { peer: keyOf('desk').public }
  const record = { ...mesh.make('admin', 'authority', fields), kind: 'cancel' }
  t.throws(() => checkRecord(record, mesh.id))
})

test('a checked record tells its kind, its body, its issuer and its id', (t) => {
  const mesh = setUp()
  const record = mesh.make('admin', 'authority', { peer: keyOf('desk').public })
  const entry = checkRecord(decodeRecord(encodeRecord(record)), mesh.id)
  t.is(entry.kind, 'admin')
  t.is(entry.issuer, hexOf('authority'))
  t.is(entry.body.seq, 4)
})

test('a record of another mesh, and the genesis of another, are not signed for this one', (t) => {
  const mesh = setUp()
  const other = new Mesh(1)
  for (const record of [...other.records, other.admin('desk')]) {
    t.throws(() => checkRecord(record, mesh.id), { instanceOf: NotSigned })
  }
})

test('who has no standing is refused before its signature is looked at', (t) => {
  const mesh = setUp()
  const record = mesh.make('admin', 'authority', { peer: keyOf('desk').public })
  const forged = { ...record, signature: new Uint8Array(64) }
  t.throws(() => checkRecord(forged, mesh.id, () => false), { message: /may not sign/ })
  t.throws(() => checkRecord(forged, mesh.id, () => true), { message: /false signature/ })
})

const peer = keyOf('desk').public
const place = { v: 1, seq: 0, prev: NOWHERE, lamport: 1, time: 1 }
const member = { ...place, peer, name: 'desk', roles: ['endpoint'], site: 'hq' }
const genesis = { ...place, lamport: 0, name: 'x', authority: key.public, recovery: RECIPIENT }
const policy = { copies: 2, sites: 1, undoDays: 30 }
const wrong: [string, string, object][] = [
  ['of another version', 'admin', { ...place, v: 2, peer }],
  ['without a field', 'admin', place],
  ['with a field too many', 'admin', { ...place, peer, more: 1 }],
  ['with a short key', 'admin', { ...place, peer: idOf('x') }],
  ['with a time before 1970', 'admin', { ...place, peer, time: -1 }],
  ['that is first but follows another', 'admin', { ...place, peer, prev: key.public }],
  ['that is second but follows none', 'admin', { ...place, peer, seq: 1 }],
  ['with a role given by the authority', 'member', { ...member, roles: ['admin'] }],
  ['with a role twice', 'member', { ...member, roles: ['storage', 'storage'] }],
  ['with roles out of order', 'member', { ...member, roles: ['storage', 'endpoint'] }],
  ['with an empty name', 'member', { ...member, name: '' }],
  ['with an escape sequence for a name', 'member', { ...member, name: '\u001b[2J' }],
  ['with a bidirectional name', 'member', { ...member, name: 'a\u202eb' }],
  ['with a space after its name', 'member', { ...member, name: 'desk ' }],
  ['with a line break in its site', 'member', { ...member, site: 'a\nb' }],
  ['with a claim key and no endpoint', 'member', { ...member, claimKey: key.public }],
  ['with a policy that is unsafe', 'policy', { ...place, field: 'undoDays', value: 6 }],
  ['with a policy nobody knows', 'policy', { ...place, field: '__proto__', value: 6 }],
  ['that lets write all endpoints', 'claim', { ...place, endpoint: NOWHERE, peer, can: 'write' }],
  ['with an endpoint id cut short', 'claim', { ...place, endpoint: peer, peer, can: 'write' }],
  [
    'in which a reader brings a key',
    'claim',
    { ...place, endpoint: idOf('E'), peer, can: 'read', claimKey: peer }
  ],
  ['with half an id', 'void', { ...place, peer, upTo: idOf('x') }],
  ['with a recipient that age does not know', 'recovery', { ...place, recipient: 'age1' }],
  [
    'that is a genesis but not the first',
    'genesis',
    { ...genesis, lamport: 1, random: peer, policy }
  ],
  [
    'of no use',
    'invite',
    { ...place, id: idOf('a'), key: peer, mac: peer, roles: [], site: '', uses: 0, expires: 1 }
  ]
]
for (const [what, kind, body] of wrong) {
  test(`a ${kind} ${what} is malformed`, (t) => {
    const mesh = new Mesh()
    const whole = kind === 'genesis' ? body : { ...body, mesh: mesh.id }
    const record = signRecord(kind, whole, key)
    t.throws(() => checkRecord(record, mesh.id), { instanceOf: Malformed })
  })
}

for (const kind of ['hold', 'forget', 'authority', 'constructor', 'tostring']) {
  test(`the kind ${kind} is refused, since this version does not know it`, (t) => {
    const mesh = new Mesh()
    const record = signRecord(kind, { ...place, mesh: mesh.id }, key)
    t.throws(() => checkRecord(record, mesh.id), { instanceOf: Malformed, message: /no roster/ })
  })
}
