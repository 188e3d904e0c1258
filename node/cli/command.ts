// What every command has in common: the flags that all take, one way to fail, one way to end. A command is a
// function of its words and flags that returns its exit code.

import type { Command } from 'commander'
import { EXIT, exitCodeOf, type ExitCode } from './exit.ts'
import { Output } from './output.ts'
import { openSession, type Session } from './session.ts'

export interface CommonFlags {
  home?: string
  json?: boolean
  quiet?: boolean
  yes?: boolean
  verbose?: boolean
}

export interface Context {
  output: Output
  /** The folder of the home, as given. */
  home: string | undefined
  isYes: boolean
  /** Opens the session with the peer; it is closed when the command ends. */
  session: () => Promise<Session>
  /** Aborts on an interrupt. */
  signal: AbortSignal
}

/** Adds the flags that every command takes. */
export function withCommonFlags(command: Command): Command {
  return command
    .option('--home <dir>', 'the home of the peer (or DRYSTONE_HOME)')
    .option('--json', 'print NDJSON; the last line is the result')
    .option('--quiet', 'print only results')
    .option('--yes', 'ask nothing')
    .option('--verbose', 'print more, also about failures')
}

/**
 * The action of a command. `run` gets the positional words in order, the flags, and the context.
 */
export function action<Flags extends object>(
  run: (context: Context, flags: Flags, ...words: string[]) => Promise<ExitCode | void>
): (...args: unknown[]) => Promise<void> {
  return async (...args) => {
    const command = args.pop() as Command
    args.pop()
    const flags = command.optsWithGlobals<CommonFlags & Flags>()
    process.exitCode = await perform(flags, (context) =>
      run(context, flags, ...(args.flat().filter((word) => word !== undefined) as string[]))
    )
  }
}

async function perform(
  flags: CommonFlags,
  run: (context: Context) => Promise<ExitCode | void>
): Promise<ExitCode> {
  const output = new Output({ json: flags.json === true, quiet: flags.quiet === true })
  const interrupt = new AbortController()
  const onInterrupt = (): void => {
    interrupt.abort(new DOMException('interrupted: what was done so far is kept', 'AbortError'))
  }
  process.once('SIGINT', onInterrupt)
  process.once('SIGTERM', onInterrupt)
  let session: Promise<Session> | undefined
  const close = async (): Promise<void> => {
    const open = await session?.catch(() => undefined)
    session = undefined
    await open?.close()
  }
  try {
    const code = await run({
      output,
      home: flags.home,
      isYes: flags.yes === true,
      session: () => (session ??= openSession(flags.home)),
      signal: interrupt.signal
    })
    // A disk may refuse the last that a node of the moment writes: then it did not end well.
    await close()
    output.end()
    return code ?? EXIT.done
  } catch (error) {
    const failure: unknown = interrupt.signal.aborted ? interrupt.signal.reason : error
    // What went wrong first is what the user must hear.
    await close().catch(() => undefined)
    output.failure(failure, flags.verbose === true)
    return exitCodeOf(failure instanceof Error ? failure.name : '')
  } finally {
    process.off('SIGINT', onInterrupt)
    process.off('SIGTERM', onInterrupt)
  }
}
