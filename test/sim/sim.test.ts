// A run as a whole: the same seed is the same run to the last byte, another seed is another run, and what is
// broken is told.

import test from 'ava'
import { Node } from '../../node/node.ts'
import { SimDisk } from '../../sim/disk/disk.ts'
import { runText } from './_scenario.ts'

function methodOf<T>({ prototype }: { prototype: object }, name: string): T {
  return Object.getOwnPropertyDescriptor(prototype, name)?.value as T
}

/** Everything at once, and short. */
const BUSY = `
scenario: busy
about: Some hours in which everything happens.
length: 150m
heal: 1h
base: { name: system, version: '1', files: 12, size: 400KiB }
peers:
  nas: { roles: [admin, publisher, storage] }
  attic: { roles: [storage] }
  cellar: { roles: [storage] }
  mole: { roles: [storage], lies: [wrong-bytes, withhold, false-have, old-heads, duplicate] }
  desk: { count: 2, files: 15, size: 300KiB, base: true, clock: -3h, drift: 400ppm }
policy: { copies: 3 }
workload: { hours: always, days: always, changes: 200/d, backups: 40m, during: 0.5 }
faults:
  - { every: 40m, do: crash, who: any, for: 10s..5m }
  - { every: 1h, do: kill, who: any, for: 5s..1m }
  - { every: 1h, do: sleep, who: any endpoint, for: 1m..10m }
  - { every: 1h, do: disk-error, who: any, error: EIO, calls: 1..3 }
  - { every: 1h, do: disk-error, who: any, error: short, operation: write }
  - { every: 1h, do: drop, who: any }
  - { every: 1h, do: silence, between: [desk, attic], for: 30s..5m }
  - { every: 1h, do: oneway, between: [desk, nas], for: 30s..5m }
  - { every: 1h, do: slow-link, who: any, rate: 100KiB/s, for: 10m }
  - { every: 1h, do: clock, who: any, by: -1h }
  - { at: 70m, do: replace, who: desk-2, for: 10m }
  - { at: 30m, do: unreadable, who: desk-1, for: 30m }
checks: { every: 1h }
`

test('one seed is one run, and another seed is another', async (t) => {
  const first = await runText(BUSY, 1)
  const other = await runText(BUSY, 2)
  const again = await runText(BUSY, 1)
  t.deepEqual(first.violations, [])
  t.deepEqual(other.violations, [])
  t.true(first.restored > 0)
  t.is(again.traceHash, first.traceHash)
  t.is(again.events, first.events)
  t.deepEqual(again.timeline, first.timeline)
  t.not(other.traceHash, first.traceHash)
})

const CALM = `
scenario: calm
about: An office in which nothing happens.
length: 3h
heal: 1h
peers:
  nas: { roles: [admin, publisher, storage] }
  attic: { roles: [storage] }
  desk: { files: 10, size: 200KiB }
policy: { copies: 2 }
workload: { hours: always, days: always, changes: 100/d, backups: 30m }
checks: { every: 1h }
`

test.serial('a keeper that loses what it signed for is found, with what led to it', async (t) => {
  const durable = methodOf<(this: SimDisk) => SimDisk>(SimDisk, 'durable')
  t.teardown(() => Object.assign(SimDisk.prototype, { durable }))
  // A disk that keeps no block: what fsync promised was a lie.
  const forgetful = function (this: SimDisk): SimDisk {
    const left = durable.call(this)
    for (const { path } of left.files()) {
      if (path.startsWith('blocks/')) void left.remove(path)
    }
    return left
  }
  Object.assign(SimDisk.prototype, { durable: forgetful })
  const { violations, checks, tail, simulatedSeconds } = await runText(CALM, 1)
  t.true(violations.some(({ checker }) => checker === 'restores'))
  t.true(violations.some(({ checker }) => checker === 'closure'))
  t.true(checks.some(({ name, violations: many }) => name === 'closure' && many > 0))
  t.true(tail.length > 10)
  // The run ends with the first look that finds something.
  t.is(simulatedSeconds, 3600)
})

for (const method of ['backUp', 'replicate'] as const) {
  test.serial(`what nobody expected of ${method} is found by the checker of errors`, async (t) => {
    const original = methodOf<(...args: never[]) => Promise<unknown>>(Node, method)
    t.teardown(() => Object.assign(Node.prototype, { [method]: original }))
    let calls = 0
    // Some go well: the office has to be set up. `replicate` is called by nobody who waits for it, too.
    Object.assign(Node.prototype, {
      [method]: async function (this: Node, ...args: never[]): Promise<unknown> {
        if (++calls === 60) throw new TypeError('a bug')
        return original.apply(this, args)
      }
    })
    const { violations } = await runText(CALM.replace('backups: 30m', 'backups: 1m'), 1)
    t.true(violations.some(({ checker, what }) => checker === 'errors' && what.includes('a bug')))
  })
}
