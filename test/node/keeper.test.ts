// The keeper: what it takes, what it refuses, and that a refused offer leaves nothing.

import test from 'ava'
import { hashOf, toHex } from '../../store/block.ts'
import { DrystoneError } from '../../store/errors.ts'
import { openReceipt } from '../../store/receipt.ts'
import { decodeRecord, encodeRecord } from '../../store/signed.ts'
import { Channel, converse } from '../../protocol/framing.ts'
import { OFFER_PROTOCOL, offerHead, type OfferedHead, type Provide } from '../../protocol/offer.ts'
import { HeadForked } from '../../node/errors.ts'
import type { MarkedHead } from '../../node/heads.ts'
import type { Computer } from '../../sim/office/fleet.ts'
import { sparePath } from '../../store/spare.ts'
import { ROOT, join, office, type Office } from '../sim/_office.ts'

function offeredOf({ mark, body }: MarkedHead): OfferedHead {
  return { mark: encodeRecord(mark), body }
}

/** Offers a head to nas as `by`; the receipt, or the name of the failure. */
async function offer(
  { fleet, nas }: Office,
  by: Computer,
  { head, provide }: { head: OfferedHead; provide?: Provide }
): Promise<Uint8Array | string> {
  const { network, store } = by.node
  const give = provide ?? ((scope, hash) => store.getStored(scope, hash))
  const offering = async (): Promise<Uint8Array | string> => {
    const wire = await network.dial(nas.node.network.self, OFFER_PROTOCOL)
    const channel = new Channel({ wire, clock: fleet.clock })
    try {
      return await converse(channel, () => offerHead(channel, { head, provide: give }))
    } catch (error) {
      if (error instanceof DrystoneError) return error.name
      throw error
    }
  }
  return fleet.run(offering())
}

const IDLE = { sent: { bytes: 0, baseBytes: 0 }, copies: [], isProtected: false, failures: {} }

/** Two computers that protect something; `desk` offers nothing by itself unless it is told to. */
async function twoDesks(seed: string): Promise<{ of: Office; desk: Computer; laptop: Computer }> {
  const of = await office(seed)
  const desk = await join(of, 'desk', ROOT)
  const laptop = await join(of, 'laptop', ROOT)
  desk.tree(ROOT).put('a.txt', 'private')
  desk.node.replicator.replicate = async () => IDLE
  return { of, desk, laptop }
}

test('a keeper signs for a head once it has all of it, and again when asked again', async (t) => {
  const { of, desk } = await twoDesks('sign')
  const { nas, fleet } = of
  const { head } = await fleet.run(desk.node.backUp({}))
  const answer = await offer(of, desk, { head: offeredOf(head) })
  if (typeof answer === 'string') return t.fail(answer)
  const receipt = openReceipt(decodeRecord(answer), nas.node.members.roster.mesh)
  const { scope } = await desk.node.endpoint()
  t.is(receipt.blocks, (await nas.node.store.usage(scope)).blocks)
  for (const root of head.head.roots) t.true(await nas.node.store.has(scope, hashOf(root)))
  t.deepEqual(await offer(of, desk, { head: offeredOf(head) }), answer)
  await fleet.run(fleet.stop())
})

test('only the writer may offer, and nobody by another’s mark', async (t) => {
  const { of, desk, laptop } = await twoDesks('writer')
  const { nas, fleet } = of
  const { head } = await fleet.run(desk.node.backUp({}))
  t.is(await offer(of, laptop, { head: offeredOf(head) }), 'Refused')
  const { scope } = await desk.node.endpoint()
  t.deepEqual(await nas.node.store.usage(scope), { blocks: 0, bytes: 0 })
  t.is(nas.node.heads.last(head.head.endpoint), undefined)
  await fleet.run(fleet.stop())
})

test('a head older than the last, or that is not what its mark names, is refused', async (t) => {
  const { of, desk } = await twoDesks('older')
  const { nas, fleet } = of
  const { head: first } = await fleet.run(desk.node.backUp({}))
  desk.tree(ROOT).put('b.txt', 'more')
  const { head: second } = await fleet.run(desk.node.backUp({}))
  t.not(typeof (await offer(of, desk, { head: offeredOf(second) })), 'string')
  t.is(await offer(of, desk, { head: offeredOf(first) }), 'Refused')
  const wrong = [
    { mark: encodeRecord(first.mark), body: second.body },
    { mark: encodeRecord({ ...second.mark, signature: new Uint8Array(64) }), body: second.body },
    { mark: Buffer.from('garbage'), body: second.body }
  ]
  for (const head of wrong) t.is(await offer(of, desk, { head }), 'Refused')
  t.is(nas.node.heads.last(second.head.endpoint)?.head.seq, 2)
  await fleet.run(fleet.stop())
})

test('a head whose blocks do not all come, or come wrong, is refused and not kept', async (t) => {
  const { of, desk } = await twoDesks('missing')
  const { nas, fleet } = of
  const { head } = await fleet.run(desk.node.backUp({}))
  const { store } = desk.node
  const wrong: Provide = async (scope, hash) => {
    const stored = await store.getStored(scope, hash)
    const body = Buffer.from(stored?.body ?? [])
    body[body.length - 1] = (body.at(-1) ?? 0) ^ 1
    return stored && { ...stored, body }
  }
  for (const provide of [async () => undefined, wrong]) {
    t.is(await offer(of, desk, { head: offeredOf(head), provide }), 'Refused')
    t.is(nas.node.heads.last(head.head.endpoint), undefined)
    t.is([...nas.node.heads.receipts.records()].length, 0)
    for (const root of head.head.roots) {
      t.false(await nas.node.store.has((await desk.node.endpoint()).scope, hashOf(root)))
    }
  }
  t.not(typeof (await offer(of, desk, { head: offeredOf(head) })), 'string')
  await fleet.run(fleet.stop())
})

test('a keeper signs for nothing that stands on a damaged block until it has it again', async (t) => {
  const { of, desk } = await twoDesks('damage')
  const { nas, fleet } = of
  desk.tree(ROOT).put('kept.txt', 'the same in both points')
  const { head: first } = await fleet.run(desk.node.backUp({}))
  t.not(typeof (await offer(of, desk, { head: offeredOf(first) })), 'string')
  const { scope } = await desk.node.endpoint()
  desk.tree(ROOT).put('b.txt', 'more')
  const { head: second } = await fleet.run(desk.node.backUp({}))
  const { store } = nas.node
  for await (const hash of store.hashes(scope)) await store.blame(scope, hash)
  t.true(await store.isWhole(scope))

  nas.disk.flip(`blocks/${scope}/00000001.seg`, 60)
  for await (const hash of store.hashes(scope)) await store.blame(scope, hash)
  t.false(await store.isWhole(scope))
  const asked: string[] = []
  const watching: Provide = async (at, hash) => {
    asked.push(toHex(hash))
    return desk.node.store.getStored(at, hash)
  }
  t.is(await offer(of, desk, { head: offeredOf(first), provide: async () => undefined }), 'Refused')
  t.not(typeof (await offer(of, desk, { head: offeredOf(second), provide: watching })), 'string')
  t.true(await store.isWhole(scope))
  for (const hash of asked) {
    t.not(await store.get(scope, Buffer.from(hash, 'hex')), undefined)
  }
  await fleet.run(fleet.stop())
})

test('a full disk is the keeper’s own failure: a cut, never a receipt', async (t) => {
  const { of, desk } = await twoDesks('full')
  const { nas, fleet } = of
  const { head } = await fleet.run(desk.node.backUp({}))
  nas.disk.fault = ({ operation }) => (operation === 'write' ? 'ENOSPC' : undefined)
  t.is(await offer(of, desk, { head: offeredOf(head) }), 'WireCut')
  t.is(nas.node.heads.last(head.head.endpoint), undefined)
  nas.disk.fault = undefined
  await fleet.run(fleet.stop())
})

test('what only another keeper has reaches a new one through the writer', async (t) => {
  const { of, desk } = await twoDesks('relay')
  const { fleet, nas } = of
  const { head } = await fleet.run(desk.node.backUp({}))
  t.not(typeof (await offer(of, desk, { head: offeredOf(head) })), 'string')
  const { scope } = await desk.node.endpoint()
  // The writer lost its own copy, as a computer that was just recovered never had one.
  t.true((await nas.node.store.usage(scope)).blocks > 0)
  const { store } = desk.node
  store.getStored = async () => undefined
  const attic = await join(of, 'attic')
  await fleet.run(fleet.clock.sleep(60_000))
  Reflect.deleteProperty(desk.node.replicator, 'replicate')
  const done = await fleet.run(desk.node.replicate())
  t.deepEqual(done?.failures, {})
  t.true(done?.isProtected)
  for (const root of head.head.roots) t.true(await attic.node.store.has(scope, hashOf(root)))
  await fleet.run(fleet.stop())
})

test('a home that was set back does not bury the branch that keepers know', async (t) => {
  const { of, desk } = await twoDesks('fork')
  const { fleet, nas } = of
  const { head } = await fleet.run(desk.node.backUp({}))
  await fleet.run(fleet.clock.sleep(60_000))
  t.true([...nas.node.heads.marks.records()].length > 0)
  await fleet.run(desk.down())
  const { endpoint, writer, seq } = head.head
  const path = `heads/${toHex(endpoint)}/${toHex(writer)}/${seq}`
  for (const each of [path, sparePath(path)]) await desk.ports.disk.remove(each)
  await fleet.run(desk.up())
  await fleet.run(fleet.clock.sleep(60_000))
  await t.throwsAsync(fleet.run(desk.node.backUp({})), { instanceOf: HeadForked })
  await fleet.run(fleet.stop())
})
