import test from 'ava'
import { toHex } from '../../store/block.ts'
import { READ_CLAIM_MS, type Endpoint } from '../../store/roster-endpoints.ts'
import { mayRead, mayWrite } from '../../store/roster.ts'
import { hexOf, idOf, keyOf, setUp, type Mesh } from './_mesh.ts'

function endpointIn(mesh: Mesh, name: string): Endpoint {
  const endpoint = mesh.roster().endpoints.get(toHex(idOf(name)))
  if (endpoint === undefined) throw new Error(`no endpoint ${name}`)
  return endpoint
}

function writes(mesh: Mesh, peer: string, endpoint = 'E'): boolean {
  return mayWrite(mesh.roster(), idOf(endpoint), keyOf(peer).public)
}

/** A mesh where desk brought the endpoint E. */
function withDesk(): Mesh {
  const mesh = setUp()
  mesh.invite('nas', 'a')
  mesh.join('nas', 'desk', { code: 'a', at: 5, endpoint: 'E' })
  return mesh
}

test('who brings an endpoint writes it, names it and may claim it', (t) => {
  const mesh = withDesk()
  const endpoint = endpointIn(mesh, 'E')
  t.is(endpoint.name, 'desk')
  t.deepEqual(endpoint.id, idOf('E'))
  t.deepEqual(endpoint.claimKey, keyOf('E of desk').public)
  t.true(writes(mesh, 'desk'))
  t.false(writes(mesh, 'nas'))
  t.false(writes(mesh, 'desk', 'first'))
})

test('a join cannot take an endpoint that another brought', (t) => {
  const mesh = withDesk()
  mesh.invite('nas', 'b')
  mesh.join('nas', 'thief', { code: 'b', at: 6, endpoint: 'E' })
  mesh.invite('nas', 'c')
  mesh.join('nas', 'robber', { code: 'c', at: 1, endpoint: 'first' })
  t.true(writes(mesh, 'desk'))
  t.true(writes(mesh, 'nas', 'first'))
  t.true(mesh.roster().members.has(hexOf('thief')))
  t.is(mesh.roster().members.get(hexOf('thief'))?.endpoint, undefined)
  t.is(mesh.roster().problems.filter((text) => text.includes('more than one')).length, 2)
})

test('a join touches no endpoint that is there, whatever time its sponsor says', (t) => {
  const mesh = withDesk()
  const before = ['first', 'E'].map((name) => endpointIn(mesh, name))
  mesh.invite('nas', 'c', { uses: 3 })
  mesh.join('nas', 'eve', { code: 'c', at: 1, endpoint: 'first' })
  mesh.join('nas', 'mallory', { code: 'c', at: 2, endpoint: 'E' })
  for (const [i, name] of ['first', 'E'].entries()) {
    t.deepEqual(endpointIn(mesh, name), before[i], name)
  }
  t.is(mesh.roster().problems.length, 2)
})

test('writers are known in the order in which they got the endpoint', (t) => {
  const mesh = withDesk()
  const order = (): string[] => [...endpointIn(mesh, 'E').writers]
  mesh.claim('E of desk', 'new', { endpoint: 'E' })
  t.deepEqual(order(), [hexOf('desk'), hexOf('new')])
  mesh.claim('E of desk', 'desk', { endpoint: 'E' })
  t.deepEqual(order(), [hexOf('new'), hexOf('desk')])
})

test('an invite without the endpoint role brings no endpoint', (t) => {
  const mesh = setUp()
  mesh.invite('nas', 'a', { roles: ['storage'] })
  mesh.join('nas', 'attic', { code: 'a', at: 5, endpoint: 'E' })
  t.is(mesh.roster().endpoints.size, 1)
  t.true(mesh.roster().members.has(hexOf('attic')))
})

test('endpoints of one name get numbers, the first keeps its name', (t) => {
  const mesh = setUp()
  for (const [i, name] of ['desk', 'desk', 'desk-2', 'desk'].entries()) {
    const more = { name, endpoint: idOf(`E${i}`), claimKey: keyOf(`k${i}`).public }
    mesh.member('nas', `computer ${i}`, more)
  }
  t.deepEqual(
    [0, 1, 2, 3].map((i) => endpointIn(mesh, `E${i}`).name),
    ['desk', 'desk-3', 'desk-2', 'desk-4']
  )
})

test('a write claim by the endpoint’s key makes a member and the writer', (t) => {
  const mesh = withDesk()
  mesh.claim('E of desk', 'new', { endpoint: 'E', key: 'E again' })
  const roster = mesh.roster()
  t.true(writes(mesh, 'new'))
  t.false(writes(mesh, 'desk'))
  t.is(roster.members.get(hexOf('new'))?.name, 'desk')
  t.deepEqual(roster.members.get(hexOf('new'))?.endpoint, idOf('E'))
  t.is(roster.members.get(hexOf('desk'))?.endpoint, undefined)
  t.deepEqual(endpointIn(mesh, 'E').claimKey, keyOf('E again').public)
})

test('a claim without a new key leaves the key there is', (t) => {
  const mesh = withDesk()
  mesh.claim('E of desk', 'new', { endpoint: 'E' })
  mesh.claim('E of desk', 'newer', { endpoint: 'E' })
  t.true(writes(mesh, 'newer'))
  t.deepEqual(endpointIn(mesh, 'E').claimKey, keyOf('E of desk').public)
})

test('a key that a takeover replaced claims nothing any more', (t) => {
  const mesh = withDesk()
  mesh.claim('authority', 'new', { endpoint: 'E', key: 'E again' })
  mesh.claim('E of desk', 'thief', { endpoint: 'E' })
  mesh.claim('E of desk', 'thief', { endpoint: 'E', can: 'read' })
  t.true(writes(mesh, 'new'))
  t.false(mesh.roster().members.has(hexOf('thief')))
  t.is(endpointIn(mesh, 'E').readers.size, 0)
})

test('the key of one endpoint claims no other', (t) => {
  const mesh = withDesk()
  mesh.claim('E of desk', 'thief', { endpoint: 'first' })
  t.true(writes(mesh, 'nas', 'first'))
  t.false(mesh.roster().members.has(hexOf('thief')))
})

test('an invite that replaces an endpoint makes the joiner its writer', (t) => {
  const mesh = withDesk()
  mesh.invite('nas', 'r', { replaces: idOf('E') })
  mesh.join('nas', 'new', { code: 'r', at: 9, endpoint: 'E' })
  t.true(writes(mesh, 'new'))
  t.is(endpointIn(mesh, 'E').name, 'desk')
  t.deepEqual(endpointIn(mesh, 'E').claimKey, keyOf('E of new').public)
  t.deepEqual(mesh.roster().invites.get(toHex(idOf('r')))?.replaces, idOf('E'))
})

test('an invite that replaces one endpoint takes no other', (t) => {
  const mesh = withDesk()
  mesh.invite('nas', 'r', { replaces: idOf('E') })
  mesh.join('nas', 'new', { code: 'r', at: 9, endpoint: 'first' })
  t.true(writes(mesh, 'desk'))
  t.true(writes(mesh, 'nas', 'first'))
})

test('a member record moves an endpoint; one without an endpoint leaves it where it is', (t) => {
  const mesh = withDesk()
  mesh.member('authority', 'new', { endpoint: idOf('E'), claimKey: keyOf('E again').public })
  t.true(writes(mesh, 'new'))
  mesh.member('nas', 'new', { site: 'lyon' })
  t.true(writes(mesh, 'new'))
  t.deepEqual(endpointIn(mesh, 'E').claimKey, keyOf('E again').public)
})

test('a read claim makes a reader for seven days, and no member', (t) => {
  const mesh = withDesk()
  mesh.claim('E of desk', 'laptop', { endpoint: 'E', can: 'read' })
  const until = endpointIn(mesh, 'E').readers.get(hexOf('laptop')) ?? 0
  const roster = mesh.roster()
  const peer = keyOf('laptop').public
  t.true(until > READ_CLAIM_MS)
  t.true(mayRead(roster, idOf('E'), { peer, now: until }))
  t.false(mayRead(roster, idOf('E'), { peer, now: until + 1 }))
  t.false(mayRead(roster, idOf('first'), { peer, now: 0 }))
  t.false(roster.members.has(hexOf('laptop')))
  t.false(writes(mesh, 'laptop'))
})

test('the authority may read all endpoints at once; no other key may', (t) => {
  const mesh = withDesk()
  const all = { endpoint: new Uint8Array(0), can: 'read' as const }
  mesh.say('claim', 'authority', { ...all, peer: keyOf('blank').public })
  mesh.say('claim', 'E of desk', { ...all, peer: keyOf('thief').public })
  for (const name of ['E', 'first']) {
    t.deepEqual([...endpointIn(mesh, name).readers.keys()], [hexOf('blank')])
  }
})

test('an endpoint outlives its writer, and nobody writes it until it is claimed', (t) => {
  const mesh = withDesk()
  mesh.revoke('nas', 'desk')
  t.is(endpointIn(mesh, 'E').name, 'desk')
  t.false(writes(mesh, 'desk'))
  mesh.claim('E of desk', 'new', { endpoint: 'E' })
  t.true(writes(mesh, 'new'))
})

test('a revoked reader reads nothing', (t) => {
  const mesh = withDesk()
  mesh.claim('E of desk', 'laptop', { endpoint: 'E', can: 'read' })
  mesh.revoke('nas', 'laptop')
  t.false(mayRead(mesh.roster(), idOf('E'), { peer: keyOf('laptop').public, now: 0 }))
})

test('the claim key of a stolen computer claims nothing, however old the claim pretends to be', (t) => {
  const mesh = withDesk()
  const past = mesh.branch()
  mesh.revoke('nas', 'desk', undefined, true)
  past.claim('E of desk', 'thief', { endpoint: 'E', key: 'thief’s own' })
  past.claim('thief’s own', 'thief again', { endpoint: 'E' })
  mesh.records.push(...past.records)
  const roster = mesh.roster()
  t.true(roster.revoked.get(hexOf('desk'))?.stolen)
  t.is(endpointIn(mesh, 'E').claimKey, undefined)
  t.false(roster.members.has(hexOf('thief')))
  t.false(roster.members.has(hexOf('thief again')))
  t.is(roster.problems.length, 1)

  mesh.claim('authority', 'new', { endpoint: 'E', key: 'E again' })
  t.true(writes(mesh, 'new'))
  t.deepEqual(endpointIn(mesh, 'E').claimKey, keyOf('E again').public)
})

test('a thief who took an endpoint over loses it when its computer is revoked as stolen', (t) => {
  const mesh = withDesk()
  mesh.claim('E of desk', 'thief', { endpoint: 'E', key: 'thief’s own' })
  t.true(writes(mesh, 'thief'))
  mesh.revoke('nas', 'thief', undefined, true)
  t.deepEqual(endpointIn(mesh, 'E').writer, keyOf('desk').public)
  t.is(endpointIn(mesh, 'E').claimKey, undefined)
})

test('a stolen computer exposes no key of an endpoint that it only named', (t) => {
  const mesh = withDesk()
  mesh.claim('stranger', 'thief', { endpoint: 'E', key: 'E of desk' })
  mesh.revoke('nas', 'thief', undefined, true)
  t.deepEqual(endpointIn(mesh, 'E').claimKey, keyOf('E of desk').public)
})
