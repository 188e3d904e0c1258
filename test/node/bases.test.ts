// Which base records and receipts a peer keeps, in whatever order they come.

import test from 'ava'
import { DAG_CBOR, cidOf, sha256, toHex } from '../../store/block.ts'
import { baseId, signBase } from '../../store/base.ts'
import { signReceipt } from '../../store/receipt.ts'
import type { SignedRecord } from '../../store/signed.ts'
import { Bases } from '../../node/bases.ts'
import { Members, openRosterFolder } from '../../node/mesh/members.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimDisk } from '../../sim/disk/disk.ts'
import { hexOf, keyOf, setUp, type Mesh } from '../store/_mesh.ts'

function filled(): Mesh {
  const mesh = setUp()
  mesh.member('nas', 'attic', { roles: ['storage'] })
  return mesh
}

async function opened(mesh: Mesh, disk = new SimDisk()): Promise<Bases> {
  await (await openRosterFolder({ disk }, mesh.id)).put(mesh.records)
  const members = await Members.open({ disk, key: keyOf('nas'), clock: new SimClock() }, mesh.id)
  return Bases.open({ disk, members })
}

function publish(mesh: Mesh, serial: number, label = `${serial}`, by = 'nas'): SignedRecord {
  const state = Buffer.from(label)
  const fields = { name: 'office', serial, label, rules: [], time: 5 }
  return signBase(
    { ...fields, root: cidOf(DAG_CBOR, state), digest: sha256(state) },
    { key: keyOf(by), mesh: mesh.id }
  )
}

function receipt(mesh: Mesh, base: SignedRecord, at: number, by = 'attic'): SignedRecord {
  const held = { head: baseId(base), blocks: 1, bytes: 1, at, undoDays: 30 }
  return signReceipt({ mesh: mesh.id, ...held }, keyOf(by))
}

function approved(bases: Bases): string[] {
  return bases.list().flatMap(({ label, approved: is }) => (is ? [label] : []))
}

test('the list of a name never goes back: a lower number comes in only with the higher one', async (t) => {
  const mesh = filled()
  const bases = await opened(mesh)
  await bases.records.put([publish(mesh, 3), publish(mesh, 1), publish(mesh, 2)])
  t.deepEqual(approved(bases), ['3', '2', '1'])
  await bases.records.put([publish(mesh, 2, 'false'), publish(mesh, 1, 'false too')])
  t.deepEqual(approved(bases), ['3', '2', '1'])
  await bases.records.put([publish(mesh, 4)])
  t.deepEqual(approved(bases), ['4', '3', '2', '1'])
})

test('of two with the highest number neither is used, wherever each was first', async (t) => {
  const mesh = filled()
  const rivals = [publish(mesh, 2, 'one'), publish(mesh, 2, 'other')]
  for (const order of [rivals, rivals.toReversed()]) {
    const bases = await opened(mesh)
    await bases.records.put([publish(mesh, 1)])
    for (const record of order) await bases.records.put([record])
    t.deepEqual(approved(bases), ['1'])
    t.is(bases.problems().length, 1)
    await bases.records.put([publish(mesh, 1, 'false')])
    t.deepEqual(approved(bases), ['1'])
  }
})

test('one publisher of two closes no number to the others', async (t) => {
  const mesh = filled()
  mesh.say('publisher', 'authority', { peer: keyOf('desk').public, threshold: 2 })
  const bases = await opened(mesh)
  await bases.records.put([publish(mesh, 9)])
  await bases.records.put([publish(mesh, 1)])
  await bases.records.put([publish(mesh, 1, '1', 'desk')])
  t.deepEqual(approved(bases), ['1'])
})

test('a record that was lost comes back, if its base has a receipt here', async (t) => {
  const [mesh, disk] = [filled(), new SimDisk()]
  const first = publish(mesh, 1)
  const before = await opened(mesh, disk)
  await before.records.put([first, publish(mesh, 2)])
  await before.receipts.put([receipt(mesh, first, 1)])
  await disk.remove(`bases/${toHex(first.id)}`)
  const bases = await opened(mesh, disk)
  t.deepEqual(approved(bases), ['2'])
  await bases.records.put([first])
  t.deepEqual(approved(bases), ['2', '1'])
})

test('of a keeper’s receipts for a base the newest is kept, and none for a base nobody knows', async (t) => {
  const [mesh, disk] = [filled(), new SimDisk()]
  const bases = await opened(mesh, disk)
  const base = publish(mesh, 1)
  const all = [3, 1, 5, 4].map((at) => receipt(mesh, base, at))
  await bases.receipts.put(all)
  t.is([...bases.receipts.records()].length, 0)
  await bases.records.put([base])
  for (const record of all) await bases.receipts.put([record])
  await bases.receipts.put([receipt(mesh, base, 9, 'nas'), receipt(mesh, base, 9, 'stranger')])
  for (const each of [bases, await opened(mesh, disk)]) {
    t.deepEqual(each.holders(baseId(base)).map(toHex).sort(), ['attic', 'nas'].map(hexOf).sort())
    t.is(each.receiptOf(baseId(base), keyOf('attic').public)?.at, 5)
    t.is([...each.receipts.records()].length, 2)
  }
})
