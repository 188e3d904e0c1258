// What differs between two states, for people and for programs: a line for each name, and the sums by kind.
// A file that has gone from one place and has come in another with the same content was moved.

import { toHex } from '../../store/block.ts'
import type { Entry } from '../../store/entry.ts'
import { kindOf, type Kind } from '../../store/look.ts'
import type { Difference } from '../../store/step.ts'
import { showPath } from '../tree/path.ts'
import { bytesText, type Output } from './output.ts'

export interface DifferingRow {
  path: string
  kind: Kind
  type: Entry['type']
  /** Bytes of the file before and after. */
  before?: number
  after?: number
  /** Where a new file with the same content has gone from. */
  movedFrom?: string
}

/** Sums, as `--json` has them: numbers of names, and bytes of what is new or changed. */
export interface Sums {
  added: number
  changed: number
  removed: number
  /** Bytes of files that are new, or whose content is. */
  bytes: number
  addedBytes: number
  changedBytes: number
  removedBytes: number
}

const SIGNS: Readonly<Record<Kind, string>> = {
  added: '+',
  removed: '-',
  type: 'T',
  content: 'M',
  metadata: 'U'
}

/** Gathers differences as they come. */
export class Differing {
  readonly rows: DifferingRow[] = []
  readonly sums: Sums = {
    ...{ added: 0, changed: 0, removed: 0, bytes: 0 },
    ...{ addedBytes: 0, changedBytes: 0, removedBytes: 0 }
  }
  /** Files that have gone, by content; the first of those with the same. */
  readonly #gone = new Map<string, string>()
  readonly #came: { row: DifferingRow; hash: string }[] = []

  static async from(differences: AsyncIterable<Difference>): Promise<Differing> {
    const differing = new Differing()
    for await (const difference of differences) differing.#add(difference)
    for (const { row, hash } of differing.#came) {
      const movedFrom = differing.#gone.get(hash)
      if (movedFrom !== undefined) row.movedFrom = movedFrom
    }
    return differing
  }

  #add(difference: Difference): void {
    const { path, before, after } = difference
    const kind = kindOf(difference)
    const type = (after ?? before)?.type ?? 'file'
    const row: DifferingRow = { path: showPath(path), kind, type }
    if (before?.type === 'file') row.before = before.size
    if (after?.type === 'file') row.after = after.size
    this.rows.push(row)
    this.#sum(kind, row)
    const moved = (after ?? before)?.hash
    if (type !== 'file' || moved === undefined || (row.after ?? row.before) === 0) return
    const hash = toHex(moved)
    if (kind === 'added') this.#came.push({ row, hash })
    else if (kind === 'removed' && !this.#gone.has(hash)) this.#gone.set(hash, row.path)
  }

  #sum(kind: Kind, { before = 0, after = 0 }: DifferingRow): void {
    const { sums } = this
    if (kind === 'added') {
      sums.added++
      sums.addedBytes += after
    } else if (kind === 'removed') {
      sums.removed++
      sums.removedBytes += before
    } else {
      sums.changed++
      if (kind !== 'metadata') sums.changedBytes += after
    }
    sums.bytes = sums.addedBytes + sums.changedBytes
  }

  /** A line for each, in tree order. */
  show(output: Output): void {
    for (const { path, kind, type, before, after, movedFrom } of this.rows) {
      const name = type === 'directory' ? `${path}/` : path
      const sizes = [before, after].filter((size) => size !== undefined).map(bytesText)
      const size = sizes[0] === sizes[1] ? sizes.slice(1) : sizes
      const from = movedFrom === undefined ? [] : [`moved from ${movedFrom}`]
      const notes = [...(kind === 'metadata' ? [] : [size.join(' → ')]), ...from].filter(Boolean)
      output.line(`${SIGNS[kind]}  ${name}${notes.length > 0 ? `  (${notes.join(', ')})` : ''}`)
    }
  }

  /** The sums, in one line for each kind. */
  showSums(output: Output): void {
    const { added, changed, removed, addedBytes, changedBytes, removedBytes } = this.sums
    output.line(`${added} added (${bytesText(addedBytes)}), ${changed} changed`)
    output.line(`(${bytesText(changedBytes)}), ${removed} removed (${bytesText(removedBytes)}).`)
  }
}
