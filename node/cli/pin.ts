// `pin`: a restore point that stays, whatever the rules and whatever is collapsed.
// The pin is a flag of the point in the head, so it comes back with the history on a new computer.

import type { Command } from 'commander'
import { systemClock } from '../../store/clock.ts'
import { action, withCommonFlags, type Context } from './command.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { pointOf } from './flags.ts'

export function define(command: Command): void {
  withCommonFlags(command)
    .argument('<point>', 'latest, a number, or a time')
    .action(action<object>((context, _, point = '') => setPin(context, { point, pinned: true })))
}

/** Pins a point of this computer, or lets go of its pin. */
export async function setPin(
  { output, session, signal }: Context,
  { point, pinned }: { point: string; pinned: boolean }
): Promise<ExitCode> {
  const args = { ...pointOf(point, systemClock.now()), pinned }
  const result = await (await session()).call('pin', args, { signal })
  output.line(`Point ${result.point} is ${pinned ? 'pinned' : 'not pinned any more'}.`)
  output.next('`drystone points` shows which are pinned.')
  output.result(result)
  return EXIT.done
}
