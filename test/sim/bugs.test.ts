// Bugs that the simulator found, each with the smallest scenario and the seed that show it. Those of the
// simulator itself are among them: what cannot be trusted to fail finds nothing.

import test from 'ava'
import { runText } from './_scenario.ts'

/** What the scenarios here have in common. */
const OFFICE = `
about: A bug in an office.
length: 2h
heal: 45m
policy: { copies: 2 }
workload: { hours: always, days: always, changes: 100/d, backups: 20m }
`

test('a computer that is killed while it comes back is brought back again', async (t) => {
  // The one that came back was nobody of whom the scenario knew, and hung when it was killed before it had.
  const text = `
scenario: disturbed
${OFFICE}
peers:
  nas:
  attic: { roles: [storage] }
  desk: { files: 10, size: 100kB }
  deskb: { files: 5, size: 50kB }
faults:
  - { at: 25m, do: isolate, who: [nas, attic], for: 30m }
  - { at: 30m, do: replace, who: desk, for: 2m }
  - { every: 2m, from: 33m, to: 1h10m, do: kill, who: desk, for: 5s..20s }
checks: { only: [restores, heals, errors] }
`
  const { violations, timeline } = await runText(text, 1)
  t.deepEqual(violations, [])
  t.true(timeline.some(({ kind, who }) => kind === 'note' && who === 'deskbb'))
  t.true(timeline.some(({ kind, who }) => kind === 'back' && who === 'deskbb'))
})

test('a disk that is mended while its computer sleeps is started from anew', async (t) => {
  // The store of the keeper stayed as it was when fsync failed, and its endpoints without a copy.
  const text = `
scenario: asleep
${OFFICE}
peers:
  nas:
  attic: { roles: [storage] }
  desk: { files: 10, size: 100kB }
faults:
  - { at: 20m, do: disk-error, who: attic, operation: sync, calls: 40, for: 30m }
  - { at: 45m, do: sleep, who: attic, for: 20m }
checks: { only: [heals, errors] }
`
  const { violations } = await runText(text, 1)
  t.deepEqual(violations, [])
})

test('nobody has to keep, or to hear, what there is no room for', async (t) => {
  // Checkers held it against a keeper that its scenario gives too small a disk.
  const text = `
scenario: small
${OFFICE}
peers:
  nas: { disk: 150kB }
  attic: { roles: [storage] }
  desk: { files: 10, size: 200kB }
checks: { only: [heals, records, errors] }
`
  const { violations, timeline } = await runText(text, 1)
  t.deepEqual(violations, [])
  t.true(timeline.some(({ kind }) => kind === 'risk'))
})

test('an office that cannot be set up is told apart from a bug', async (t) => {
  const peers = 'peers: { nas: { disk: 1kB }, desk: { files: 1 } }'
  const text = `scenario: tiny\n${OFFICE}\n${peers}`
  await t.throwsAsync(runText(text, 1), { name: 'OfficeNotSetUp', message: /no space left/ })
})

test('a minute is too short to tell whether a mesh heals', async (t) => {
  const text = 'scenario: brief\nabout: A minute.\nlength: 1m\npeers: { nas: , desk: { files: 1 } }'
  const { violations, timeline } = await runText(text, 1)
  t.deepEqual(violations, [])
  t.true(timeline.some(({ what }) => what === 'there is too little time left to heal'))
})

test('who stops on a full disk, or is all that is left on a full or slow one, is no bug', async (t) => {
  // Nobody expected the failure of a stop; and no blank computer could join where nothing can be written.
  const text = `
scenario: crowded
${OFFICE}
peers:
  nas: { roles: [admin, storage, endpoint], files: 5, size: 50kB }
  attic: { roles: [storage] }
  desk: { files: 10, size: 100kB }
faults:
  - { at: 29m, do: full, who: all, for: 40m }
  - { at: 29m, do: slow-disk, who: all, latency: 2s, for: 40m }
  - { every: 5m, from: 29m, do: stop, who: any, for: 10s..20s }
checks: { at: [1h], every: 1d, only: [restores, errors] }
`
  const { violations } = await runText(text, 4)
  t.deepEqual(violations, [])
})

test('a lost computer whose copy is still named does not come into being again', async (t) => {
  // Its name was looked up among the computers, which made a new one of it.
  const text = `
scenario: ghost
${OFFICE.replace('backups: 20m', 'backups: 1d')}
peers:
  nas:
  attic: { roles: [storage] }
  desk: { files: 10, size: 100kB }
faults:
  - { at: 35m, do: destroy, who: nas }
checks: { only: [heals, errors] }
`
  const lines: string[] = []
  const { violations } = await runText(text, 1, (line) => lines.push(line))
  t.deepEqual(violations, [])
  t.false(lines.some((line) => line.includes('NoMesh')))
})
