// Record folders and heads: what is on disk is believed only as far as it proves itself.

import test from 'ava'
import { toHex } from '../../store/block.ts'
import { DiskFull } from '../../store/errors.ts'
import { encodeRecord } from '../../store/signed.ts'
import { Heads } from '../../node/heads.ts'
import { Members, openRosterFolder } from '../../node/mesh/members.ts'
import { SimDisk } from '../../sim/disk/disk.ts'
import { SimClock } from '../../sim/clock.ts'
import { encodeHead, headId } from '../../store/head.ts'
import { signMark } from '../../store/mark.ts'
import { signReceipt } from '../../store/receipt.ts'
import { sparePath } from '../../store/spare.ts'
import { hexOf, idOf, keyOf, setUp, type Mesh } from '../store/_mesh.ts'

function filled(): Mesh {
  const mesh = setUp()
  mesh.member('nas', 'desk', { endpoint: idOf('work'), claimKey: keyOf('work').public })
  mesh.member('nas', 'attic', { roles: ['storage'] })
  return mesh
}

async function opened(disk: SimDisk, mesh: Mesh): Promise<{ members: Members; heads: Heads }> {
  await (await openRosterFolder({ disk }, mesh.id)).put(mesh.records)
  const members = await Members.open({ disk, key: keyOf('nas'), clock: new SimClock() }, mesh.id)
  return { members, heads: await Heads.open({ disk, members }) }
}

function headOf(mesh: Mesh, seq: number, by = 'desk', salt = seq): Parameters<Heads['check']> {
  const body = encodeHead(
    {
      mesh: mesh.id,
      endpoint: idOf('work'),
      writer: keyOf(by).public,
      seq,
      time: 5,
      bases: [],
      escrow: new Uint8Array(),
      points: []
    },
    { headKey: new Uint8Array(32), salt: new Uint8Array(32).fill(salt) }
  )
  return [signMark(body, keyOf(by)), body]
}

test('records survive a crash the moment they were put', async (t) => {
  const [disk, mesh] = [new SimDisk(), filled()]
  await (await openRosterFolder({ disk }, mesh.id)).put(mesh.records)
  disk.crash()
  const again = await openRosterFolder({ disk }, mesh.id)
  t.is([...again.records()].length, mesh.records.length)
})

test('what a killed process had named, and a later one believed, outlives the power', async (t) => {
  const [disk, mesh] = [new SimDisk(), filled()]
  const { heads } = await opened(disk, mesh)
  const head = heads.check(...headOf(mesh, 1))
  const receipt = signReceipt(
    {
      mesh: mesh.id,
      head: headId(head.body),
      endpoint: idOf('work'),
      blocks: 1,
      bytes: 9,
      at: 7,
      undoDays: 30
    },
    keyOf('attic')
  )
  /** Each ends after the rename, before the folder is synced. */
  const puts = [
    () => heads.put(head),
    () => heads.marks.put([head.mark]),
    () => heads.receipts.put([receipt])
  ]
  disk.fault = ({ operation }) => (operation === 'syncDirectory' ? 'EIO' : undefined)
  for (const put of puts) await t.throwsAsync(put(), { name: 'DiskFailed' })
  disk.fault = undefined
  disk.kill()
  for (const happens of ['kill', 'crash'] as const) {
    const later = (await opened(disk, mesh)).heads
    t.is(later.last(idOf('work'))?.head.seq, 1, happens)
    t.deepEqual([...later.marks.records()].length, 1, happens)
    t.is(later.receiptsFor(head.body).length, 1, happens)
    disk[happens]()
  }
  const last = (await opened(disk, mesh)).heads
  t.is(last.last(idOf('work'))?.head.seq, 1)
  t.is(last.receiptsFor(head.body).length, 1)
})

test('a mark that was replaced stays so, when a power cut brings its file back', async (t) => {
  const [disk, mesh] = [new SimDisk(), filled()]
  const { heads } = await opened(disk, mesh)
  for (const seq of [1, 2]) await heads.put(heads.check(...headOf(mesh, seq)))
  const marks = (): number => disk.files().filter(({ path }) => path.startsWith('marks/')).length
  t.is(marks(), 1)
  disk.crash()
  t.is(marks(), 2)
  const again = (await opened(disk, mesh)).heads
  t.deepEqual(
    again.marksOf(idOf('work')).map(({ mark }) => mark.seq),
    [2]
  )
})

test('a damaged, foreign or oversized file is as good as absent, and comes back', async (t) => {
  const [disk, mesh] = [new SimDisk(), filled()]
  await (await openRosterFolder({ disk }, mesh.id)).put(mesh.records)
  const last = mesh.records.at(-1) ?? t.fail()
  const path = `roster/${toHex(last.id)}`
  disk.flip(path, 40)
  disk.flip(sparePath(path), 40)
  for (const [name, length] of [
    ['note.txt', 10],
    ['large', 100_000]
  ] as const) {
    const file = await disk.open(`roster/${name}`, 'create')
    await file.write(new Uint8Array(length), 0)
  }
  const again = await openRosterFolder({ disk }, mesh.id)
  t.is([...again.records()].length, mesh.records.length - 1)
  t.false(disk.files().some((each) => each.path === sparePath('roster/note.txt')))
  await again.add([Buffer.from('garbage'), encodeRecord(last)])
  t.is([...(await openRosterFolder({ disk }, mesh.id)).records()].length, mesh.records.length)
})

test('no one bit that rots takes a record from the roster', async (t) => {
  const [disk, mesh] = [new SimDisk(), filled()]
  await (await openRosterFolder({ disk }, mesh.id)).put(mesh.records)
  for (const { path, length } of disk.files()) {
    for (let offset = 0; offset < length; offset += 31) {
      disk.flip(path, offset)
      const mended: string[] = []
      const place = { disk, onMended: (each: string) => mended.push(each) }
      const again = await openRosterFolder(place, mesh.id)
      t.is([...again.records()].length, mesh.records.length)
      t.deepEqual(mended, [path])
    }
  }
})

test('when the disk fills up, what was written counts and is told', async (t) => {
  const [disk, mesh] = [new SimDisk(), filled()]
  const folder = await openRosterFolder({ disk }, mesh.id)
  let told = 0
  folder.onAdd((added) => (told += added.length))
  disk.fault = ({ operation, count }) => (operation === 'write' && count > 4 ? 'ENOSPC' : undefined)
  await t.throwsAsync(folder.put(mesh.records), { instanceOf: DiskFull })
  t.is(told, 2)
  t.is([...folder.records()].length, 2)
  disk.fault = undefined
  await folder.put(mesh.records)
  t.is(told, mesh.records.length)
})

test('the last head of a line survives a restart, and its mark comes back with it', async (t) => {
  const [disk, mesh] = [new SimDisk(), filled()]
  const { heads } = await opened(disk, mesh)
  await heads.put(heads.check(...headOf(mesh, 1)))
  await heads.put(heads.check(...headOf(mesh, 2)))
  for (const { path } of disk.files()) if (path.startsWith('marks/')) await disk.remove(path)
  disk.crash()
  const again = (await opened(disk, mesh)).heads
  t.is(again.last(idOf('work'))?.head.seq, 2)
  t.deepEqual(
    again.marksOf(idOf('work')).map(({ mark }) => mark.seq),
    [2]
  )
})

test('a damaged head is passed over for the one before', async (t) => {
  const [disk, mesh] = [new SimDisk(), filled()]
  const { heads } = await opened(disk, mesh)
  for (const seq of [1, 2]) await heads.put(heads.check(...headOf(mesh, seq)))
  const directory = `heads/${toHex(idOf('work'))}/${toHex(keyOf('desk').public)}`
  disk.flip(`${directory}/2`, 200)
  t.is((await opened(disk, mesh)).heads.last(idOf('work'))?.head.seq, 2, 'it is kept twice')
  for (const path of [`${directory}/2`, sparePath(`${directory}/2`)]) disk.flip(path, 200)
  t.is((await opened(disk, mesh)).heads.last(idOf('work'))?.head.seq, 1)
})

test('a head counts only by who writes the endpoint, or did', async (t) => {
  const mesh = filled()
  const { heads } = await opened(new SimDisk(), mesh)
  for (const forger of ['attic', 'nas', 'stranger', 'authority']) {
    t.throws(() => heads.check(...headOf(mesh, 9, forger)), { name: 'NotSigned' }, forger)
  }
  mesh.member('nas', 'blank')
  mesh.claim('work', 'blank', { endpoint: 'work', key: 'work of blank' })
  const later = (await opened(new SimDisk(), mesh)).heads
  t.is(later.check(...headOf(mesh, 9, 'blank')).head.seq, 9)
  t.is(later.check(...headOf(mesh, 8, 'desk')).head.seq, 8)
})

test('who joins in the name of an endpoint that is there signs no head of it', async (t) => {
  const mesh = filled()
  mesh.invite('nas', 'c', { roles: ['endpoint', 'storage'] })
  mesh.join('nas', 'eve', { code: 'c', at: 1, endpoint: 'work' })
  const { heads } = await opened(new SimDisk(), mesh)
  t.throws(() => heads.check(...headOf(mesh, 9, 'eve')), { name: 'NotSigned' })
})

test('an endpoint stands at its writer’s head, whatever number a former one signs', async (t) => {
  const [disk, mesh] = [new SimDisk(), filled()]
  mesh.claim('work', 'new', { endpoint: 'work', key: 'work of new' })
  mesh.claim('authority', 'blank', { endpoint: 'work', key: 'work of blank' })
  const { heads } = await opened(disk, mesh)
  const standsAt = (): string | undefined => {
    const head = heads.last(idOf('work'))?.head
    const by = ['desk', 'new', 'blank'].find(
      (name) => head?.writer && hexOf(name) === toHex(head.writer)
    )
    return head && `${by} ${head.seq}`
  }
  const put = (seq: number, by: string) => heads.put(heads.check(...headOf(mesh, seq, by)))
  await put(5, 'desk')
  t.is(standsAt(), 'desk 5')
  await put(2, 'new')
  t.is(standsAt(), 'new 2')
  await put(7, 'new')
  t.is(standsAt(), 'new 7')
  await put(3, 'blank')
  for (const by of ['desk', 'new']) await put(99, by)
  t.is(standsAt(), 'blank 3')
  t.deepEqual(
    heads.marksOf(idOf('work')).map(({ mark }) => mark.seq),
    [3, 99, 99]
  )
})

test('a mark counts only by who writes the endpoint, or did; a fork by two', async (t) => {
  const [disk, mesh] = [new SimDisk(), filled()]
  const { heads } = await opened(disk, mesh)
  const marks = (seq: number, by: string, salts = [0]) =>
    salts.map((salt) => headOf(mesh, seq, by, salt)[0])
  await heads.marks.put(['attic', 'nas', 'authority'].flatMap((by) => marks(9, by)))
  t.deepEqual(heads.marksOf(idOf('work')), [])
  const forks = marks(3, 'desk', [1, 2, 3, 4, 5])
  const lowest = forks
    .map(({ id }) => toHex(id))
    .sort()
    .slice(0, 2)
  await heads.marks.put(forks.slice(0, 3))
  await heads.marks.put(forks.slice(3))
  t.deepEqual([...heads.marks.ids()].sort(), lowest)
  t.deepEqual([...(await opened(disk, mesh)).heads.marks.ids()].sort(), lowest)
  await heads.marks.put(marks(4, 'desk'))
  t.is([...heads.marks.ids()].length, 1)
})

test('receipts of a keeper that was shut out stay known, and new ones do not count', async (t) => {
  const [disk, mesh] = [new SimDisk(), filled()]
  const { heads } = await opened(disk, mesh)
  const [, body] = headOf(mesh, 1)
  const receipt = (at: number) =>
    signReceipt(
      {
        mesh: mesh.id,
        endpoint: idOf('work'),
        head: headId(body),
        blocks: 1,
        bytes: 1,
        at,
        undoDays: 30
      },
      keyOf('attic')
    )
  await heads.receipts.put([receipt(1)])
  t.is(heads.receiptsFor(body).length, 1)
  mesh.revoke('nas', 'attic')
  const { heads: again } = await opened(disk, mesh)
  t.is(again.receiptsFor(body).length, 1)
  await again.receipts.put([receipt(2)])
  t.is(again.receiptsFor(body).length, 1)
})
