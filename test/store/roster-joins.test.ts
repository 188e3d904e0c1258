import test from 'ava'
import { hexOf, idOf, keyOf, setUp, type Mesh } from './_mesh.ts'

function has(mesh: Mesh, ...names: string[]): boolean[] {
  const { members } = mesh.roster()
  return names.map((name) => members.has(hexOf(name)))
}

test('a join through an invite makes a member with the roles and site of the invite', (t) => {
  const mesh = setUp()
  mesh.invite('nas', 'a', { roles: ['endpoint'], site: 'lyon' })
  mesh.join('nas', 'desk', { code: 'a', at: 5, endpoint: 'E' })
  const roster = mesh.roster()
  const desk = roster.members.get(hexOf('desk'))
  t.is(desk?.name, 'desk')
  t.is(desk?.site, 'lyon')
  t.is(desk?.since, 5)
  t.deepEqual([...(desk?.roles ?? [])], ['endpoint'])
  t.deepEqual(desk?.endpoint, idOf('E'))
  t.is(roster.invites.get(Buffer.from(idOf('a')).toString('hex'))?.used, 1)
})

const refused: [string, (mesh: Mesh) => unknown][] = [
  ['after it expired', (m) => m.join('nas', 'desk', { code: 'a', at: 101 })],
  [
    'that was cancelled',
    (m) => {
      m.join('nas', 'desk', { code: 'a', at: 5 })
      m.say('cancel', 'nas', { id: idOf('a') })
    }
  ],
  ['that nobody made', (m) => m.join('nas', 'desk', { code: 'unknown', at: 5 })],
  ['sponsored by a stranger', (m) => m.join('stranger', 'desk', { code: 'a', at: 5 })],
  ['sponsored by itself', (m) => m.join('desk', 'desk', { code: 'a', at: 5 })],
  [
    'sponsored by somebody revoked, afterwards',
    (m) => {
      m.member('nas', 'other')
      m.revoke('nas', 'other')
      m.join('other', 'desk', { code: 'a', at: 5 })
    }
  ],
  [
    'that a voided admin made',
    (m) => {
      m.join('nas', 'desk', { code: 'a', at: 5 })
      m.say('void', 'authority', { peer: keyOf('nas').public, upTo: new Uint8Array(0) })
    }
  ],
  [
    'when it was revoked since',
    (m) => {
      m.join('nas', 'desk', { code: 'a', at: 5 })
      m.revoke('nas', 'desk')
    }
  ]
]
for (const [what, say] of refused) {
  test(`nobody comes in by an invite ${what}`, (t) => {
    const mesh = setUp()
    mesh.invite('nas', 'a', { expires: 100 })
    say(mesh)
    t.deepEqual(has(mesh, 'desk'), [false])
  })
}

test('a join holds up to the very moment its invite expires', (t) => {
  const mesh = setUp()
  mesh.invite('nas', 'a', { expires: 100 })
  mesh.join('nas', 'desk', { code: 'a', at: 100 })
  t.deepEqual(has(mesh, 'desk'), [true])
})

test('a join signed by another key than the invite has lets nobody in', (t) => {
  const mesh = setUp()
  mesh.invite('nas', 'a', { key: keyOf('code b').public })
  mesh.join('nas', 'desk', { code: 'a', at: 5 })
  t.deepEqual(has(mesh, 'desk'), [false])
})

test('who was let in may let in others', (t) => {
  const mesh = setUp()
  mesh.invite('nas', 'a', { uses: 3 })
  mesh.join('nas', 'one', { code: 'a', at: 30 })
  mesh.join('one', 'two', { code: 'a', at: 20 })
  mesh.join('two', 'three', { code: 'a', at: 10 })
  t.deepEqual(has(mesh, 'one', 'two', 'three'), [true, true, true])
})

test('what a sponsor said before it was revoked still counts', (t) => {
  const mesh = setUp()
  mesh.member('nas', 'other')
  mesh.invite('nas', 'a')
  const upTo = mesh.join('other', 'desk', { code: 'a', at: 5 })
  mesh.revoke('nas', 'other', upTo.id)
  t.deepEqual(has(mesh, 'other', 'desk'), [false, true])
})

test('of more joins than uses the earliest holds; the others are suspended, and that is said', (t) => {
  const mesh = setUp()
  mesh.invite('nas', 'a', { uses: 2 })
  mesh.join('nas', 'late', { code: 'a', at: 30 })
  mesh.join('nas', 'second', { code: 'a', at: 20 })
  mesh.join('nas', 'first', { code: 'a', at: 10 })
  const roster = mesh.roster()
  t.deepEqual(has(mesh, 'first', 'second', 'late'), [true, true, false])
  t.deepEqual([...roster.suspended], [hexOf('late')])
  t.is(roster.problems.length, 1)
})

test('one computer that joins twice, or by two sponsors, takes one place', (t) => {
  const mesh = setUp()
  mesh.member('nas', 'other')
  mesh.invite('nas', 'a', { uses: 2 })
  mesh.join('nas', 'desk', { code: 'a', at: 10 })
  mesh.join('other', 'desk', { code: 'a', at: 11 })
  mesh.join('nas', 'next', { code: 'a', at: 12 })
  const roster = mesh.roster()
  t.deepEqual(has(mesh, 'desk', 'next'), [true, true])
  t.is(roster.suspended.size, 0)
})

test('a computer that an admin confirmed keeps its place before earlier ones', (t) => {
  const mesh = setUp()
  mesh.invite('nas', 'a', { uses: 1 })
  mesh.join('nas', 'late', { code: 'a', at: 20 })
  mesh.member('nas', 'late')
  mesh.join('nas', 'early', { code: 'a', at: 10 })
  t.deepEqual(has(mesh, 'late', 'early'), [true, false])
})

test('a suspended computer comes in once an admin confirms it', (t) => {
  const mesh = setUp()
  mesh.invite('nas', 'a', { uses: 1 })
  mesh.join('nas', 'first', { code: 'a', at: 10 })
  mesh.join('nas', 'second', { code: 'a', at: 20 })
  mesh.member('nas', 'first')
  mesh.member('nas', 'second')
  t.deepEqual(has(mesh, 'first', 'second'), [true, true])
  t.is(mesh.roster().suspended.size, 0)
})

test('a suspended computer cannot let itself into the place of another', (t) => {
  const mesh = setUp()
  mesh.invite('nas', 'a', { uses: 1 })
  mesh.join('nas', 'first', { code: 'a', at: 20 })
  mesh.join('nas', 'thief', { code: 'a', at: 30 })
  mesh.join('thief', 'thief', { code: 'a', at: 0 })
  t.deepEqual(has(mesh, 'first', 'thief'), [true, false])
})

test('who was let in cannot push out the one who vouches for it', (t) => {
  const mesh = setUp()
  mesh.invite('nas', 'a', { uses: 1 })
  mesh.join('nas', 'first', { code: 'a', at: 20 })
  mesh.join('first', 'second', { code: 'a', at: 10 })
  t.deepEqual(has(mesh, 'first', 'second'), [true, false])
})

test('joining again does not bring back what an admin took away', (t) => {
  const mesh = setUp()
  mesh.invite('nas', 'a', { uses: 5, roles: ['endpoint', 'storage'] })
  mesh.join('nas', 'desk', { code: 'a', at: 10 })
  mesh.member('nas', 'desk', { roles: [] })
  mesh.join('desk', 'desk', { code: 'a', at: 11 })
  t.is(mesh.roster().members.get(hexOf('desk'))?.roles.size, 0)
})
