// `demo`: an office in a box. Four peers, four processes, four homes on this computer: they find each other
// by mDNS on the loopback interface, share a base image, back up, lose two of the four, and bring one back
// from the recovery words. Nothing in it is pretended: every step is a command that a user would type, run
// as a process of its own, and the end is compared by a walk that shares no code with the product.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { action, withCommonFlags, type Context } from './command.ts'
import { Office } from './demo-office.ts'
import { runStory } from './demo-story.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { tableText } from './output.ts'

interface Flags {
  base?: string
  keep?: boolean
}

export function define(command: Command): void {
  withCommonFlags(command)
    .option('--base <dir>', 'a real directory to make the base image of')
    .option('--keep', 'leave the peers running, and say how to look at them')
    .action(action<Flags>(demo))
}

async function demo({ output, signal }: Context, flags: Flags): Promise<ExitCode> {
  const folder = await mkdtemp(join(tmpdir(), 'drystone-demo-'))
  const office = new Office(folder, signal)
  let isDone = false
  try {
    const base = flags.base === undefined ? undefined : resolve(flags.base)
    const { steps, facts, differences } = await runStory(office, { output, base })
    const isEqual = differences.length === 0
    output.line()
    output.line(tableText(facts))
    output.line()
    for (const difference of differences.slice(0, 20)) output.line(`DIFFERS: ${difference}`)
    const verdict = isEqual ? 'equal' : 'different'
    output.line(
      isEqual
        ? 'Verdict: what was lost is back, byte for byte, with its metadata.'
        : `Verdict: ${differences.length} difference(s) between what was lost and what came back.`
    )
    isDone = true
    if (flags.keep === true) {
      output.next(`look at it: \`npx drystone status --home ${join(folder, 'desk-2')}\`,`)
      output.line(`      peers run in ${folder}: ${office.running().join(', ')}.`)
      output.line('      Stop each with `npx drystone down --home HOME`.')
    }
    output.result({ steps, verdict, differences, folder: flags.keep === true ? folder : undefined })
    return isEqual ? EXIT.done : EXIT.failed
  } finally {
    if (isDone && flags.keep === true) office.letGo()
    else {
      await office.stop()
      await rm(folder, { recursive: true, force: true })
    }
  }
}
