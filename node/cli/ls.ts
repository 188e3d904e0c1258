// `ls`: what a restore point holds, at a path.
// It opens only the pages on the way to the path.

import type { Command } from 'commander'
import { directoryEntries, findEntry, joinPath } from '../../store/tree.ts'
import { action, withCommonFlags, type Context } from './command.ts'
import { entryColumns, entryRow, type EntryRow } from './entry-row.ts'
import { openPoint, type PointFlags } from './opened-point.ts'
import { tableText } from './output.ts'
import { pathInRoot } from './root-path.ts'
import { WrongUsage } from './session.ts'

export function define(command: Command): void {
  withCommonFlags(command)
    .argument('<point>', 'latest, a number, a time, or ENDPOINT/number')
    .argument('[path]', 'a path in it')
    .option('--recovery-file <file>', 'a file that holds the recovery words')
    .action(action<PointFlags>(ls))
}

async function ls(
  { output, session, signal }: Context,
  flags: PointFlags,
  text: string,
  path = ''
): Promise<void> {
  const point = await openPoint(await session(), text, flags, signal)
  const place = pathInRoot(path, point.ownRoot)
  const found = await findEntry(point.reader, point.root, place)
  if (found === undefined) throw new WrongUsage(`${path} is not in restore point ${point.point}`)
  const entries: EntryRow[] = []
  if (found.page === undefined) entries.push(entryRow(place, found))
  else {
    for await (const entry of directoryEntries(point.reader, found.page, { signal })) {
      entries.push(entryRow(joinPath(place, entry.name), entry))
    }
  }
  await point.close()
  output.line(tableText(entries.map((row) => [...entryColumns(row), row.path])))
  output.next('bring it back with `drystone restore PATH --to DIR`.')
  output.result({ point: point.point, entries })
}
