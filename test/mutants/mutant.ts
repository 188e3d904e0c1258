// A mutant: the product with one thing broken on purpose. It is a patch whose first lines say what is broken
// and where that should show; it is applied to a copy, and the product itself is never touched.

import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export const HOUSE = fileURLToPath(new URL('../..', import.meta.url))
export const PATCHES = fileURLToPath(new URL('.', import.meta.url))
const BROKEN = ['node', 'protocol', 'store']
const ROOMS = [...BROKEN, 'sim', 'test', 'package.json', 'tsconfig.json']

export interface Mutant {
  name: string
  file: string
  /** What is broken; empty where the patch does not say. */
  about: string
  /** The scenario in which it should show, if the patch says. */
  scenario: string | undefined
  /** The test file in which it should show, where no scenario would meet it in its time. */
  test: string | undefined
}

/** The patches that come with the product, or those that were named. */
export function mutantsOf(files: readonly string[] = []): Mutant[] {
  const all = readdirSync(PATCHES).filter((name) => name.endsWith('.patch'))
  const chosen = files.length > 0 ? files : all.sort().map((name) => join(PATCHES, name))
  return chosen.map(readMutant)
}

/** The head of a patch: `# about: …`; and `# scenario: …`, a name or a file, or `# test: …`. */
function readMutant(file: string): Mutant {
  const text = readFileSync(file, 'utf8')
  const field = (name: string): string | undefined =>
    new RegExp(`^# ${name}: *(.*?) *$`, 'm').exec(text)?.[1]
  const about = field('about') ?? ''
  const where = { scenario: field('scenario'), test: field('test') }
  return { name: basename(file, '.patch'), file: resolve(file), about, ...where }
}

/** A copy of the product, all of it or what may be broken, in a folder that goes when `work` is done. */
export async function inCopy<T>(
  work: (folder: string) => Promise<T> | T,
  { toRun = true }: { toRun?: boolean } = {}
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'drystone-mutant-'))
  try {
    for (const room of toRun ? ROOMS : BROKEN) {
      cpSync(join(HOUSE, room), join(folder, room), { recursive: true })
    }
    if (toRun) symlinkSync(join(HOUSE, 'node_modules'), join(folder, 'node_modules'))
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Breaks a copy, or only asks whether it could be broken. @throws what git says if it could not */
export function applyTo(
  folder: string,
  { file }: Mutant,
  { onlyCheck = false }: { onlyCheck?: boolean } = {}
): void {
  // A copy is no work tree, whatever lies above it.
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: resolve(folder, '..') }
  const words = ['apply', '-C1', ...(onlyCheck ? ['--check'] : []), file]
  execFileSync('git', words, { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] })
}
