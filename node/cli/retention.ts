// `retention plan`, `retention apply`: which restore points stay, by rules given here or by those of the
// mesh. A plan changes nothing; applied, the next head leaves out what goes.

import type { Command } from 'commander'
import { action, withCommonFlags, type Context } from './command.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { rulesFrom, rulesText, withKeepFlags, type KeepFlags } from './keep-rules.ts'
import { printThinned } from './thinned.ts'

export function define(command: Command): void {
  const plan = command.command('plan').description('what would go, and why')
  withKeepFlags(withCommonFlags(plan)).action(
    action<KeepFlags>((context, flags) => retention(context, flags, false))
  )
  const apply = command.command('apply').description('let it go')
  withKeepFlags(withCommonFlags(apply)).action(
    action<KeepFlags>((context, flags) => retention(context, flags, true))
  )
}

async function retention(
  { output, session, signal }: Context,
  flags: KeepFlags,
  apply: boolean
): Promise<ExitCode> {
  const args = { apply, rules: rulesFrom(flags) }
  const result = await (await session()).call('retention', args, { signal })
  const { rules, dropped } = result
  output.line(rules === undefined ? 'The mesh has no rules.' : `Rules: ${rulesText(rules)}.`)
  printThinned(output, result, apply)
  if (rules === undefined) {
    output.next('`drystone policy set keep-daily=7 keep-weekly=5 keep-within=30d`, or flags here.')
  } else if (dropped.length === 0) output.next('nothing: there is nothing to let go of.')
  else if (!apply) output.next('`drystone retention apply` with the same flags.')
  else {
    output.next('nothing: storage peers free the space when the undo time is over.')
  }
  output.result(result)
  return EXIT.done
}
