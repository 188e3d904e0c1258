import test from 'ava'
import { NotSigned } from '../../store/errors.ts'
import { issue } from '../../store/roster-issue.ts'
import { fold } from '../../store/roster.ts'
import { LAMPORT_LEAP_MAX } from '../../store/roster-chain.ts'
import { encodeRecord, signRecord } from '../../store/signed.ts'
import { Mesh, NOWHERE, RECIPIENT, decided, hexOf, idOf, keyOf, setUp } from './_mesh.ts'

test('a set without a genesis is no roster', (t) => {
  const mesh = setUp()
  t.throws(() => fold([]), { instanceOf: NotSigned })
  t.throws(() => fold(mesh.records.slice(1)), { instanceOf: NotSigned })
})

test('what setup signs makes one member with every say', (t) => {
  const roster = setUp().roster()
  const nas = roster.members.get(hexOf('nas'))
  t.is(roster.name, 'office')
  t.is(roster.recovery, RECIPIENT)
  t.deepEqual(roster.policy, { copies: 2, sites: 1, undoDays: 30 })
  t.deepEqual([...(nas?.roles ?? [])].sort(), ['admin', 'endpoint', 'publisher', 'storage'])
  t.deepEqual(nas?.endpoint, idOf('first'))
  t.deepEqual([...roster.admins], [hexOf('nas')])
  t.deepEqual([...roster.publishers.keys()], [hexOf('nas')])
  t.is(roster.threshold, 1)
  t.is(roster.version, 3)
  t.deepEqual(roster.problems, [])
})

test('each issuer chains its own records, and the lamport number rises over all', (t) => {
  const mesh = setUp()
  mesh.invite('nas', 'a')
  mesh.admin('desk')
  const roster = mesh.roster()
  t.is(roster.ends.get(hexOf('authority'))?.seq, 4)
  t.is(roster.ends.get(hexOf('nas'))?.seq, 0)
  t.is(roster.version, 5)
})

test('a record whose chain has a gap counts only once the gap is filled', (t) => {
  const mesh = setUp()
  const first = mesh.member('nas', 'a')
  mesh.member('nas', 'b')
  const without = fold(mesh.records.filter((record) => record !== first))
  t.false(without.members.has(hexOf('b')))
  t.true(mesh.roster().members.has(hexOf('b')))
})

test('a record in the chain of another issuer does not count', (t) => {
  const mesh = setUp()
  mesh.admin('desk')
  mesh.member('nas', 'a')
  const roster = mesh.roster()
  const ends = new Map([
    [hexOf('desk'), { seq: 0, id: roster.ends.get(hexOf('nas'))?.id ?? NOWHERE }]
  ])
  mesh.records.push(
    issue(
      'member',
      { peer: keyOf('b').public, name: 'b', roles: [], site: '' },
      { key: keyOf('desk'), roster: { ...roster, ends }, time: 1 }
    )
  )
  t.false(mesh.roster().members.has(hexOf('b')))
})

test('an issuer that forks its chain is named, and both branches count', (t) => {
  const mesh = setUp()
  const branch = mesh.branch()
  mesh.member('nas', 'a')
  branch.member('nas', 'b')
  const roster = fold([...mesh.records, ...branch.records])
  t.true(roster.members.has(hexOf('a')))
  t.true(roster.members.has(hexOf('b')))
  t.is(roster.problems.length, 1)
  t.regex(roster.problems[0] ?? '', /two records numbered 0/)
})

test('records of another mesh do not count', (t) => {
  const mesh = setUp()
  const other = new Mesh(1)
  other.admin('mallory')
  const roster = fold([...mesh.records, ...other.records.slice(1)])
  t.false(roster.admins.has(hexOf('mallory')))
})

const powerless: [string, (mesh: Mesh) => unknown][] = [
  ['make admins', (m) => m.say('admin', 'desk', { peer: keyOf('x').public })],
  ['make publishers', (m) => m.say('publisher', 'desk', { peer: keyOf('x').public, threshold: 1 })],
  [
    'change the recovery recipient',
    (m) => m.say('recovery', 'desk', { recipient: RECIPIENT.replace(/q$/, 'p') })
  ],
  ['void', (m) => m.say('void', 'desk', { peer: keyOf('nas').public, upTo: NOWHERE })],
  ['set policy', (m) => m.say('policy', 'desk', { field: 'copies', value: 9 })],
  ['make members', (m) => m.member('desk', 'x')],
  ['invite', (m) => m.invite('desk', 'x')],
  ['revoke', (m) => m.revoke('desk', 'nas')],
  ['claim what is not its own', (m) => m.claim('desk', 'desk', { endpoint: 'first' })],
  ['read what is not its own', (m) => m.claim('desk', 'desk', { endpoint: 'first', can: 'read' })]
]
for (const [what, say] of powerless) {
  test(`a plain member cannot ${what}`, (t) => {
    const mesh = setUp()
    mesh.member('nas', 'desk')
    const before = mesh.roster()
    say(mesh)
    const after = mesh.roster()
    t.notDeepEqual(after.digest, before.digest)
    t.deepEqual(decided(after), decided(before))
  })
}

test('an admin makes members, and cannot make admins', (t) => {
  const mesh = setUp()
  mesh.member('nas', 'desk', { quota: 5 })
  mesh.say('admin', 'nas', { peer: keyOf('desk').public })
  const roster = mesh.roster()
  t.is(roster.members.get(hexOf('desk'))?.quota, 5)
  t.false(roster.admins.has(hexOf('desk')))
})

test('a member record replaces the one before it as a whole', (t) => {
  const mesh = setUp()
  mesh.member('nas', 'desk', { quota: 5, roles: ['endpoint', 'storage'] })
  const since = mesh.roster().members.get(hexOf('desk'))?.since
  mesh.member('authority', 'desk', { name: 'front desk', roles: ['endpoint'], site: 'lyon' })
  const desk = mesh.roster().members.get(hexOf('desk'))
  t.is(desk?.name, 'front desk')
  t.is(desk?.site, 'lyon')
  t.is(desk?.quota, undefined)
  t.deepEqual([...(desk?.roles ?? [])], ['endpoint'])
  t.is(desk?.since, since)
})

test('the recipient and the threshold are the last that the authority gave', (t) => {
  const mesh = setUp()
  const recipient = RECIPIENT.replace(/q$/, 'p')
  mesh.say('recovery', 'authority', { recipient })
  mesh.say('publisher', 'authority', { peer: keyOf('desk').public, threshold: 2 })
  const roster = mesh.roster()
  t.is(roster.recovery, recipient)
  t.is(roster.threshold, 2)
  t.is(roster.publishers.size, 2)
})

test('an admin may only make policy safer; the authority sets what it wants', (t) => {
  const mesh = setUp()
  const copies = (): number => mesh.roster().policy.copies
  mesh.say('policy', 'nas', { field: 'copies', value: 4 })
  t.is(copies(), 4)
  mesh.say('policy', 'nas', { field: 'copies', value: 3 })
  t.is(copies(), 4)
  mesh.say('policy', 'authority', { field: 'copies', value: 1 })
  t.is(copies(), 1)
  mesh.say('policy', 'nas', { field: 'copies', value: 2 })
  t.is(copies(), 2)
  t.is(mesh.roster().policy.undoDays, 30)
})

test('a revoked peer is out for good, whoever names it again', (t) => {
  const mesh = setUp()
  mesh.member('nas', 'desk')
  mesh.revoke('nas', 'desk')
  mesh.member('authority', 'desk')
  const roster = mesh.roster()
  t.false(roster.members.has(hexOf('desk')))
  t.true(roster.revoked.has(hexOf('desk')))
  t.false(roster.revoked.get(hexOf('desk'))?.stolen)
})

test('of a revoked admin only what leads up to the named record counts', (t) => {
  const mesh = setUp()
  mesh.admin('desk')
  const upTo = mesh.member('desk', 'a')
  const late = mesh.branch()
  mesh.member('desk', 'b')
  // From a fork below, with a number that is not higher.
  const early = mesh.branch()
  early.records.splice(early.records.indexOf(upTo), 2)
  early.member('desk', 'c')
  late.revoke('nas', 'desk', upTo.id)
  const roster = fold([...mesh.records, ...late.records, ...early.records])
  t.true(roster.members.has(hexOf('a')))
  t.false(roster.members.has(hexOf('b')))
  t.false(roster.members.has(hexOf('c')))
  t.false(roster.admins.has(hexOf('desk')))
})

test('two admins who revoke each other are both out', (t) => {
  const mesh = setUp()
  mesh.admin('desk')
  const branch = mesh.branch()
  mesh.revoke('nas', 'desk')
  branch.revoke('desk', 'nas')
  const roster = fold([...mesh.records, ...branch.records])
  t.true(roster.revoked.has(hexOf('nas')))
  t.true(roster.revoked.has(hexOf('desk')))
  t.is(roster.admins.size, 0)
})

test('only voiding the revoker undoes a revocation', (t) => {
  const mesh = setUp()
  mesh.admin('mallory')
  const honest = mesh.member('mallory', 'a')
  mesh.revoke('mallory', 'nas')
  t.false(mesh.roster().admins.has(hexOf('nas')))
  mesh.say('void', 'authority', { peer: keyOf('mallory').public, upTo: honest.id })
  const roster = mesh.roster()
  t.true(roster.admins.has(hexOf('nas')))
  t.true(roster.members.has(hexOf('nas')))
  t.true(roster.members.has(hexOf('a')))
  t.false(roster.admins.has(hexOf('mallory')))
})

test('the authority cannot be revoked or voided', (t) => {
  const mesh = setUp()
  mesh.revoke('nas', 'authority')
  mesh.say('void', 'authority', { peer: keyOf('authority').public, upTo: NOWHERE })
  mesh.member('authority', 'desk')
  t.true(mesh.roster().members.has(hexOf('desk')))
  t.true(mesh.roster().admins.has(hexOf('nas')))
})

test('a lamport number that leaps ahead does not count, so numbers cannot be used up', (t) => {
  const mesh = setUp()
  mesh.admin('mallory')
  const roster = { ...mesh.roster(), version: Number.MAX_SAFE_INTEGER - 1 }
  const fields = { peer: keyOf('x').public, name: 'x', roles: [], site: '' }
  mesh.records.push(issue('member', fields, { key: keyOf('mallory'), roster, time: 1 }))
  t.is(mesh.roster().version, 4)
  t.false(mesh.roster().members.has(hexOf('x')))
  t.is(mesh.roster().problems.length, 1)

  const near = { ...mesh.roster(), version: mesh.roster().version + LAMPORT_LEAP_MAX - 1 }
  const next = issue('member', fields, { key: keyOf('nas'), roster: near, time: 1 })
  t.true(fold([...mesh.records, next]).members.has(hexOf('x')))
})

test('garbage among the records changes nothing', (t) => {
  const mesh = setUp()
  const before = mesh.roster()
  mesh.records.push(
    signRecord('member', { v: 1 }, keyOf('nas')),
    signRecord('hold', { v: 1, mesh: mesh.id }, keyOf('nas')),
    signRecord('sponsor', 7, keyOf('nas'))
  )
  t.deepEqual(mesh.roster(), before)
})

test('a sponsor that wraps something else lets nobody in', (t) => {
  const mesh = setUp()
  mesh.invite('nas', 'a')
  const wrong = mesh.make('revoke', 'nas', {
    peer: keyOf('x').public,
    upTo: NOWHERE,
    stolen: false
  })
  mesh.say('sponsor', 'nas', { join: encodeRecord(wrong), at: 1 })
  mesh.say('sponsor', 'nas', { join: Uint8Array.of(1, 2, 3), at: 1 })
  t.is(mesh.roster().members.size, 1)
  t.is(mesh.roster().revoked.size, 0)
})
