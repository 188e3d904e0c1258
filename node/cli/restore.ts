// `restore`: brings files back, whole trees or single paths. This process writes them, with its own rights;
// the peer opens the blocks. What is in the target already and equal is not fetched.

import { resolve } from 'node:path'
import type { Command } from 'commander'
import { parseCid } from '../../store/block.ts'
import { systemClock } from '../../store/clock.ts'
import type { Entry } from '../../store/entry.ts'
import type { StateReader } from '../../store/reader.ts'
import { findBelow } from '../../store/tree.ts'
import { compareTree } from '../installed.ts'
import { openTop, restore, type Conflict, type Piece } from '../restorer.ts'
import { nameOf } from '../tree/path.ts'
import { action, withCommonFlags, type Context } from './command.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { pointOf } from './flags.ts'
import { bytesText } from './output.ts'
import { isRoot, openRealHands, openRealTree } from './local-tree.ts'
import { pathInRoot } from './root-path.ts'
import { WrongUsage, type Session } from './session.ts'
import { wordsFrom } from './words.ts'

interface Flags {
  endpoint?: string
  at: string
  to?: string
  inPlace?: boolean
  conflict: string
  dryRun?: boolean
  recoveryFile?: string
}

const CONFLICTS: readonly Conflict[] = ['keep-both', 'overwrite', 'skip']

export function define(command: Command): void {
  withCommonFlags(command)
    .argument('[path...]', 'what to bring back; everything, if none is given')
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
  const opened = await open(peer, flags, signal)
  const directory = targetOf(flags, opened.ownRoot)
  const reader = peer.reader(opened.reading)
  const top = await openTop(reader, { root: parseCid(opened.root), digest: opened.digest })
  const pieces = await piecesOf(reader, top, {
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

async function open(peer: Session, flags: Flags, signal: AbortSignal) {
  const words = await wordsFrom(flags.recoveryFile)
  const point = pointOf(flags.at, systemClock.now())
  const endpoint = flags.endpoint ?? point.endpoint
  return peer.call('openPoint', { endpoint, words, which: point.which }, { signal })
}

function targetOf({ to, inPlace }: Flags, ownRoot: string | undefined): string {
  if (to !== undefined && inPlace !== true) return resolve(to)
  if (inPlace === true && to === undefined && ownRoot !== undefined) return ownRoot
  throw new WrongUsage('say where to: --to DIR, or --in-place on the computer that protects it')
}

/** What to restore, and to where in the target: each path under its own name, or where it was. */
async function piecesOf(
  reader: StateReader,
  top: Entry,
  { paths, inPlace }: { paths: readonly Uint8Array[]; inPlace: boolean }
): Promise<Piece[]> {
  const empty = new Uint8Array()
  if (paths.length === 0) return [{ entry: top, from: empty, to: empty }]
  const pieces: Piece[] = []
  for (const path of paths) {
    const entry = await findBelow(reader, top, path)
    if (entry === undefined) {
      throw new WrongUsage(`${Buffer.from(path).toString()} is not in this restore point`, {
        next: 'Look with `drystone ls POINT`.'
      })
    }
    pieces.push({ entry, from: path, to: inPlace ? path : nameOf(path) })
  }
  return pieces
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
