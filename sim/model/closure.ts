// Closures: all that a root reaches. A holder of a root has to hold each of these blocks, in the
// endpoint's scope or in the base's.

import type { Block, Home } from './home.ts'

export interface Missing {
  /** In hex. */
  hash: string
  /** The block that refers to it; absent if it was asked for by itself. */
  from: string | undefined
}

/** Finds a block in the first of these scopes that has it. */
export function findBlock(home: Home, scopes: readonly string[], hash: string): Block | undefined {
  for (const scope of scopes) {
    const block = home.blocks.get(scope)?.get(hash)
    if (block !== undefined) return block
  }
  return undefined
}

/** What of all that `roots` reach is in none of the scopes. `walked` takes the hashes that were met. */
export function missingBelow(
  home: Home,
  scopes: readonly string[],
  roots: Iterable<string>,
  walked = new Set<string>()
): Missing[] {
  const missing: Missing[] = []
  const pending: Missing[] = Array.from(roots, (hash) => ({ hash, from: undefined }))
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { hash } = next
    if (walked.has(hash)) continue
    walked.add(hash)
    const block = findBlock(home, scopes, hash)
    if (block === undefined) missing.push(next)
    else for (const link of block.links.hashes) pending.push({ hash: link, from: hash })
  }
  return missing
}

/** Links of the blocks of one scope that lead to none of `scopes`. */
export function danglingIn(home: Home, scope: string, scopes: readonly string[]): Missing[] {
  const missing: Missing[] = []
  for (const [from, { links }] of home.blocks.get(scope) ?? []) {
    for (const hash of links.hashes) {
      if (findBlock(home, scopes, hash) === undefined) missing.push({ hash, from })
    }
  }
  return missing
}
