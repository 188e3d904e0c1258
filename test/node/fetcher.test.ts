// The fetcher: blocks from several holders, some of which die, lie, or let their channel grow old.

import test from 'ava'
import { BASE_SCOPE, type Hash } from '../../store/block.ts'
import type { StoredBlock } from '../../store/stored.ts'
import { BLOCKS_PROTOCOL, provideBlocks } from '../../protocol/blocks.ts'
import { Channel, converse } from '../../protocol/framing.ts'
import { Fetcher } from '../../node/fetcher.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimNetwork } from '../../sim/network/network.ts'
import type { SimPeer } from '../../sim/network/peer.ts'
import { peerIdText } from '../../store/peer.ts'
import { keyOf } from '../store/_mesh.ts'
import { all, textBlock } from '../store/_blocks.ts'

const BLOCKS = Array.from({ length: 40 }, (_, i) => textBlock(i))
const HASHES = BLOCKS.map(({ hash }) => hash)
type Give = (index: number, holder: Holder) => Uint8Array | undefined

interface Holder {
  peer: SimPeer
  given: number
}

class Lan {
  readonly clock = new SimClock()
  readonly network = new SimNetwork({ clock: this.clock })
  readonly #gate = { isMember: () => true }
  readonly self = this.network.attach(keyOf('self').public, this.#gate)

  async holder(name: string, give: Give): Promise<Holder> {
    const peer = this.network.attach(keyOf(name).public, this.#gate)
    const holder: Holder = { peer, given: 0 }
    const get = async (_: string, hash: Hash): Promise<StoredBlock | undefined> => {
      const index = HASHES.findIndex((each) => Buffer.compare(each, hash) === 0)
      const body = give(index, holder)
      if (body !== undefined) holder.given++
      return body && { method: 0, plainLength: body.length, body }
    }
    const has = async (): Promise<boolean> => true
    peer.handle(BLOCKS_PROTOCOL, (wire) =>
      converse(new Channel({ wire, clock: this.clock }), (channel) =>
        provideBlocks(channel, { allows: () => true, has, get })
      )
    )
    await peer.start()
    this.self.learn({ peer: peer.self, addresses: peer.addresses() })
    return holder
  }

  async fetch(...holders: Holder[]): Promise<Fetcher> {
    await this.self.start()
    const candidates = holders.map(({ peer }) => peer.self)
    return new Fetcher({ network: this.self, clock: this.clock }, candidates)
  }

  pull(fetcher: Fetcher): Promise<(StoredBlock | undefined)[]> {
    return this.clock.run(all(fetcher.pull(BASE_SCOPE, HASHES)))
  }
}

const right: Give = (index) => BLOCKS[index]?.bytes

function bodies(found: readonly (StoredBlock | undefined)[]): (Uint8Array | undefined)[] {
  return found.map((stored) => stored?.body)
}

const EXPECTED = BLOCKS.map(({ bytes }) => bytes)

test('a batch is split among those who answer, and comes in the order asked', async (t) => {
  const lan = new Lan()
  const [a, b] = [await lan.holder('a', right), await lan.holder('b', right)]
  const fetcher = await lan.fetch(a, b)
  t.deepEqual(bodies(await lan.pull(fetcher)), EXPECTED)
  t.deepEqual([a.given, b.given], [20, 20])
  t.is(Object.values(fetcher.fromPeers).length, 2)
})

test('what one does not have, another is asked for; what nobody has is undefined', async (t) => {
  const lan = new Lan()
  const even = await lan.holder('even', (i) => (i % 2 === 0 ? BLOCKS[i]?.bytes : undefined))
  const low = await lan.holder('low', (i) => (i < 20 ? BLOCKS[i]?.bytes : undefined))
  const found = bodies(await lan.pull(await lan.fetch(even, low)))
  t.deepEqual(
    found,
    EXPECTED.map((bytes, i) => (i % 2 === 0 || i < 20 ? bytes : undefined))
  )
})

test('a holder that dies in the middle costs nothing but its share', async (t) => {
  const lan = new Lan()
  const dying = await lan.holder('dying', (i, holder) => {
    if (holder.given === 5) lan.network.crash(holder.peer.self)
    return BLOCKS[i]?.bytes
  })
  const other = await lan.holder('other', right)
  t.deepEqual(bodies(await lan.pull(await lan.fetch(dying, other))), EXPECTED)
})

test('a holder that sends wrong bytes is named, and never asked again', async (t) => {
  const lan = new Lan()
  const liar = await lan.holder('liar', (i) => (i === 3 ? Buffer.from('wrong') : BLOCKS[i]?.bytes))
  const other = await lan.holder('other', right)
  const fetcher = await lan.fetch(liar, other)
  t.deepEqual(bodies(await lan.pull(fetcher)), EXPECTED)
  t.deepEqual(
    fetcher.liars.map(({ peer }) => peer),
    [peerIdText(liar.peer.self)]
  )
  const { given } = liar
  await lan.clock.run(lan.clock.sleep(10_000))
  t.deepEqual(bodies(await lan.pull(fetcher)), EXPECTED)
  t.is(liar.given, given)
})

test('a channel that grew old is opened anew', async (t) => {
  const lan = new Lan()
  const holder = await lan.holder('holder', right)
  const fetcher = await lan.fetch(holder)
  await lan.pull(fetcher)
  await lan.clock.run(lan.clock.sleep(10 * 60_000))
  t.deepEqual(bodies(await lan.pull(fetcher)), EXPECTED)
  await lan.clock.run(fetcher.close())
})

test('without anybody to ask, nothing is found, and it is soon said', async (t) => {
  const lan = new Lan()
  const fetcher = await lan.fetch()
  t.true((await lan.pull(fetcher)).every((stored) => stored === undefined))
})
