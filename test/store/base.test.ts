import test from 'ava'
import { DAG_CBOR, RAW, cidOf, sha256, toHex } from '../../store/block.ts'
import { baseId, foldBases, nextSerial, openBase, signBase } from '../../store/base.ts'
import { Malformed, NotSigned } from '../../store/errors.ts'
import { openReceipt, signReceipt } from '../../store/receipt.ts'
import { decodeRecord, encodeRecord, signRecord, type SignedRecord } from '../../store/signed.ts'
import { Mesh, hexOf, idOf, keyOf, setUp } from './_mesh.ts'

const state = Buffer.from('state')
const fields = {
  name: 'office',
  serial: 1,
  label: '2026.11',
  root: cidOf(DAG_CBOR, state),
  digest: sha256(state),
  rules: ['+ usr/**', '- **/*.tmp'],
  time: 5
}

function publish(mesh: Mesh, by: string, more: object = {}): SignedRecord {
  return signBase({ ...fields, ...more }, { key: keyOf(by), mesh: mesh.id })
}

test('a base record decodes to what was signed', (t) => {
  const mesh = setUp()
  const parent = sha256(Buffer.from('parent'))
  for (const more of [{}, { parent }]) {
    const record = decodeRecord(encodeRecord(publish(mesh, 'nas', more)))
    t.deepEqual(openBase(record, mesh.id), { parent: undefined, ...fields, ...more })
  }
  t.throws(() => openBase(publish(mesh, 'nas'), new Uint8Array(32)), { instanceOf: NotSigned })
  t.throws(() => openBase(publish(mesh, 'nas'), mesh.id, () => false), { instanceOf: NotSigned })
})

test('a base whose root is a bare chunk is malformed', (t) => {
  const mesh = setUp()
  const record = publish(mesh, 'nas', { root: cidOf(RAW, state) })
  t.throws(() => openBase(record, mesh.id), { instanceOf: Malformed })
})

test('a base with more rules than a record holds is not made', (t) => {
  const rules = Array.from({ length: 200 }, (_, i) => `+ a/long/path/with/a/number/in/it/${i}/**`)
  t.throws(() => publish(setUp(), 'nas', { rules }), { instanceOf: Malformed })
})

test('a base is approved by a publisher, and by nobody else', (t) => {
  const mesh = setUp()
  const approved = (by: string): boolean | undefined =>
    [...foldBases([publish(mesh, by)], mesh.roster()).bases.values()][0]?.approved
  t.true(approved('nas'))
  t.false(approved('desk'))
})

test('two publishers who sign the same speak of one base, and both count', (t) => {
  const mesh = setUp()
  mesh.say('publisher', 'authority', { peer: keyOf('desk').public, threshold: 2 })
  const one = publish(mesh, 'nas')
  const two = publish(mesh, 'desk')
  t.deepEqual(baseId(one), baseId(two))
  t.notDeepEqual(one.id, two.id)
  const fold = (...records: SignedRecord[]) =>
    foldBases(records, mesh.roster()).bases.get(toHex(baseId(one)))
  t.false(fold(one)?.approved)
  t.false(fold(one, one)?.approved)
  t.true(fold(two, one)?.approved)
  t.deepEqual(fold(one, two)?.signers, new Set([hexOf('nas'), hexOf('desk')]))
})

test('what a revoked publisher signed is known, and not approved', (t) => {
  const mesh = setUp()
  const record = publish(mesh, 'nas')
  mesh.revoke('authority', 'nas')
  const { bases } = foldBases([record], mesh.roster())
  t.false(bases.get(toHex(baseId(record)))?.approved)
})

test('of two approved bases with one number neither is used, and that is said', (t) => {
  const mesh = setUp()
  const one = publish(mesh, 'nas')
  const two = publish(mesh, 'nas', { label: 'other' })
  const fine = publish(mesh, 'nas', { serial: 2 })
  const { bases, problems } = foldBases([one, fine, two], mesh.roster())
  t.deepEqual(
    [one, two, fine].map((record) => bases.get(toHex(baseId(record)))?.approved),
    [false, false, true]
  )
  t.is(problems.length, 1)
})

test('who may not publish cannot spoil a number', (t) => {
  const mesh = setUp()
  const one = publish(mesh, 'nas')
  const { bases, problems } = foldBases([one, publish(mesh, 'desk', { label: 'x' })], mesh.roster())
  t.true(bases.get(toHex(baseId(one)))?.approved)
  t.deepEqual(problems, [])
})

test('other records and bases of other meshes are no bases here', (t) => {
  const mesh = setUp()
  const records = [
    ...mesh.records,
    publish(new Mesh(1), 'nas'),
    signRecord('base', 1, keyOf('nas'))
  ]
  t.is(foldBases(records, mesh.roster()).bases.size, 0)
})

test('numbers rise along a name', (t) => {
  const mesh = setUp()
  const records = [publish(mesh, 'nas', { serial: 7 }), publish(mesh, 'nas', { name: 'lab' })]
  const { bases } = foldBases(records, mesh.roster())
  t.is(nextSerial(bases.values(), 'office'), 8)
  t.is(nextSerial(bases.values(), 'lab'), 2)
  t.is(nextSerial(bases.values(), 'new'), 1)
})

const held = { head: sha256(state), blocks: 3, bytes: 4096, at: 7, undoDays: 30 }

test('a receipt decodes to what was signed, of a head and of a base', (t) => {
  const { id: mesh } = setUp()
  const key = keyOf('nas')
  const ofHead = signReceipt({ mesh, endpoint: idOf('E'), ...held }, key)
  const ofBase = decodeRecord(encodeRecord(signReceipt({ mesh, ...held }, key)))
  t.deepEqual(openReceipt(ofHead, mesh), { v: 1, mesh, endpoint: idOf('E'), ...held })
  t.deepEqual(openReceipt(ofBase, mesh), { v: 1, mesh, ...held })
  t.notDeepEqual(ofHead.id, ofBase.id)
})

test('a receipt of another mesh, by nobody who may, or changed, is none', (t) => {
  const { id: mesh } = setUp()
  const receipt = signReceipt({ mesh, ...held }, keyOf('nas'))
  t.throws(() => openReceipt(receipt, new Uint8Array(32)), { instanceOf: NotSigned })
  t.throws(() => openReceipt(receipt, mesh, () => false), { instanceOf: NotSigned })
  const other = signReceipt({ mesh, ...held, blocks: 4 }, keyOf('nas'))
  t.throws(() => openReceipt({ ...receipt, body: other.body }, mesh), { instanceOf: NotSigned })
  const short = signReceipt({ mesh, ...held, undoDays: 6 }, keyOf('nas'))
  t.throws(() => openReceipt(short, mesh), { instanceOf: Malformed })
})
