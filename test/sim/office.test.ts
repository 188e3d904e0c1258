// The office in miniature: whole nodes in one process, on simulated ports, in virtual time.

import test from 'ava'
import { Endpoint } from '../../node/endpoint.ts'
import { enterByWords } from '../../node/mesh/joining.ts'
import { gatherHeads, recoverSecret } from '../../node/recovery.ts'
import { restore } from '../../node/restorer.ts'
import { toHex } from '../../store/block.ts'
import { ROOT, join, office } from './_office.ts'

test('a lost computer comes back from recovery words alone', async (t) => {
  const place = await office('a')
  const { fleet, words } = place
  await join(place, 'attic')
  const desk = await join(place, 'desk', ROOT)
  desk.tree(ROOT).put('letters/one.txt', Buffer.from('dear all'))
  desk.tree(ROOT).put('big.bin', Buffer.alloc(3_000_000, 'stone'))
  desk.tree(ROOT).symlink('latest', 'letters/one.txt')
  desk.tree(ROOT).link('same.bin', 'big.bin')
  const first = await fleet.run(desk.node.backUp({}))
  const done = await fleet.run(desk.node.replicate())
  t.true(done?.isProtected)
  t.is(done?.copies.length, 2)
  const endpoint = await desk.node.endpoint()

  fleet.destroy('desk')
  fleet.destroy('nas')
  const blank = fleet.computer('blank')
  await fleet.run(
    enterByWords(blank.ports, {
      name: 'blank',
      root: ROOT,
      addresses: [],
      words,
      roles: ['endpoint'],
      site: '',
      replaces: 'desk'
    })
  )
  await fleet.run(blank.up())
  const { node } = blank
  const { network, members, heads } = node
  const { clock } = fleet
  const parts = { network, clock, members, heads }
  t.is(await fleet.run(gatherHeads(parts, endpoint.id)), 1)
  const secret = recoverSecret(parts, endpoint.id, words)
  await node.home.saveEndpoint(secret)
  const again = new Endpoint(secret)
  const head = heads.last(endpoint.id)
  const point = again.point(head?.head ?? t.fail(), 'latest')
  t.is(toHex(point.digest), toHex(first.point.digest))
  const reading = node.read(again)
  const top = await fleet.run(reading.reader.top(point.root))
  const target = blank.tree(ROOT)
  const empty = new Uint8Array()
  const { warnings } = await fleet.run(
    restore({ reader: reading.reader, pieces: [{ entry: top, from: empty, to: empty }], target })
  )
  t.deepEqual(warnings, [])
  t.is(Buffer.from(target.content('letters/one.txt')).toString(), 'dear all')

  const second = await fleet.run(node.backUp({}))
  t.is(toHex(second.point.digest), toHex(first.point.digest))
  t.is(second.point.number, 2)
  await fleet.run(fleet.stop())
})
