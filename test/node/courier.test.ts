// Exporters and importers, in an office in memory whose wires carry nothing of the desk: what is taken in is
// proved, what is not whole or not signed leaves no head, and a courier who leaves holds up nobody.

import test from 'ava'
import { hashOf, toHex } from '../../store/block.ts'
import { BlockDamaged, BlockMissing, Malformed, NotSigned } from '../../store/errors.ts'
import type { Opening } from '../../store/parcel.ts'
import { decodeRecord, encodeRecord } from '../../store/signed.ts'
import type { StoredBlock } from '../../store/stored.ts'
import { OtherMesh, PointNeeded } from '../../node/parcel-errors.ts'
import { Exporter } from '../../node/exporter.ts'
import { DEFAULT_GIVEN_MS, Importer, type Imported } from '../../node/importer.ts'
import type { Computer } from '../../sim/office/fleet.ts'
import { inspect } from '../../node/inspection.ts'
import { ROOT, join, office, type Office } from '../sim/_office.ts'

const IDLE = { sent: { bytes: 0, baseBytes: 0 }, copies: [], isProtected: false, failures: {} }

/** A file in memory. */
interface Parcel {
  opening: Opening
  /** By hash in hex. */
  blocks: Map<string, StoredBlock>
}

/** A desk that offers nothing by itself. */
async function desked(seed: string): Promise<{ of: Office; desk: Computer }> {
  const of = await office(seed)
  const desk = await join(of, 'desk', ROOT)
  desk.node.replicator.replicate = async () => IDLE
  desk.tree(ROOT).put('a.txt', 'private')
  desk.tree(ROOT).put('b/c.txt', 'more of it')
  return { of, desk }
}

async function exported(
  { fleet }: Office,
  { node }: Computer,
  { number, since: from }: { number: number; since?: number }
): Promise<Parcel> {
  const endpoint = await node.endpoint()
  const last = node.heads.last(endpoint.id)
  if (last === undefined) throw new Error('no head')
  const point = endpoint.point(last.head, number)
  const since = from === undefined ? undefined : endpoint.point(last.head, from)
  const input = { endpoint, last, point, since, withBase: true }
  const exporter = await fleet.run(Exporter.plan(node, input))
  const blocks = new Map<string, StoredBlock>()
  for (;;) {
    const portion = await fleet.run(exporter.next(node.signal))
    for (const { hash, stored } of portion) blocks.set(toHex(hash), stored)
    if (portion.length === 0) break
  }
  await fleet.run(exporter.close())
  return { opening: exporter.opening, blocks }
}

/** Takes a parcel in, giving at most `most` blocks at a time. */
async function imported(node: Computer['node'], parcel: Parcel, most = 2): Promise<Imported> {
  const importer = await Importer.open(node, parcel.opening)
  try {
    for (let given: (StoredBlock | undefined)[] = []; ;) {
      const step = await importer.step(given)
      if ('done' in step) return step.done
      given = step.wants.slice(0, most).map((hash) => parcel.blocks.get(toHex(hash)))
    }
  } finally {
    importer.close()
  }
}

test('a point is taken in and signed for, and the tree is not looked at', async (t) => {
  const { of, desk } = await desked('taken')
  const { nas, fleet } = of
  const { head } = await fleet.run(desk.node.backUp({}))
  desk.node.ports.openTree = () => Promise.reject(new Error('the tree is opened'))
  const parcel = await exported(of, desk, { number: 1 })
  const { scope } = await desk.node.endpoint()
  t.is(parcel.blocks.size, (await desk.node.store.usage(scope)).blocks)
  const done = await fleet.run(imported(nas.node, parcel))
  t.like(done, { endpoint: 'desk', point: 1, points: 1, pointsHere: 1, isSigned: true })
  t.is(done.blocks, parcel.blocks.size)
  const receipts = nas.node.heads.receiptsFor(head.body)
  t.deepEqual(
    receipts.map(({ record }) => toHex(record.issuer)),
    [toHex(nas.node.network.self)]
  )
  t.like(await fleet.run(imported(nas.node, parcel)), { blocks: 0, isSigned: true })
  await fleet.run(fleet.stop())
})

test('what is new since a point goes alone, and only where that point is', async (t) => {
  const { of, desk } = await desked('since')
  const { nas, fleet } = of
  await fleet.run(desk.node.backUp({}))
  const full = await exported(of, desk, { number: 1 })
  desk.tree(ROOT).put('b/d.txt', 'new')
  await fleet.run(desk.node.backUp({}))
  const step = await exported(of, desk, { number: 2, since: 1 })
  for (const hash of step.blocks.keys()) t.false(full.blocks.has(hash))
  const failure = await t.throwsAsync(fleet.run(imported(nas.node, step)), {
    instanceOf: PointNeeded
  })
  t.is(failure.point, 1)
  t.is(nas.node.heads.last(step.opening.endpoint), undefined)
  await fleet.run(imported(nas.node, full))
  t.like(await fleet.run(imported(nas.node, step)), { pointsHere: 2, points: 2, isSigned: true })
  const since = await exported(of, desk, { number: 1, since: 2 })
  t.true(since.blocks.size < full.blocks.size)
  await fleet.run(fleet.stop())
})

test('a head of which only one point came is kept, not signed for, and swept around', async (t) => {
  const { of, desk } = await desked('one')
  const { nas, fleet } = of
  await fleet.run(desk.node.backUp({}))
  desk.tree(ROOT).put('a.txt', 'other')
  const { head } = await fleet.run(desk.node.backUp({}))
  const second = await exported(of, desk, { number: 2 })
  const done = await fleet.run(imported(nas.node, second))
  t.like(done, { pointsHere: 1, points: 2, isSigned: false })
  const { scope } = await desk.node.endpoint()
  const before = await nas.node.store.usage(scope)
  const swept = await fleet.run(nas.node.sweeper.sweep({ unfinished: true }))
  t.is(swept.blocks, 0)
  t.deepEqual(await nas.node.store.usage(scope), before)
  t.is(nas.node.sweeper.failure, undefined)
  t.is(nas.node.heads.receiptsFor(head.body).length, 0)
  const first = await exported(of, desk, { number: 1 })
  t.like(await fleet.run(imported(nas.node, first)), { pointsHere: 2, isSigned: true })
  await fleet.run(fleet.stop())
})

test('blocks that are missing, wrong or too many leave no head', async (t) => {
  const { of, desk } = await desked('wrong')
  const { nas, fleet } = of
  await fleet.run(desk.node.backUp({}))
  const parcel = await exported(of, desk, { number: 1 })
  const { opening } = parcel
  for (const hash of parcel.blocks.keys()) {
    const lacking = new Map(parcel.blocks)
    lacking.delete(hash)
    await t.throwsAsync(fleet.run(imported(nas.node, { opening, blocks: lacking })), {
      instanceOf: BlockMissing
    })
    const stored = parcel.blocks.get(hash) as StoredBlock
    const body = Buffer.from(stored.body)
    body.writeUInt8(body.readUInt8(body.length - 1) ^ 1, body.length - 1)
    const wrong = new Map(parcel.blocks).set(hash, { ...stored, body })
    await t.throwsAsync(fleet.run(imported(nas.node, { opening, blocks: wrong })), {
      instanceOf: BlockDamaged
    })
    if (await nas.node.store.has(toHex(opening.endpoint), hashOf(opening.point.root))) break
  }
  t.is(nas.node.heads.last(opening.endpoint), undefined)
  t.is([...nas.node.heads.receipts.records()].length, 0)
  const importer = await Importer.open(nas.node, opening)
  await t.throwsAsync(fleet.run(importer.step([undefined])), { instanceOf: Malformed })
  t.true((await fleet.run(imported(nas.node, parcel))).isSigned)
  await fleet.run(fleet.stop())
})

test('an opening is believed only as far as its writer signed, and in its own mesh', async (t) => {
  const { of, desk } = await desked('opening')
  const { nas, fleet } = of
  await fleet.run(desk.node.backUp({}))
  const { opening } = await exported(of, desk, { number: 1 })
  const mark = decodeRecord(opening.mark)
  const unsigned = encodeRecord({ ...mark, signature: new Uint8Array(64) })
  const root = await (async () => {
    desk.tree(ROOT).put('c.txt', 'later')
    return (await fleet.run(desk.node.backUp({}))).point.root
  })()
  const wrong: [Partial<Opening>, new (...words: never[]) => Error][] = [
    [{ mesh: new Uint8Array(32) }, OtherMesh],
    [{ mark: unsigned }, NotSigned],
    [{ mark: Buffer.from('no mark') }, Malformed],
    [{ head: opening.head.subarray(1) }, Malformed],
    [{ endpoint: new Uint8Array(16) }, Malformed],
    [{ point: { number: 1, root } }, Malformed],
    [{ since: { number: 1, root } }, Malformed],
    [{ bases: [new Uint8Array(32)] }, Malformed]
  ]
  for (const [fields, instanceOf] of wrong) {
    const parcel = { opening: { ...opening, ...fields }, blocks: new Map() }
    await t.throwsAsync(fleet.run(imported(nas.node, parcel)), { instanceOf })
  }
  t.is(nas.node.heads.last(opening.endpoint), undefined)
  const nonsense = [Buffer.from('nonsense'), ...opening.papers]
  await fleet.run(Importer.open(nas.node, { ...opening, papers: nonsense }))
  await fleet.run(fleet.stop())
})

test('a courier who leaves in the middle is given up, and a sweep goes on', async (t) => {
  const { of, desk } = await desked('leaves')
  const { nas, fleet } = of
  await fleet.run(desk.node.backUp({}))
  const { opening, blocks } = await exported(of, desk, { number: 1 })
  const importer = await fleet.run(Importer.open(nas.node, opening))
  const step = await fleet.run(importer.step([]))
  t.true('wants' in step)
  await fleet.run(fleet.clock.sleep(DEFAULT_GIVEN_MS + 1000))
  await t.throwsAsync(fleet.run(importer.step([])), { name: 'AbortError' })
  await fleet.run(nas.node.sweeper.sweep({ unfinished: true }))
  t.deepEqual(await nas.node.store.usage(toHex(opening.endpoint)), { blocks: 0, bytes: 0 })
  t.true((await fleet.run(imported(nas.node, { opening, blocks }))).isSigned)
  await fleet.run(fleet.stop())
})

test('the writer takes blocks of its own, and stays where it stands', async (t) => {
  const { of, desk } = await desked('own')
  const { fleet } = of
  await fleet.run(desk.node.backUp({}))
  const parcel = await exported(of, desk, { number: 1 })
  desk.tree(ROOT).put('c.txt', 'later')
  const { head } = await fleet.run(desk.node.backUp({}))
  const done = await fleet.run(imported(desk.node, parcel))
  t.like(done, { blocks: 0, isSigned: false })
  t.is(desk.node.heads.last(parcel.opening.endpoint)?.head.seq, head.head.seq)
  await fleet.run(fleet.stop())
})

test('power that goes at any step leaves no head, and the next try ends well', async (t) => {
  const { of, desk } = await desked('power')
  const { nas, fleet } = of
  for (const name of ['d', 'e/f', 'e/g']) desk.tree(ROOT).put(name, `the file ${name}`)
  const { head } = await fleet.run(desk.node.backUp({}))
  const parcel = await exported(of, desk, { number: 1 })
  const { opening, blocks } = parcel
  const scope = toHex(opening.endpoint)
  let tries = 0
  for (let steps = 1; steps <= blocks.size; steps++, tries++) {
    const importer = await fleet.run(Importer.open(nas.node, opening))
    let step = await fleet.run(importer.step([]))
    for (let n = 1; n < steps && 'wants' in step; n++) {
      const [hash] = step.wants
      step = await fleet.run(importer.step([blocks.get(toHex(hash as Uint8Array))]))
    }
    nas.crash()
    await fleet.run(nas.up())
    // What an earlier try had made durable is not asked for again.
    if ('done' in step) break
    t.is(nas.node.heads.last(opening.endpoint), undefined, `after ${steps} steps`)
    t.false(await nas.node.store.has(scope, hashOf(opening.point.root)))
  }
  t.true(tries > 2)
  t.true((await fleet.run(imported(nas.node, parcel))).isSigned)
  nas.crash()
  await fleet.run(nas.up())
  t.is(nas.node.heads.receiptsFor(head.body).length, 1)
  const found = await fleet.run(
    inspect(nas.node, {
      ...{ deep: true, fullSpeed: true, signal: nas.node.signal },
      onProgress: () => undefined
    })
  )
  t.deepEqual([found.report.damaged, found.report.missing], [[], []])
  t.is((await nas.node.store.usage(scope)).blocks, blocks.size)
  await fleet.run(fleet.stop())
})
