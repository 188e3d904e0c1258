// Keepers beside a computer that lies about its own backups: whatever it gives them, they keep no wrong
// byte, sign for nothing that they do not have whole, and go on serving the others.

import test from 'ava'
import { hashOf, toHex, type Hash } from '../../../store/block.ts'
import { sealedLinks } from '../../../store/seal.ts'
import { HeadForked } from '../../../node/errors.ts'
import type { Computer } from '../../../sim/office/fleet.ts'
import { LIES, type Lie } from '../../../sim/liar/lie.ts'
import { ROOT, join } from '../_office.ts'
import { damagedOn, fillHome, liarOffice, wait, type LiarOffice } from './_liar.ts'

const TOLD = LIES.filter((lie) => lie !== 'endless-news')

/** Blocks that a keeper does not have of what the heads of an endpoint reach, and those that it has. */
async function closureOn(
  { node }: Computer,
  endpoint: Uint8Array
): Promise<{ heads: number; had: number; missing: number }> {
  const lines = node.heads.lines(endpoint)
  const open: Hash[] = lines.flatMap(({ head }) => head.roots.map(hashOf))
  const seen = new Set<string>()
  let missing = 0
  for (let hash = open.pop(); hash !== undefined; hash = open.pop()) {
    if (seen.has(toHex(hash))) continue
    seen.add(toHex(hash))
    const block = await node.store.get(toHex(endpoint), hash)
    if (block === undefined) missing++
    else open.push(...sealedLinks(block).links)
  }
  return { heads: lines.length, had: seen.size - missing, missing }
}

/** The liar takes points and offers them, as well as it can: its own fork may stop it. */
async function backUpOften(of: LiarOffice, liar: Computer): Promise<void> {
  for (let i = 0; i < 6; i++) {
    liar.tree(ROOT).put('counter', `${i}`)
    await of.fleet.run(liar.node.backUp({})).catch((error: unknown) => {
      if (!(error instanceof HeadForked)) throw error
    })
    await wait(of, 40)
  }
}

for (const lies of [['wrong-bytes'], ['withhold'], ['replay'], TOLD] as Lie[][]) {
  const what = lies.length === 1 ? lies.join() : 'all of it'
  test.serial(`keepers have what they signed for, though the writer lies: ${what}`, async (t) => {
    const of = await liarOffice(`writer ${what}`)
    const { fleet, nas } = of
    const attic = await join(of, 'attic')
    const liar = await join(of, 'liar', ROOT)
    const desk = await join(of, 'desk', ROOT)
    const { id } = await fleet.run(liar.node.endpoint())
    await backUpOften(of, liar)
    t.true((await fleet.run(closureOn(nas, id))).had > 0)
    fillHome(liar.tree(ROOT))
    for (const lie of lies) of.lies.add(lie)
    await backUpOften(of, liar)

    desk.tree(ROOT).put('counter', 'honest')
    await fleet.run(desk.node.backUp({}))
    t.true((await fleet.run(desk.node.replicate()))?.isProtected)
    for (const keeper of [nas, attic]) {
      t.is(await damagedOn(of, keeper), 0, keeper.name)
      const { heads, missing } = await fleet.run(closureOn(keeper, id))
      t.deepEqual({ heads, missing }, { heads: 1, missing: 0 })
    }
    await fleet.run(fleet.stop())
  })
}
