// `check`: is what this peer keeps intact?
// It only reads: damage is named and remembered, and nothing is taken away.

import type { Command } from 'commander'
import { action, withCommonFlags, type Context } from './command.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { bytesText } from './output.ts'

interface Flags {
  deep?: boolean
  rebuildIndex?: boolean
  fullSpeed?: boolean
}

export function define(command: Command): void {
  withCommonFlags(command)
    .option('--deep', 'read and prove every block')
    .option('--rebuild-index', 'make the index again from the segments')
    .option('--full-speed', 'read as fast as the disk can; else 64 MiB a second')
    .action(action<Flags>(check))
}

async function check(
  { output, session, signal }: Context,
  { deep = false, rebuildIndex = false, fullSpeed = false }: Flags
): Promise<ExitCode> {
  const onProgress = (value: unknown): void => {
    const { blocks, bytes } = value as { blocks: number; bytes: number }
    output.progress(`${blocks} blocks, ${bytesText(bytes)} gone through`, { blocks, bytes })
  }
  const args = { deep, rebuildIndex, fullSpeed }
  const report = await (await session()).call('check', args, { signal, onProgress })
  const { blocks, bytes, damaged, missing, unindexed } = report
  output.line(`${blocks} blocks, ${bytesText(bytes)}.`)
  output.line(
    deep
      ? 'Read: every block, every link, the index, and the files of the home.'
      : 'Read: headers, footers, links, the index, and the files of the home; not what is in the blocks.'
  )
  const absent = new Set(missing)
  for (const name of damaged) output.line(`${absent.has(name) ? 'Missing' : 'Damaged'}: ${name}`)
  if (unindexed > 0) output.line(`The index lacks ${unindexed} blocks that are here.`)
  const isWhole = damaged.length === 0
  output.line(isWhole ? 'All of that is intact.' : 'Some of it is damaged or missing.')
  if (!isWhole) output.next('`drystone repair` brings back what another peer has.')
  else if (unindexed > 0) output.next('`drystone check --rebuild-index`.')
  else if (!deep) output.next('`drystone check --deep` reads every byte.')
  output.result(report)
  return isWhole ? EXIT.done : EXIT.damage
}
