// `base fetch`: brings a base's blocks here, from all who hold them.
// Every block is proved before it is kept; what is here already is not fetched again.

import type { Command } from 'commander'
import { action, withCommonFlags } from './command.ts'
import { bytesText } from './output.ts'

export function define(command: Command): void {
  withCommonFlags(command)
    .argument('<base>', 'name@version')
    .action(
      action(async ({ output, session, signal }, _, base: string) => {
        const onProgress = (value: unknown): void => {
          const { bytes } = value as { bytes: number }
          output.progress(`${bytesText(bytes)} here`, { bytes })
        }
        const fetched = await (await session()).call('baseFetch', { base }, { signal, onProgress })
        const { name, blocks, bytes, fromPeers } = fetched
        output.line(`${name}: ${blocks} blocks, ${bytesText(bytes)}.`)
        for (const [peer, given] of Object.entries(fromPeers)) {
          output.line(`  ${bytesText(given)} from ${peer}`)
        }
        output.result(fetched)
      })
    )
}
