import test from 'ava'
import { CLAIMS_PER_KEY_MAX, SURPLUS_JOINS_MAX, admit } from '../../store/roster-admit.ts'
import { encodeRecord, signRecord } from '../../store/signed.ts'
import { Mesh, idOf, keyOf, setUp } from './_mesh.ts'

test('all that a mesh says of itself is admitted, in whatever order', (t) => {
  const mesh = setUp()
  mesh.invite('nas', 'a')
  mesh.join('nas', 'desk', { code: 'a', at: 5, endpoint: 'E' })
  mesh.claim('E of desk', 'new', { endpoint: 'E' })
  const { accepted, refused } = admit([], [...mesh.records].reverse(), mesh.id)
  t.is(accepted.length, mesh.records.length)
  t.deepEqual(refused, [])
})

test('what is known is not admitted again', (t) => {
  const mesh = setUp()
  const { accepted, refused } = admit(mesh.records, mesh.records, mesh.id)
  t.deepEqual([accepted, refused], [[], []])
})

test('a genesis of another mesh is refused, and with it all that it says', (t) => {
  const mesh = setUp()
  const other = new Mesh(1)
  other.admin('mallory')
  const { accepted, refused } = admit(mesh.records, other.records, mesh.id)
  t.is(accepted.length, 0)
  t.deepEqual(
    refused.map(({ failure }) => failure.name),
    ['NotSigned', 'NotSigned']
  )
})

test('a stranger’s records are refused until somebody gives it standing', (t) => {
  const mesh = setUp()
  const known = [...mesh.records]
  const early = mesh.invite('desk', 'x')
  t.is(admit(known, [early], mesh.id).refused[0]?.failure.name, 'NotSigned')
  const standing = mesh.admin('desk')
  t.deepEqual(admit(known, [early, standing], mesh.id).accepted, [standing, early])
})

test('a false signature is refused, and does not keep the true record out', (t) => {
  const mesh = setUp()
  const known = [...mesh.records]
  const record = mesh.invite('nas', 'a')
  const forged = { ...record, signature: record.signature.map((byte) => byte ^ 1) }
  const { accepted, refused } = admit(known, [forged, record], mesh.id)
  t.deepEqual(accepted, [record])
  t.is(refused[0]?.failure.name, 'NotSigned')
})

test('another’s body signed again has another id, and does not keep the true record out', (t) => {
  const mesh = setUp()
  mesh.admin('mallory')
  const known = [...mesh.records]
  const record = mesh.revoke('nas', 'mallory')
  const { body } = record
  const message = Buffer.concat([Buffer.from('drystone/1/revoke\0'), body])
  const key = keyOf('mallory')
  const copy = { ...record, issuer: key.public, signature: key.sign(message), id: idOf('copy') }
  t.notDeepEqual(signRecord('revoke', 1, key).id, signRecord('revoke', 1, keyOf('nas')).id)
  const { accepted } = admit(known, [copy, record], mesh.id)
  t.true(accepted.includes(record))
})

test('a kind that is not known is refused as malformed', (t) => {
  const mesh = setUp()
  const record = signRecord('hold', { v: 1, mesh: mesh.id }, keyOf('nas'))
  t.is(admit(mesh.records, [record], mesh.id).refused[0]?.failure.name, 'Malformed')
})

test('a bare join is refused: it counts only in a sponsor', (t) => {
  const mesh = setUp()
  mesh.invite('nas', 'a')
  const fields = { invite: idOf('a'), peer: keyOf('desk').public, name: 'desk' }
  const join = mesh.make('join', 'code a', fields)
  t.is(admit(mesh.records, [join], mesh.id).accepted.length, 0)
  const sponsor = mesh.make('sponsor', 'nas', { join: encodeRecord(join), at: 1 })
  t.deepEqual(admit(mesh.records, [sponsor], mesh.id).accepted, [sponsor])
})

test('a sponsor that wraps a forged join is refused', (t) => {
  const mesh = setUp()
  mesh.invite('nas', 'a')
  const fields = { invite: idOf('a'), peer: keyOf('desk').public, name: 'desk' }
  const join = mesh.make('join', 'code a', fields)
  const forged = { ...join, signature: new Uint8Array(64) }
  const sponsor = mesh.make('sponsor', 'nas', { join: encodeRecord(forged), at: 1 })
  const { refused } = admit(mesh.records, [sponsor], mesh.id)
  t.is(refused[0]?.failure.name, 'NotSigned')
})

test('an invite that leaked cannot fill a disk', (t) => {
  const mesh = setUp()
  mesh.invite('nas', 'a', { uses: 2 })
  const known = [...mesh.records]
  for (let i = 0; i < 15; i++) mesh.join('nas', `computer ${i}`, { code: 'a', at: i })
  const { accepted } = admit(known, mesh.records, mesh.id)
  t.is(accepted.length, 2 + SURPLUS_JOINS_MAX)
})

test('a claim key cannot fill a disk, nor use up the room of another', (t) => {
  const mesh = setUp()
  mesh.invite('nas', 'a', { uses: 2 })
  mesh.join('nas', 'desk', { code: 'a', at: 1, endpoint: 'E' })
  mesh.join('nas', 'thief', { code: 'a', at: 2, endpoint: 'E' })
  const known = [...mesh.records]
  for (let i = 0; i < 20; i++) mesh.claim('E of thief', `x${i}`, { endpoint: 'E' })
  const honest = mesh.claim('E of desk', 'new', { endpoint: 'E' })
  const { accepted } = admit(known, mesh.records, mesh.id)
  t.is(accepted.length, CLAIMS_PER_KEY_MAX + 1)
  t.true(accepted.includes(honest))
})

test('records of somebody shut out are kept, so that all peers end with the same set', (t) => {
  const mesh = setUp()
  mesh.admin('desk')
  mesh.revoke('nas', 'desk')
  const late = mesh.make('invite', 'desk', {
    id: idOf('x'),
    key: keyOf('x').public,
    mac: new Uint8Array(32),
    roles: [],
    site: '',
    uses: 1,
    expires: 1
  })
  t.deepEqual(admit(mesh.records, [late], mesh.id).accepted, [late])
})
