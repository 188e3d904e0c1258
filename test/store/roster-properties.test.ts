import test from 'ava'
import fc from 'fast-check'
import { toHex } from '../../store/block.ts'
import { admit } from '../../store/roster-admit.ts'
import { checkRecord } from '../../store/roster-records.ts'
import { issue } from '../../store/roster-issue.ts'
import { fold } from '../../store/roster.ts'
import { decodeRecord, encodeRecord, isBadRecord, type SignedRecord } from '../../store/signed.ts'
import { NOWHERE, decided, hexOf, idOf, keyOf, setUp, type Mesh } from './_mesh.ts'

const PEERS = ['nas', 'desk', 'attic', 'mallory']
const SPEAKERS = [...PEERS, 'authority', 'E of desk', 'E of attic', 'first of nas']
const ENDPOINTS = ['first', 'E', 'F']

type Action = (mesh: Mesh) => unknown

const peer = fc.constantFrom(...PEERS)
const speaker = fc.constantFrom(...SPEAKERS)
const endpoint = fc.constantFrom(...ENDPOINTS)
const code = fc.constantFrom('a', 'b')

/** Anybody says anything: most of it is out of turn. */
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.tuple(peer).map(
    ([p]) =>
      (m: Mesh) =>
        m.admin(p)
  ),
  fc.tuple(speaker, peer).map(
    ([s, p]) =>
      (m: Mesh) =>
        m.member(s, p)
  ),
  fc.tuple(speaker, peer, endpoint).map(
    ([s, p, e]) =>
      (m: Mesh) =>
        m.member(s, p, { endpoint: idOf(e) })
  ),
  fc
    .tuple(speaker, code, fc.integer({ min: 1, max: 3 }), fc.option(endpoint))
    .map(([s, c, uses, e]) => (m: Mesh) => {
      return m.invite(s, c, e === null ? { uses } : { uses, replaces: idOf(e) })
    }),
  fc.tuple(speaker, code).map(
    ([s, c]) =>
      (m: Mesh) =>
        m.say('cancel', s, { id: idOf(c) })
  ),
  fc.tuple(speaker, peer, code, fc.nat(100), endpoint).map(
    ([s, p, c, at, e]) =>
      (m: Mesh) =>
        m.join(s, p, { code: c, at, endpoint: e })
  ),
  fc.tuple(speaker, peer, endpoint, fc.constantFrom('read' as const, 'write' as const)).map(
    ([s, p, e, can]) =>
      (m: Mesh) =>
        m.claim(s, p, { endpoint: e, can })
  ),
  fc.tuple(speaker, peer, fc.nat(), fc.boolean()).map(
    ([s, p, n, stolen]) =>
      (m: Mesh) =>
        m.revoke(s, p, someRecordOf(m, p, n), stolen)
  ),
  fc.tuple(peer, fc.nat()).map(([p, n]) => (m: Mesh) => {
    return m.say('void', 'authority', { peer: keyOf(p).public, upTo: someRecordOf(m, p, n) })
  }),
  fc.tuple(speaker, fc.integer({ min: 1, max: 9 })).map(
    ([s, value]) =>
      (m: Mesh) =>
        m.say('policy', s, { field: 'copies', value })
  )
)

function someRecordOf(mesh: Mesh, name: string, n: number): Uint8Array {
  const own = mesh.records.filter(({ issuer }) => toHex(issuer) === hexOf(name))
  return own[n % (own.length + 1)]?.id ?? NOWHERE
}

/** Two branches of one history, so that chains fork and facts rival. */
const history = fc
  .tuple(fc.array(action, { maxLength: 10 }), fc.array(action, { maxLength: 6 }))
  .map(([common, apart]) => {
    const mesh = setUp()
    mesh.admin('desk')
    mesh.invite('nas', 'a', { uses: 2 })
    for (const act of common) act(mesh)
    const branch = mesh.branch()
    for (const [i, act] of apart.entries()) act(i % 2 === 0 ? mesh : branch)
    const records = new Map([...mesh.records, ...branch.records].map((r) => [toHex(r.id), r]))
    return { mesh, records: [...records.values()] }
  })

function shuffled<T>(all: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...all], { minLength: all.length })
}

test('the fold does not depend on order or on duplicates', (t) => {
  const inAnyOrder = history.chain(({ records }) =>
    fc.tuple(fc.constant(records), shuffled(records), fc.shuffledSubarray(records))
  )
  const holds = fc.property(inAnyOrder, ([records, order, again]) => {
    t.deepEqual(fold([...again, ...order]), fold(records))
  })
  fc.assert(holds, { numRuns: 150 })
})

test('nothing that a revoked issuer adds beyond its last record that counts changes anything', (t) => {
  const later = fc.tuple(history, peer, fc.array(fc.tuple(peer, endpoint), { minLength: 1 }))
  const holds = fc.property(later, ([{ mesh, records }, revoked, more]) => {
    mesh.records.splice(0, mesh.records.length, ...records)
    const upTo = mesh.roster().ends.get(hexOf(revoked))?.id ?? NOWHERE
    mesh.revoke('authority', revoked, upTo)
    const before = mesh.roster()
    for (const [name, e] of more) {
      mesh.member(revoked, name, { endpoint: idOf(e) })
      mesh.invite(revoked, 'c')
      mesh.join(revoked, name, { code: 'a', at: 0, endpoint: e })
    }
    const after = mesh.roster()
    t.deepEqual(decided(after), decided(before))
    t.is(after.version, before.version)
  })
  fc.assert(holds, { numRuns: 60 })
})

test('a record without the one before it changes nothing', (t) => {
  const gapped = fc.tuple(history, fc.constantFrom(...PEERS, 'authority'), peer)
  const holds = fc.property(gapped, ([{ records }, by, name]) => {
    const roster = fold(records)
    const end = { seq: (roster.ends.get(hexOf(by))?.seq ?? 0) + 7, id: idOf('x').slice() }
    const id = new Uint8Array(32).fill(end.seq)
    const ahead = { ...roster, ends: new Map([[hexOf(by), { seq: end.seq, id }]]) }
    const fields = { peer: keyOf(name).public, upTo: NOWHERE, stolen: true }
    const record = issue('revoke', fields, { key: keyOf(by), roster: ahead, time: 1 })
    const after = fold([...records, record])
    t.deepEqual(decided(after), decided(roster))
    t.is(after.version, roster.version)
  })
  fc.assert(holds, { numRuns: 60 })
})

test('nobody but the authority and its admins decides who is an admin, however much is said', (t) => {
  const holds = fc.property(history, ({ records }) => {
    const { admins, revoked, members } = fold(records)
    for (const admin of admins) t.false(revoked.has(admin))
    for (const member of members.keys()) t.false(revoked.has(member))
    t.true([...admins].every((admin) => PEERS.some((name) => hexOf(name) === admin)))
  })
  fc.assert(holds, { numRuns: 60 })
})

test('what is admitted does not depend on the order or the portions in which it comes', (t) => {
  const portions = history.chain(({ mesh, records }) =>
    fc.tuple(fc.constant({ mesh, records }), shuffled(records), fc.nat(records.length))
  )
  const holds = fc.property(portions, ([{ mesh, records }, order, cut]) => {
    const once = admit([], records, mesh.id)
    let known: SignedRecord[] = []
    // What is refused is offered again, as every hello does.
    for (const part of [order.slice(0, cut), order, order]) {
      known = [...known, ...admit(known, part, mesh.id).accepted]
    }
    t.deepEqual(idsOf(known), idsOf(once.accepted))
  })
  fc.assert(holds, { numRuns: 60 })
})

function idsOf(records: readonly SignedRecord[]): string[] {
  return records.map(({ id }) => toHex(id)).sort()
}

const mutation = fc.oneof(
  fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })).map(([at, change]) => (b: Uint8Array) => {
    const out = b.slice()
    out[at % b.length] = (out[at % b.length] ?? 0) ^ change
    return out
  }),
  fc.nat().map((at) => (b: Uint8Array) => b.slice(0, at % b.length)),
  fc.uint8Array({ minLength: 1, maxLength: 40 }).map((more) => (b: Uint8Array) => {
    return new Uint8Array([...b, ...more])
  }),
  fc
    .tuple(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 9 }))
    .map(([at, more]) => (b: Uint8Array) => {
      const place = at % b.length
      return new Uint8Array([...b.slice(0, place), ...more, ...b.slice(place)])
    })
)

test('a changed record is never accepted, and reading it never fails but in the named ways', (t) => {
  const { mesh, records } = everyKind()
  const encoded = records.map(encodeRecord)
  const changed = fc.tuple(
    fc.nat(encoded.length - 1),
    fc.array(mutation, { minLength: 1, maxLength: 3 })
  )
  const holds = fc.property(changed, ([which, changes]) => {
    const original = encoded[which] ?? NOWHERE
    const bytes = changes.reduce((b, change) => (b.length === 0 ? b : change(b)), original)
    if (Buffer.compare(bytes, original) === 0) return
    try {
      const record = decodeRecord(bytes)
      t.deepEqual(encodeRecord(record), bytes)
      checkRecord(record, mesh.id)
      t.fail('a changed record was accepted')
    } catch (error) {
      if (!isBadRecord(error)) throw error
    }
  })
  fc.assert(holds, { numRuns: 3000 })
  for (const record of records) t.notThrows(() => checkRecord(record, mesh.id))
})

function everyKind(): { mesh: Mesh; records: SignedRecord[] } {
  const mesh = setUp()
  mesh.say('recovery', 'authority', { recipient: `age1${'p'.repeat(58)}` })
  mesh.say('policy', 'nas', { field: 'undoDays', value: 60 })
  mesh.invite('nas', 'a', { replaces: idOf('E') })
  mesh.join('nas', 'desk', { code: 'a', at: 5, endpoint: 'E' })
  mesh.say('cancel', 'nas', { id: idOf('a') })
  mesh.claim('first of nas', 'attic', { endpoint: 'first', key: 'other' })
  mesh.revoke('nas', 'desk')
  mesh.say('void', 'authority', { peer: keyOf('mallory').public, upTo: NOWHERE })
  return { mesh, records: mesh.records }
}
