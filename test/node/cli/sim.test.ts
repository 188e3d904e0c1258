import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { builtInScenarios } from '../../../node/cli/scenario-file.ts'
import { TraceFile } from '../../../node/cli/trace-file.ts'

interface Said {
  code: number
  out: string
  err: string
}

function sim(...words: string[]): Promise<Said> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['node/cli.ts', 'sim', ...words], (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err })
    })
  })
}

async function folder(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'drystone-sim-'))
  t.teardown(() => rm(path, { recursive: true }))
  return path
}

test('lists the scenarios that come with Drystone', async (t) => {
  const { code, out } = await sim('--list')
  t.is(code, 0)
  for (const name of await builtInScenarios()) t.true(out.includes(`${name}: `))
  t.regex(out, /^Next: /m)
})

test('without a scenario, names those that there are', async (t) => {
  const { code, err } = await sim()
  t.is(code, 2)
  t.regex(err, /Next: Name a file, or one of .*first-week/)
})

for (const [what, words] of [
  ['an unknown scenario', ['no-such-week']],
  ['a folder', ['sim']],
  ['an endless file', ['/dev/zero']],
  ['a seed that is none', ['first-week', '--seed', 'x']],
  ['no runs at all', ['first-week', '--runs', '0']],
  ['a seed and fresh ones', ['first-week', '--seed', '1', '--fresh']],
  ['one scenario and all', ['first-week', '--all']],
  ['one trace of two runs', ['first-week', '--runs', '2', '--trace', '/nowhere']]
] as const) {
  test(`refused as wrong usage: ${what}`, async (t) => {
    const { code, out } = await sim(...words, '--json')
    t.is(code, 2)
    t.like(JSON.parse(out), { type: 'result', ok: false, error: { name: 'WrongUsage' } })
  })
}

test('a file that is no scenario fails with each line that is wrong', async (t) => {
  const file = join(await folder(t), 'bad.yaml')
  await writeFile(file, 'scenario: bad\nabout: Bad.\nlength: long\npeers: {}\n')
  const { code, out } = await sim(file, '--json')
  t.is(code, 1)
  t.like(JSON.parse(out), {
    ok: false,
    error: { name: 'ScenarioInvalid', file, line: 3, column: 9 }
  })
  t.regex((await sim(file)).err, /bad\.yaml:3:9: length is "long": write a duration/)
})

test('a trace has all its lines once it is closed', async (t) => {
  const path = join(await folder(t), 'trace')
  const trace = new TraceFile(path)
  const lines = Array.from({ length: 20_000 }, (_, i) => `{"n":${i}}`)
  for (const line of lines) trace.add(line)
  trace.close()
  t.is(await readFile(path, 'utf8'), `${lines.join('\n')}\n`)
})

test('a trace that cannot be written disturbs nothing before it is closed', (t) => {
  const trace = new TraceFile('/dev/full')
  t.notThrows(() => {
    for (let i = 0; i < 20_000; i++) trace.add(`{"n":${i}}`)
  })
  t.throws(() => trace.close(), { name: 'WrongUsage', message: /no space left/ })
})

const CALM = `
scenario: calm
about: An office in which little happens.
length: 90m
heal: 30m
peers:
  nas:
  attic: { roles: storage }
  desk: { files: 8, size: 100KiB }
workload: { hours: always, days: always, changes: 100/d, backups: 20m }
faults:
  - { at: 20m, do: crash, who: attic, for: 1m }
checks: { every: 30m }
`

test('two processes run one seed alike, and the trace is what its hash says', async (t) => {
  const at = await folder(t)
  const file = join(at, 'a calm office.yaml')
  await writeFile(file, CALM)
  const traces = [join(at, 'one.ndjson'), join(at, 'two.ndjson')] as const
  const results = []
  for (const trace of traces) {
    const { code, out } = await sim(file, '--seed', '3', '--json', '--trace', trace)
    t.is(code, 0)
    results.push(JSON.parse(out.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>)
  }
  const [one, two] = results
  t.is(one?.traceHash, two?.traceHash)
  t.like(one, { ok: true, seed: 3, simulatedSeconds: 5400, peers: 3, violations: [] })
  const bytes = await readFile(traces[0])
  t.is(createHash('sha256').update(bytes).digest('hex'), one?.traceHash as string)
  t.deepEqual(await readFile(traces[1]), bytes)
  t.is(bytes.toString().trimEnd().split('\n').length, one?.events as number)
})

test('several seeds are run one after the other', async (t) => {
  const file = join(await folder(t), 'calm.yaml')
  await writeFile(file, CALM)
  const { code, out } = await sim(file, '--seed', '5', '--runs', '2')
  t.is(code, 0)
  t.regex(out, /seed 5: all is well/)
  t.regex(out, /seed 6: all is well/)
})
