// Real folders for tests, and what independent tools say about them. Every folder that is made is removed
// again when its test ends.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'

export const isRoot = process.getuid?.() === 0

/** A new folder, gone when the test is over. */
export function makeFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'drystone-tree-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** What a program prints, as latin1, so that any bytes are kept. */
export function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'latin1', stdio: ['ignore', 'pipe', 'pipe'] })
}

/**
 * Runs `work` without root's rights. The process gets them back afterwards. All that `work` needs must
 * be loaded already, and other tests must not run meanwhile (test.serial).
 */
export async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  if (!isRoot) return work()
  process.setegid?.(65534)
  process.seteuid?.(65534)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
    process.setegid?.(0)
  }
}
