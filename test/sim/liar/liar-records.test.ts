// Records beside a liar: a base comes from who has it, whoever signed for it; and who makes news without
// end does not make all others talk without end.

import test from 'ava'
import { hashOf, toHex } from '../../../store/block.ts'
import type { Base } from '../../../store/base.ts'
import { inviteComputer } from '../../../node/mesh/invite.ts'
import { createBase } from '../../../node/publisher.ts'
import type { Computer } from '../../../sim/office/fleet.ts'
import { join } from '../_office.ts'
import { damagedOn, liarOffice, wait, type LiarOffice } from './_liar.ts'

async function publish({ fleet, nas }: LiarOffice): Promise<Base> {
  const image = nas.tree('/image')
  image.put('usr/tool', Buffer.alloc(900_000, 'tool'))
  image.put('etc/hosts', '127.0.0.1 localhost')
  const made = await fleet.run(createBase(nas.node, { tree: image, name: 'system', label: '1' }))
  return made.base
}

test('a base comes from who has it, though one that has nothing of it signed for it', async (t) => {
  const of = await liarOffice('false base receipts')
  const { fleet, nas } = of
  const liar = await join(of, 'liar')
  liar.node.keeper.keepBases = async () => true
  of.lies.add('false-receipts').add('double-receipts').add('false-have')
  const base = await publish(of)
  const { self } = liar.node.network
  t.false(await liar.node.store.has('base', hashOf(base.root)))
  t.true(nas.node.bases.holders(base.id).map(toHex).includes(toHex(self)))

  const attic = await join(of, 'attic')
  await wait(of, 60)
  const holders = attic.node.bases.holders(base.id).map(toHex)
  t.true(holders.includes(toHex(self)))
  t.is(new Set(holders).size, holders.length)
  const { blocks } = await fleet.run(attic.node.baseStore.makeWhole(base))
  t.is(blocks, (await fleet.run(nas.node.baseStore.makeWhole(base))).blocks)
  t.is(await damagedOn(of, attic), 0)
  await fleet.run(fleet.stop())
})

test('news without end is told with rests', async (t) => {
  const of = await liarOffice('endless news')
  const { fleet, nas } = of
  await join(of, 'liar')
  const attic = await join(of, 'attic')
  await publish(of)
  await wait(of, 10)
  of.lies.add('endless-news')
  const news = new Map([nas, attic].map(({ name }) => [name, 0]))
  for (const { name, node } of [nas, attic]) {
    node.bases.receipts.onAdd(() => news.set(name, (news.get(name) ?? 0) + 1))
  }
  await fleet.run(nas.node.gossip.nudge())
  await wait(of, 30)
  for (const count of news.values()) {
    t.true(count > 0)
    t.true(count < 30 * 10, `${count} times`)
  }
  t.true([...nas.node.bases.receipts.ids()].length <= 3)
  await fleet.run(fleet.stop())
})

test('records come through a liar that says all twice, and old things again', async (t) => {
  const of = await liarOffice('twice')
  const { fleet, nas } = of
  await join(of, 'liar')
  const attic = await join(of, 'attic')
  of.lies.add('duplicate').add('replay')
  fleet.network.cut(nas.node.network.self, attic.node.network.self)
  const idsOf = ({ node }: Computer): string[] => [...node.members.records.ids()].sort()
  for (let i = 0; i < 20; i++) {
    await fleet.run(inviteComputer(nas.node, { roles: ['storage'], site: '', uses: 1 }))
  }
  t.notDeepEqual(idsOf(attic), idsOf(nas))
  await wait(of, 130)
  t.deepEqual(idsOf(attic), idsOf(nas))
  await fleet.run(fleet.stop())
})
