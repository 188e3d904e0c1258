// `npm run mutants`: breaks the product on purpose, one patch at a time, in a copy, and shows that the
// simulator's checkers notice. A patch says in its first lines what it breaks and which scenario should
// tell; the others are tried after that one. The unbroken code runs first: a checker that cries at
// everything has caught nothing. Patches of one's own can be given as arguments.

import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const HOUSE = fileURLToPath(new URL('../..', import.meta.url))
const PATCHES = fileURLToPath(new URL('.', import.meta.url))
const ROOMS = ['node', 'protocol', 'store', 'sim', 'package.json', 'tsconfig.json']
const SCENARIOS = ['crash-storm', 'hostile-keeper', 'nas-dies', 'clock-chaos', 'first-week']
const SEEDS = [1, 2]
/** A run that takes longer hangs, and a hang is noticed too. */
const RUN_MS = 5 * 60_000

interface Mutant {
  name: string
  file: string
  /** What is broken. */
  about: string
  /** Where it should show. */
  scenarios: string[]
}

interface Verdict {
  by: string
  where: string
  what: string
}

/** The head of a patch: `# about: …` and, if one should be tried first, `# scenario: NAME`. */
function readMutant(file: string): Mutant {
  const text = readFileSync(file, 'utf8')
  const field = (name: string): string | undefined =>
    new RegExp(`^# ${name}: (.*)$`, 'm').exec(text)?.[1]
  const first = field('scenario')?.split(/[, ]+/) ?? []
  const scenarios = [...first, ...SCENARIOS.filter((each) => !first.includes(each))]
  return { name: basename(file, '.patch'), file, about: field('about') ?? '', scenarios }
}

/** A copy of the product in a folder of its own; the packages are shared. */
function copyHouse(folder: string): void {
  for (const room of ROOMS) cpSync(join(HOUSE, room), join(folder, room), { recursive: true })
  symlinkSync(join(HOUSE, 'node_modules'), join(folder, 'node_modules'))
}

async function run(
  command: string,
  words: readonly string[],
  { cwd, ms }: { cwd: string; ms: number }
): Promise<{ code: number | undefined; out: string }> {
  const child = spawn(command, words, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A copy is no work tree, whatever lies above it.
    env: { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() }
  })
  let out = ''
  const keep = (piece: Buffer): void => {
    out = (out + piece.toString()).slice(-1_000_000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const timer = setTimeout(() => child.kill('SIGKILL'), ms)
  const code = await new Promise<number | null>((done, fail) => {
    child.on('error', fail)
    child.on('close', done)
  })
  clearTimeout(timer)
  return { code: code ?? undefined, out }
}

/** What one run says; undefined if all was well. */
async function simulate(
  cwd: string,
  { scenario, seed }: { scenario: string; seed: number }
): Promise<Verdict | undefined> {
  const words = ['node/cli.ts', 'sim', scenario, '--seed', String(seed), '--json']
  const { code, out } = await run(process.execPath, words, { cwd, ms: RUN_MS })
  if (code === 0) return undefined
  const where = `${scenario}, seed ${seed}`
  if (code === undefined) return { by: 'hang', where, what: 'the run did not end' }
  const last = out.trimEnd().split('\n').at(-1) ?? ''
  try {
    const result = JSON.parse(last) as {
      violations?: { checker: string; what: string }[]
      error?: { name: string; message: string }
    }
    const [violation] = result.violations ?? []
    if (violation !== undefined) return { by: violation.checker, where, what: violation.what }
    return { by: result.error?.name ?? 'failure', where, what: result.error?.message ?? last }
  } catch {
    return { by: 'end of the process', where, what: last }
  }
}

async function judge(mutant: Mutant): Promise<Verdict | undefined> {
  const cwd = mkdtempSync(join(tmpdir(), 'drystone-mutant-'))
  try {
    copyHouse(cwd)
    const applied = await run('git', ['apply', '-C1', resolve(mutant.file)], { cwd, ms: 10_000 })
    if (applied.code !== 0) throw new Error(`${mutant.name} does not apply:\n${applied.out}`)
    for (const seed of SEEDS) {
      for (const scenario of mutant.scenarios) {
        const verdict = await simulate(cwd, { scenario, seed })
        if (verdict !== undefined) return verdict
      }
    }
    return undefined
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}

/** Runs `work` on each item, a few at a time. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items]
  const hand = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: availableParallelism() }, hand))
}

/** The unbroken code, wherever a mutant may be tried. @returns false if a checker cries */
async function isSound(): Promise<boolean> {
  let sound = true
  const runs = SEEDS.flatMap((seed) => SCENARIOS.map((scenario) => ({ scenario, seed })))
  await each(runs, async (each) => {
    const verdict = await simulate(HOUSE, each)
    if (verdict === undefined) return
    sound = false
    console.log(`unbroken  ${verdict.by} (${verdict.where}): ${verdict.what}`)
  })
  return sound
}

async function main(words: readonly string[]): Promise<number> {
  const files =
    words.length > 0
      ? words
      : readdirSync(PATCHES)
          .filter((name) => name.endsWith('.patch'))
          .sort()
          .map((name) => join(PATCHES, name))
  const mutants = files.map(readMutant)
  if (!(await isSound())) return 1
  console.log(`The unbroken code passes. ${mutants.length} mutants follow.`)
  let caught = 0
  await each(mutants, async (mutant) => {
    const verdict = await judge(mutant)
    if (verdict !== undefined) caught++
    const told = verdict === undefined ? 'NOT CAUGHT' : `${verdict.by} (${verdict.where})`
    console.log(`${mutant.name}: ${mutant.about}\n  ${told}${verdict ? `: ${verdict.what}` : ''}`)
  })
  console.log(`${caught} of ${mutants.length} mutants caught`)
  return caught === mutants.length ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
