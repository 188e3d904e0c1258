import test from 'ava'
import { hashOf, toHex } from '../../../store/block.ts'
import { Closure } from '../../../sim/checkers/closure.ts'
import { Heads } from '../../../sim/checkers/heads.ts'
import { Records } from '../../../sim/checkers/records.ts'
import type { Office, SavedClaim } from '../../../sim/checkers/checker.ts'
import type { SimDisk } from '../../../sim/disk/disk.ts'
import type { Computer } from '../../../sim/office/fleet.ts'
import { SeededRandom } from '../../../sim/random.ts'
import { ROOT, join, office } from '../_office.ts'

/** Of so many calls on the disks, one is a moment at which the power could go. */
const CALLS = 9

test('at no moment would a loss of power make a liar of anybody', async (t) => {
  const place = await office('moments')
  const { fleet, nas } = place
  const attic = await join(place, 'attic')
  const desk = await join(place, 'desk', ROOT)
  const { id } = await desk.node.endpoint()
  const computers = [nas, attic, desk].map((computer) => ({
    ...{ name: computer.name, state: 'up' as const, site: '', lies: false, isDamaged: false },
    peer: toHex(computer.node.network.self),
    isStorage: computer !== desk,
    endpoint: computer === desk ? toHex(id) : undefined
  }))
  const moments: SimDisk[][] = []
  let calls = 0
  for (const { disk } of [nas, attic, desk]) {
    disk.fault = () => {
      if (++calls % CALLS === 0) moments.push([nas, attic, desk].map((each) => each.disk.durable()))
      return undefined
    }
  }
  const saved: { claim: SavedClaim; moment: number }[] = []
  const random = new SeededRandom('moments')
  for (let round = 1; round <= 4; round++) {
    desk.tree(ROOT).put(`file-${round}`, random.bytes(150_000))
    desk.tree(ROOT).put('same', `round ${round}`)
    saved.push({
      claim: await backUp(fleet.run(desk.node.backUp({})), desk),
      moment: moments.length
    })
    await fleet.run(desk.node.replicate())
  }
  t.true(moments.length > 20, `${moments.length}`)
  const checkers = [new Closure(), new Heads(), new Records()]
  for (const [moment, disks] of moments.entries()) {
    const look: Office = {
      now: moment,
      computers: computers.map((computer, i) => ({ ...computer, disk: disks[i] ?? t.fail() })),
      policy: { copies: 2, sites: 1, undoDays: 30 },
      saved: saved.filter((each) => each.moment <= moment).map(({ claim }) => claim),
      protected: [],
      pinned: [],
      published: [],
      isHealed: false,
      restoreFrom: async () => t.fail()
    }
    for (const checker of checkers) t.deepEqual(await checker.check(look), [], `moment ${moment}`)
  }
  await fleet.run(fleet.stop())
})

async function backUp(
  work: ReturnType<Computer['node']['backUp']>,
  { name }: Computer
): Promise<SavedClaim> {
  const { point, head } = await work
  return {
    ...{ at: 0, computer: name, point: point.number, seq: head.head.seq, digest: '' },
    root: toHex(hashOf(point.root)),
    ...{ endpoint: toHex(head.head.endpoint), writer: toHex(head.head.writer) },
    ...{ states: [], skipped: [] }
  }
}
