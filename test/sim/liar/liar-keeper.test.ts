// An office beside one keeper that lies, whatever it lies about: backups are kept, a lost computer comes
// back whole, and no honest peer keeps a wrong byte or counts a keeper twice.

import test from 'ava'
import { toHex } from '../../../store/block.ts'
import { createBase } from '../../../node/publisher.ts'
import { LIES, type Lie } from '../../../sim/liar/lie.ts'
import { ROOT, join } from '../_office.ts'
import { comeBack, damagedOn, fillHome, liarOffice, wait } from './_liar.ts'

/** They make news without end, and have a test of their own. */
const EACH = LIES.filter((lie) => lie !== 'endless-news')

async function takePoint(of: Awaited<ReturnType<typeof liarOffice>>, text: string): Promise<void> {
  const desk = of.fleet.computer('desk')
  desk.tree(ROOT).put('counter', text)
  await of.fleet.run(desk.node.backUp({}))
  await of.fleet.run(desk.node.replicate())
}

/** Half of what a slow one says is never heard: it would tell few of the others. */
const TOGETHER = EACH.filter((lie) => lie !== 'slow-bytes')

for (const lies of [...EACH.map((lie) => [lie]), TOGETHER] as Lie[][]) {
  const what = lies.length === 1 ? lies.join() : 'all of it'
  test.serial(`a lost computer comes back whole though a keeper lies: ${what}`, async (t) => {
    const of = await liarOffice(`keeper ${what}`)
    const { fleet, nas } = of
    await join(of, 'liar')
    const desk = await join(of, 'desk', ROOT)
    fillHome(desk.tree(ROOT))
    for (const lie of lies) of.lies.add(lie)
    const image = nas.tree('/image')
    image.put('usr/tool', Buffer.alloc(600_000, 'tool'))
    const { base } = await fleet.run(
      createBase(nas.node, { tree: image, name: 'system', label: '1' })
    )
    await takePoint(of, 'first')
    await takePoint(of, 'second')
    const attic = await join(of, 'attic')
    await wait(of, 60)
    const { blocks } = await fleet.run(attic.node.baseStore.makeWhole(base))
    t.is(blocks, (await fleet.run(nas.node.baseStore.makeWhole(base))).blocks)

    fleet.destroy('desk')
    const { computer, tree, point } = await comeBack(of, 'desk')
    t.is(point, 2)
    t.is(Buffer.from(tree.content('counter')).toString(), 'second')
    t.deepEqual(tree.content('letters/4/39'), desk.tree(ROOT).content('letters/4/39'))

    const { node } = computer
    await fleet.run(node.backUp({}))
    await wait(of, 60)
    const last = node.heads.last((await fleet.run(node.endpoint())).id) ?? t.fail()
    const copies = node.replicator.copiesOf(last).map(toHex)
    t.true(copies.length >= 2)
    t.is(new Set(copies).size, copies.length)
    for (const honest of [nas, attic, computer]) t.is(await damagedOn(of, honest), 0, honest.name)
    await fleet.run(fleet.stop())
  })
}
