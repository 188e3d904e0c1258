// What an audit makes of the answers that it gets, and of those that it cannot compare.

import test from 'ava'
import { RAW, cidFromHash, hashOf, type CID, type Scope } from '../../store/block.ts'
import type { PeerKey } from '../../store/peer.ts'
import { audit, worstOf, type Verdict } from '../../node/auditor.ts'
import { createBase } from '../../node/publisher.ts'
import { ROOT, join, office, type Office } from '../sim/_office.ts'
import type { Computer } from '../../sim/office/fleet.ts'

interface Case {
  of: Office
  desk: Computer
  scope: Scope
  cids: readonly CID[]
  keeper: PeerKey
}

async function backedUp(seed: string): Promise<Case> {
  const of = await office(seed)
  const desk = await join(of, 'desk', ROOT)
  for (const name of ['a', 'b', 'c']) desk.tree(ROOT).put(name, `the file ${name}`)
  const { head } = await of.fleet.run(desk.node.backUp({}))
  await of.fleet.run(desk.node.replicate())
  const { scope } = await desk.node.endpoint()
  const keeper = of.nas.node.network.self
  return { of, desk, scope, cids: head.head.roots, keeper }
}

function ask({ of, desk, ...subject }: Case, isOurs = true): Promise<Verdict> {
  const { network, store, ports } = desk.node
  const source = isOurs ? store.source(subject.scope) : { get: async () => undefined }
  return of.fleet.run(audit({ network, ...ports }, { ...subject, source }))
}

test('who has the blocks is right, who lacks one says so, who sends other bytes is wrong', async (t) => {
  const subject = await backedUp('answers')
  const { of } = subject
  const { store } = of.nas.node
  t.is(await ask(subject), 'right')
  store.get = async () => undefined
  t.is(await ask(subject), 'missing')
  store.get = async () => Buffer.from('something else')
  t.is(await ask(subject), 'wrong')
  Reflect.deleteProperty(store, 'get')
  await of.fleet.run(of.nas.down())
  t.is(await ask(subject), 'silent')
  await of.fleet.run(of.fleet.stop())
})

test('an answer with nothing to compare it with proves nothing', async (t) => {
  const subject = await backedUp('nothing')
  const { of } = subject
  t.is(await ask(subject, false), 'unproven')
  t.is(await ask({ ...subject, cids: [] }), 'unproven')
  of.nas.node.store.get = async () => undefined
  t.is(await ask(subject, false), 'missing')
  await of.fleet.run(of.fleet.stop())
})

test('blocks of the base can be asked for too', async (t) => {
  const subject = await backedUp('base')
  const { of } = subject
  const tree = of.nas.tree('/image')
  tree.put('tool', 'a tool')
  const input = { tree, name: 'system', label: '1' }
  await of.fleet.run(createBase(of.nas.node, input))
  const { store } = of.nas.node
  const cids: CID[] = []
  for await (const hash of store.hashes('base')) cids.push(cidFromHash(RAW, hash))
  const asked = { ...subject, scope: 'base', cids }
  t.is(await ask(asked), 'unproven')
  for (const cid of cids) {
    const stored = await store.get('base', hashOf(cid))
    await subject.desk.node.store.put('base', cid, stored ?? new Uint8Array())
  }
  t.is(await ask(asked), 'right')
  await of.fleet.run(of.fleet.stop())
})

test('of several verdicts the worst counts', (t) => {
  t.is(worstOf([]), 'unproven')
  t.is(worstOf(['unproven', 'right']), 'right')
  t.is(worstOf(['right', 'missing', 'silent']), 'missing')
  t.is(worstOf(['missing', 'wrong', 'right']), 'wrong')
})
