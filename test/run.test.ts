// Whether `npm test` counts what really happened: small projects in temporary folders, each with files
// that pass, fail, crash, hang or leave early, are run by test/run.ts as a process of its own.

import { spawn } from 'node:child_process'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const RUN = fileURLToPath(new URL('./run.ts', import.meta.url))
const MODULES = fileURLToPath(new URL('../node_modules', import.meta.url))
const AVA = { files: ['*.test.js'], workerThreads: false, timeout: '2m' }

interface Outcome {
  code: number | null
  output: string
  /** The last line that is not empty. */
  closing: string | undefined
}

async function runProject(
  files: Record<string, string>,
  { args = [], timeout = AVA.timeout }: { args?: string[]; timeout?: string } = {}
): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'drystone-run-'))
  try {
    await symlink(MODULES, join(folder, 'node_modules'))
    const ava = { ...AVA, timeout }
    await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module', ava }))
    for (const [name, body] of Object.entries(files)) {
      await writeFile(join(folder, name), `import test from 'ava'\n${body}\n`)
    }
    const child = spawn(process.execPath, [RUN, ...args], { cwd: folder })
    let output = ''
    child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()))
    child.stderr.on('data', (bytes: Buffer) => (output += bytes.toString()))
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
    return { code, output, closing: output.trimEnd().split('\n').at(-1) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const HOLDS = "test('holds', (t) => t.pass())"
const HOLDS_TOO = "test('holds too', (t) => t.pass())"

test.serial('a run in which all hold ends with its counts and exit code 0', async (t) => {
  const run = await runProject({ 'a.test.js': HOLDS, 'b.test.js': HOLDS_TOO })
  t.is(run.closing, '2 passed, 0 failed')
  t.is(run.code, 0)
  t.regex(run.output, /holds too/)
})

test.serial(
  'skipped and planned tests are counted as skipped, and do not fail a run',
  async (t) => {
    const skips = "test.skip('not here', (t) => t.pass())\ntest.todo('later')"
    const run = await runProject({ 'a.test.js': `${HOLDS}\n${skips}` })
    t.is(run.closing, '1 passed, 0 failed, 2 skipped')
    t.is(run.code, 0)
  }
)

test.serial('failed tests are counted beside those that hold, and shown in full', async (t) => {
  const fails = "test('fails', (t) => t.deepEqual({ stones: 1 }, { stones: 2 }))"
  const run = await runProject({ 'a.test.js': `${HOLDS}\n${fails}` })
  t.is(run.closing, '1 passed, 1 failed')
  t.is(run.code, 1)
  t.regex(run.output, /stones: 1/)
  t.regex(run.output, /stones: 2/)
})

test.serial('a hook that fails is a failure', async (t) => {
  const hook = "test.after(() => { throw new Error('the hook broke') })"
  const run = await runProject({ 'a.test.js': `${hook}\n${HOLDS}` })
  t.is(run.closing, '1 passed, 1 failed')
  t.is(run.code, 1)
})

test.serial('an uncaught exception fails a run in which every test holds', async (t) => {
  const late = `test('holds', async (t) => {
    setTimeout(() => { throw new Error('too late') }, 0)
    await new Promise((resolve) => setTimeout(resolve, 50))
    t.pass()
  })`
  const run = await runProject({ 'a.test.js': late, 'b.test.js': HOLDS })
  t.is(run.closing, '1 passed, 1 failed')
  t.is(run.code, 1)
})

test.serial('a file that cannot be loaded is a failure', async (t) => {
  const run = await runProject({ 'a.test.js': "import './nowhere.js'", 'b.test.js': HOLDS })
  t.is(run.closing, '1 passed, 1 failed')
  t.is(run.code, 1)
})

test.serial('a file that exits early fails the tests it did not finish', async (t) => {
  const exits =
    "test('leaves', () => process.exit(0))\ntest.serial('never starts', (t) => t.pass())"
  const run = await runProject({ 'a.test.js': exits, 'b.test.js': HOLDS })
  t.regex(run.closing ?? '', /^[12] passed, [12] failed$/)
  t.is(run.code, 1)
})

test.serial(
  'a file that exits after its tests have passed is a failure all the same',
  async (t) => {
    const run = await runProject({ 'a.test.js': `${HOLDS}\ntest.after(() => process.exit(0))` })
    t.regex(run.closing ?? '', /, 1 failed$/)
    t.is(run.code, 1)
  }
)

test.serial('a file that is killed is a failure', async (t) => {
  const killed = `test('dies', async () => {
    process.kill(process.pid, 'SIGKILL')
    await new Promise(() => {})
  })`
  const run = await runProject({ 'a.test.js': killed, 'b.test.js': HOLDS })
  t.is(run.closing, '1 passed, 1 failed')
  t.is(run.code, 1)
})

test.serial('a test that never ends is a failure once the time is up', async (t) => {
  const hangs =
    "test('hangs', async () => { await new Promise(() => setInterval(() => {}, 1000)) })"
  const run = await runProject({ 'a.test.js': hangs }, { timeout: '3s' })
  t.is(run.closing, '0 passed, 1 failed')
  t.is(run.code, 1)
})

test.serial('a file that does not stop after its tests is a failure', async (t) => {
  const lingers = "test('lingers', (t) => { setInterval(() => {}, 1000); t.pass() })"
  const run = await runProject({ 'a.test.js': lingers }, { timeout: '3s' })
  t.regex(run.closing ?? '', /, 1 failed$/)
  t.is(run.code, 1)
})

test.serial('a file that declares no test is a failure beside others that hold', async (t) => {
  const run = await runProject({ 'a.test.js': 'void test', 'b.test.js': HOLDS })
  t.is(run.closing, '1 passed, 1 failed')
  t.is(run.code, 1)
  t.regex(run.output, /a\.test\.js: declares no test/)
})

test.serial('a run without any test fails', async (t) => {
  const run = await runProject({})
  t.is(run.closing, '0 passed, 0 failed')
  t.is(run.code, 1)
  t.regex(run.output, /^no test ran$/m)
})

test.serial('a run of skipped tests only fails: nothing was tried', async (t) => {
  const run = await runProject({ 'a.test.js': "test.skip('not here', (t) => t.pass())" })
  t.is(run.closing, '0 passed, 0 failed, 1 skipped')
  t.is(run.code, 1)
})

test.serial('a file argument runs that file alone', async (t) => {
  const files = { 'a.test.js': HOLDS, 'b.test.js': HOLDS_TOO }
  const run = await runProject(files, { args: ['b.test.js'] })
  t.is(run.closing, '1 passed, 0 failed')
  t.notRegex(run.output, /holds$/m)
})

test.serial('a file argument that names nothing is said, not passed over', async (t) => {
  const run = await runProject({ 'a.test.js': HOLDS }, { args: ['a.test.js', 'c.test.js'] })
  t.is(run.code, 1)
  t.regex(run.output, /There is no c\.test\.js/)
})
