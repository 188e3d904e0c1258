// Bugs that the simulator found, each with the smallest scenario and the seed that show it. Those of the
// simulator itself are among them: what cannot be trusted to fail finds nothing.

import test from 'ava'
import { runText } from './_scenario.ts'

/** What the scenarios here have in common. */
const OFFICE = `
about: A bug in an office.
length: 3h
heal: 1h
policy: { copies: 2 }
workload: { hours: always, days: always, changes: 200/d, backups: 30m }
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
