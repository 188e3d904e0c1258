// `base verify`: proves every block and page of a base image.
// It says no more than it has read: each damaged or missing path is named.

import type { Command } from 'commander'
import { action, withCommonFlags } from './command.ts'
import { EXIT } from './exit.ts'
import { bytesText } from './output.ts'

export function define(command: Command): void {
  withCommonFlags(command)
    .argument('<base>', 'name@version')
    .action(
      action(async ({ output, session, signal }, _, base: string) => {
        const onProgress = (value: unknown): void => output.progress('reading…', value as object)
        const proof = await (await session()).call('baseVerify', { base }, { signal, onProgress })
        const { name, blocks, bytes, damaged, missing, ok } = proof
        output.line(`${name}: ${blocks} blocks, ${bytesText(bytes)} read.`)
        for (const path of damaged) output.line(`Damaged: ${path}`)
        for (const path of missing) output.line(`Missing: ${path}`)
        output.line(ok ? 'All of it is what was signed.' : 'It is NOT what was signed.')
        output.result(proof)
        return ok ? EXIT.done : EXIT.damage
      })
    )
}
