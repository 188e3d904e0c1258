// `find`: every entry that fits a pattern, in one restore point or in all of them. What points share is
// looked into once.

import type { Command } from 'commander'
import { parseCid, toHex } from '../../store/block.ts'
import type { PathEntry } from '../../store/tree.ts'
import { Finder } from '../../store/look.ts'
import { Glob } from '../glob.ts'
import { action, withCommonFlags, type Context } from './command.ts'
import { entryColumns, entryRow, type EntryRow } from './entry-row.ts'
import { openPoint, type PointFlags } from './opened-point.ts'
import { tableText } from './output.ts'
import { pathInRoot } from './root-path.ts'
import { wordsFrom } from './words.ts'

interface Flags extends PointFlags {
  at: string
  all?: boolean
}

interface Found extends EntryRow {
  /** Numbers of the points that hold this very version. */
  points: number[]
}

export function define(command: Command): void {
  withCommonFlags(command)
    .argument('<glob>', 'a name such as *.odt, anywhere; with a slash, a path from the root')
    .option('--at <point>', 'in this restore point, or the last one before this time', 'latest')
    .option('--all', 'in all restore points')
    .option('--endpoint <endpoint>', 'of another computer')
    .option('--recovery-file <file>', 'a file that holds the recovery words')
    .action(action<Flags>(find))
}

async function find(context: Context, flags: Flags, text: string): Promise<void> {
  const { output, session, signal } = context
  const point = await openPoint(await session(), flags.all ? 'latest' : flags.at, flags, signal)
  const path = text.includes('/') ? pathInRoot(text, point.ownRoot) : Buffer.from(text)
  const finder = new Finder(point.reader, new Glob(path), { signal })
  const all = flags.all === true ? await allPoints(context, flags) : [point]
  const found = new Map<string, Found>()
  for (const each of all) {
    for (const match of await finder.in(each.root)) note(found, match, each.point)
  }
  await point.close()
  const entries = [...found.values()]
  const rows = entries.map((row) => [...entryColumns(row), row.path, pointsText(row.points, flags)])
  if (rows.length > 0) output.line(tableText(rows))
  else
    output.line(
      `Nothing is called ${text} ${flags.all ? 'in any point' : `in point ${point.point}`}.`
    )
  output.next('see how one changed: `drystone versions PATH`.')
  output.result({ point: point.point, entries })
}

async function allPoints({ session, signal }: Context, { endpoint, recoveryFile }: PointFlags) {
  const words = await wordsFrom(recoveryFile)
  const { points } = await (await session()).call('points', { endpoint, words }, { signal })
  return points.map(({ point, root }) => ({ point, root: parseCid(root) }))
}

/** One row for each version of a path. */
function note(found: Map<string, Found>, { path, entry }: PathEntry, point: number): void {
  const { hash, size, mtimeNs } = entry
  const name = Buffer.from(path).toString('latin1')
  const key = `${name}\0${entry.type} ${size} ${mtimeNs} ${hash ? toHex(hash) : ''}`
  const known = found.get(key)
  if (known === undefined) found.set(key, { ...entryRow(path, entry), points: [point] })
  else known.points.push(point)
}

function pointsText(points: readonly number[], { all }: Flags): string {
  if (all !== true) return ''
  const [first, last] = [points[0], points.at(-1)]
  return first === last ? `in ${first}` : `in ${first} to ${last}`
}
