// What the roster says about keeping points: who may say it, and that admins only make it more generous.

import test from 'ava'
import { keepRulesAsked, keepRulesFor } from '../../store/roster-keep.ts'
import { keepRulesOf, type KeepRules } from '../../store/retention.ts'
import { idOf, setUp, type Mesh } from './_mesh.ts'

const MESH = new Uint8Array(0)
const DESK = idOf('E')

function say(mesh: Mesh, who: string, rules: Partial<KeepRules>, endpoint: Uint8Array = MESH) {
  mesh.say('keep', who, { endpoint, rules: keepRulesOf(rules) })
}

function rulesFor(mesh: Mesh, endpoint: Uint8Array = DESK): KeepRules | undefined {
  return keepRulesFor(mesh.roster().keep, endpoint)
}

test('where nobody spoke there are no rules', (t) => {
  t.is(rulesFor(setUp()), undefined)
})

test('an admin says the first word, and from then on only more', (t) => {
  const mesh = setUp()
  say(mesh, 'nas', { daily: 7, last: 3 })
  t.deepEqual(rulesFor(mesh), keepRulesOf({ daily: 7, last: 3 }))
  say(mesh, 'nas', { daily: 2, weekly: 4 })
  t.deepEqual(rulesFor(mesh), keepRulesOf({ daily: 7, last: 3, weekly: 4 }))
  say(mesh, 'nas', {})
  say(mesh, 'nas', { last: 1 })
  t.deepEqual(rulesFor(mesh), keepRulesOf())
})

test('the authority says less as well, and no admin goes below it afterwards', (t) => {
  const mesh = setUp()
  say(mesh, 'nas', { daily: 30 })
  say(mesh, 'authority', { daily: 7 })
  t.deepEqual(rulesFor(mesh), keepRulesOf({ daily: 7 }))
  say(mesh, 'nas', { daily: 1, last: 1 })
  t.deepEqual(rulesFor(mesh), keepRulesOf({ daily: 7, last: 1 }))
})

test('an endpoint goes by its own rules, which an admin cannot make less than those of the mesh', (t) => {
  const mesh = setUp()
  say(mesh, 'nas', { daily: 7 })
  say(mesh, 'nas', { daily: 1, monthly: 12 }, DESK)
  t.deepEqual(rulesFor(mesh), keepRulesOf({ daily: 7, monthly: 12 }))
  t.deepEqual(rulesFor(mesh, idOf('F')), keepRulesOf({ daily: 7 }))
  say(mesh, 'authority', { last: 2 }, DESK)
  t.deepEqual(rulesFor(mesh), keepRulesOf({ last: 2 }))
  say(mesh, 'authority', { daily: 14 })
  say(mesh, 'nas', { weekly: 1 }, idOf('F'))
  t.deepEqual(rulesFor(mesh, idOf('F')), keepRulesOf({ daily: 14, weekly: 1 }))
  t.deepEqual(rulesFor(mesh), keepRulesOf({ last: 2 }))
})

test('what the authority says of the mesh later counts where only admins spoke before', (t) => {
  const mesh = setUp()
  say(mesh, 'nas', { last: 1 }, DESK)
  say(mesh, 'authority', { daily: 14 })
  t.deepEqual(rulesFor(mesh), keepRulesOf({ daily: 14, last: 1 }))
})

test('who is no admin has no say', (t) => {
  const mesh = setUp()
  mesh.member('nas', 'desk')
  say(mesh, 'desk', { last: 1 })
  t.is(rulesFor(mesh), undefined)
})

test('what an admin asks for is told before it is said', (t) => {
  const mesh = setUp()
  say(mesh, 'nas', { daily: 7 })
  const { keep } = mesh.roster()
  t.deepEqual(
    keepRulesAsked(keep, keepRulesOf({ last: 1 }), MESH),
    keepRulesOf({ daily: 7, last: 1 })
  )
  t.deepEqual(
    keepRulesAsked(setUp().roster().keep, keepRulesOf({ last: 1 }), DESK),
    keepRulesOf({ last: 1 })
  )
})
