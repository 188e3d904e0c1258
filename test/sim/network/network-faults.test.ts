// What can befall peers on their way to one another: cuts, silence in one direction or both, death with and
// without a word, and sleep.

import test from 'ava'
import { ADDRESS_MS, DIAL_MS, SILENCE_MS } from '../../../node/net/settings.ts'
import { acquaint, couple, everybody, eventsOf, keyOf, outcome, pass } from './_network.ts'
import { text, timed, wire, world } from './_network.ts'

const MIB = 1 << 20

test('a cut breaks connections at once, and a dial finds nobody until it heals', async (t) => {
  const { clock, hub, a, b } = await couple()
  const [near, far] = await wire(clock, a, b)
  const [events, others] = [eventsOf(t, a), eventsOf(t, b)]
  hub.cut(a.self, b.self)
  t.deepEqual([a.connected(), b.connected()], [[], []])
  const ends = [outcome(near.read()), outcome(far.read())]
  const dial = await timed(clock, a.dial(b.self, '/wire'))
  t.deepEqual(
    ends.map(({ now }) => now),
    ['WireCut', 'WireCut']
  )
  t.deepEqual(dial, { ms: ADDRESS_MS, what: 'PeerUnreachable' })
  hub.heal(a.self, b.self)
  await clock.run(a.dial(b.self, '/wire'))
  t.deepEqual(events, ['gone 2', 'connected 2'])
  t.deepEqual(others, ['gone 1', 'connected 1'])
})

test('what is sent into a one-way silence arrives in order when it clears', async (t) => {
  const { clock, hub, a, b } = await couple()
  const [near, far] = await wire(clock, a, b)
  const events = eventsOf(t, b)
  hub.blackhole(a.self, b.self)
  const heard = outcome(far.read().then(text))
  await near.write(Buffer.from('one '))
  await pass(clock, SILENCE_MS / 2)
  await near.write(Buffer.from('two'))
  await near.end()
  await pass(clock, SILENCE_MS / 4)
  t.is(heard.now, undefined)
  await far.write(Buffer.from('the other way'))
  t.is(text(await clock.run(near.read())), 'the other way')
  hub.clear(a.self, b.self)
  await pass(clock, 10)
  t.is(heard.now, 'one two')
  t.is(await clock.run(far.read()), undefined)
  await pass(clock, SILENCE_MS)
  t.deepEqual(events, [])
})

test('who gets no acknowledgements fills its window, waits, and goes on when they come', async (t) => {
  const { clock, hub, a, b } = await couple()
  const [near, far] = await wire(clock, a, b)
  hub.blackhole(b.self, a.self)
  await clock.run(near.write(new Uint8Array(MIB)))
  let read = 0
  const reading = (async () => {
    while (read < MIB + 10) read += (await far.read())?.length ?? 0
  })()
  const more = outcome(near.write(new Uint8Array(10)).then(() => 'written'))
  await pass(clock, SILENCE_MS / 2)
  t.is(read, MIB + 10)
  await reading
  t.is(more.now, undefined)
  hub.clear(b.self, a.self)
  await pass(clock, 10)
  t.is(more.now, 'written')
})

for (const [name, directions] of Object.entries({ 'one-way': 1, full: 2 })) {
  test(`after two minutes of ${name} silence both sides find their connection broken`, async (t) => {
    const { clock, hub, a, b } = await couple()
    const [near, far] = await wire(clock, a, b)
    const events = [eventsOf(t, a), eventsOf(t, b)]
    hub.blackhole(a.self, b.self)
    if (directions === 2) hub.blackhole(b.self, a.self)
    const ends = [outcome(near.read()), outcome(far.read())]
    await near.write(Buffer.from('lost'))
    await pass(clock, SILENCE_MS - 1)
    t.deepEqual([a.connected(), b.connected()], [[b.self], [a.self]])
    t.deepEqual(events, [[], []])
    await pass(clock, 2)
    t.deepEqual(events, [['gone 2'], ['gone 1']])
    t.deepEqual(
      ends.map(({ now }) => now),
      ['WireCut', 'WireCut']
    )
    hub.clear(a.self, b.self)
    hub.clear(b.self, a.self)
    await pass(clock, SILENCE_MS)
    t.deepEqual([a.connected(), b.connected()], [[], []])
  })
}

test('silence counts from its start again after something was heard', async (t) => {
  const { clock, hub, a, b } = await couple()
  await wire(clock, a, b)
  for (let i = 0; i < 4; i += 1) {
    hub.blackhole(a.self, b.self)
    await pass(clock, SILENCE_MS - 10)
    hub.clear(a.self, b.self)
    await pass(clock, 20)
  }
  t.deepEqual([a.connected(), b.connected()], [[b.self], [a.self]])
})

test('a dial into silence takes its time, over a connection and without one', async (t) => {
  const { clock, hub, peers } = await world(['', '', ''])
  const [a, b, c] = [peers[0]!, peers[1]!, peers[2]!]
  await wire(clock, a, b)
  for (const peer of [b, c]) hub.blackhole(peer.self, a.self)
  const unreachable = 'PeerUnreachable'
  t.deepEqual(await timed(clock, a.dial(b.self, '/wire')), { ms: DIAL_MS, what: unreachable })
  t.deepEqual(await timed(clock, a.dial(c.self, '/wire')), { ms: ADDRESS_MS, what: unreachable })
  t.deepEqual(await timed(clock, a.meet(c.address)), { ms: ADDRESS_MS, what: unreachable })
})

test('a dial succeeds if the way clears while it still tries', async (t) => {
  const { clock, hub, a, b } = await couple()
  b.handle('/x', async () => undefined)
  hub.blackhole(b.self, a.self)
  const dialling = a.dial(b.self, '/x')
  await pass(clock, 2_000)
  hub.clear(b.self, a.self)
  await clock.run(dialling)
  // The first packets went out at 0 and 1 s; the third finds the way clear.
  t.is(clock.monotonic() - 5, 3_000 + 20)
})

test('where nothing runs a dial is refused at once; where nobody is it times out', async (t) => {
  const { clock, hub, a, b } = await couple()
  hub.kill(b.self)
  t.deepEqual(await timed(clock, a.dial(b.self, '/x')), { ms: 10, what: 'PeerUnreachable' })
  hub.vanish(b.self)
  t.deepEqual(await timed(clock, a.dial(b.self, '/x')), { ms: ADDRESS_MS, what: 'PeerUnreachable' })
  const empty = a.meet('10.99.0.1')
  t.deepEqual(await timed(clock, empty), { ms: ADDRESS_MS, what: 'PeerUnreachable' })
})

test('a dial is given up at once when its signal says so', async (t) => {
  const { clock, hub, a, b } = await couple()
  await wire(clock, a, b)
  hub.blackhole(a.self, b.self)
  const giveUp = new AbortController()
  const dialling = a.dial(b.self, '/wire', { signal: giveUp.signal })
  await pass(clock, 1_000)
  giveUp.abort(new Error('enough'))
  await t.throwsAsync(clock.run(dialling), { message: 'enough' })
})

test('a connection that is dropped can be made again at once', async (t) => {
  const { clock, hub, peers } = await world(['', '', ''])
  const [a, b, c] = [peers[0]!, peers[1]!, peers[2]!]
  const [toB] = await wire(clock, a, b)
  const [toC] = await wire(clock, a, c)
  hub.drop(a.self, b.self)
  await t.throwsAsync(clock.run(toB.read()), { name: 'WireCut' })
  t.deepEqual(a.connected(), [c.self])
  await clock.run(a.dial(b.self, '/wire'))
  hub.drop(a.self)
  await t.throwsAsync(clock.run(toC.read()), { name: 'WireCut' })
  t.deepEqual(a.connected(), [])
  t.is((await timed(clock, a.dial(c.self, '/wire'))).ms, 20)
})

test('an isolated peer hears nobody and is heard by nobody until it rejoins', async (t) => {
  const { clock, hub, peers } = await world(['', '', ''])
  const [a, b, c] = [peers[0]!, peers[1]!, peers[2]!]
  const [near, far] = await wire(clock, a, b)
  hub.isolate(a.self)
  await near.write(Buffer.from('from a'))
  await far.write(Buffer.from('from b'))
  const heard = [outcome(near.read().then(text)), outcome(far.read().then(text))]
  t.is((await timed(clock, c.dial(a.self, '/wire'))).what, 'PeerUnreachable')
  await clock.run(c.dial(b.self, '/wire'))
  t.deepEqual(heard, [{ now: undefined }, { now: undefined }])
  hub.rejoin(a.self)
  await pass(clock, 10)
  t.deepEqual(heard, [{ now: 'from b' }, { now: 'from a' }])
})

test('a process that is killed is missed at once, and says nothing itself', async (t) => {
  const { clock, hub, a, b } = await couple()
  const [near, far] = await wire(clock, a, b)
  const events = [eventsOf(t, a), eventsOf(t, b)]
  await near.write(Buffer.from('in flight'))
  hub.kill(a.self)
  await t.throwsAsync(clock.run(far.read()), { name: 'WireCut' })
  t.deepEqual(events, [[], ['gone 1']])
  await t.throwsAsync(a.start(), { message: /has ended/ })
})

test('a peer whose power goes is missed only after two minutes', async (t) => {
  const { clock, hub, a, b } = await couple()
  const [, far] = await wire(clock, a, b)
  const events = [eventsOf(t, a), eventsOf(t, b)]
  hub.vanish(a.self)
  await far.write(Buffer.from('are you there'))
  const heard = outcome(far.read())
  await pass(clock, SILENCE_MS - 1)
  t.deepEqual(b.connected(), [a.self])
  t.is(heard.now, undefined)
  await pass(clock, 2)
  t.deepEqual([b.connected(), heard.now], [[], 'WireCut'])
  t.deepEqual(events, [[], ['gone 1']])
})

test('an old connection is reset when its other side is back and is spoken to', async (t) => {
  const { clock, hub, a, b } = await couple()
  const [, far] = await wire(clock, a, b)
  hub.vanish(a.self)
  await pass(clock, 10_000)
  const again = hub.attach(a.self, everybody, { mdns: false })
  await again.start()
  t.is(again.address, a.address)
  await pass(clock, 1_000)
  t.deepEqual([again.connected(), b.connected()], [[], [a.self]])
  await far.write(Buffer.from('are you there'))
  await pass(clock, 10)
  t.deepEqual(b.connected(), [])
})

test('what was held for a computer without power resets the connection once it is back', async (t) => {
  const { clock, hub, a, b } = await couple()
  const [, far] = await wire(clock, a, b)
  hub.vanish(a.self)
  await far.write(Buffer.from('are you there'))
  await pass(clock, 10_000)
  hub.attach(a.self, everybody)
  await pass(clock, 15)
  t.deepEqual(b.connected(), [])
})

test('an idle old connection is found out by the next ping', async (t) => {
  const { clock, hub, a, b } = await couple()
  await wire(clock, a, b)
  hub.vanish(a.self)
  await pass(clock, 50_000)
  hub.attach(a.self, everybody)
  await pass(clock, 5_000)
  t.deepEqual(b.connected(), [a.self])
  await pass(clock, 30_000)
  t.deepEqual(b.connected(), [])
})

test('who comes back while it is not yet missed is neither gone nor new', async (t) => {
  const { clock, hub, a, b } = await couple()
  await wire(clock, a, b)
  const events = eventsOf(t, b)
  hub.vanish(a.self)
  await pass(clock, 1_000)
  const again = hub.attach(a.self, everybody, { mdns: false })
  await again.start()
  acquaint([again, b])
  await wire(clock, again, b)
  t.deepEqual([again.connected(), b.connected()], [[b.self], [a.self]])
  await wire(clock, b, again)
  await pass(clock, SILENCE_MS)
  t.deepEqual(b.connected(), [a.self])
  t.deepEqual(events, [])
})

test('a sleeper that wakes in time goes on as if nothing had been', async (t) => {
  const { clock, hub, a, b } = await couple()
  const [near, far] = await wire(clock, a, b)
  const events = [eventsOf(t, a), eventsOf(t, b)]
  hub.freeze(a.self)
  await far.write(Buffer.from('good morning'))
  const heard = outcome(near.read().then(text))
  await pass(clock, SILENCE_MS - 1_000)
  t.is(heard.now, undefined)
  hub.thaw(a.self)
  await pass(clock, 10)
  t.is(heard.now, 'good morning')
  await pass(clock, SILENCE_MS)
  t.deepEqual(events, [[], []])
})

test('a sleeper that wakes too late finds its connections broken', async (t) => {
  const { clock, hub, a, b } = await couple()
  const [near] = await wire(clock, a, b)
  const events = [eventsOf(t, a), eventsOf(t, b)]
  hub.freeze(a.self)
  const heard = outcome(near.read())
  await pass(clock, 10 * SILENCE_MS)
  t.deepEqual(events, [[], ['gone 1']])
  t.deepEqual([a.connected(), heard.now], [[b.self], undefined])
  t.is((await timed(clock, b.dial(a.self, '/wire'))).ms, ADDRESS_MS)
  hub.thaw(a.self)
  await pass(clock, 10)
  t.deepEqual(events, [['gone 2'], ['gone 1']])
  t.is(heard.now, 'WireCut')
  await clock.run(a.dial(b.self, '/wire'))
})

test('a sleeper whose power goes is dead', async (t) => {
  const { clock, hub, a, b } = await couple()
  await wire(clock, a, b)
  hub.freeze(a.self)
  hub.vanish(a.self)
  hub.thaw(a.self)
  t.is((await timed(clock, b.meet(a.address))).ms, ADDRESS_MS)
  const again = hub.attach(a.self, everybody, { mdns: false })
  await again.start()
  await pass(clock, 1_000)
  t.deepEqual(await clock.run(b.meet(a.address)), a.self)
})

test('a peer that hangs up in silence is missed later', async (t) => {
  const { clock, hub, a, b } = await couple()
  await wire(clock, a, b)
  hub.blackhole(a.self, b.self)
  await a.hangUp(b.self)
  t.deepEqual([a.connected(), b.connected()], [[], [a.self]])
  await pass(clock, SILENCE_MS + 10)
  t.deepEqual(b.connected(), [])
})

test('peers of a cut site do not see each other until it heals', async (t) => {
  const { clock, hub, peers } = await world(['', ''], { mdns: true })
  const [a, b] = [peers[0]!, peers[1]!]
  hub.cut(a.self, b.self)
  const events = eventsOf(t, a)
  await pass(clock, 200_000)
  t.deepEqual(events, [])
  hub.heal(a.self, b.self)
  await pass(clock, 10)
  t.deepEqual(events, [`seen ${keyOf(2)[0]}`])
})
