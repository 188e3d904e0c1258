import { randomBytes } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { CannotListen } from '../../../node/errors.ts'
import { Libp2pNetwork, type Libp2pNetworkInit } from '../../../node/net/libp2p-network.ts'
import { PeerUnreachable, Refused, WireCut } from '../../../protocol/errors.ts'
import type { Gate, Network, Wire } from '../../../protocol/network.ts'
import { fromHex } from '../../../store/block.ts'
import { type Clock, systemClock } from '../../../store/clock.ts'
import { Malformed } from '../../../store/errors.ts'
import { SimClock } from '../../../sim/clock.ts'
import { conformance, Members, readAll, until } from '../../_net/conformance.ts'
import { PeerProcess } from '../../_net/processes.ts'

const everybody: Gate = { isMember: () => true }
const nobody: Gate = { isMember: () => false }
const loopback = { listen: ['127.0.0.1:0'], mdns: false }

async function attach(
  t: ExecutionContext,
  gate: Gate,
  init: Libp2pNetworkInit = {},
  clock: Clock = systemClock
): Promise<Libp2pNetwork> {
  const components = { seed: new Uint8Array(randomBytes(32)), gate, clock }
  const network = new Libp2pNetwork(components, { ...loopback, ...init })
  t.teardown(() => network.stop())
  await network.start()
  return network
}

conformance(test, attach)

/** A peer in another process, to which `network` has a wire. */
async function wireToProcess(
  t: ExecutionContext,
  network: Network,
  protocol: string
): Promise<{ wire: Wire; other: PeerProcess }> {
  const other = PeerProcess.start(t, { seed: randomBytes(32).toString('hex'), ...loopback })
  const { peer, addresses } = await other.ready()
  const key = fromHex(peer, 32)
  network.learn({ peer: key, addresses })
  return { wire: await network.dial(key, protocol), other }
}

test('a process that is killed while it sends is a cut, and never an end', async (t) => {
  const network = await attach(t, everybody)
  for (const pieces of [0, 3, 60]) {
    const { wire, other } = await wireToProcess(t, network, '/flood')
    for (let i = 0; i < pieces; i += 1) await wire.read()
    await other.kill()
    await t.throwsAsync(readAll(wire), { instanceOf: WireCut })
    await t.throwsAsync(wire.write(randomBytes(10)), { instanceOf: WireCut })
  }
})

test('a process that is killed while it is made to wait is a cut after what had come', async (t) => {
  const network = await attach(t, everybody)
  const { wire, other } = await wireToProcess(t, network, '/flood')
  await wire.read()
  const gone = new Promise<void>((resolve) => {
    network.watch(({ type }) => {
      if (type === 'gone') resolve()
    })
  })
  await other.kill()
  await gone
  let bytes = 0
  const reading = (async () => {
    for (;;) bytes += (await wire.read())?.length ?? Number.NaN
  })()
  await t.throwsAsync(reading, { instanceOf: WireCut })
  t.true(bytes > 0)
  t.true(bytes < 4 << 20)
})

test('a process that is killed while it receives is a cut for the writer', async (t) => {
  const network = await attach(t, everybody)
  const { wire, other } = await wireToProcess(t, network, '/sink')
  const writing = (async () => {
    for (;;) await wire.write(new Uint8Array(65_536))
  })()
  await other.kill()
  await t.throwsAsync(writing, { instanceOf: WireCut })
})

test('a peer that came back at another port is reached there', async (t) => {
  const network = await attach(t, everybody)
  const seed = randomBytes(32).toString('hex')
  for (let round = 0; round < 2; round += 1) {
    const other = PeerProcess.start(t, { seed, ...loopback })
    const { peer, addresses } = await other.ready()
    network.learn({ peer: fromHex(peer, 32), addresses })
    const wire = await network.dial(fromHex(peer, 32), '/sink')
    await wire.end()
    t.is((await readAll(wire)).length, 0)
    await other.kill()
  }
})

test('the first address that works is taken, and one with another peer behind it is not', async (t) => {
  const [network, right, wrong] = [
    await attach(t, everybody),
    await attach(t, everybody),
    await attach(t, everybody)
  ]
  right.handle('/hello', (wire) => wire.end())
  let reachedWrong = 0
  wrong.handle('/hello', async () => void (reachedWrong += 1))
  const addresses = [...right.addresses(), ...wrong.addresses(), '127.0.0.1:1']
  network.learn({ peer: right.self, addresses })
  const wire = await network.dial(right.self, '/hello')
  t.is((await readAll(wire)).length, 0)
  network.learn({ peer: randomBytes(32), addresses: wrong.addresses() })
  await t.throwsAsync(network.dial(randomBytes(32), '/hello'), { instanceOf: PeerUnreachable })
  t.is(reachedWrong, 0)
})

test('a stranger that does not become a member is shown out after ten seconds', async (t) => {
  const roster = new Members()
  const clock = new SimClock()
  const member = await attach(t, roster, {}, clock)
  const [stays, leaves] = [await attach(t, nobody), await attach(t, nobody)]
  member.handle('/join', (wire) => readAll(wire).then(() => undefined), { strangers: true })
  const enter = async (stranger: Network): Promise<Wire> => {
    await stranger.meet(member.addresses()[0]!)
    return await stranger.dial(member.self, '/join')
  }
  await enter(stays)
  roster.add(stays.self)
  const wire = await enter(leaves)
  t.is(member.connected().length, 2)
  await clock.run(clock.sleep(10_000))
  await t.throwsAsync(readAll(wire), { instanceOf: WireCut })
  t.deepEqual(member.connected(), [stays.self])
})

test('a peer that was met and is no member is left again after a minute', async (t) => {
  const other = await attach(t, everybody)
  const clock = new SimClock()
  const joiner = await attach(t, nobody, {}, clock)
  await joiner.meet(other.addresses()[0]!)
  t.is(joiner.connected().length, 1)
  await clock.run(clock.sleep(60_000))
  await until(() => joiner.connected().length === 0)
  t.pass()
})

test('one address sends one stranger at a time', async (t) => {
  const member = await attach(t, nobody)
  member.handle('/join', (wire) => readAll(wire).then(() => undefined), { strangers: true })
  const [first, second] = [await attach(t, nobody), await attach(t, nobody)]
  const address = member.addresses()[0]!
  await first.meet(address)
  const wire = await first.dial(member.self, '/join')
  const meeting = async (): Promise<void> => {
    await second.meet(address)
    await (await second.dial(member.self, '/join')).end()
  }
  await t.throwsAsync(meeting())
  await wire.end()
  t.is((await readAll(wire)).length, 0)
  await first.stop()
  await until(() => member.connected().length === 0)
  await t.notThrowsAsync(meeting())
})

test('who is a member no more is refused over the connection it still has', async (t) => {
  let isMember = true
  const other = await attach(t, { isMember: () => isMember })
  other.handle('/x', (wire) => wire.end())
  const network = await attach(t, everybody)
  network.learn({ peer: other.self, addresses: other.addresses() })
  await (await network.dial(other.self, '/x')).end()
  isMember = false
  await t.throwsAsync(network.dial(other.self, '/x'), { instanceOf: Refused })
})

test('of two connections between two peers one is left, and wires agree on it', async (t) => {
  // Whose key is lower differs from round to round, and it makes no difference.
  for (let round = 0; round < 3; round += 1) {
    const clock = new SimClock()
    const [a, b] = [await attach(t, everybody, {}, clock), await attach(t, everybody, {}, clock)]
    const dials = [a.meet(b.addresses()[0]!), b.meet(a.addresses()[0]!)]
    await Promise.all(dials)
    const events: string[] = []
    for (const each of [a, b]) {
      each.handle('/echo', async (wire) => wire.write(await readAll(wire)))
      each.watch(({ type }) => events.push(type))
    }
    await clock.run(clock.sleep(5_000))
    for (const [from, to] of [
      [a, b],
      [b, a]
    ] as const) {
      const wire = await from.dial(to.self, '/echo')
      await wire.write(Buffer.from('hi'))
      await wire.end()
      t.is((await readAll(wire)).length, 2)
    }
    t.deepEqual(events, [])
  }
})

test('a port that is taken is said so, and a name is not listened on', async (t) => {
  const first = await attach(t, everybody)
  const port = /\d+$/.exec(first.addresses()[0]!)?.[0]
  await t.throwsAsync(attach(t, everybody, { listen: [`127.0.0.1:${port}`] }), {
    instanceOf: CannotListen
  })
  t.throws(
    () =>
      new Libp2pNetwork(
        { seed: randomBytes(32), gate: everybody, clock: systemClock },
        { listen: ['localhost'] }
      ),
    { instanceOf: Malformed }
  )
})

test('a peer that listens nowhere dials all the same', async (t) => {
  const other = await attach(t, everybody)
  other.handle('/x', (wire) => wire.end())
  const network = await attach(t, everybody, { listen: [] })
  t.deepEqual(network.addresses(), [])
  t.deepEqual(await network.meet(other.addresses()[0]!), other.self)
  await t.notThrowsAsync(network.dial(other.self, '/x'))
})
