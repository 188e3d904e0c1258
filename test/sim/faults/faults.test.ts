// Faults: each kind acts, is told, passes, and leaves an office that heals.

import test from 'ava'
import { runText } from '../_scenario.ts'

const EACH = `
scenario: each
about: Every kind of fault, one after the other.
length: 6h
heal: 1h
peers:
  nas: { roles: [admin, publisher, storage] }
  attic: { roles: [storage] }
  cellar: { roles: [storage] }
  desk: { files: 10, size: 200KiB }
  lap: { files: 10, size: 200KiB }
policy: { copies: 2 }
workload: { hours: always, days: always, changes: 100/d, backups: 30m }
faults:
  - { at: 10m, do: kill, who: attic, for: 1m }
  - { at: 20m, do: crash, who: attic, for: 1m }
  - { at: 30m, do: stop, who: attic, for: 1m }
  - { at: 40m, do: sleep, who: lap, for: 5m }
  - { at: 50m, do: cut, between: [desk, attic], for: 2m }
  - { at: 60m, do: silence, between: [desk, attic], for: 4m }
  - { at: 70m, do: oneway, between: [desk, attic], for: 2m }
  - { at: 80m, do: isolate, who: desk, for: 5m }
  - { at: 90m, do: drop, who: desk }
  - { at: 95m, do: slow-link, who: desk, rate: 50KiB/s, for: 5m }
  - { at: 105m, do: disk-error, who: attic, error: EIO, calls: 1, for: 1m }
  - { at: 110m, do: slow-disk, who: attic, latency: 5ms, for: 2m }
  - { at: 115m, do: full, who: attic, for: 5m }
  - { at: 125m, do: clock, who: desk, by: +3h, for: 10m }
  - { at: 140m, do: drift, who: desk, ppm: 900, for: 10m }
  - { at: 155m, do: unreadable, who: desk, for: 10m }
  - { at: 170m, do: lie, who: cellar, lies: [withhold], for: 10m }
  - { at: 185m, do: rot, who: cellar, bits: 2 }
  - { at: 200m, do: destroy, who: cellar }
  - { at: 210m, do: replace, who: lap, for: 5m }
checks: { every: 2h }
`

test('every kind of fault acts once, is told, and passes', async (t) => {
  const { violations, timeline } = await runText(EACH, 1)
  t.deepEqual(violations, [])
  const told = timeline
    .filter(({ kind }) => kind === 'fault' || kind === 'back')
    .map(({ at, kind, who }) => `${Math.floor(at / 60_000)} ${kind} ${who}`)
  const expected = [
    ...['20 fault attic', '21 back attic', '31 back attic', '40 fault lap', '45 back lap'],
    ...['50 fault desk – attic', '52 back desk – attic', '60 fault desk – attic'],
    ...['64 back desk – attic', '70 fault desk – attic', '72 back desk – attic', '80 fault desk'],
    ...['85 back desk', '90 fault desk', '95 fault desk', '100 back desk', '105 fault attic'],
    ...['106 back attic', '110 fault attic', '112 back attic', '115 fault attic', '120 back attic'],
    ...['125 fault desk', '135 back desk', '140 fault desk', '150 back desk', '155 fault desk'],
    ...['165 back desk', '170 fault cellar', '180 back cellar', '185 fault cellar'],
    ...['200 fault cellar', '210 fault lap', '215 back lapb']
  ]
  for (const each of expected) t.true(told.includes(each), each)
})
