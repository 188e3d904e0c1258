// `base deploy`: a bare directory becomes the base. This process writes the files, with its own rights; the
// peer gives it the blocks. If the directory is the one that this computer protects, the base is then its
// ground: files of the base are not read at the next backup.

import { resolve } from 'node:path'
import type { Command } from 'commander'
import { parseCid } from '../../store/block.ts'
import { compareTree } from '../installed.ts'
import { assertBare, openTop, restore } from '../restorer.ts'
import { action, withCommonFlags, type Context } from './command.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { bytesText } from './output.ts'
import { isRoot, openRealHands, openRealTree } from './local-tree.ts'
import { Unfinished } from './unfinished.ts'

export function define(command: Command): void {
  withCommonFlags(command)
    .argument('<base>', 'name@version')
    .requiredOption('--to <dir>', 'the bare directory')
    .action(action<{ to: string }>(deploy))
}

async function deploy(
  { output, session, signal }: Context,
  flags: { to: string },
  name: string
): Promise<ExitCode> {
  const peer = await session()
  const to = resolve(flags.to)
  const base = await peer.call('openBase', { base: name }, { signal })
  const target = await openRealTree(to)
  const unfinished = new Unfinished(to, `deploying ${base.name}`)
  if (!(await unfinished.isOurs())) await assertBare(target)
  const reader = peer.reader(base.reading)
  const top = await openTop(reader, { root: parseCid(base.root), digest: base.digest })
  await unfinished.begin()
  const start = { entry: top, from: new Uint8Array(), to: new Uint8Array() }
  const { count, warnings } = await restore({
    ...{ reader, target, signal, pieces: [start], conflict: 'overwrite' as const },
    openHands: openRealHands(to),
    onProgress: ({ files, bytes }) => {
      output.progress(`${files} files, ${bytesText(bytes)}`, { files, bytes })
    }
  })
  await unfinished.end()
  const sense = { owners: isRoot }
  const { differing, missing } = await compareTree({ tree: target, reader, top, sense })
  const wrong = [...differing, ...missing]
  for (const path of wrong) warnings.push(`${path} is not as the base has it`)
  await peer.call('closeReading', { reading: base.reading })
  const isOwn = base.ownRoot !== undefined && base.ownRoot === to
  if (isOwn) await peer.call('baseAdopt', { base: name, verify: false }, { signal })
  const { files, bytes, reusedBytes } = count
  output.line(`${base.name} is in ${to}: ${files} files, ${bytesText(bytes)}.`)
  for (const warning of warnings) output.line(`Warning: ${warning}`)
  output.next(isOwn ? 'run `drystone backup`.' : 'boot it, or join it to the mesh.')
  output.result({ base: base.name, digest: base.digest, files, bytes, reusedBytes, warnings })
  return wrong.length > 0 ? EXIT.incomplete : EXIT.done
}
