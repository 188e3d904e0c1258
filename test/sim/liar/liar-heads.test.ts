// Heads, marks and receipts beside a liar: old ones never take the place of newer ones, both branches of a
// fork are kept and the fork is seen, and a keeper is one copy however often it signs.

import test from 'ava'
import { toHex } from '../../../store/block.ts'
import { headId } from '../../../store/head.ts'
import { peerIdText } from '../../../store/peer.ts'
import { HeadForked } from '../../../node/errors.ts'
import type { MarkedHead } from '../../../node/heads.ts'
import { gatherHeads } from '../../../node/recovery.ts'
import type { Computer } from '../../../sim/office/fleet.ts'
import { ROOT, join } from '../_office.ts'
import { comeBack, damagedOn, fillHome, liarOffice, wait, type LiarOffice } from './_liar.ts'

async function backUp({ fleet }: LiarOffice, desk: Computer, text: string): Promise<MarkedHead> {
  desk.tree(ROOT).put('counter', text)
  const { head } = await fleet.run(desk.node.backUp({}))
  await fleet.run(desk.node.replicate())
  return head
}

test('who comes in by a liar that shows old heads still gets the newest', async (t) => {
  const of = await liarOffice('old heads')
  const { fleet } = of
  const liar = await join(of, 'liar')
  const desk = await join(of, 'desk', ROOT)
  await backUp(of, desk, 'first')
  of.lies.add('old-heads')
  await backUp(of, desk, 'second')
  fleet.destroy('desk')
  const { computer, tree, point } = await comeBack(of, 'desk', liar.node.network.addresses())
  t.is(point, 2)
  t.is(Buffer.from(tree.content('counter')).toString(), 'second')

  const { heads, members, network } = computer.node
  const { id } = members.endpoint('desk')
  of.nas.crash()
  await fleet.run(gatherHeads({ heads, members, network, clock: fleet.clock }, id))
  t.is(heads.last(id)?.head.seq, 2)
  await fleet.run(fleet.stop())
})

test('an old mark never takes the place of a newer one', async (t) => {
  const of = await liarOffice('old marks')
  const { fleet, nas } = of
  await join(of, 'liar')
  const desk = await join(of, 'desk', ROOT)
  for (const text of ['first', 'second', 'third']) {
    const { mark } = await backUp(of, desk, text)
    of.lies.add('old-heads').add('replay')
    await wait(of, 130)
    t.deepEqual([...nas.node.heads.marks.ids()], [toHex(mark.id)])
    t.deepEqual([...desk.node.heads.marks.ids()], [toHex(mark.id)])
  }
  await fleet.run(fleet.stop())
})

test('of a forked line every keeper keeps its branch, all see the fork, and later heads go on', async (t) => {
  const of = await liarOffice('fork')
  const { fleet, nas } = of
  const attic = await join(of, 'attic')
  const liar = await join(of, 'liar', ROOT)
  const desk = await join(of, 'desk', ROOT)
  fillHome(liar.tree(ROOT))
  of.lies.add('forked-heads')
  const { head } = await backUp(of, liar, 'forked')
  await wait(of, 130)
  const { endpoint, seq } = head
  const kept = [nas, attic].map(({ node }) => node.heads.last(endpoint) ?? t.fail())
  t.deepEqual(
    kept.map((each) => each.head.seq),
    [seq, seq]
  )
  const branches = kept.map(({ body }) => toHex(headId(body)))
  t.not(branches[0], branches[1])
  for (const { node } of [nas, attic, desk]) {
    const marks = node.heads.marksOf(endpoint)
    t.deepEqual(marks.map(({ mark }) => toHex(mark.head)).sort(), branches.toSorted())
  }
  await t.throwsAsync(fleet.run(liar.node.backUp({})), { instanceOf: HeadForked })

  await backUp(of, desk, 'honest')
  t.true(
    desk.node.replicator.isProtected(
      desk.node.heads.last((await desk.node.endpoint()).id) ?? t.fail()
    )
  )
  const { tree } = await comeBack(of, 'liar')
  t.is(Buffer.from(tree.content('counter')).toString(), 'forked')
  for (const honest of [nas, attic]) t.is(await damagedOn(of, honest), 0)
  await fleet.run(fleet.stop())
})

test('who signs again and again for one head is one copy of it', async (t) => {
  const of = await liarOffice('double receipts')
  const { fleet } = of
  const liar = await join(of, 'liar')
  const desk = await join(of, 'desk', ROOT)
  of.lies.add('double-receipts')
  await backUp(of, desk, 'first')
  fleet.destroy('desk')
  const { computer } = await comeBack(of, 'desk')
  const { heads, members, replicator } = computer.node
  const last = heads.last(members.endpoint('desk').id) ?? t.fail()
  t.deepEqual(
    replicator.copiesOf(last).map(toHex).sort(),
    [of.nas, liar].map(({ node }) => toHex(node.network.self)).sort()
  )
  await fleet.run(fleet.stop())
})

test('a receipt that was for another head does not count, and other keepers are asked', async (t) => {
  const of = await liarOffice('replayed receipts')
  const { fleet } = of
  const liar = await join(of, 'liar')
  const desk = await join(of, 'desk', ROOT)
  await backUp(of, desk, 'first')
  of.lies.add('replay')
  const lie = `${peerIdText(liar.node.network.self)} sent a receipt for something else`
  let told = 0
  for (let i = 0; i < 8; i++) {
    desk.tree(ROOT).put('counter', `${i}`)
    const { head } = await fleet.run(desk.node.backUp({}))
    const done = await fleet.run(desk.node.replicate())
    const failures = Object.values(done?.failures ?? {})
    told += failures.length
    t.deepEqual(failures, done?.isProtected === true ? [] : [lie])
    const receipts = desk.node.heads.receiptsFor(head.body)
    t.is(receipts.length, done?.isProtected === true ? 2 : 1)
    t.true(receipts.every(({ receipt }) => toHex(receipt.head) === toHex(headId(head.body))))
  }
  t.true(told > 0)
  await join(of, 'attic')
  await backUp(of, desk, 'last')
  t.true((await fleet.run(desk.node.replicate()))?.isProtected)
  await fleet.run(fleet.stop())
})
