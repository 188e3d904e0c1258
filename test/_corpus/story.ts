// The story that the signed samples of the corpus tell: a small mesh in which somebody says each kind of
// record, an endpoint with a head, and the keys of everybody in it. All of it comes from fixed seeds.

import { DAG_CBOR, cidOf, sha256, toHex } from '../../store/block.ts'
import type { BaseFields } from '../../store/base.ts'
import { PINNED, type Point } from '../../store/head.ts'
import type { SigningKey } from '../../store/key.ts'
import { keepRulesOf } from '../../store/retention.ts'
import { idOf, keyOf, setUp, type Mesh } from '../store/_mesh.ts'

export const WRITER: SigningKey = keyOf('desk')
export const HEAD_KEY = new Uint8Array(32).fill(9)

/** A mesh with a record of every kind. */
export const MESH: Mesh = tell()
export const OTHER_MESH = new Uint8Array(32).fill(0xee)

function tell(): Mesh {
  const mesh = setUp()
  mesh.invite('nas', 'welcome', { uses: 2 })
  mesh.join('nas', 'desk', { code: 'welcome', at: 2_000_000, endpoint: 'E' })
  mesh.invite('nas', 'again', { replaces: idOf('E') })
  mesh.say('cancel', 'nas', { id: idOf('again') })
  mesh.say('policy', 'nas', { field: 'copies', value: 3 })
  mesh.member('nas', 'attic', { roles: ['storage'], site: '', quota: 2 ** 40 })
  mesh.say('recovery', 'authority', { recipient: `age1${'p'.repeat(58)}` })
  mesh.claim('E of desk', 'attic', { endpoint: 'E', can: 'read' })
  mesh.claim('E of desk', 'attic', { endpoint: 'E', key: 'E of attic' })
  mesh.say('claim', 'authority', {
    endpoint: new Uint8Array(0),
    peer: keyOf('nas').public,
    can: 'read'
  })
  mesh.revoke('nas', 'desk', new Uint8Array(0), true)
  mesh.say('void', 'authority', { peer: keyOf('attic').public, upTo: new Uint8Array(0) })
  const rules = keepRulesOf({ last: 3, withinHours: 720, daily: 7 })
  mesh.say('keep', 'nas', { endpoint: new Uint8Array(0), rules })
  return mesh
}

const SPEAKERS = ['authority', 'nas', 'desk', 'attic', 'code welcome', 'code again', 'E of desk']

/** By public key in hex. */
export const STORY_KEYS: ReadonlyMap<string, SigningKey> = new Map(
  SPEAKERS.map((name) => [toHex(keyOf(name).public), keyOf(name)])
)

export const HEAD_PLACE = {
  v: 1,
  mesh: MESH.id,
  endpoint: idOf('E'),
  writer: WRITER.public,
  seq: 3,
  prev: sha256(Buffer.from('the head before')),
  time: 5000,
  bases: [sha256(Buffer.from('b')), sha256(Buffer.from('a'))],
  escrow: Uint8Array.of(1, 2, 3)
}

export function pointOf(number: number): Point {
  return {
    number,
    time: 1000 * number,
    digest: sha256(Buffer.from(`what ${number}`)),
    root: cidOf(DAG_CBOR, Buffer.from(`state ${number % 3}`)),
    flags: number % 2 === 0 ? 0 : PINNED
  }
}

export const BASE: BaseFields = {
  name: 'office',
  serial: 2,
  label: '2026.11',
  parent: sha256(Buffer.from('the base before')),
  root: cidOf(DAG_CBOR, Buffer.from('a base')),
  digest: sha256(Buffer.from('what a base has')),
  rules: ['- /tmp', '+ /tmp/keep', ''],
  time: 7000
}
