// `npm test`: runs ava over every test, or over the files given, and closes with one plain line,
// `N passed, N failed`. It keeps one promise: exit code 0 means that every test that was declared ran to
// its end and held. A file that crashed, hung, left early or declared nothing counts as a failure.
// Options of ava, such as --match='…', are handed on.

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { lineOf, verdictOf, TALLY_VARIABLE, type Tally } from './_run/tally.ts'

const NODE_LEAST = 24
const AVA = fileURLToPath(new URL('../node_modules/ava/entrypoints/cli.js', import.meta.url))
const CONFIG = fileURLToPath(new URL('./_run/observed.ts', import.meta.url))

/** Why the tests cannot start, or undefined. */
function obstacle(words: readonly string[]): string | undefined {
  const version = process.versions.node
  if (Number.parseInt(version) < NODE_LEAST) {
    return `The tests need Node ${NODE_LEAST} and this is ${version}. Use \`npm test\`, which brings its own.`
  }
  if (!existsSync(AVA)) return 'ava is not installed. Run `npm ci` first.'
  const isPlain = (word: string): boolean => !word.startsWith('-') && !/[*?{[]/.test(word)
  const missing = words.find((word) => isPlain(word) && !existsSync(word.replace(/:[\d,-]+$/, '')))
  return missing === undefined
    ? undefined
    : `There is no ${missing}. Name test files by their path.`
}

/** Runs ava with its own live output; resolves with its exit code once it has gone. */
async function runAva(words: readonly string[], tallyPath: string): Promise<number> {
  // Interrupted from the keyboard, ava gets the signal too: wait for it, so that its account is shown.
  process.on('SIGINT', () => {})
  const child = spawn(process.execPath, [AVA, '--config', CONFIG, ...words], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, [TALLY_VARIABLE]: tallyPath }
  })
  return await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? 1))
  })
}

function readTally(path: string): Tally | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Tally) : undefined
}

async function main(): Promise<number> {
  const words = process.argv.slice(2)
  const problem = obstacle(words)
  if (problem !== undefined) {
    console.error(problem)
    return 1
  }
  const folder = mkdtempSync(join(tmpdir(), 'drystone-test-'))
  try {
    const tallyPath = join(folder, 'tally.json')
    const code = await runAva(words, tallyPath)
    const { counts, remarks } = verdictOf(readTally(tallyPath), code)
    for (const remark of remarks) console.log(remark)
    console.log(lineOf(counts))
    return remarks.length > 0 || counts.failed > 0 || code !== 0 ? 1 : 0
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

process.exitCode = await main()
