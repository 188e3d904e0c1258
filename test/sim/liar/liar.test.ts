// The liar itself: it passes on untouched what it does not lie about, and each lie is told.

import test from 'ava'
import { sha256 } from '../../../store/block.ts'
import { unpackBlock, type StoredBlock } from '../../../store/stored.ts'
import { BLOCKS_PROTOCOL, BlocksConsumer, provideBlocks } from '../../../protocol/blocks.ts'
import { Channel, type Message } from '../../../protocol/framing.ts'
import type { Handler, Network, Wire } from '../../../protocol/network.ts'
import { SimClock } from '../../../sim/clock.ts'
import { frameOf } from '../../../sim/liar/frames.ts'
import type { Lie } from '../../../sim/liar/lie.ts'
import { lyingNetwork } from '../../../sim/liar/network.ts'
import { SimNetwork } from '../../../sim/network/network.ts'
import { SeededRandom } from '../../../sim/random.ts'
import { LyingWire } from '../../../sim/liar/wire.ts'
import { keyOf } from '../../store/_mesh.ts'

const SCOPE = 'base'
const TRUTH = Buffer.from('the truth, at some length, so that it can be cut short')
const OTHER = Buffer.from('another block')
const here = [TRUTH, OTHER]
const missing = sha256(Buffer.from('not here'))
const asked = [...here.map((block) => sha256(block)), missing]

interface Told {
  have: boolean[]
  blocks: (StoredBlock | undefined)[]
}

/** What one who asks a provider that tells these lies is answered, round by round. */
async function askLiar(lies: Lie[], rounds = 20): Promise<Told[]> {
  const clock = new SimClock()
  const network = new SimNetwork({ clock })
  const gate = { isMember: () => true }
  const [near, far] = ['one', 'liar'].map((name) => network.attach(keyOf(name).public, gate))
  if (near === undefined || far === undefined) throw new Error('nobody is there')
  const random = new SeededRandom('liar')
  const lying = lyingNetwork(far, { key: keyOf('liar'), clock, random, lies: () => new Set(lies) })
  const handler: Handler = (wire) =>
    provideBlocks(new Channel({ wire, clock }), {
      allows: () => true,
      has: async (_, hash) => !same(hash, missing),
      get: async (_, hash) => {
        const body = here.find((block) => same(sha256(block), hash))
        return body && { method: 0, plainLength: body.length, body }
      }
    })
  lying.handle(BLOCKS_PROTOCOL, handler)
  return clock.run(ask({ near, lying, clock }, rounds))
}

async function ask(
  { near, lying, clock }: { near: Network; lying: Network; clock: SimClock },
  rounds: number
): Promise<Told[]> {
  await Promise.all([near.start(), lying.start()])
  await clock.sleep(10_000)
  const told: Told[] = []
  for (let i = 0; i < rounds; i++) {
    const wire = await near.dial(lying.self, BLOCKS_PROTOCOL)
    const consumer = new BlocksConsumer(new Channel({ wire, clock }))
    const blocks: Told['blocks'] = []
    const have = await consumer.have(SCOPE, asked)
    try {
      for await (const block of consumer.get(SCOPE, asked)) blocks.push(block)
    } catch {
      // A length that no block has: the answer is cut off there.
    }
    consumer.abort()
    told.push({ have, blocks })
  }
  return told
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

/** Which of the answers are what was asked for; undefined for absent ones. */
function truths({ blocks }: Told): (boolean | undefined)[] {
  return blocks.map((block, i) => {
    const hash = asked[i]
    return block && hash && unpackBlock(hash, block) !== undefined
  })
}

test('without a lie all is as it would be', async (t) => {
  for (const told of await askLiar([], 2)) {
    t.deepEqual(told.have, [true, true, false])
    t.deepEqual(truths(told), [true, true, undefined])
  }
})

test('wrong bytes come in many ways, and none of them is the block', async (t) => {
  const told = await askLiar(['wrong-bytes'])
  const all = told.flatMap(truths)
  t.true(all.includes(true))
  t.true(all.includes(false))
  const wrong = told.flatMap((each) =>
    each.blocks.filter((block, i) => block !== undefined && truths(each)[i] === false)
  )
  t.true(wrong.some((block) => block?.method === 1))
  t.true(wrong.some((block) => block?.method === 0 && block.plainLength !== block.body.length))
  t.true(wrong.some((block) => block !== undefined && same(block.body, TRUTH)))
})

test('what is withheld is absent, and what is not there is claimed', async (t) => {
  const withheld = await askLiar(['withhold'])
  t.true(withheld.some((told) => truths(told)[0] === undefined))
  t.true(withheld.some((told) => truths(told)[0] === true))
  t.true(withheld.some(({ have }) => have[0] === false))
  const claimed = await askLiar(['false-have'])
  t.true(claimed.every(({ have }) => have.every((bit) => bit)))
  t.true(claimed.some((told) => truths(told)[2] === false))
})

/** A wire that keeps what is written to it. */
class Kept implements Wire {
  readonly peer = keyOf('one').public
  readonly written: Uint8Array[] = []

  async write(bytes: Uint8Array): Promise<void> {
    this.written.push(bytes)
  }

  async read(): Promise<Uint8Array | undefined> {
    return undefined
  }

  async end(): Promise<void> {}

  abort(): void {}
}

test('frames come out whole and untouched, in whatever pieces they go in', async (t) => {
  const messages: Message[] = [['ids', 'roster', [], false], ['done'], ['block', 0, 3, OTHER]]
  const bytes = Buffer.concat(messages.map((message) => frameOf(message).bytes))
  for (const step of [1, 3, 7, bytes.length]) {
    const kept = new Kept()
    const heard: string[] = []
    const wire = new LyingWire(kept, {
      hear: () => {},
      say: (message) => {
        heard.push(message[0])
        return [message]
      }
    })
    for (let at = 0; at < bytes.length; at += step) await wire.write(bytes.subarray(at, at + step))
    t.deepEqual(heard, ['ids', 'done', 'block'])
    t.deepEqual(Buffer.concat(kept.written), bytes)
  }
})
