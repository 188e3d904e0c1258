// `check`: is what this peer keeps intact?
// It only reads: damage is named, and nothing is taken away.

import type { Command } from 'commander'
import { action, withCommonFlags } from './command.ts'
import { EXIT } from './exit.ts'
import { bytesText } from './output.ts'

interface Flags {
  deep?: boolean
  rebuildIndex?: boolean
}

export function define(command: Command): void {
  withCommonFlags(command)
    .option('--deep', 'read every block')
    .option('--rebuild-index', 'make the index again from the segments')
    .action(
      action<Flags>(async ({ output, session, signal }, { deep, rebuildIndex }) => {
        const args = { deep: deep === true, rebuildIndex: rebuildIndex === true }
        const onProgress = (value: unknown): void => output.progress('checking…', value as object)
        const report = await (await session()).call('check', args, { signal, onProgress })
        const { blocks, bytes, damaged, unreadable } = report
        output.line(`${blocks} blocks, ${bytesText(bytes)}.`)
        for (const block of damaged) output.line(`Damaged: ${block}`)
        for (const segment of unreadable) output.line(`Unreadable: ${segment}`)
        const isWhole = damaged.length === 0 && unreadable.length === 0
        output.line(isWhole ? 'All of it is intact.' : 'Some of it is damaged.')
        if (isWhole && deep !== true) output.next('`drystone check --deep` reads every byte.')
        output.result(report)
        return isWhole ? EXIT.done : EXIT.damage
      })
    )
}
