// `base list`: the base images of the mesh.
// It tells which are ready to be used: those that a storage peer other than the publisher holds.

import type { Command } from 'commander'
import { action, withCommonFlags } from './command.ts'
import { momentText, tableText } from './output.ts'

export function define(command: Command): void {
  withCommonFlags(command).action(
    action(async ({ output, session }) => {
      const { bases } = await (await session()).call('baseList', {})
      const rows = bases.map(({ name, time, copies, ready }) => [
        name,
        momentText(time),
        copies.join(',') || '-',
        ready ? 'ready' : 'not copied yet'
      ])
      output.line(tableText([['base', 'made', 'copies', ''], ...rows]))
      if (bases.length === 0) {
        output.next('make one with `drystone base create NAME@VERSION --from DIR`.')
      }
      output.result({ bases })
    })
  )
}
