// `restore`: brings files back, whole trees or single paths. This process writes them, with its own rights;
// the peer opens the blocks. What is in the target already and equal is not fetched.

import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Entry } from '../../store/entry.ts'
import type { StateReader } from '../../store/reader.ts'
import { compareTree } from '../installed.ts'
import { openTop, restore, type Conflict } from '../restorer.ts'
import { action, withCommonFlags, type Context } from './command.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { openPoint, type PointFlags } from './opened-point.ts'
import { bytesText } from './output.ts'
import { piecesOf } from './pieces.ts'
import { isRoot, openRealHands, openRealTree } from './local-tree.ts'
import { pathInRoot } from './root-path.ts'
import { WrongUsage, type Session } from './session.ts'

interface Flags extends PointFlags {
  at: string
  to?: string
  inPlace?: boolean
  conflict: string
  dryRun?: boolean
}

const CONFLICTS: readonly Conflict[] = ['keep-both', 'overwrite', 'skip']

export function define(command: Command): void {
  withCommonFlags(command)
    .argument('[path...]', 'what to bring back: paths, or patterns such as *.odt; else everything')
    .option('--endpoint <endpoint>', 'of another computer')
    .option('--at <point>', 'a restore point, or a time', 'latest')
    .option('--to <dir>', 'where to')
    .option('--in-place', 'where it was')
    .option('--conflict <how>', CONFLICTS.join(', '), 'keep-both')
    .option('--dry-run', 'say what would be done')
    .option('--recovery-file <file>', 'a file that holds the recovery words')
    .action(action<Flags>(run))
}

async function run(context: Context, flags: Flags, ...paths: string[]): Promise<ExitCode> {
  const { output, session, signal } = context
  const conflict = CONFLICTS.find((each) => each === flags.conflict)
  if (conflict === undefined) throw new WrongUsage(`--conflict takes ${CONFLICTS.join(', ')}`)
  const peer = await session()
  const opened = await openPoint(peer, flags.at, flags, signal)
  const directory = targetOf(flags, opened.ownRoot)
  const { reader, root } = opened
  const top = await openTop(reader, opened)
  const pieces = await piecesOf({
    ...{ reader, root, top },
    paths: paths.map((path) => pathInRoot(path, opened.ownRoot)),
    inPlace: flags.inPlace === true
  })
  const target = await openRealTree(directory)
  const { count, warnings } = await restore({
    ...{ reader, pieces, target, conflict, signal },
    dryRun: flags.dryRun === true,
    openHands: openRealHands(directory),
    onProgress: ({ files, bytes }) => {
      output.progress(`${files} files, ${bytesText(bytes)}`, { files, bytes })
    }
  })
  const isWhole = paths.length === 0 && flags.dryRun !== true
  const proof = { reader, top: pieces[0]?.entry, target }
  const wrong = isWhole ? await prove(peer, proof) : []
  if (isWhole && flags.inPlace === true) {
    await peer.call('restoredInPlace', { reading: opened.reading }, { signal })
  }
  for (const path of wrong) warnings.push(`${path} is not as the restore point has it`)
  const { fetchedBytes, fromPeers } = await peer.call('closeReading', { reading: opened.reading })
  const { files, bytes, reusedBytes } = count
  const verb = flags.dryRun === true ? 'would be' : 'are'
  output.line(`${files} files, ${bytesText(bytes)}, ${verb} in ${directory},`)
  output.line(`as they were at restore point ${opened.point} of ${opened.endpoint}.`)
  for (const warning of warnings) output.line(`Warning: ${warning}`)
  if (flags.dryRun === true) output.next('run it again without --dry-run.')
  output.result({
    ...{ point: opened.point, endpoint: opened.endpoint, digest: opened.digest },
    ...{ files, bytes, fetchedBytes, reusedBytes, fromPeers, warnings }
  })
  return wrong.length > 0 ? EXIT.incomplete : EXIT.done
}

function targetOf({ to, inPlace }: Flags, ownRoot: string | undefined): string {
  if (to !== undefined && inPlace !== true) return resolve(to)
  if (inPlace === true && to === undefined && ownRoot !== undefined) return ownRoot
  throw new WrongUsage('say where to: --to DIR, or --in-place on the computer that protects it')
}

/** Compares what is there now with what should be; a whole restore that differs in nothing is proof. */
async function prove(
  peer: Session,
  {
    reader,
    top,
    target
  }: {
    reader: StateReader
    top: Entry | undefined
    target: Awaited<ReturnType<typeof openRealTree>>
  }
): Promise<string[]> {
  if (top === undefined) return []
  const sense = { owners: isRoot }
  const { differing, missing } = await compareTree({ tree: target, reader, top, sense })
  if (differing.length + missing.length === 0) await peer.call('proven', {})
  return [...differing, ...missing]
}
