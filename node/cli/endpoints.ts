// `endpoints`: what is protected, by whom, and how well.
// A computer whose last restore point is two days old is called overdue.

import type { Command } from 'commander'
import { action, withCommonFlags } from './command.ts'
import { momentText, tableText } from './output.ts'

export function define(command: Command): void {
  withCommonFlags(command).action(
    action(async ({ output, session }) => {
      const { endpoints } = await (await session()).call('endpoints', {})
      const rows = endpoints.map(({ name, writer, lastPoint, copies, overdue }) => [
        name,
        writer,
        lastPoint === undefined ? 'never' : momentText(lastPoint),
        copies.join(',') || '-',
        overdue ? 'overdue' : ''
      ])
      output.line(tableText([['name', 'written by', 'last point', 'copies', ''], ...rows]))
      if (endpoints.length === 0)
        output.next('join a computer with `drystone join CODE --root DIR`.')
      output.result({ endpoints })
    })
  )
}
