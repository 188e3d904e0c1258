// `npm run mutants`: breaks the product on purpose, one patch at a time, in a copy, and shows that the
// simulator's checkers notice. Small harsh offices made for this are tried first, then the scenarios that
// come with the product; a patch may name a test instead. Wherever a mutant is caught, the unbroken code
// has to pass: a checker that cries at everything has caught nothing. Patches of one's own can be given as
// arguments.

import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { HOUSE, PATCHES, applyTo, inCopy, mutantsOf, type Mutant } from './mutant.ts'

/** Tried in this order; those in this folder by their short names. */
const OWN = ['storm', 'busy', 'liars', 'rare']
const TRIES = [
  ...[1, 2].flatMap((seed) => OWN.map((scenario) => ({ scenario, seed }))),
  ...['crash-storm', 'hostile-keeper', 'nas-dies', 'clock-chaos', 'first-week'].map((scenario) => ({
    scenario,
    seed: 1
  }))
]
/** A run that takes longer hangs, and a hang is noticed too. */
const RUN_MS = 5 * 60_000
const AVA = join(HOUSE, 'node_modules/ava/entrypoints/cli.js')
const OUT_BYTES_MAX = 4 << 20

type Try = { scenario: string; seed: number } | { test: string }

function nameOf(where: Try): string {
  return 'test' in where ? where.test : `${where.scenario}, seed ${where.seed}`
}

interface Verdict {
  /** A checker; or what the run ended with. */
  by: string
  what: string
}

/** What one run finds; undefined if all was well. */
async function tried(cwd: string, where: Try): Promise<Verdict | undefined> {
  if ('test' in where) return ended(cwd, [AVA, where.test], failedIn)
  const { scenario, seed } = where
  const which = OWN.includes(scenario) ? join(PATCHES, `${scenario}.yaml`) : scenario
  return ended(cwd, ['node/cli.ts', 'sim', which, '--seed', String(seed), '--json'], verdictOf)
}

/** What a process says that fails; undefined if it does not. */
async function ended(
  cwd: string,
  words: string[],
  read: (out: string) => Verdict
): Promise<Verdict | undefined> {
  const child = spawn(process.execPath, words, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  const keep = (piece: Buffer): void => {
    out = (out + piece.toString()).slice(-OUT_BYTES_MAX)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    child.kill('SIGKILL')
  }, RUN_MS)
  const code = await new Promise<number | null>((done, fail) => {
    child.on('error', fail)
    child.on('close', done)
  })
  clearTimeout(timer)
  if (isLate) return { by: 'hang', what: 'the run did not end' }
  return code === 0 ? undefined : read(out)
}

/** The tests that ava names as failed. */
function failedIn(out: string): Verdict {
  const titles = [...out.matchAll(/✘ \[fail\]: (.*)/g)].map(([, title = '']) => title)
  return { by: 'a test', what: titles[0] ?? out.trimEnd().split('\n').at(-1) ?? '' }
}

function verdictOf(out: string): Verdict {
  const last = out.trimEnd().split('\n').at(-1) ?? ''
  try {
    const { violations = [], error } = JSON.parse(last) as {
      violations?: { checker: string; what: string }[]
      error?: { name: string; message: string }
    }
    const [first] = violations
    const by = [...new Set(violations.map(({ checker }) => checker))].join(', ')
    if (first !== undefined) return { by, what: first.what.split('\n')[0] ?? '' }
    return { by: error?.name ?? 'failure', what: error?.message ?? last }
  } catch {
    return { by: 'end of the process', what: last }
  }
}

/** Runs of the unbroken code, each once, where a mutant was caught. */
const sound = new Map<string, Promise<Verdict | undefined>>()

function soundness(where: Try): Promise<Verdict | undefined> {
  const key = nameOf(where)
  const known = sound.get(key) ?? tried(HOUSE, where)
  sound.set(key, known)
  return known
}

/** Where a mutant should show, and then everywhere else; one for a test only there. */
function triesOf({ scenario, test }: Mutant): Iterable<Try> {
  if (test !== undefined) return [{ test }]
  const first = TRIES.find((each) => each.scenario === scenario)
  if (first !== undefined) return new Set([first, ...TRIES])
  return [...(scenario === undefined ? [] : [{ scenario, seed: 1 }]), ...TRIES]
}

/** Tries a mutant until it is caught. @returns what to say about it, and whether it was */
async function judge(mutant: Mutant): Promise<{ told: string; isCaught: boolean }> {
  return inCopy(async (folder) => {
    try {
      applyTo(folder, mutant)
    } catch (error) {
      return { told: `does not apply: ${String(error)}`, isCaught: false }
    }
    for (const where of triesOf(mutant)) {
      const verdict = await tried(folder, where)
      if (verdict === undefined) continue
      const cry = await soundness(where)
      const at = `in ${nameOf(where)}`
      if (cry !== undefined) {
        return { told: `the unbroken code fails ${at}: ${cry.by}: ${cry.what}`, isCaught: false }
      }
      return { told: `caught by ${verdict.by} ${at}: ${verdict.what}`, isCaught: true }
    }
    return { told: 'NOT CAUGHT', isCaught: false }
  })
}

async function main(files: readonly string[]): Promise<number> {
  const mutants = mutantsOf(files)
  const left = [...mutants]
  let caught = 0
  const hand = async (): Promise<void> => {
    for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) {
      const { told, isCaught } = await judge(mutant)
      if (isCaught) caught++
      console.log(`${mutant.name}: ${mutant.about}\n  ${told}`)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, hand))
  console.log(`${caught} of ${mutants.length} mutants caught`)
  return caught === mutants.length ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
