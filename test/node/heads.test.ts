// Receipts for heads: which are kept, and that each keeper counts once.

import test from 'ava'
import { DAG_CBOR, cidOf, sha256, toHex } from '../../store/block.ts'
import { writeFile } from '../../store/disk.ts'
import { encodeHead, headId } from '../../store/head.ts'
import { signMark } from '../../store/mark.ts'
import { signReceipt, type Receipt } from '../../store/receipt.ts'
import { encodeRecord, type SignedRecord } from '../../store/signed.ts'
import { Heads, type MarkedHead } from '../../node/heads.ts'
import { Members, openRosterFolder } from '../../node/mesh/members.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimDisk } from '../../sim/disk/disk.ts'
import { idOf, keyOf, setUp, type Mesh } from '../store/_mesh.ts'

function filled(): Mesh {
  const mesh = setUp()
  for (const name of ['attic', 'shed']) mesh.member('nas', name, { roles: ['storage'] })
  mesh.member('nas', 'desk')
  return mesh
}

async function opened(mesh: Mesh, disk = new SimDisk()): Promise<Heads> {
  await (await openRosterFolder({ disk }, mesh.id)).put(mesh.records)
  const members = await Members.open({ disk, key: keyOf('nas'), clock: new SimClock() }, mesh.id)
  return Heads.open({ disk, members })
}

/** A head of the endpoint that nas brought. */
function headOf(heads: Heads, mesh: Mesh, seq = 1): MarkedHead {
  const state = Buffer.from(`state ${seq}`)
  const digest = sha256(state)
  const body = encodeHead(
    {
      ...{ mesh: mesh.id, endpoint: idOf('first'), writer: keyOf('nas').public, seq, time: 5 },
      ...{ bases: [], escrow: new Uint8Array() },
      points: [{ number: seq, time: 5, digest, root: cidOf(DAG_CBOR, state), flags: 0 }]
    },
    { headKey: new Uint8Array(32), salt: new Uint8Array(32) }
  )
  return heads.check(signMark(body, keyOf('nas')), body)
}

function receiptOf(
  { head, body }: MarkedHead,
  by: string,
  more: Partial<Receipt> = {}
): SignedRecord {
  const { mesh, endpoint } = head
  const held = { mesh, endpoint, head: headId(body), blocks: 1, bytes: 1, at: 1, undoDays: 30 }
  return signReceipt({ ...held, ...more }, keyOf(by))
}

function keepersOf(heads: Heads, { body }: MarkedHead): [by: string, at: number][] {
  const names = new Map(['attic', 'shed', 'desk'].map((name) => [toHex(keyOf(name).public), name]))
  return heads
    .receiptsFor(body)
    .map(({ record, receipt }): [string, number] => [
      names.get(toHex(record.issuer)) ?? '',
      receipt.at
    ])
    .sort()
}

test('a keeper that signs many times for one head counts once', async (t) => {
  const [mesh, disk] = [filled(), new SimDisk()]
  const heads = await opened(mesh, disk)
  const head = headOf(heads, mesh)
  const many = [3, 1, 5].map((at) => receiptOf(head, 'attic', { at }))
  await heads.receipts.put(many)
  await heads.receipts.put([receiptOf(head, 'attic', { at: 9 }), receiptOf(head, 'shed')])
  t.deepEqual(keepersOf(heads, head), [
    ['attic', 3],
    ['shed', 1]
  ])
  t.is([...heads.receipts.records()].length, 2)
  // A home may hold more from before.
  for (const record of many) {
    await writeFile(disk, `receipts/${toHex(record.id)}`, encodeRecord(record))
  }
  t.deepEqual(
    keepersOf(await opened(mesh, disk), head).map(([by]) => by),
    ['attic', 'shed']
  )
})

test('a receipt whose signature is false does not stand in the way of the right one', async (t) => {
  const mesh = filled()
  const heads = await opened(mesh)
  const head = headOf(heads, mesh)
  const forged = { ...receiptOf(head, 'attic', { at: 7 }), signature: new Uint8Array(64) }
  await heads.receipts.put([forged, receiptOf(head, 'attic', { at: 8 })])
  t.deepEqual(keepersOf(heads, head), [['attic', 8]])
})

test('what comes with a head counts only if it is for this head, by a storage peer', async (t) => {
  const mesh = filled()
  const heads = await opened(mesh)
  const [head, other] = [headOf(heads, mesh), headOf(heads, mesh, 2)]
  const wrong = [
    receiptOf(other, 'attic'),
    receiptOf(head, 'attic', { endpoint: idOf('second') }),
    receiptOf(head, 'attic', { endpoint: undefined }),
    receiptOf(head, 'desk')
  ]
  const garbage = Buffer.from('garbage')
  await heads.addReceipts(head, [garbage, ...[...wrong, receiptOf(head, 'shed')].map(encodeRecord)])
  t.deepEqual(keepersOf(heads, head), [['shed', 1]])
  t.deepEqual(keepersOf(heads, other), [])
  t.is([...heads.receipts.records()].length, 1)
})
