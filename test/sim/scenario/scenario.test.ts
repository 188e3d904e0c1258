import { readdirSync, readFileSync } from 'node:fs'
import test from 'ava'
import fc from 'fast-check'
import { ScenarioInvalid } from '../../../sim/errors.ts'
import { readScenario, type Scenario } from '../../../sim/scenario/scenario.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

function read(text: string): Scenario {
  return readScenario(text, { file: 'office.yaml' })
}

/** What is wrong with a text, as `line:column`. */
function mistakes(text: string): string[] {
  try {
    read(text)
  } catch (error) {
    if (!(error instanceof ScenarioInvalid)) throw error
    return error.message
      .split('\n')
      .map((line) => /^office\.yaml:(\d+:\d+): /.exec(line)?.[1] ?? line)
  }
  return []
}

/** A sound scenario of seven lines, and more behind. */
function small(more = ''): string {
  return `scenario: small
about: A small office.
length: 4d
peers:
  nas: { roles: [admin, publisher, storage] }
  attic: { roles: storage }
  desk: { count: 3 }
${more}`
}

for (const file of readdirSync('sim/scenarios')) {
  test(`${file}, which comes with Drystone, can be read`, (t) => {
    const text = readFileSync(`sim/scenarios/${file}`, 'utf8')
    const { name, about, peers } = readScenario(text, { file })
    t.is(`${name}.yaml`, file)
    t.regex(about, /^[A-Z].*\.$/)
    t.true(peers.length >= 4 && peers.length <= 7)
    t.true(peers.filter(({ roles }) => roles.includes('storage')).length >= 3)
  })
}

test('the example in the README can be read', (t) => {
  const [, example = ''] = /```yaml\n([^]*?)```/.exec(readFileSync('sim/README.md', 'utf8')) ?? []
  t.is(read(example).faults.length, 2)
})

test('what is left out has a default', (t) => {
  const { lengthMs, faultsEndMs, startMs, sites, policy, checks, peers, workload } = read(small())
  t.is(lengthMs, 4 * DAY_MS)
  t.is(faultsEndMs, 4 * DAY_MS - 12 * HOUR_MS)
  t.is(new Date(startMs).toISOString(), '2026-01-05T08:00:00.000Z')
  t.deepEqual(
    sites.map(({ name }) => name),
    ['']
  )
  t.deepEqual(policy, { copies: 2, sites: 1, undoDays: 30, keep: undefined })
  t.is(checks.only.length, 10)
  t.deepEqual(workload.days, [1, 2, 3, 4, 5])
  t.deepEqual(
    peers.map(({ name, roles }) => `${name}: ${roles.join()}`),
    [
      'nas: admin,publisher,storage',
      'attic: storage',
      'desk-1: endpoint',
      'desk-2: endpoint',
      'desk-3: endpoint'
    ]
  )
})

test('a founder without roles is admin, publisher and storage peer', (t) => {
  const text = small().replace('{ roles: [admin, publisher, storage] }', '')
  t.deepEqual(read(text).peers[0]?.roles, ['admin', 'publisher', 'storage'])
})

test('a founder whose roles name neither admin nor publisher is both', (t) => {
  const text = small().replace('[admin, publisher, storage]', 'storage')
  t.deepEqual(read(text).peers[0]?.roles, ['admin', 'publisher', 'storage'])
})

test('a quarter of a short length is for healing', (t) => {
  t.is(read(small().replace('4d', '4h')).faultsEndMs, 3 * HOUR_MS)
})

for (const [written, ms] of [
  ['250ms', 250],
  ['90s', 90_000],
  ['5m', 300_000],
  ['1d12h', 36 * HOUR_MS],
  ['1d 12h', 36 * HOUR_MS],
  ['1.5h', 1.5 * HOUR_MS],
  ['2 h', 2 * HOUR_MS],
  ['0', 0]
] as const) {
  test(`the duration ${written} is ${ms} milliseconds`, (t) => {
    const { faults } = read(small(`faults:\n  - { at: ${written}, do: destroy, who: nas }`))
    t.deepEqual(faults[0]?.when, { kind: 'once', atMs: ms })
  })
}

for (const [written, bytes] of [
  ['500', 500],
  ['300kB', 300_000],
  ['4MiB', 4 << 20],
  ['1.5 MB', 1_500_000]
] as const) {
  test(`the size ${written} is ${bytes} bytes`, (t) => {
    const { peers } = read(small().replace('count: 3', `size: ${written}`))
    t.is(peers.at(-1)?.bytes, bytes)
  })
}

for (const [written, rate] of [
  ['2MiB/s', 2 << 20],
  ['8Mbit/s', 1_000_000],
  ['5000', 5000]
] as const) {
  test(`the rate ${written} is ${rate} bytes a second`, (t) => {
    t.is(read(small().replace('count: 3', `rate: ${written}`)).peers.at(-1)?.rate, rate)
  })
}

test('clocks are ahead or behind', (t) => {
  const { peers } = read(small().replace('count: 3', 'clock: -2y, drift: -50ppm'))
  t.is(peers.at(-1)?.clockMs, -730 * DAY_MS)
  t.is(peers.at(-1)?.driftPpm, -50)
})

test('hours may go over midnight, and days over the weekend', (t) => {
  const { workload } = read(
    small('workload: { hours: 22:00-6, days: [fri-mon, wed], changes: 2/h }')
  )
  t.deepEqual(workload.hours, { fromMs: 22 * HOUR_MS, toMs: 6 * HOUR_MS })
  t.deepEqual(workload.days, [0, 1, 3, 5, 6])
  t.is(workload.changesPerDay, 48)
})

test('every pair of sites has a link', (t) => {
  const { links, peers } = read(
    small('sites: { hq: {}, lyon: {}, nice: {} }\nlinks: { between: [nice, hq], loss: 2/d }')
  )
  t.deepEqual(
    links.map(({ between, lossPerDay }) => [...between, lossPerDay]),
    [
      ['hq', 'lyon', 0],
      ['hq', 'nice', 2],
      ['lyon', 'nice', 0]
    ]
  )
  t.true(peers.every(({ site }) => site === 'hq'))
})

/** Whom the fault on the eighth line hits. */
function whoOf(t: { is: (a: unknown, b: unknown) => void }, times: string, who: string): string {
  const { faults } = read(small(`faults: [{ ${times}, do: kill, who: ${who} }]`))
  const [fault] = faults
  t.is(fault?.line, 8)
  if (fault?.do !== 'kill') return ''
  return `${fault.who.each ? 'each' : 'one'} of ${fault.who.peers.join()}`
}

for (const [times, who, expected] of [
  ['at: 1h', 'nas', 'each of nas'],
  ['at: 1h', 'desk', 'each of desk-1,desk-2,desk-3'],
  ['every: 1h', 'desk', 'one of desk-1,desk-2,desk-3'],
  ['every: 1h', 'all desk', 'each of desk-1,desk-2,desk-3'],
  ['at: 1h', 'any storage', 'one of nas,attic'],
  ['at: 1h', 'all endpoints', 'each of desk-1,desk-2,desk-3'],
  ['at: 1h', 'any', 'one of nas,attic,desk-1,desk-2,desk-3'],
  ['at: 1h', '[desk-2, nas]', 'each of nas,desk-2'],
  ['at: 1h', '"any desk-2, nas"', 'one of nas,desk-2']
] as const) {
  test(`${who} with ${times} is ${expected}`, (t) => {
    t.is(whoOf(t, times, who), expected)
  })
}

test('between two sides a name means all its peers, at random times too', (t) => {
  const { faults } = read(small('faults: [{ every: 1h, do: cut, between: [desk, any storage] }]'))
  const [fault] = faults
  t.is(fault?.do, 'cut')
  t.deepEqual(fault?.do === 'cut' && fault.between, [
    { each: true, peers: ['desk-1', 'desk-2', 'desk-3'] },
    { each: false, peers: ['nas', 'attic'] }
  ])
})

test('random faults end when healing begins', (t) => {
  const { faults, faultsEndMs } = read(
    small('faults: [{ from: 1h, to: 4d, every: 1h, do: drop, who: any }]')
  )
  t.deepEqual(faults[0]?.when, {
    kind: 'random',
    fromMs: HOUR_MS,
    toMs: faultsEndMs,
    everyMs: HOUR_MS
  })
})

const KINDS =
  `kill crash stop sleep destroy isolate full unreadable replace drop slow-link disk-error
  slow-disk rot lie`.split(/\s+/)
for (const kind of [...KINDS, 'clock, by: +3h', 'drift, ppm: 20ppm']) {
  test(`a fault of a computer: ${kind}`, (t) => {
    t.deepEqual(mistakes(small(`faults: [{ at: 1h, do: ${kind}, who: all }]`)), [])
  })
}

for (const kind of ['cut', 'silence', 'oneway', 'drop', 'slow-link, rate: 1MiB/s']) {
  test(`a fault of links: ${kind}`, (t) => {
    t.deepEqual(mistakes(small(`faults: [{ every: 1h, do: ${kind}, between: [nas, desk] }]`)), [])
  })
}

for (const [what, more, place] of [
  ['a tab for indentation', 'sites:\n\thq: {}', '9:1'],
  ['a bracket that is never closed', 'policy: { copies: 2', '8:20'],
  ['two documents', '---\nscenario: b', '8:1'],
  ['a field that stands twice', 'length: 3d', '8:1'],
  ['a field that is not known', 'lenght: 3d', '8:1'],
  ['a field that is not known, further in', 'policy: { copies: 2, copy: 3 }', '8:22'],
  ['a number that is too large', 'policy: { copies: 33 }', '8:19'],
  ['an undo time that is too short', 'policy: { undo: 1d }', '8:17'],
  ['a value where a mapping should be', 'workload: hard', '8:11'],
  ['a time that is none', 'start: today', '8:8'],
  ['healing longer than the length', 'heal: 5d', '8:7'],
  ['a site that no link can find', 'sites: { hq: {} }\nlinks: [{ between: [hq, lyon] }]', '9:25'],
  ['a base that nobody of that name publishes', 'base: { by: attic }', '8:13'],
  ['a look after the end', 'checks: { at: [1d, 5d] }', '8:20'],
  ['a checker that is not there', 'checks: { only: speed }', '8:17'],
  ['faults that are no list', 'faults: { at: 1d }', '8:9'],
  ['a fault that is not known', 'faults:\n  - { at: 1d, do: explode }', '9:19'],
  ['a fault that lacks what it does', 'faults:\n  - { at: 1d, who: nas }', '9:5'],
  ['a fault of nobody', 'faults:\n  - { at: 1d, do: kill, who: bob }', '9:30'],
  ['a fault that lacks whom it hits', 'faults:\n  - { at: 1d, do: kill }', '9:5'],
  ['a fault of both', 'faults:\n  - { at: 1d, do: drop, who: nas, between: [nas, desk] }', '9:5'],
  ['a link with one end', 'faults:\n  - { at: 1d, do: cut, between: [nas] }', '9:33'],
  ['any inside a list', 'faults:\n  - { at: 1d, do: kill, who: [any desk, nas] }', '9:30'],
  ['a fault without a time', 'faults:\n  - { do: kill, who: nas }', '9:5'],
  ['a fault with two times', 'faults:\n  - { at: 1h, every: 1h, do: kill, who: nas }', '9:22'],
  ['a fault that begins too late', 'faults:\n  - { at: 3d13h, do: rot, who: nas }', '9:11'],
  ['a fault that lasts too long', 'faults:\n  - { at: 3d, do: kill, who: nas, for: 1d }', '9:11'],
  ['a range upside down', 'faults:\n  - { at: 1d, do: kill, who: nas, for: 2m..1m }', '9:40'],
  ['a field of another fault', 'faults:\n  - { at: 1d, do: kill, who: nas, bits: 3 }', '9:35'],
  ['a tree where there is none', 'faults:\n  - { at: 1d, do: unreadable, who: nas }', '9:36'],
  ['a name that leads to the prototype', '__proto__: { copies: 3 }', '8:1'],
  ['an alias of nothing', 'heal: *soon', '1:1']
] as const) {
  test(`told with its place: ${what}`, (t) => {
    t.deepEqual(mistakes(small(more)), [place])
  })
}

for (const [what, peer, place] of [
  ['a name with a space', '  my desk: {}', '8:3'],
  ['a name that is a role', '  storage: {}', '8:3'],
  ['a name that a group makes too', '  desk-2: {}', '8:3'],
  ['a role that is none', '  shed: { roles: [storage, boss] }', '8:28'],
  ['too many', '  shed: { count: 1001 }', '8:18'],
  ['too many together', '  shed: { count: 998 }', '5:3'],
  ['files without an endpoint', '  shed: { roles: storage, files: 3 }', '8:34'],
  ['a base where there is none', '  shed: { base: true }', '8:17'],
  ['a site where there is none', '  shed: { site: hq }', '8:17'],
  ['a lie that nobody tells', '  shed: { lies: [truth] }', '8:18'],
  ['a clock that is off for ever', '  shed: { clock: +60y }', '8:18'],
  ['a mapping that is a list', '  shed: [storage]', '8:9']
] as const) {
  test(`told with its place, of a peer: ${what}`, (t) => {
    t.deepEqual(mistakes(small(peer)), [place])
  })
}

test('all mistakes are told, the first one as facts, with what would be right', (t) => {
  const text = small('heal: soon\nfaults: [{ at: 1d, do: kill, who: bob }]\ncheck: {}').replace(
    'length: 4d\n',
    ''
  )
  const error = t.throws(() => read(text), { instanceOf: ScenarioInvalid })
  t.deepEqual(mistakes(text), ['1:1', '7:7', '8:35', '9:1'])
  t.like(error, { file: 'office.yaml', line: 1, column: 1 })
  t.regex(error?.message ?? '', /length is missing/)
  t.regex(error?.next ?? '', /^In line 1 write a duration such as/)
})

function aliasesOf(i: number): string {
  return `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}]`
}

test('of very many mistakes the first twenty are told', (t) => {
  const told = mistakes(small(Array.from({ length: 50 }, (_, i) => `x${i}: 1`).join('\n')))
  t.is(told.length, 21)
  t.is(told.at(-1), 'and 30 more')
})

for (const [what, text] of [
  ['a file of two million bytes', '#'.repeat(2_000_000)],
  ['half a million brackets', '['.repeat(500_000)],
  ['half a million dashes', '- '.repeat(500_000)],
  ['a thousand levels', Array.from({ length: 1000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
  ['a hundred thousand fields', Array.from({ length: 100_000 }, (_, i) => `k${i}: 1`).join('\n')],
  ['brackets that comments seem to close', '[ #]\n'.repeat(1000)],
  [
    'aliases of aliases of aliases',
    ['a0: &a0 [1, 2, 3]', ...Array.from({ length: 20 }, (_, i) => aliasesOf(i))].join('\n')
  ],
  ['an alias of itself', 'scenario: &a [*a]']
] as const) {
  test(`refused before it costs anything: ${what}`, (t) => {
    t.true(mistakes(text).length > 0)
  })
}

test('any text is a scenario or one failure', (t) => {
  const words = small('faults:\n  - { at: 1d, do: cut, between: [nas, all desk], for: 1m..2m }')
  const piece = fc.oneof(
    fc.constantFrom(...words.split(/(?<=[\s,:{}[\]])/)),
    fc.constantFrom('\n', '  ', '- ', '{', '}', '[', ']', ': ', '&a ', '*a', '"', '|\n', '1..2'),
    fc.string({ maxLength: 8 })
  )
  const mangled = fc
    .tuple(fc.nat(words.length), fc.nat(30), fc.array(piece, { maxLength: 4 }))
    .map(([at, cut, put]) => words.slice(0, at) + put.join('') + words.slice(at + cut))
  const anything = fc.oneof(
    mangled,
    fc.array(piece).map((list) => list.join('')),
    fc.string()
  )
  fc.assert(
    fc.property(anything, (text) => {
      try {
        const { lengthMs, faultsEndMs, peers, faults } = read(text)
        return (
          peers.length > 0 &&
          faultsEndMs <= lengthMs &&
          faults.every(({ when }) => when.kind === 'random' || when.atMs < faultsEndMs)
        )
      } catch (error) {
        return error instanceof ScenarioInvalid && error.line >= 1 && error.column >= 1
      }
    }),
    { numRuns: 1500 }
  )
  t.pass()
})
