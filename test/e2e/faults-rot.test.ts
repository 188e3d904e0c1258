// Bits that flip at rest in any file of a home, on the simulated disk: the peer starts, says what it put
// right, names damaged blocks, and goes on; never wrong bytes, and nothing else is lost. (The index of Level
// has faults-index.test.ts.) Other places: DRYSTONE_FAULTS=20 DRYSTONE_SEED=anything npx ava --timeout=1h.

import test from 'ava'
import { SimClock } from '../../sim/clock.ts'
import type { SimDisk } from '../../sim/disk/disk.ts'
import type { SortedIndex } from '../../sim/disk/sorted-index.ts'
import { differencesOf } from '../../sim/model/tree-differences.ts'
import { stateOf } from '../../sim/model/tree-state.ts'
import { restoreTo } from '../../sim/office/come-back.ts'
import { Fleet, type Computer } from '../../sim/office/fleet.ts'
import { SeededRandom } from '../../sim/random.ts'
import { ROOT, join, office } from '../sim/_office.ts'
import { MORE } from './_faults.ts'

type State = ReturnType<typeof stateOf>

interface Saved {
  nowMs: number
  homes: Map<string, { disk: SimDisk; index: SortedIndex }>
  /** What was there at each point. */
  points: State[]
}

const random = new SeededRandom(process.env['DRYSTONE_SEED'] ?? 'rot')
let saved: Saved

/** An office with a base, and a desk that adopted it and has two points. */
test.before(async () => {
  const of = await office('rot')
  const { fleet, nas } = of
  await join(of, 'attic')
  const mtimeNs = 1_700_000_000_000_000_000n
  const desk = await join(of, 'desk', ROOT)
  for (const tree of [nas.tree('/image'), desk.tree(ROOT)]) {
    tree.put('etc/hosts', Buffer.alloc(30_000, 'localhost'), { mtimeNs })
    for (const path of ['etc', '']) tree.change(path, { mtimeNs })
  }
  const base = { name: 'system', label: '1', from: '/image', include: [], exclude: [] }
  await fleet.run(nas.ask('baseCreate', base))
  await fleet.run(fleet.clock.sleep(120_000))
  await fleet.run(desk.ask('baseAdopt', { base: 'system@1', verify: false }))
  const points: State[] = []
  for (const number of [1, 2]) {
    desk.tree(ROOT).put('own/noise', Buffer.from(random.bytes(4000)))
    desk.tree(ROOT).put('own/notes', `as of ${number}`)
    await fleet.run(desk.ask('backup', { waitMs: 600_000 }))
    points.push(stateOf(desk.tree(ROOT)))
  }
  await fleet.run(desk.ask('verify', { which: 'latest', deep: true }))
  const nowMs = nas.wall.now()
  await fleet.run(fleet.stop())
  saved = {
    ...{ nowMs, points },
    homes: new Map(fleet.computers.map((each) => [each.name, each.remains()]))
  }
})

/** The office again, a minute later, with another disk in one computer. */
function awake(name: string, disk: SimDisk): Fleet {
  const fleet = new Fleet(name, { clock: new SimClock({ startMs: saved.nowMs + 60_000 }) })
  for (const [each, home] of saved.homes) {
    const own = each === name ? disk : home.disk.copy()
    fleet.computer(each, { disk: own, index: home.index.copy() })
  }
  return fleet
}

/** What came back otherwise than it was. */
async function wrongIn(fleet: Fleet, desk: Computer): Promise<string[]> {
  const wrong: string[] = []
  for (const [i, state] of saved.points.entries()) {
    await fleet.run(restoreTo(desk, `/point-${i + 1}`, i + 1))
    wrong.push(...differencesOf(state, stateOf(desk.tree(`/point-${i + 1}`))))
  }
  return wrong
}

/** Where the blocks of a closed segment end. */
function footerOf(segment: Uint8Array): number {
  return Buffer.from(segment).readUInt32BE(segment.length - 40)
}

/** Every file; every day of the roster, whose records are all read alike, only one. */
function kindsOf(disk: SimDisk): { path: string; length: number }[] {
  const kinds = new Map<string, { path: string; length: number }>()
  for (const file of disk.files()) {
    const kind = /^(spare\/)?roster\//.test(file.path) ? file.path.replace(/[^/]*$/, '') : file.path
    kinds.set(MORE > 1 ? file.path : kind, file)
  }
  return [...kinds.values()]
}

for (const name of ['desk', 'nas']) {
  test(`whatever bit flips in the home of ${name}, it starts, and everything comes back`, async (t) => {
    const home = saved.homes.get(name) ?? t.fail()
    for (const { path, length } of kindsOf(home.disk)) {
      for (let round = 0; round < MORE; round++) {
        const disk = home.disk.copy()
        const [at, mask] = [random.below(length), 1 << random.below(8)]
        disk.flip(path, at, mask)
        const what = `${path}, byte ${at}, bit ${mask}`
        const fleet = awake(name, disk)
        for (const computer of fleet.computers) await fleet.run(computer.up())
        await fleet.run(fleet.clock.sleep(20_000))
        const computer = fleet.computer(name)
        const status = await fleet.run(computer.ask('status', {}))
        t.is(status?.peer.length, 52, what)
        const report = await fleet.run(computer.ask('check', { deep: true, rebuildIndex: false }))
        const isBlock = path.startsWith('blocks/') && at < footerOf(home.disk.read(path))
        if (isBlock) t.is(report?.damaged.length, 1, what)
        else
          t.deepEqual(
            [...(report?.damaged ?? [])].filter((each) => each !== path),
            [],
            what
          )
        const desk = fleet.computer('desk')
        t.deepEqual(await wrongIn(fleet, desk), [], what)
        await fleet.run(restoreTo(desk, ROOT, 2))
        desk.tree(ROOT).put('own/notes', 'after the damage')
        const next = await fleet.run(desk.ask('backup', { waitMs: 600_000 }))
        t.deepEqual([next?.point, next?.protected], [3, true], what)
        for (const each of fleet.computers) each.kill()
      }
    }
  })
}
