import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { PeerProcess } from '../../_net/processes.ts'

// Real interfaces, and none of this computer's: each test makes network namespaces of its own, joined by
// a bridge that it makes too, and removes them whatever happens.

function canMakeNamespaces(): string | undefined {
  if (process.getuid?.() !== 0) return 'it takes root'
  const name = `drystone-try-${process.pid}`
  try {
    execFileSync('ip', ['netns', 'add', name], { stdio: 'pipe' })
    execFileSync('ip', ['netns', 'del', name], { stdio: 'pipe' })
    return undefined
  } catch (error) {
    return `ip netns does not work here: ${error instanceof Error ? error.message : String(error)}`
  }
}

const obstacle = canMakeNamespaces()
const namespaced = obstacle === undefined ? test.serial : test.serial.skip
if (obstacle !== undefined)
  console.warn(`skipped: finding peers over real interfaces, as ${obstacle}`)

let made = 0

/** A LAN with `count` computers, each a namespace with the address 10.77.0.N on `e0`. */
class Lan {
  readonly names: string[] = []
  readonly #bridge: string

  constructor(t: ExecutionContext, count: number) {
    made += 1
    const id = `${process.pid % 10_000}x${made}`
    // The bridge too lives in a namespace, so nothing appears on this computer but during the making.
    this.#bridge = `ds${id}b`
    t.teardown(() => this.#remove())
    this.#ip('netns', 'add', this.#bridge)
    this.#in(this.#bridge, 'link', 'add', 'dsbridge', 'type', 'bridge', 'mcast_snooping', '0')
    this.#in(this.#bridge, 'link', 'set', 'dsbridge', 'up')
    for (let i = 1; i <= count; i += 1) this.#join(`ds${id}n${i}`, i)
  }

  /** Runs `ip` inside the namespace of computer `i`, counted from 0. */
  ip(i: number, ...rest: string[]): void {
    this.#in(this.names[i]!, ...rest)
  }

  /** Runs a command on computer `i`; returns what it says. */
  run(i: number, ...command: string[]): string {
    return execFileSync('ip', ['netns', 'exec', this.names[i]!, ...command], { encoding: 'utf8' })
  }

  start(t: ExecutionContext, i: number, listen?: string[]): PeerProcess {
    const seed = randomBytes(32).toString('hex')
    const prefix = ['ip', 'netns', 'exec', this.names[i]!]
    return PeerProcess.start(t, { seed, ...(listen === undefined ? {} : { listen }) }, prefix)
  }

  #join(name: string, i: number): void {
    this.#ip('netns', 'add', name)
    this.names.push(name)
    this.#in(this.#bridge, 'link', 'add', `p${i}`, 'type', 'veth', 'peer', 'e0', 'netns', name)
    this.#in(this.#bridge, 'link', 'set', `p${i}`, 'master', 'dsbridge', 'up')
    this.#in(name, 'link', 'set', 'lo', 'up')
    this.#in(name, 'addr', 'add', `10.77.0.${i}/24`, 'dev', 'e0')
    this.#in(name, 'link', 'set', 'e0', 'up')
  }

  #in(name: string, ...rest: string[]): void {
    this.#ip('-n', name, ...rest)
  }

  #ip(...rest: string[]): void {
    execFileSync('ip', rest, { stdio: 'pipe' })
  }

  #remove(): void {
    for (const name of [...this.names, this.#bridge]) {
      try {
        this.#ip('netns', 'del', name)
      } catch {
        // It was never made.
      }
    }
  }
}

async function findEachOther(
  t: ExecutionContext,
  one: PeerProcess,
  other: PeerProcess
): Promise<void> {
  const [a, b] = [await one.ready(), await other.ready()]
  const [ofB, ofA] = [await one.seen(b.peer), await other.seen(a.peer)]
  for (const address of [...ofA.addresses, ...ofB.addresses]) t.regex(address, /^\/ip4\/10\.77\./)
}

namespaced('peers find each other without a default route', async (t) => {
  const lan = new Lan(t, 2)
  await findEachOther(t, lan.start(t, 0), lan.start(t, 1))
})

namespaced('peers find each other when the default route is another interface', async (t) => {
  const lan = new Lan(t, 2)
  for (const i of [0, 1]) {
    lan.ip(i, 'link', 'add', 'vpn', 'type', 'veth', 'peer', 'name', 'gateway')
    lan.ip(i, 'link', 'set', 'gateway', 'up')
    lan.ip(i, 'addr', 'add', `10.99.${i}.1/24`, 'dev', 'vpn')
    lan.ip(i, 'link', 'set', 'vpn', 'up')
    lan.ip(i, 'route', 'add', 'default', 'dev', 'vpn')
  }
  await findEachOther(t, lan.start(t, 0), lan.start(t, 1))
})

namespaced(
  'peers find each other by the default route too, and one that comes later',
  async (t) => {
    const lan = new Lan(t, 3)
    for (const i of [0, 1, 2]) lan.ip(i, 'route', 'add', 'default', 'dev', 'e0')
    const [one, other] = [lan.start(t, 0), lan.start(t, 1)]
    await findEachOther(t, one, other)
    const late = lan.start(t, 2)
    await findEachOther(t, late, one)
    await findEachOther(t, late, other)
  }
)

namespaced('an interface that comes up later is used from then on', async (t) => {
  const lan = new Lan(t, 2)
  lan.ip(0, 'link', 'set', 'e0', 'down')
  const [one, other] = [lan.start(t, 0), lan.start(t, 1)]
  await Promise.all([one.ready(), other.ready()])
  lan.ip(0, 'link', 'set', 'e0', 'up')
  const [a, b] = [await one.ready(), await other.ready()]
  await Promise.all([one.seen(b.peer), other.seen(a.peer)])
  t.pass()
})

namespaced('a peer that listens on loopback is found there, and not seen on the LAN', async (t) => {
  const lan = new Lan(t, 2)
  const hidden = lan.start(t, 0, ['127.0.0.1:0'])
  const { peer } = await hidden.ready()
  const [beside, other] = [lan.start(t, 0), lan.start(t, 1)]
  await findEachOther(t, beside, other)
  t.regex((await beside.seen(peer)).addresses[0]!, /^\/ip4\/127\.0\.0\.1\//)
  t.false(other.hasSeen(peer))
  t.false(hidden.hasSeen((await other.ready()).peer))
})

namespaced('a peer that listens on loopback sends nothing anywhere else', async (t) => {
  const lan = new Lan(t, 1)
  lan.ip(0, 'route', 'add', 'default', 'dev', 'e0')
  // What the system says by itself would be counted too: neighbours and routers of IPv6.
  lan.run(0, 'sh', '-c', 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6')
  const sent = (): string => lan.run(0, 'cat', '/sys/class/net/e0/statistics/tx_packets')
  const before = sent()
  const [one, other] = [lan.start(t, 0, ['127.0.0.1:0']), lan.start(t, 0, ['127.0.0.1:0'])]
  const [a, b] = [await one.ready(), await other.ready()]
  await Promise.all([one.seen(b.peer), other.seen(a.peer)])
  await Promise.all([one.stop(), other.stop()])
  t.is(sent(), before)
})

namespaced(
  'two computers on one cable, without any addresses given out, find each other',
  async (t) => {
    const lan = new Lan(t, 2)
    for (const i of [0, 1]) {
      lan.ip(i, 'addr', 'flush', 'dev', 'e0')
      lan.ip(i, 'addr', 'add', `169.254.7.${i + 1}/16`, 'dev', 'e0')
    }
    const [one, other] = [lan.start(t, 0), lan.start(t, 1)]
    const [a, b] = [await one.ready(), await other.ready()]
    t.deepEqual((await one.seen(b.peer)).addresses, ['/ip4/169.254.7.2/tcp/7823'])
    t.deepEqual((await other.seen(a.peer)).addresses, ['/ip4/169.254.7.1/tcp/7823'])
  }
)
