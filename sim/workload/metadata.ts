// Metadata as they are found: times of long ago and of years to come, with nanoseconds; rights that make
// no sense; owners that no longer exist; attributes of any bytes.

import type { Xattr } from '../../node/tree/tree.ts'
import type { SeededRandom } from '../random.ts'

const NS_PER_S = 1_000_000_000n
const NS_PER_MS = 1_000_000n
const YEAR_S = 365 * 24 * 60 * 60

const MODES = [
  ...[0o644, 0o600, 0o755, 0o664, 0o640, 0o444, 0o000, 0o777],
  ...[0o4755, 0o2755, 0o1644, 0o6711, 0o7777]
] as const
const OWNERS = [0, 33, 1000, 1001, 65534, 100_000, 2 ** 32 - 2] as const

/** Mostly of the last years before `nowMs`, to the nanosecond; now and then of any time. */
export function pastTime(random: SeededRandom, nowMs: number): bigint {
  if (random.chance(0.1)) return oddTime(random)
  const agoMs = BigInt(Math.floor(random.fraction() ** 3 * 5 * YEAR_S * 1000))
  return (BigInt(Math.trunc(nowMs)) - agoMs) * NS_PER_MS + BigInt(random.below(1_000_000))
}

/** Before 1970, just there, far ahead, or of whole seconds. */
export function oddTime(random: SeededRandom): bigint {
  const nanoseconds = BigInt(random.below(1_000_000_000))
  return random.pick([
    -BigInt(random.below(60 * YEAR_S)) * NS_PER_S - nanoseconds,
    -1n,
    0n,
    nanoseconds,
    BigInt(80 * YEAR_S + random.below(300 * YEAR_S)) * NS_PER_S + nanoseconds,
    BigInt(40 * YEAR_S + random.below(10 * YEAR_S)) * NS_PER_S
  ])
}

export function oddMode(random: SeededRandom): number {
  return random.pick(MODES)
}

export function oddOwner(random: SeededRandom): number {
  return random.pick(OWNERS)
}

/** One to three attributes, sorted by name; values may be empty, or of any bytes. */
export function someXattrs(random: SeededRandom): Xattr[] {
  const names = ['user.comment', 'user.xdg.origin.url', 'security.capability', 'user.ü'] as const
  const first = random.below(names.length)
  return names
    .filter((_, i) => i === first || random.chance(0.2))
    .map((name): Xattr => [bytesOf(name), random.bytes(random.pick([0, 1, 20, 300] as const))])
    .sort(([a], [b]) => Buffer.compare(a, b))
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text))
}
