// `audit`: do files that a backup would not read still hold what their fingerprints say?
// It reads a few of them, or all. What is not so is named, and the next backup saves it.

import type { Command } from 'commander'
import { action, withCommonFlags, type Context } from './command.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { bytesText } from './output.ts'

interface Flags {
  all?: boolean
}

export function define(command: Command): void {
  withCommonFlags(command)
    .option('--all', 'read every file that backups skip, not a sample')
    .action(action<Flags>(audit))
}

async function audit(
  { output, session, signal }: Context,
  { all = false }: Flags
): Promise<ExitCode> {
  const onProgress = (value: unknown): void => {
    const { files, bytes } = value as { files: number; bytes: number }
    output.progress(`${files} files, ${bytesText(bytes)} read`, { files, bytes })
  }
  const found = await (await session()).call('audit', { all }, { signal, onProgress })
  const { files, bytes, differing, unproven } = found
  output.line(`${files} files that a backup would skip were read: ${bytesText(bytes)}.`)
  for (const path of differing) output.line(`Changed unnoticed: ${path}`)
  const isRight = differing.length === 0
  if (isRight) output.line('All of them are what their fingerprints say.')
  if (!isRight)
    output.next('`drystone backup` reads these again; `drystone versions PATH` shows what was.')
  else if (unproven) output.next('`drystone audit --all` reads what `base adopt` took on trust.')
  output.result(found)
  return isRight ? EXIT.done : EXIT.damage
}
