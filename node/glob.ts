// Patterns for looking around: a name with `*`, `?`, `[…]` and `{…}`, wherever it stands; or, with a slash in
// it, names from the root, `**` for any number of them. Taken name by name, so that a walk opens only what
// could still lead to a match.

import { matchesGlob } from 'node:path'
import { splitPath } from '../store/path.ts'
import type { TreePath } from './tree/tree.ts'

/** How much of a pattern has been met: positions in it, ascending. */
export type Met = readonly number[]

const ANY = '**'
const MAGIC = /[*?[\]{}\\!]/

export class Glob {
  readonly #parts: readonly string[]

  /** @param path names joined by '/'; one alone may stand in any directory. */
  constructor(path: TreePath) {
    const parts = splitPath(path)
      .map((name) => Buffer.from(name).toString())
      .filter((part) => part !== '')
    this.#parts = parts.length === 1 ? [ANY, ...parts] : parts
  }

  /** Before the first name. */
  get start(): Met {
    return this.#closed([0])
  }

  /** What has been met after one more name; nothing, if it leads nowhere. */
  after(met: Met, name: Uint8Array): Met {
    const text = Buffer.from(name).toString()
    const next = met.flatMap((at) => {
      const part = this.#parts[at]
      if (part === ANY) return [at]
      return part !== undefined && isLike(text, part) ? [at + 1] : []
    })
    return this.#closed(next)
  }

  /** True if the names so far are a match. */
  isWhole(met: Met): boolean {
    return met.at(-1) === this.#parts.length
  }

  /** The one name that can lead on from here, if there is only one. */
  only(met: Met): Uint8Array | undefined {
    const [at] = met
    const part = met.length === 1 && at !== undefined ? this.#parts[at] : undefined
    if (part === undefined || part === ANY || MAGIC.test(part)) return undefined
    return new Uint8Array(Buffer.from(part))
  }

  /** `**` stands for no name as well. */
  #closed(met: readonly number[]): Met {
    const all = new Set(met)
    for (const at of all) if (this.#parts[at] === ANY) all.add(at + 1)
    return [...all].sort((a, b) => a - b)
  }
}

/** True if a name of a pattern may stand for others than itself. */
export function hasMagic(name: Uint8Array): boolean {
  return MAGIC.test(Buffer.from(name).toString())
}

/** As `matchesGlob`; a name that begins with a dot is a name like others. */
function isLike(name: string, part: string): boolean {
  if (name === part || matchesGlob(name, part)) return true
  if (!name.startsWith('.') || !/^[*?[]/.test(part)) return false
  // What is before the dot is for a `*`, and what is in its place for the others.
  return matchesGlob(part.startsWith('*') ? `_${name}` : `_${name.slice(1)}`, part)
}
