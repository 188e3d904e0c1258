// What every network promises, said once, and asked of the real one and of the one in memory. A promise
// that only one of them can be asked about stands in its own test file.

import { randomBytes } from 'node:crypto'
import type { ExecutionContext, TestFn } from 'ava'
import fc from 'fast-check'
import { Malformed } from '../../store/errors.ts'
import { OverLimit, PeerUnreachable, Refused, WireCut } from '../../protocol/errors.ts'
import type { Gate, Network, NetworkEvent, Wire } from '../../protocol/network.ts'
import { toHex } from '../../store/block.ts'
import type { PeerKey } from '../../store/peer.ts'

/** A roster that a test can change. */
export class Members implements Gate {
  readonly #keys = new Set<string>()

  add(...peers: PeerKey[]): void {
    for (const peer of peers) this.#keys.add(toHex(peer))
  }

  isMember(peer: PeerKey): boolean {
    return this.#keys.has(toHex(peer))
  }
}

/** A network of a new peer, started; stopped after the test. */
export type Attach = (t: ExecutionContext, gate: Gate) => Promise<Network>

/** All that comes until the end. */
export async function readAll(wire: Wire): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for (;;) {
    const piece = await wire.read()
    if (piece === undefined) return new Uint8Array(Buffer.concat(pieces))
    pieces.push(piece.slice())
  }
}

/** Resolves when `isTrue` says so; asked again at every turn of the event loop. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 2))
}

/** Two members that know each other's address. */
export async function pair(t: ExecutionContext, attach: Attach): Promise<[Network, Network]> {
  const members = new Members()
  const [a, b] = [await attach(t, members), await attach(t, members)]
  members.add(a.self, b.self)
  a.learn({ peer: b.self, addresses: b.addresses() })
  b.learn({ peer: a.self, addresses: a.addresses() })
  return [a, b]
}

/** A member and a stranger to it, which knows the member for one or not. */
async function memberAndStranger(
  t: ExecutionContext,
  attach: Attach
): Promise<{ member: Network; stranger: Network; roster: Members; strangersView: Members }> {
  const [roster, strangersView] = [new Members(), new Members()]
  const [member, stranger] = [await attach(t, roster), await attach(t, strangersView)]
  roster.add(member.self)
  return { member, stranger, roster, strangersView }
}

const echo = async (wire: Wire): Promise<void> => {
  for (;;) {
    const piece = await wire.read()
    if (piece === undefined) return
    await wire.write(piece.slice())
  }
}

export function conformance(test: TestFn, attach: Attach): void {
  test('bytes come back as they were sent, however they were cut', async (t) => {
    const [a, b] = await pair(t, attach)
    b.handle('/echo', echo)
    const sizes = fc.array(fc.oneof(fc.nat(300), fc.nat(200_000)), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(sizes, async (lengths) => {
        const pieces = lengths.map((length) => new Uint8Array(randomBytes(length)))
        const wire = await a.dial(b.self, '/echo')
        const answer = readAll(wire)
        for (const piece of pieces) await wire.write(piece)
        await wire.end()
        return Buffer.concat(pieces).equals(await answer)
      }),
      { numRuns: 25 }
    )
    t.pass()
  })

  test('a large stream passes whole in both directions at once', async (t) => {
    const [a, b] = await pair(t, attach)
    b.handle('/echo', echo)
    const wire = await a.dial(b.self, '/echo')
    t.deepEqual(wire.peer, b.self)
    const whole = new Uint8Array(randomBytes(12 << 20))
    const answer = readAll(wire)
    for (let at = 0; at < whole.length; at += 1 << 20) {
      await wire.write(whole.subarray(at, at + (1 << 20)))
    }
    await wire.end()
    t.true(Buffer.from(whole).equals(await answer))
  })

  test('one side ends, and the other still speaks', async (t) => {
    const [a, b] = await pair(t, attach)
    b.handle('/ask', async (wire) => {
      const asked = await readAll(wire)
      await wire.write(Buffer.from(`you said ${Buffer.from(asked).toString()}`))
      await wire.end()
    })
    const wire = await a.dial(b.self, '/ask')
    await wire.write(Buffer.from('hello'))
    await wire.end()
    t.is(Buffer.from(await readAll(wire)).toString(), 'you said hello')
    t.is(await wire.read(), undefined)
  })

  test('a handler that returns has ended its wire, and what it wrote arrives', async (t) => {
    const [a, b] = await pair(t, attach)
    const said = randomBytes(300_000)
    b.handle('/tell', (wire) => wire.write(said))
    const wire = await a.dial(b.self, '/tell')
    t.true(said.equals(await readAll(wire)))
  })

  test('an abort is a cut at the other side, and never an end', async (t) => {
    const [a, b] = await pair(t, attach)
    const seen = Promise.withResolvers<unknown>()
    b.handle('/half', async (wire) => {
      await wire.write(Buffer.from('go'))
      await readAll(wire).then(seen.resolve, seen.resolve)
    })
    const wire = await a.dial(b.self, '/half')
    await wire.read()
    await wire.write(randomBytes(1000))
    wire.abort()
    wire.abort()
    t.true((await seen.promise) instanceof WireCut)
    await t.throwsAsync(wire.read(), { instanceOf: WireCut })
    await t.throwsAsync(wire.write(Buffer.from('more')), { instanceOf: WireCut })
    await t.throwsAsync(wire.end(), { instanceOf: WireCut })
  })

  test('a handler that throws is a cut at the other side, and nothing else', async (t) => {
    const [a, b] = await pair(t, attach)
    b.handle('/bad', async (wire) => {
      await wire.read()
      throw new Error('a bug')
    })
    b.handle('/echo', echo)
    const wire = await a.dial(b.self, '/bad')
    await wire.write(Buffer.from('x'))
    await t.throwsAsync(readAll(wire), { instanceOf: WireCut })
    const next = await a.dial(b.self, '/echo')
    await next.write(Buffer.from('still there'))
    await next.end()
    t.is(Buffer.from(await readAll(next)).toString(), 'still there')
  })

  test('a reader that does not read makes the writer wait, and nothing is lost by it', async (t) => {
    const [a, b] = await pair(t, attach)
    const go = Promise.withResolvers<void>()
    const total = 12 << 20
    b.handle('/slow', async (wire) => {
      await go.promise
      const all = await readAll(wire)
      await wire.write(Buffer.from(String(all.length)))
    })
    const wire = await a.dial(b.self, '/slow')
    let written = 0
    const writing = (async () => {
      for (; written < total; written += 65_536) await wire.write(new Uint8Array(65_536))
      await wire.end()
    })()
    let before = -1
    while (before !== written) {
      before = written
      await new Promise((resolve) => setTimeout(resolve, 150))
    }
    t.true(written < 6 << 20, `${written} bytes were taken though nobody read`)
    go.resolve()
    await writing
    t.is(Buffer.from(await readAll(wire)).toString(), String(total))
  })

  test('what nobody answers is refused', async (t) => {
    const [a, b] = await pair(t, attach)
    await t.throwsAsync(a.dial(b.self, '/none'), { instanceOf: Refused })
  })

  test('a peer that is not there cannot be reached', async (t) => {
    const [a, b] = await pair(t, attach)
    await t.throwsAsync(a.dial(randomBytes(32), '/x'), { instanceOf: PeerUnreachable })
    const address = b.addresses()[0]!
    await b.stop()
    await t.throwsAsync(a.dial(b.self, '/x'), { instanceOf: PeerUnreachable })
    await t.throwsAsync(a.meet(address), { instanceOf: PeerUnreachable })
  })

  test('what is no address is said to be none', async (t) => {
    const [a] = await pair(t, attach)
    await t.throwsAsync(a.meet('/ip4/1.2.3.4/udp/5'), { instanceOf: Malformed })
    await t.throwsAsync(a.meet('two words'), { instanceOf: Malformed })
  })

  test('meeting tells who is there, and refuses another than the address names', async (t) => {
    const [a, b] = await pair(t, attach)
    const address = b.addresses()[0]!
    t.deepEqual(await a.meet(address), b.self)
    const other = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'
    await t.throwsAsync(a.meet(`${address}/p2p/${other}`), { instanceOf: PeerUnreachable })
  })

  test('a stranger reaches what strangers may have, and nothing else', async (t) => {
    const { member, stranger } = await memberAndStranger(t, attach)
    let reached = 0
    member.handle('/members', async () => void (reached += 1))
    member.handle('/join', echo, { strangers: true })
    await t.throwsAsync(stranger.dial(member.self, '/join'), { instanceOf: PeerUnreachable })
    t.deepEqual(await stranger.meet(member.addresses()[0]!), member.self)
    await t.throwsAsync(stranger.dial(member.self, '/members'), { instanceOf: Refused })
    const wire = await stranger.dial(member.self, '/join')
    await wire.write(Buffer.from('let me in'))
    await wire.end()
    t.is(Buffer.from(await readAll(wire)).toString(), 'let me in')
    t.is(reached, 0)
  })

  test('a stranger that says too much is cut', async (t) => {
    const { member, stranger } = await memberAndStranger(t, attach)
    member.handle('/join', async (wire) => void (await readAll(wire)), { strangers: true })
    await stranger.meet(member.addresses()[0]!)
    const wire = await stranger.dial(member.self, '/join')
    await wire.write(randomBytes(4097))
    await t.throwsAsync(readAll(wire), { instanceOf: WireCut })
  })

  test('a stranger is not dialled, even where it was seen', async (t) => {
    const { member, stranger } = await memberAndStranger(t, attach)
    member.learn({ peer: stranger.self, addresses: stranger.addresses() })
    await t.throwsAsync(member.dial(stranger.self, '/x'), { instanceOf: PeerUnreachable })
    t.deepEqual(stranger.connected(), [])
  })

  test('who becomes a member keeps its connection, and may do more over it', async (t) => {
    const { member, stranger, roster } = await memberAndStranger(t, attach)
    member.handle('/members', echo)
    await stranger.meet(member.addresses()[0]!)
    await t.throwsAsync(stranger.dial(member.self, '/members'), { instanceOf: Refused })
    const events: NetworkEvent[] = []
    t.teardown(member.watch((event) => events.push(event)))
    roster.add(stranger.self)
    const wire = await stranger.dial(member.self, '/members')
    await wire.write(randomBytes(10_000))
    await wire.end()
    t.is((await readAll(wire)).length, 10_000)
    t.deepEqual(
      events.filter(({ type }) => type !== 'seen'),
      []
    )
  })

  test('two peers that dial each other at once both get their wire', async (t) => {
    const [a, b] = await pair(t, attach)
    a.handle('/echo', echo)
    b.handle('/echo', echo)
    const wires = await Promise.all([a.dial(b.self, '/echo'), b.dial(a.self, '/echo')])
    for (const wire of wires) {
      await wire.write(Buffer.from('both'))
      await wire.end()
      t.is(Buffer.from(await readAll(wire)).toString(), 'both')
    }
    t.deepEqual(a.connected(), [b.self])
    t.deepEqual(b.connected(), [a.self])
  })

  test('connections are told when they come and when they go', async (t) => {
    const [a, b] = await pair(t, attach)
    const events: string[] = []
    a.watch(({ type }) => events.push(`a ${type}`))
    const stopWatching = b.watch(({ type }) => events.push(`b ${type}`))
    b.handle('/echo', echo)
    await a.dial(b.self, '/echo')
    await until(() => events.includes('b connected') && events.includes('a connected'))
    await a.hangUp(b.self)
    await until(() => events.includes('b gone') && events.includes('a gone'))
    stopWatching()
    await a.dial(b.self, '/echo')
    await until(() => events.filter((event) => event === 'a connected').length === 2)
    t.is(events.filter((event) => event === 'b connected').length, 1)
  })

  test('a peer that stops cuts what is under way, but not what it had ended', async (t) => {
    const [a, b] = await pair(t, attach)
    const half = Promise.withResolvers<unknown>()
    const whole = Promise.withResolvers<unknown>()
    b.handle('/half', (wire) => readAll(wire).then(half.resolve, half.resolve))
    b.handle('/whole', (wire) => readAll(wire).then(whole.resolve, whole.resolve))
    const [open, ended] = [await a.dial(b.self, '/half'), await a.dial(b.self, '/whole')]
    await open.write(randomBytes(5000))
    await ended.write(randomBytes(5000))
    await ended.end()
    await a.stop()
    t.true((await half.promise) instanceof WireCut)
    t.is(((await whole.promise) as Uint8Array).length, 5000)
    await t.throwsAsync(open.read(), { instanceOf: WireCut })
  })

  test('a stopped peer can be started again', async (t) => {
    const [a, b] = await pair(t, attach)
    b.handle('/echo', echo)
    await b.stop()
    t.deepEqual(b.addresses(), [])
    await b.start()
    a.learn({ peer: b.self, addresses: b.addresses() })
    const wire = await a.dial(b.self, '/echo')
    await wire.end()
    t.is((await readAll(wire)).length, 0)
  })

  test('waiting is given up when the signal says so', async (t) => {
    const [a, b] = await pair(t, attach)
    b.handle('/silent', async (wire) => void (await wire.read()))
    const wire = await a.dial(b.self, '/silent')
    const giveUp = new AbortController()
    const reading = wire.read({ signal: giveUp.signal })
    giveUp.abort(new Error('enough'))
    await t.throwsAsync(reading, { message: 'enough' })
    await t.throwsAsync(a.dial(b.self, '/silent', { signal: giveUp.signal }), { message: 'enough' })
    await t.throwsAsync(a.meet(b.addresses()[0]!, { signal: giveUp.signal }), { message: 'enough' })
  })

  test('sixteen wires run to one peer at a time, and not seventeen', async (t) => {
    const [a, b] = await pair(t, attach)
    b.handle('/echo', echo)
    const wires = await Promise.all(Array.from({ length: 16 }, () => a.dial(b.self, '/echo')))
    await t.throwsAsync(a.dial(b.self, '/echo'), { instanceOf: OverLimit })
    await Promise.all(
      wires.map(async (wire, i) => {
        await wire.write(Buffer.from(String(i)))
        await wire.end()
        t.is(Buffer.from(await readAll(wire)).toString(), String(i))
      })
    )
    await until(() => true)
    const again = await a.dial(b.self, '/echo')
    await again.end()
    t.is((await readAll(again)).length, 0)
  })
}
