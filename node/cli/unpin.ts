// `unpin`: lets go of a pin. The point stays until rules, or a collapse, let go of it.
// Nothing is dropped by it.

import type { Command } from 'commander'
import { action, withCommonFlags } from './command.ts'
import { setPin } from './pin.ts'

export function define(command: Command): void {
  withCommonFlags(command)
    .argument('<point>', 'latest, a number, or a time')
    .action(action<object>((context, _, point = '') => setPin(context, { point, pinned: false })))
}
