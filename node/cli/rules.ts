// `rules`: what this computer's restore points leave out, beside what `.drystoneignore` files in the tree
// say. Without flags it shows; with them it changes, and the next backup looks at everything.

import type { Command } from 'commander'
import { action, withCommonFlags, type Context } from './command.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { list } from './flags.ts'

interface Flags {
  exclude?: string[]
  include?: string[]
  excludeCaches?: boolean
  oneFileSystem?: boolean
  clear?: boolean
}

export function define(command: Command): void {
  withCommonFlags(command)
    .option('--exclude <glob>', 'leave this out, as a line of .gitignore would (repeatable)', list)
    .option(
      '--include <glob>',
      'keep this, though an earlier rule leaves it out (repeatable)',
      list
    )
    .option('--exclude-caches', 'of directories with a CACHEDIR.TAG keep only the tag')
    .option('--no-exclude-caches', 'keep them whole')
    .option('--one-file-system', 'leave out what is mounted in the tree')
    .option('--no-one-file-system', 'keep what is mounted in the tree')
    .option('--clear', 'forget the rules that were there before')
    .action(action<Flags>(rules))
}

async function rules({ output, session }: Context, flags: Flags): Promise<ExitCode> {
  const { exclude = [], include = [], excludeCaches, oneFileSystem, clear } = flags
  const change = {
    add: [...exclude, ...include.map((glob) => `!${glob}`)],
    clear: clear === true,
    ...(excludeCaches !== undefined && { excludeCaches }),
    ...(oneFileSystem !== undefined && { oneFileSystem })
  }
  const now = await (await session()).call('rules', change)
  const { ignore, changed } = now
  output.line(
    ignore.length === 0 ? 'No rule leaves anything out.' : 'Left out, the last that fits counts:'
  )
  for (const line of ignore) output.line(`  ${line}`)
  if (now.excludeCaches) output.line('Of directories with a CACHEDIR.TAG only the tag is kept.')
  if (now.oneFileSystem) output.line('What is mounted in the tree is left out.')
  if (changed)
    output.next('`drystone backup`: it looks at everything once. Older points keep what they have.')
  output.result(now)
  return EXIT.done
}
