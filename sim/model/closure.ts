// Closures: all that a root reaches. A holder of a root has to hold each of these blocks, in the
// endpoint's scope or in the base's; and has to write them in an order in which any prefix is closed.

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

/**
 * Blocks that were written before a block of the same scope that they refer to. If the power had gone
 * between the two, one would be there without what is below it.
 */
export function writtenTooEarly(home: Home, scope: string): { hash: string; before: string }[] {
  const places = placesIn(home, scope)
  const early: { hash: string; before: string }[] = []
  for (const [hash, { links }] of home.blocks.get(scope) ?? []) {
    const place = places.get(hash) ?? 0
    for (const before of links.hashes) {
      if ((places.get(before) ?? 0) > place) early.push({ hash, before })
    }
  }
  return early
}

/** By hash: as the how-manieth record it was first written. */
function placesIn({ segments }: Home, scope: string): Map<string, number> {
  const places = new Map<string, number>()
  const paths = [...segments.keys()].filter((path) => path.startsWith(`blocks/${scope}/`))
  for (const path of paths.sort()) {
    const records = segments.get(path)?.records ?? []
    for (const { hash } of records.toSorted((a, b) => a.offset - b.offset)) {
      if (!places.has(hash)) places.set(hash, places.size)
    }
  }
  return places
}
