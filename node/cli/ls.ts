// `ls`: what a restore point holds, at a path.
// It opens only the pages on the way to the path.

import type { Command } from 'commander'
import { parseCid, toHex } from '../../store/block.ts'
import { systemClock } from '../../store/clock.ts'
import type { Entry } from '../../store/entry.ts'
import { directoryEntries, findEntry, joinPath } from '../../store/tree.ts'
import { showPath } from '../tree/path.ts'
import { action, withCommonFlags, type Context } from './command.ts'
import { pointOf } from './flags.ts'
import { momentText, tableText } from './output.ts'
import { pathInRoot } from './root-path.ts'
import { WrongUsage } from './session.ts'
import { wordsFrom } from './words.ts'

interface Flags {
  recoveryFile?: string
}

export function define(command: Command): void {
  withCommonFlags(command)
    .argument('<point>', 'latest, a number, or ENDPOINT/number')
    .argument('[path]', 'a path in it')
    .option('--recovery-file <file>', 'a file that holds the recovery words')
    .action(action<Flags>(ls))
}

async function ls(
  { output, session, signal }: Context,
  { recoveryFile }: Flags,
  point: string,
  path = ''
): Promise<void> {
  const peer = await session()
  const words = await wordsFrom(recoveryFile)
  const opened = await peer.call(
    'openPoint',
    { ...pointOf(point, systemClock.now()), words },
    { signal }
  )
  const reader = peer.reader(opened.reading)
  const place = pathInRoot(path, opened.ownRoot)
  const found = await findEntry(reader, parseCid(opened.root), place)
  if (found === undefined) throw new WrongUsage(`${path} is not in restore point ${opened.point}`)
  const entries: ReturnType<typeof rowOf>[] = []
  if (found.page === undefined) entries.push(rowOf(place, found))
  else {
    for await (const entry of directoryEntries(reader, found.page, { signal })) {
      entries.push(rowOf(joinPath(place, entry.name), entry))
    }
  }
  await peer.call('closeReading', { reading: opened.reading })
  const rows = entries.map(({ type, mode, size, mtime, path: shown }) => [
    type,
    mode,
    String(size).padStart(12),
    momentText(mtime),
    shown
  ])
  output.line(tableText(rows))
  output.next('bring it back with `drystone restore PATH --to DIR`.')
  output.result({ point: opened.point, entries })
}

function rowOf(path: Uint8Array, { type, mode, uid, gid, size, mtimeNs, hash, target }: Entry) {
  return {
    path: showPath(path),
    type,
    mode: mode.toString(8).padStart(4, '0'),
    uid,
    gid,
    size,
    mtime: new Date(Number(mtimeNs / 1_000_000n)).toISOString(),
    hash: hash && toHex(hash),
    target: target && showPath(target)
  }
}
