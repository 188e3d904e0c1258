// The table of SECURITY-DESIGN 11, row by row.

import test from 'ava'
import { BASE_SCOPE, toHex } from '../../../store/block.ts'
import { READ_CLAIM_MS } from '../../../store/roster-endpoints.ts'
import { mayAsk, mayAskBase, mayAskScope, type Request } from '../../../node/mesh/access.ts'
import { idOf, keyOf, setUp, type Mesh } from '../../store/_mesh.ts'

const ENDPOINT = idOf('work')
const NOW = 2_000_000

/** Everybody whom the table names, and some who look like them. */
function office(): Mesh {
  const mesh = setUp()
  const claimKey = keyOf('work of desk').public
  mesh.member('nas', 'desk', { endpoint: ENDPOINT, claimKey })
  mesh.member('nas', 'attic', { roles: ['storage'] })
  mesh.member('nas', 'reader')
  mesh.claim('work of desk', 'reader', { endpoint: 'work', can: 'read' })
  mesh.member('nas', 'laptop', { endpoint: idOf('laptop'), claimKey: keyOf('l').public })
  mesh.member('nas', 'gone', { roles: ['storage', 'endpoint'] })
  mesh.revoke('nas', 'gone')
  mesh.say('publisher', 'authority', { peer: keyOf('printer').public, threshold: 1 })
  return mesh
}

const TABLE: Record<Request, Record<string, boolean>> = {
  heads: { desk: true, attic: true, reader: true, laptop: false, gone: false, stranger: false },
  blocks: { desk: true, attic: true, reader: true, laptop: false, gone: false, stranger: false },
  offer: { desk: true, attic: true, reader: false, laptop: false, gone: false, stranger: false },
  audit: { desk: true, attic: true, reader: false, laptop: false, gone: false, stranger: false }
}

for (const request of ['heads', 'blocks', 'offer', 'audit'] as const) {
  test(`who may ask for ${request} of an endpoint`, (t) => {
    const roster = office().roster()
    for (const [name, allowed] of Object.entries(TABLE[request])) {
      const asking = { roster, peer: keyOf(name).public, now: NOW }
      t.is(mayAsk(request, ENDPOINT, asking), allowed, name)
      t.is(mayAskScope(request, toHex(ENDPOINT), asking), allowed, name)
    }
  })
}

test('every member may ask for blocks of the base, and nobody else', (t) => {
  const roster = office().roster()
  for (const name of ['nas', 'desk', 'attic', 'reader', 'laptop']) {
    t.true(mayAskBase({ roster, peer: keyOf(name).public, now: NOW }), name)
  }
  for (const name of ['gone', 'stranger', 'authority', 'printer', 'work of desk']) {
    const asking = { roster, peer: keyOf(name).public, now: NOW }
    t.false(mayAskBase(asking), name)
    t.false(mayAskScope('blocks', BASE_SCOPE, asking), name)
  }
})

test('an endpoint that nobody brought is nobody’s, and a scope must be its exact id', (t) => {
  const asking = { roster: office().roster(), peer: keyOf('attic').public, now: NOW }
  t.false(mayAsk('blocks', idOf('unheard of'), asking))
  t.false(mayAsk('blocks', ENDPOINT.slice(0, 8), asking))
  for (const scope of ['pages', '', toHex(ENDPOINT).slice(0, 30), toHex(ENDPOINT).toUpperCase()]) {
    t.throws(() => mayAskScope('blocks', scope, asking), { name: 'Malformed' }, scope)
  }
})

test('a reader may read for seven days', (t) => {
  const mesh = office()
  const roster = mesh.roster()
  const until = roster.endpoints.get(toHex(ENDPOINT))?.readers.get(toHex(keyOf('reader').public))
  const peer = keyOf('reader').public
  const last = until ?? t.fail()
  t.true(last <= NOW + READ_CLAIM_MS)
  t.true(mayAsk('blocks', ENDPOINT, { roster, peer, now: last }))
  t.false(mayAsk('blocks', ENDPOINT, { roster, peer, now: last + 1 }))
})

test('who was replaced as writer may ask no more than any member', (t) => {
  const mesh = office()
  mesh.member('nas', 'blank')
  mesh.claim('work of desk', 'blank', { endpoint: 'work', key: 'work of blank' })
  const roster = mesh.roster()
  const of = (name: string) => ({ roster, peer: keyOf(name).public, now: NOW })
  for (const request of ['heads', 'blocks', 'offer', 'audit'] as const) {
    t.true(mayAsk(request, ENDPOINT, of('blank')))
    t.false(mayAsk(request, ENDPOINT, of('desk')))
  }
  const writers = roster.endpoints.get(toHex(ENDPOINT))?.writers
  t.deepEqual(
    [...(writers ?? [])].sort(),
    ['desk', 'blank'].map((name) => toHex(keyOf(name).public)).sort()
  )
})
