// `collapse`: drops the restore points between two, which both stay; pinned ones stay as well.
// What is kept of the tree at either end is whole: every restore point is a full.

import type { Command } from 'commander'
import { systemClock } from '../../store/clock.ts'
import { action, withCommonFlags } from './command.ts'
import { pointOf } from './flags.ts'
import { printThinned } from './thinned.ts'

interface Flags {
  from: string
  to: string
  dryRun?: boolean
}

export function define(command: Command): void {
  withCommonFlags(command)
    .requiredOption('--from <point>', 'the older one, which stays')
    .requiredOption('--to <point>', 'the newer one, which stays')
    .option('--dry-run', 'only say what would go')
    .action(
      action<Flags>(async ({ output, session, signal }, { from, to, dryRun = false }) => {
        const now = systemClock.now()
        const args = { from: pointOf(from, now).which, to: pointOf(to, now).which, dryRun }
        const result = await (await session()).call('collapse', args, { signal })
        printThinned(output, result, !dryRun)
        output.next(
          result.dropped.length === 0
            ? 'nothing: there is nothing between them to let go of.'
            : dryRun
              ? 'the same without --dry-run.'
              : 'nothing: storage peers free the space when the undo time is over.'
        )
        output.result(result)
      })
    )
}
