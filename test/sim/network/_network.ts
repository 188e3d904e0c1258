// Peers on a network in virtual time, for the tests of what can befall them. Nobody but the test moves the
// time, and nothing is sent that it did not ask for.

import type { ExecutionContext } from 'ava'
import type { Gate, NetworkEvent, Wire } from '../../../protocol/network.ts'
import { SimClock } from '../../../sim/clock.ts'
import { SimNetwork } from '../../../sim/network/network.ts'
import type { SimPeer } from '../../../sim/network/peer.ts'
import { SeededRandom } from '../../../sim/random.ts'

export const everybody: Gate = { isMember: () => true }
export const nobody: Gate = { isMember: () => false }
export const keyOf = (number: number): Uint8Array => new Uint8Array(32).fill(number)

export const LATENCY_MS = 5

export interface World {
  clock: SimClock
  hub: SimNetwork
  /** Up, and each knows where the others are. */
  peers: SimPeer[]
}

/** A peer for each of `sites`, with keys 1, 2 and so on. By default no mDNS: nothing happens by itself. */
export async function world(
  sites: readonly string[],
  { gate = everybody, mdns = false, seed }: { gate?: Gate; mdns?: boolean; seed?: string } = {}
): Promise<World> {
  const clock = new SimClock()
  const random = seed === undefined ? undefined : new SeededRandom(seed)
  const hub = new SimNetwork({ clock, random }, { latencyMs: LATENCY_MS })
  const peers = sites.map((site, i) => hub.attach(keyOf(i + 1), gate, { site, mdns }))
  for (const peer of peers) await peer.start()
  acquaint(peers)
  await clock.run(clock.sleep(LATENCY_MS))
  return { clock, hub, peers }
}

/** Two at one site. */
export async function couple(): Promise<World & { a: SimPeer; b: SimPeer }> {
  const office = await world(['', ''])
  return { ...office, a: office.peers[0]!, b: office.peers[1]! }
}

/** Each learns where the others are. */
export function acquaint(peers: readonly SimPeer[]): void {
  for (const one of peers) {
    for (const other of peers) one.learn({ peer: other.self, addresses: [other.address] })
  }
}

/** The two ends of a wire from `a` to `b`, in the hands of the test. */
export async function wire(clock: SimClock, a: SimPeer, b: SimPeer): Promise<[Wire, Wire]> {
  const far = Promise.withResolvers<Wire>()
  b.handle('/wire', async (end) => {
    far.resolve(end)
    await new Promise(() => undefined)
  })
  return await clock.run(Promise.all([a.dial(b.self, '/wire'), far.promise]))
}

/** What happens at a peer, as `type` and the first byte of whom it is about. */
export function eventsOf(t: ExecutionContext, peer: SimPeer): string[] {
  const events: string[] = []
  const stop = peer.watch((event: NetworkEvent) => {
    const other = event.type === 'seen' ? event.sighting.peer : event.peer
    events.push(`${event.type} ${other[0]}`)
  })
  t.teardown(stop)
  return events
}

/** How a promise settled, once it has: a value, or the name of an error. */
export function outcome<T>(promise: Promise<T>): { now: T | string | undefined } {
  const settled: { now: T | string | undefined } = { now: undefined }
  promise.then(
    (value) => (settled.now = value),
    (error: Error) => (settled.now = error.name)
  )
  return settled
}

/** Lets so much time pass. */
export function pass(clock: SimClock, ms: number): Promise<void> {
  return clock.run(clock.sleep(ms))
}

/** For how long a promise was waited for, and how it settled. */
export async function timed<T>(
  clock: SimClock,
  promise: Promise<T>
): Promise<{ ms: number; what: T | string }> {
  const startMs = clock.monotonic()
  const what = await clock.run(promise.catch((error: Error) => error.name))
  return { ms: clock.monotonic() - startMs, what }
}

export const text = (bytes: Uint8Array | undefined): string | undefined =>
  bytes && Buffer.from(bytes).toString()
