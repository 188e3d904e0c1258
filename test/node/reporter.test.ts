// What `status` names as a problem: a home that was set back, a disk that kept nothing, one that rots,
// computers beyond an invite, bases in dispute.

import test from 'ava'
import { cidOf, DAG_CBOR, RAW, sha256, toHex } from '../../store/block.ts'
import { signBase } from '../../store/base.ts'
import { reportStatus } from '../../node/reporter.ts'
import type { Node } from '../../node/node.ts'
import type { RosterKind } from '../../store/roster-bodies.ts'
import { issue, type FieldsOf } from '../../store/roster-issue.ts'
import { sparePath } from '../../store/spare.ts'
import { encodeRecord, type SignedRecord } from '../../store/signed.ts'
import { idOf, keyOf } from '../store/_mesh.ts'
import { ROOT, join, office } from '../sim/_office.ts'

async function problemsOf(node: Node): Promise<string[]> {
  const { problems } = await reportStatus(node)
  return problems.map(({ name, message, next }) => `${name}: ${message}. ${next}`)
}

test('a home that was set back is a problem before the next backup', async (t) => {
  const of = await office('set back')
  const desk = await join(of, 'desk', ROOT)
  const { fleet } = of
  desk.tree(ROOT).put('a.txt', 'private')
  const { head } = await fleet.run(desk.node.backUp({}))
  await fleet.run(fleet.clock.sleep(60_000))
  t.false((await problemsOf(desk.node)).some((text) => text.startsWith('HeadForked')))
  await fleet.run(desk.down())
  const { endpoint, writer, seq } = head.head
  const path = `heads/${toHex(endpoint)}/${toHex(writer)}/${seq}`
  for (const each of [path, sparePath(path)]) await desk.ports.disk.remove(each)
  await fleet.run(desk.up())
  await fleet.run(fleet.clock.sleep(60_000))
  t.true((await problemsOf(desk.node)).some((text) => text.startsWith('HeadForked')))
  await fleet.run(fleet.stop())
})

test('a store that cannot make blocks durable is a problem until its peer starts again', async (t) => {
  const of = await office('poisoned')
  const attic = await join(of, 'attic')
  const { fleet } = of
  const block = new TextEncoder().encode('a block')
  await fleet.run(attic.node.store.put('base', cidOf(RAW, block), block))
  attic.disk.failNext({ error: 'EIO', calls: 1, operation: 'sync' })
  await t.throwsAsync(fleet.run(attic.node.store.flush()), { name: 'StorePoisoned' })
  const isPoisoned = async (): Promise<boolean> =>
    (await problemsOf(attic.node)).some((text) => text.startsWith('StorePoisoned'))
  t.true(await isPoisoned())
  await fleet.run(attic.down())
  await fleet.run(attic.up())
  t.false(await isPoisoned())
  await fleet.run(fleet.stop())
})

test('computers beyond an invite, and bases in dispute, are problems', async (t) => {
  const of = await office('disputes')
  const { fleet, nas } = of
  const { key, members, bases } = nas.node
  const { mesh } = members.roster
  const before = await problemsOf(nas.node)
  const make = <K extends Exclude<RosterKind, 'genesis'>>(
    kind: K,
    fields: FieldsOf<K>
  ): SignedRecord =>
    issue(kind, fields, { key: keyOf('code'), roster: members.roster, time: fleet.clock.now() })
  await members.issue('invite', {
    id: idOf('code'),
    key: keyOf('code').public,
    mac: new Uint8Array(32),
    roles: ['storage'],
    site: '',
    uses: 1,
    expires: fleet.clock.now() + 60_000
  })
  for (const name of ['one', 'other']) {
    const fields = { invite: idOf('code'), peer: keyOf(name).public, name }
    const sponsored = encodeRecord(make('join', fields))
    await members.issue('sponsor', { join: sponsored, at: fleet.clock.now() })
  }
  for (const label of ['one', 'other']) {
    const state = Buffer.from(label)
    const fields = { name: 'system', serial: 1, label, rules: [], time: 5 }
    const root = cidOf(DAG_CBOR, state)
    await bases.records.put([signBase({ ...fields, root, digest: sha256(state) }, { key, mesh })])
  }
  t.is(members.roster.suspended.size, 1)
  const found = (await problemsOf(nas.node)).filter((text) => !before.includes(text))
  t.is(found.length, 2)
  t.regex(found[0] ?? '', /^Roster: .* is suspended/)
  t.regex(found[1] ?? '', /^Base: two bases are called system number 1/)
  await fleet.run(fleet.stop())
})

test('a key, a setting or a member that rots is whole again at the next start, and told', async (t) => {
  const of = await office('rot')
  const desk = await join(of, 'desk', ROOT)
  const { fleet } = of
  const kept = /^(spare\/)?(peer\.key|endpoint\.key|settings\.json|roster\/.*)$/
  const files = desk.disk.files().filter(({ path }) => kept.test(path))
  t.true(files.length > 10)
  for (const { path, length } of files) {
    await fleet.run(desk.down())
    desk.disk.flip(path, fleet.random.below(length))
    await fleet.run(desk.up())
    // An endpoint's key is read when it is needed.
    await fleet.run(desk.node.backUp({}))
    t.is(desk.node.members.roster.members.size, 2)
    const told = (await problemsOf(desk.node)).filter((text) => text.startsWith('DiskRots'))
    t.is(told.length, 1)
    t.true(told[0]?.includes(path))
  }
  await fleet.run(fleet.stop())
})
