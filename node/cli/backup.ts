// `backup`: one restore point. It is saved when it is durable here, protected when keepers have signed.
// Which of the two it says by words and exit code; what could not be read is named, never left out silently.

import type { Command } from 'commander'
import { action, withCommonFlags, type Context } from './command.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { spanMs } from './flags.ts'
import { bytesText } from './output.ts'
import { WrongUsage } from './session.ts'

interface Flags {
  scan?: boolean
  wait?: string
}

/** How long `--wait protected` waits when no time is given. */
const DEFAULT_WAIT = '1h'

export function define(command: Command): void {
  withCommonFlags(command)
    .option('--scan', 'look at every file, not only where something changed')
    .option('--wait <what>', 'protected, or protected=30m: wait for the copies')
    .action(action<Flags>(backup))
}

async function backup(
  { output, session, signal }: Context,
  { wait, scan }: Flags
): Promise<ExitCode> {
  const waitMs = wait === undefined ? undefined : readWait(wait)
  const done = await (
    await session()
  ).call(
    'backup',
    { waitMs, ...(scan && { scan }) },
    {
      signal,
      onProgress: (value) => {
        const { examined, hashedBytes, saved } = value as Record<string, number | undefined>
        const text =
          saved === undefined
            ? `${examined} entries, ${bytesText(hashedBytes ?? 0)} read`
            : 'saved; copies go out…'
        output.progress(text, value as object)
      }
    }
  )
  const { point, changed, deleted, newBytes, sentBytes, copies, skipped, loss } = done
  output.line(`Restore point ${point}: ${changed} changed, ${deleted} deleted,`)
  output.line(
    `${bytesText(done.hashedBytes)} read, ${bytesText(newBytes)} new, ${bytesText(sentBytes)} sent.`
  )
  output.line(copies.length === 0 ? 'No copies yet.' : `Copies: ${copies.join(', ')}.`)
  if (loss !== undefined) {
    output.line(`Careful: ${loss.gone} of the ${loss.of} names that were there are gone.`)
    output.line(`If that was not meant: \`drystone restore --at ${point - 1} --to DIR\`.`)
  }
  for (const { path, why } of skipped) output.line(`Not as it is now: ${path}: ${why}`)
  for (const [peer, why] of Object.entries(done.failures)) output.line(`No copy at ${peer}: ${why}`)
  output.next(done.protected ? 'nothing: it is protected.' : 'see `drystone status`.')
  output.result(done)
  if (skipped.length > 0) return EXIT.incomplete
  return waitMs !== undefined && !done.protected ? EXIT.unprotected : EXIT.done
}

function readWait(text: string): number {
  const found = /^protected(?:=(.+))?$/.exec(text)
  if (found === null) throw new WrongUsage('--wait takes protected or protected=30m')
  return spanMs(found[1] ?? DEFAULT_WAIT)
}
