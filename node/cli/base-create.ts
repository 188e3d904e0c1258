// `base create`: a directory becomes a base image that all members share.
// It is published, and this command done, only when another storage peer has signed for all of it.

import { resolve } from 'node:path'
import type { Command } from 'commander'
import { action, withCommonFlags, type Context } from './command.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { list } from './flags.ts'
import { bytesText } from './output.ts'
import { WrongUsage } from './session.ts'

interface Flags {
  from: string
  include?: string[]
  exclude?: string[]
  parent?: string
}

export function define(command: Command): void {
  withCommonFlags(command)
    .argument('<name@version>', 'such as office@2026.11')
    .requiredOption('--from <dir>', 'the directory')
    .option('--include <glob>', 'take this, whatever is excluded (repeatable)', list)
    .option('--exclude <glob>', 'leave this out (repeatable)', list)
    .option('--parent <name@version>', 'the base that it was made from')
    .action(action<Flags>(create))
}

async function create(context: Context, flags: Flags, title: string): Promise<ExitCode> {
  const { output, session, signal } = context
  const [, name, label] = /^([^@/\s]+)@([^@/\s]+)$/.exec(title) ?? []
  if (name === undefined || label === undefined) {
    throw new WrongUsage(`${title} is no NAME@VERSION`, { next: 'Write office@2026.11, say.' })
  }
  const made = await (
    await session()
  ).call(
    'baseCreate',
    {
      ...{ name, label },
      from: resolve(flags.from),
      include: flags.include ?? [],
      exclude: flags.exclude ?? [],
      ...(flags.parent !== undefined && { parent: flags.parent })
    },
    {
      signal,
      onProgress: (value) => {
        const { files, bytes } = value as { files: number; bytes: number }
        output.progress(`${files} files, ${bytesText(bytes)} read`, { files, bytes })
      }
    }
  )
  const { files, bytes, storedBytes, newBlocks, copies, skipped } = made
  output.line(`${made.name}: ${files} files, ${bytesText(bytes)}; ${newBlocks} new blocks,`)
  output.line(`${bytesText(storedBytes)} stored. Copies: ${copies.join(', ')}.`)
  for (const { path, why } of skipped) output.line(`Left out: ${path}: ${why}`)
  output.next(`deploy it (\`drystone base deploy ${made.name} --to DIR\`) or adopt it.`)
  output.result(made)
  return skipped.length > 0 ? EXIT.incomplete : EXIT.done
}
