// `base adopt`: this computer was imaged with the base by other means.
// Nothing is read unless asked: sizes and times are the bet, and `--verify` settles it.

import type { Command } from 'commander'
import { action, withCommonFlags } from './command.ts'
import { bytesText } from './output.ts'

const SHOWN_MAX = 10

export function define(command: Command): void {
  withCommonFlags(command)
    .argument('<base>', 'name@version')
    .option('--verify', 'read every file, rather than trust sizes and times')
    .action(
      action<{ verify?: boolean }>(async ({ output, session, signal }, flags, base: string) => {
        const adopted = await (
          await session()
        ).call('baseAdopt', { base, verify: flags.verify === true }, { signal })
        const { name, matched, differing, missing, hashedBytes } = adopted
        output.line(`${name} is adopted: ${matched} entries match, ${differing.length} differ,`)
        output.line(`${missing.length} are missing; ${bytesText(hashedBytes)} read.`)
        for (const path of differing.slice(0, SHOWN_MAX)) output.line(`  differs: ${path}`)
        for (const path of missing.slice(0, SHOWN_MAX)) output.line(`  missing: ${path}`)
        output.next('run `drystone backup`: what matches is not read, sent or stored.')
        output.result(adopted)
      })
    )
}
