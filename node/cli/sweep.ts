// `sweep`: drop what nothing reaches and no undo time keeps.
// A running peer does so once a day by itself; this is for whoever needs the space now, or wants to know.

import type { Command } from 'commander'
import { action, withCommonFlags } from './command.ts'
import { EXIT } from './exit.ts'
import { bytesText } from './output.ts'

interface Flags {
  dryRun?: boolean
  unfinished?: boolean
}

export function define(command: Command): void {
  withCommonFlags(command)
    .option('--dry-run', 'say what would be dropped, and drop nothing')
    .option('--unfinished', 'also what unfinished backups and offers left in the last seven days')
    .action(
      action<Flags>(async ({ output, session, signal }, flags) => {
        const args = { dryRun: flags.dryRun === true, unfinished: flags.unfinished === true }
        const swept = await (await session()).call('sweep', args, { signal })
        const { blocks, bytes, keptByUndo, young, freedBytes } = swept
        const verb = args.dryRun ? 'would be dropped' : 'dropped'
        output.line(`${blocks} blocks ${verb}, ${bytesText(bytes)}.`)
        if (!args.dryRun) output.line(`${bytesText(freedBytes)} of disk space came back.`)
        if (keptByUndo > 0) output.line(`${keptByUndo} blocks stay for their undo time.`)
        if (young > 0) {
          output.line(`${young} blocks are of unfinished work of the last seven days.`)
          output.next('`drystone sweep --unfinished` drops those too.')
        }
        output.result(swept)
        return EXIT.done
      })
    )
}
