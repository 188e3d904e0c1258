// `base show`: one base image.
// Its pages are brought here to be counted; its files are not.

import type { Command } from 'commander'
import { action, withCommonFlags } from './command.ts'
import { bytesText, momentText } from './output.ts'

export function define(command: Command): void {
  withCommonFlags(command)
    .argument('<base>', 'name@version, name, or CID of the root')
    .action(
      action(async ({ output, session, signal }, _, base: string) => {
        const shown = await (await session()).call('baseShow', { base }, { signal })
        const { name, time, copies, entries, files, bytes, root, digest } = shown
        output.line(`${name}, made ${momentText(time)}`)
        output.line(`${entries} entries, ${files} files, ${bytesText(bytes)}`)
        output.line(`root ${root}`)
        output.line(`digest ${digest}`)
        output.line(`copies: ${copies.join(', ') || 'none'}`)
        output.result(shown)
      })
    )
}
