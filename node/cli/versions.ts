// `versions`: how one path changed over all restore points, and since when it is what it is. Of each point
// only the pages on the way to the path are opened.

import type { Command } from 'commander'
import { parseCid } from '../../store/block.ts'
import { versionsOf } from '../../store/look.ts'
import { action, withCommonFlags, type Context } from './command.ts'
import { entryColumns, entryRow } from './entry-row.ts'
import { openPoint, type PointFlags } from './opened-point.ts'
import { momentText, tableText } from './output.ts'
import { pathInRoot } from './root-path.ts'
import { WrongUsage } from './session.ts'
import { wordsFrom } from './words.ts'

export function define(command: Command): void {
  withCommonFlags(command)
    .argument('<path>', 'a file or folder')
    .option('--endpoint <endpoint>', 'of another computer')
    .option('--recovery-file <file>', 'a file that holds the recovery words')
    .action(action<PointFlags>(versions))
}

async function versions(
  { output, session, signal }: Context,
  flags: PointFlags,
  text: string
): Promise<void> {
  const peer = await session()
  const words = await wordsFrom(flags.recoveryFile)
  const listed = await peer.call('points', { endpoint: flags.endpoint, words }, { signal })
  const states = listed.points.map(({ point, time, root }) => ({
    point,
    time,
    root: parseCid(root)
  }))
  const opened = await openPoint(peer, 'latest', flags, signal)
  const path = pathInRoot(text, opened.ownRoot)
  const found = await versionsOf(opened.reader, states, path)
  await opened.close()
  if (found.every(({ entry }) => entry === undefined)) {
    throw new WrongUsage(`${text} is in no restore point`, {
      next: 'Look for it: `drystone find NAME --all`.'
    })
  }
  const rows = found.map(({ from, to, entry }) => ({
    point: from.point,
    to: to.point,
    time: from.time,
    isThere: entry !== undefined,
    ...(entry && entryRow(path, entry))
  }))
  const table = found.map(({ from, to, entry }) => [
    from.point === to.point ? `${from.point}` : `${from.point}-${to.point}`,
    momentText(from.time),
    ...(entry === undefined ? ['not there'] : entryColumns(entryRow(path, entry)))
  ])
  output.line(
    tableText([['points', 'since', 'type', 'mode', 'size'.padStart(12), 'mtime'], ...table])
  )
  output.next(`bring one back: \`drystone restore ${text} --at POINT --to DIR\`.`)
  output.result({ endpoint: listed.endpoint, versions: rows })
}
