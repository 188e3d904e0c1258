// `repair`: fetch what is damaged or missing, and fill up copies again.
// It reads everything first, and takes nothing away: what it cannot bring back is named.

import type { Command } from 'commander'
import { action, withCommonFlags, type Context } from './command.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { bytesText } from './output.ts'

export function define(command: Command): void {
  withCommonFlags(command)
    .option('--full-speed', 'read as fast as the disk can; else 64 MiB a second')
    .action(action<{ fullSpeed?: boolean }>(repair))
}

async function repair(
  { output, session, signal }: Context,
  { fullSpeed = false }: { fullSpeed?: boolean }
): Promise<ExitCode> {
  const onProgress = (value: unknown): void => {
    const { blocks, bytes } = value as { blocks: number; bytes: number }
    output.progress(`${blocks} blocks, ${bytesText(bytes)} gone through`, { blocks, bytes })
  }
  const done = await (await session()).call('repair', { fullSpeed }, { signal, onProgress })
  const { repaired, unrepaired, quarantined, away } = done
  for (const name of repaired) output.line(`Repaired: ${name}`)
  for (const name of unrepaired) output.line(`Not repaired: ${name}`)
  for (const path of quarantined.filter((name) => !unrepaired.includes(name))) {
    output.line(`Kept aside: ${path}`)
  }
  const isWhole = unrepaired.length === 0
  output.line(
    isWhole ? 'All that is kept here is intact.' : 'Not everything could be brought back.'
  )
  if (!isWhole && away.length > 0) {
    output.next(`start ${away.join(', ')}, which may have it, and run \`drystone repair\` again.`)
  } else if (!isWhole) {
    output.next('`drystone verify` tells what can be restored; the next backup sends what is here.')
  }
  output.result(done)
  return isWhole ? EXIT.done : EXIT.damage
}
