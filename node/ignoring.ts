// What is to be left out, as people write it: lines in the manner of .gitignore, the endpoint's own at the
// root and those of a `.drystoneignore` in any directory, for what is below it. The deepest file that says
// anything of a name decides. Names are bytes; lines are text, so a name is compared as UTF-8.

import ignore, { type Ignore } from 'ignore'
import type { TreePath, TreeStat } from './tree/tree.ts'

/** In any directory: what of it, and of what is below, is left out. It is itself saved. */
export const IGNORE_FILE = '.drystoneignore'
/** More than anybody writes by hand. */
export const IGNORE_BYTES_MAX = 1024 * 1024

interface Level {
  /** The directory, as UTF-8 with a slash at its end; empty for the root. */
  at: string
  lines: Ignore
}

/** The lines that hold in one directory. It never changes: below, others are made of it. */
export class Ignoring {
  /** The deepest first. */
  readonly #levels: readonly Level[]

  constructor(levels: readonly Level[] = []) {
    this.#levels = levels
  }

  /** True if nothing is said of any name. */
  get isEmpty(): boolean {
    return this.#levels.length === 0
  }

  /** True if a name is left out, with all that is below it. */
  names(path: TreePath, type: TreeStat['type']): boolean {
    if (this.isEmpty) return false
    const text = Buffer.from(path).toString()
    return this.#says(type === 'directory' ? `${text}/` : text) === 'out'
  }

  #says(text: string): 'in' | 'out' | undefined {
    for (const { at, lines } of this.#levels) {
      const { ignored, unignored } = lines.test(text.slice(at.length))
      if (ignored) return 'out'
      if (unignored) return 'in'
    }
    return undefined
  }

  /** The lines that hold below a directory which takes part; with `text`, if it has an ignore file. */
  below(directory: TreePath, text?: string): Ignoring {
    if (this.isEmpty && text === undefined) return this
    const at = directory.length === 0 ? '' : `${Buffer.from(directory).toString()}/`
    // Lines that would leave this directory out, and were overruled, say nothing of what is in it.
    const held = this.#levels.filter((level) => {
      return at === '' || !level.lines.test(at.slice(level.at.length)).ignored
    })
    if (text === undefined) return held.length === this.#levels.length ? this : new Ignoring(held)
    const lines = ignore({ ignoreCase: false, allowRelativePaths: true }).add(text)
    return new Ignoring([{ at, lines }, ...held])
  }
}
