// Framing: what a hostile or dying other side can do to a channel.

import test from 'ava'
import fc from 'fast-check'
import { encode } from '../../store/codec.ts'
import { converse, type Message } from '../../protocol/framing.ts'
import { FRAME_BYTES_PER_SECOND, FRAME_GRACE_MS } from '../../protocol/limits.ts'
import { failureOf, pair } from './_pair.ts'

function frameOf(body: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length, body])
}

test('messages arrive whole and in order, however the bytes are cut', async (t) => {
  const anyMessage = fc.tuple(fc.string(), fc.integer(), fc.uint8Array({ maxLength: 300 }))
  const anyCuts = fc.array(fc.integer({ min: 1, max: 97 }), { minLength: 1, maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(fc.array(anyMessage, { maxLength: 8 }), anyCuts, async (messages, cuts) => {
      const { near, other } = pair()
      const bytes = Buffer.concat(messages.map((message) => frameOf(encode(message))))
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const length = cuts[i % cuts.length] ?? 1
        await near.write(bytes.subarray(at, at + length))
        at += length
      }
      await near.end()
      const received: Message[] = []
      for (;;) {
        const message = await other.receive()
        if (message === undefined) break
        received.push(message)
      }
      t.deepEqual(received, messages)
    }),
    { numRuns: 60 }
  )
})

test('a frame over the limit is refused by its header alone, and the wire is dropped', async (t) => {
  const { near, other } = pair({ frameBytesMax: 1000 })
  const header = Buffer.alloc(4)
  header.writeUInt32BE(1001)
  await near.write(header)
  t.is((await failureOf(other.receive())).name, 'OverLimit')
  t.is((await failureOf(near.read())).name, 'WireCut')
})

test('a message over the limit is not sent at all', async (t) => {
  const { one, other } = pair({ frameBytesMax: 100 })
  t.is((await failureOf(one.send(['big', new Uint8Array(200)]))).name, 'OverLimit')
  await one.send(['small'])
  t.deepEqual(await other.receive(), ['small'])
})

test('an end between frames is an end; within one it is a cut', async (t) => {
  const whole = frameOf(encode(['hello']))
  for (let length = 0; length <= whole.length; length++) {
    const { near, other } = pair()
    await near.write(whole.subarray(0, length))
    await near.end()
    if (length === whole.length) t.deepEqual(await other.receive(), ['hello'])
    if (length === 0 || length === whole.length) t.is(await other.receive(), undefined)
    else t.is((await failureOf(other.receive())).name, 'WireCut', `after ${length} bytes`)
  }
})

test('a wire from which nothing comes is given up', async (t) => {
  const { clock, near, other } = pair({ idleMs: 60_000 })
  const failure = clock.run(failureOf(other.receive()))
  t.is((await failure).name, 'WireCut')
  t.is(clock.monotonic(), 60_000)
  t.is((await failureOf(near.read())).name, 'WireCut')
})

test('a frame that comes in drops is given up, though something always moves', async (t) => {
  for (const body of [0, 100, 200_000]) {
    const { clock, near, other } = pair({ idleMs: 60_000 })
    const frame = frameOf(encode(['slow', new Uint8Array(body)]))
    const dripping = async (): Promise<void> => {
      for (let at = 0; at < frame.length; at++) {
        await near.write(frame.subarray(at, at + 1))
        await clock.sleep(9_000)
      }
    }
    const both = Promise.all([failureOf(other.receive()), failureOf(dripping())])
    const failures = await clock.run(both)
    t.deepEqual(
      failures.map(({ name }) => name),
      ['WireCut', 'WireCut']
    )
    // No later than at the least pace, and the next drop of the other side.
    t.true(
      clock.monotonic() <= 2 * FRAME_GRACE_MS + (body / FRAME_BYTES_PER_SECOND) * 1000 + 10_000
    )
  }
})

test('a frame over a slow line arrives, and the wait before it begins is not counted', async (t) => {
  const { clock, near, other } = pair({ idleMs: 60_000 })
  const bytes = new Uint8Array(900_000)
  const frame = frameOf(encode(['slow', bytes]))
  const sending = async (): Promise<void> => {
    for (let at = 0; at < frame.length; at += 5 * FRAME_BYTES_PER_SECOND) {
      await clock.sleep(at === 0 ? 50_000 : 5_000)
      await near.write(frame.subarray(at, at + 5 * FRAME_BYTES_PER_SECOND))
    }
  }
  const [message] = await clock.run(Promise.all([other.receive(), sending()]))
  t.deepEqual(message, ['slow', bytes])
})

test('a wire that takes nothing any more is given up', async (t) => {
  const { clock, one } = pair({ idleMs: 60_000 }, 1000)
  const failure = clock.run(failureOf(one.send(['much', new Uint8Array(5000)])))
  t.is((await failure).name, 'WireCut')
})

test('a caller who gives up gets his own reason', async (t) => {
  const { clock, other } = pair()
  const { signal } = clock.timeout(10)
  const failure = await clock.run(failureOf(other.receive({ signal })))
  t.is(failure.name, 'TimeoutError')
})

test('the other side may send so much in all, and not a byte more', async (t) => {
  const { near, other } = pair({ totalBytesMax: 100 })
  await near.write(frameOf(encode(['a', new Uint8Array(50)])))
  t.is((await other.receive())?.[0], 'a')
  await near.write(frameOf(encode(['b', new Uint8Array(50)])))
  t.is((await failureOf(other.receive())).name, 'OverLimit')
})

test('what is no message is malformed, and ends the conversation', async (t) => {
  const bad = [
    encode({ hello: 1 }),
    encode([]),
    encode([7, 'hello']),
    encode('hello'),
    Buffer.from('ff', 'hex'),
    // A list of one text, with a length that is longer than it needs to be.
    Buffer.from('81780161', 'hex'),
    new Uint8Array()
  ]
  for (const body of bad) {
    const { near, far, other } = pair()
    await near.write(frameOf(body))
    const failure = await failureOf(converse(other, (channel) => channel.receive()))
    t.is(failure.name, 'Malformed', Buffer.from(body).toString('hex'))
    t.is((await failureOf(near.read())).name, 'WireCut')
    t.is((await failureOf(far.read())).name, 'WireCut')
  }
})

test('a refusal is told from a cut and from an unexpected message', async (t) => {
  const refusing = pair()
  await refusing.one.refuse()
  t.is((await failureOf(refusing.other.expect('x'))).name, 'Refused')

  const cutting = pair()
  cutting.one.abort()
  t.is((await failureOf(cutting.other.expect('x'))).name, 'WireCut')

  const ending = pair()
  await ending.one.end()
  t.is((await failureOf(ending.other.expect('x'))).name, 'WireCut')

  const strange = pair()
  await strange.one.send(['y'])
  t.is((await failureOf(strange.other.expect(['x', 'z']))).name, 'Malformed')
})
