// The office with a base: what all computers share is kept once and never sent again; and whoever loses
// power at whatever moment, nothing that was acknowledged is lost.

import test from 'ava'
import { hashOf, toHex } from '../../store/block.ts'
import { signBase, type Base } from '../../store/base.ts'
import { fill, type Filling } from '../../node/closure.ts'
import { Endpoint } from '../../node/endpoint.ts'
import { compareTree, saveInstalled } from '../../node/installed.ts'
import { createBase } from '../../node/publisher.ts'
import { restore } from '../../node/restorer.ts'
import type { Computer } from '../../sim/office/fleet.ts'
import type { MemoryTree } from '../../sim/tree/tree.ts'
import { ROOT, join, office, type Office } from './_office.ts'

const MINUTES = 60_000

function fillSystem(tree: MemoryTree): void {
  const mtimeNs = 1_700_000_000_000_000_000n
  tree.put('usr/bin/tool', Buffer.alloc(1_500_000, 'tool'), { mtimeNs, mode: 0o755 })
  tree.put('usr/lib/library', Buffer.alloc(300_000, 'library'), { mtimeNs })
  tree.put('etc/hosts', '127.0.0.1 localhost', { mtimeNs })
  tree.symlink('bin', 'usr/bin', { mtimeNs })
  for (const path of ['usr', 'usr/bin', 'usr/lib', 'etc', '']) tree.change(path, { mtimeNs })
}

async function wait({ fleet }: Office, minutes: number): Promise<void> {
  await fleet.run(fleet.clock.sleep(minutes * MINUTES))
}

async function publish(of: Office): Promise<Base> {
  const tree = of.nas.tree('/image')
  fillSystem(tree)
  const { base } = await of.fleet.run(
    createBase(of.nas.node, { tree, name: 'system', label: '2026.11' })
  )
  return base
}

/** Adopts the base as the procedure does: pages are brought, and matches are taken as found. */
async function adopt({ fleet }: Office, desk: Computer, base: Base): Promise<string[]> {
  const { node } = desk
  await fleet.run(node.baseStore.bringPages(base))
  const reading = node.read({}, node.baseStore.holders(base))
  const compared = await fleet.run(
    compareTree({
      tree: desk.tree(ROOT),
      reader: reading.reader,
      top: await fleet.run(reading.reader.top(base.root)),
      sense: { owners: true },
      witnesses: node.witnesses
    })
  )
  await saveInstalled(desk.disk, base)
  await node.witnesses.commit()
  await fleet.run(reading.close())
  return [...compared.differing, ...compared.missing]
}

test('an adopted base costs nothing: not read, not stored, not sent', async (t) => {
  const of = await office('base')
  const { fleet, nas } = of
  const attic = await join(of, 'attic')
  const desk = await join(of, 'desk', ROOT)
  const base = await publish(of)
  await wait(of, 3)
  for (const keeper of [nas, attic]) {
    t.not(nas.node.bases.receiptOf(base.id, keeper.node.network.self), undefined, keeper.name)
    t.true(await keeper.node.store.has('base', hashOf(base.root)), keeper.name)
  }

  fillSystem(desk.tree(ROOT))
  const known = desk.node.bases.get(base.id) ?? t.fail()
  t.deepEqual(await adopt(of, desk, known), [])
  const first = await fleet.run(desk.node.backUp({}))
  t.true(first.point.root.equals(base.root))
  t.is(toHex(first.point.digest), toHex(base.digest))
  t.is(first.count.hashedBytes, 0)
  t.is(first.newBlocks, 0)
  const sent = await fleet.run(desk.node.replicate())
  t.true(sent?.isProtected)
  t.deepEqual(sent?.sent, { bytes: 0, baseBytes: 0 })
  const { scope } = await desk.node.endpoint()
  t.deepEqual(await desk.node.store.usage(scope), { blocks: 0, bytes: 0 })

  desk.tree(ROOT).put('etc/hosts', '127.0.0.1 localhost desk')
  desk.tree(ROOT).put('home/copy-of-tool', Buffer.alloc(1_500_000, 'tool'))
  const second = await fleet.run(desk.node.backUp({}))
  t.is(second.count.changed, 3)
  t.is(second.count.baseHashedBytes, 0)
  const after = await fleet.run(desk.node.replicate())
  t.true(after?.isProtected)
  t.is(after?.sent.baseBytes, 0)
  t.true((after?.sent.bytes ?? 0) < 40_000)
  t.true((await attic.node.store.usage(scope)).bytes < 20_000)
  await fleet.run(fleet.stop())
})

test('who has only the pages of a base brings its chunks before it signs', async (t) => {
  const of = await office('pages')
  const { fleet, nas } = of
  const attic = await join(of, 'attic')
  attic.node.keeper.keepBases = async () => false
  await t.throwsAsync(publish(of), { name: 'NotReplicated' })
  await wait(of, 2)
  const [base] = attic.node.bases.list()
  if (base === undefined) return t.fail()
  const ref = { hash: hashOf(base.root), kind: 'directory' as const }
  const { store } = attic.node
  const filling: Filling = {
    store,
    scope: 'base',
    pagesOnly: true,
    async *pull(scope, hashes) {
      for (const hash of hashes) yield nas.node.store.getStored(scope, hash)
    }
  }
  await fleet.run(fill(filling, [ref]))
  await fleet.run(store.flush())
  t.true((await store.usage('base')).blocks < (await nas.node.store.usage('base')).blocks)
  Reflect.deleteProperty(attic.node.keeper, 'keepBases')
  await wait(of, 2)
  t.deepEqual(await store.usage('base'), await nas.node.store.usage('base'))
  t.is(
    attic.node.bases.receiptOf(base.id, attic.node.network.self)?.blocks,
    (await store.usage('base')).blocks
  )
  await fleet.run(fleet.stop())
})

test('nobody signs for a base whose state is another than its record says', async (t) => {
  const of = await office('false base')
  const { fleet, nas } = of
  const attic = await join(of, 'attic')
  const base = await publish(of)
  const { key, members, bases } = nas.node
  const lie = { ...base, serial: 2, label: 'lie', digest: base.id }
  await bases.records.put([signBase(lie, { key, mesh: members.roster.mesh })])
  await wait(of, 3)
  for (const keeper of [nas, attic]) {
    const [newest, first] = keeper.node.bases.list()
    t.is(newest?.label, 'lie')
    t.deepEqual(newest && keeper.node.bases.holders(newest.id), [])
    t.is(first && keeper.node.bases.holders(first.id).length, 2)
  }
  await fleet.run(fleet.stop())
})

/** Restores what keepers acknowledged, as a computer that has only its keys left. */
async function restored(of: Office, desk: Computer, point: number): Promise<MemoryTree> {
  const { fleet } = of
  const { node } = desk
  const endpoint = await node.endpoint()
  const head = node.heads.last(endpoint.id)
  if (head === undefined) throw new Error('no head is left')
  const reading = node.read(endpoint)
  const { root } = new Endpoint(endpoint.secret).point(head.head, point)
  const top = await fleet.run(reading.reader.top(root))
  const target = desk.tree(`/restored-${point}`)
  const here = new Uint8Array()
  const pieces = [{ entry: top, from: here, to: here }]
  await fleet.run(restore({ reader: reading.reader, pieces, target }))
  await fleet.run(reading.close())
  return target
}

for (const victim of ['desk', 'nas', 'attic'] as const) {
  test(`nothing acknowledged is lost when ${victim} loses power at any moment`, async (t) => {
    const of = await office(`crash ${victim}`)
    const { fleet } = of
    await join(of, 'attic')
    const desk = await join(of, 'desk', ROOT)
    /** What was in the tree when a keeper signed for a point. */
    const acknowledged = new Map<number, string>()
    let crashes = 0
    for (let round = 1; round <= 12; round++) {
      desk.tree(ROOT).put('counter', `round ${round}`)
      desk.tree(ROOT).put(`file-${round}`, Buffer.alloc(40_000 * round, `${round}`))
      const work = backUpAndReplicate(desk)
      const done = work.catch(() => undefined)
      // Some calls on the disk after the start, at another moment each time.
      const moment = await crashAt(of, { victim: fleet.computer(victim), work: done, round })
      const protectedPoint = await fleet.run(done)
      if (protectedPoint !== undefined) acknowledged.set(protectedPoint, `round ${round}`)
      if (moment) {
        crashes++
        await fleet.run(fleet.computer(victim).up())
      }
      await wait(of, 3)
    }
    t.true(crashes >= 4)
    const last = (await fleet.run(backUpAndReplicate(desk))) ?? t.fail()
    acknowledged.set(last, 'round 12')
    for (const [point, counter] of acknowledged) {
      const target = await restored(of, desk, point)
      t.is(Buffer.from(target.content('counter')).toString(), counter)
      t.is(target.content('file-1').length, 40_000)
    }
    await fleet.run(fleet.stop())
  })
}

/** Number of the point, if it is protected, and the peer lived to say so. */
async function backUpAndReplicate(desk: Computer): Promise<number | undefined> {
  const taken = await desk.ask('backup', { waitMs: 30_000 })
  return taken?.protected === true ? taken.point : undefined
}

/** Lets the victim lose power at some call on its disk while the work goes on; true if it came to that. */
async function crashAt(
  { fleet }: Office,
  { victim, work, round }: { victim: Computer; work: Promise<unknown>; round: number }
): Promise<boolean> {
  let left = round * round
  let crashed = false
  victim.disk.fault = () => {
    left--
    if (left !== 0) return undefined
    crashed = true
    victim.disk.fault = undefined
    queueMicrotask(() => victim.crash())
    return 'EIO'
  }
  await fleet.run(Promise.race([work, fleet.clock.sleep(2 * MINUTES)]))
  victim.disk.fault = undefined
  return crashed
}
