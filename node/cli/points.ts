// `points`: the restore points of an endpoint.
// Those of another computer need the mesh's words, which stay in memory.

import type { Command } from 'commander'
import { action, withCommonFlags } from './command.ts'
import { momentText, tableText } from './output.ts'
import { wordsFrom } from './words.ts'

interface Flags {
  endpoint?: string
  recoveryFile?: string
}

export function define(command: Command): void {
  withCommonFlags(command)
    .option('--endpoint <endpoint>', 'of another computer')
    .option('--recovery-file <file>', 'a file that holds the recovery words')
    .action(
      action<Flags>(async ({ output, session, signal }, { endpoint, recoveryFile }) => {
        const args = { endpoint, words: await wordsFrom(recoveryFile) }
        const listed = await (await session()).call('points', args, { signal })
        const rows = listed.points.map(({ point, time, copies, digest, pinned }) => [
          String(point),
          momentText(time),
          copies.join(',') || '-',
          digest.slice(0, 16),
          pinned ? 'pinned' : ''
        ])
        output.line(tableText([['point', 'time', 'copies', 'digest', ''], ...rows]))
        for (const { point, loss } of listed.points) {
          if (loss)
            output.line(`Point ${point} lacks ${loss.gone} of the ${loss.of} names before it.`)
        }
        output.next(`look into one with \`drystone ls latest\`.`)
        output.result(listed)
      })
    )
}
