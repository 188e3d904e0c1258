// `status`: am I safe? One sentence first; then each problem, with what to do.
// It promises nothing that keepers have not signed for.

import type { Command } from 'commander'
import type { Status } from '../reporter.ts'
import { action, withCommonFlags } from './command.ts'
import { EXIT } from './exit.ts'
import { momentText, rebuiltText, spanText } from './output.ts'

export function define(command: Command): void {
  withCommonFlags(command).action(
    action(async ({ output, session }) => {
      const peer = await session()
      const status = await peer.call('status', {})
      output.line(sentence(status))
      output.line(`${status.name} (${status.roles.join(', ')}), ${status.peer}`)
      if (status.rebuilt > 0) output.line(rebuiltText(status.rebuilt))
      if (status.unproven) output.line('Files taken on trust by `base adopt` are still to be read.')
      for (const { message, next } of status.problems) output.line(`Problem: ${message}. ${next}`)
      if (!peer.isRunning) output.next('run `drystone up`, so that copies go out by themselves.')
      else if (status.problems.length === 0) output.next('nothing: all is as policy asks.')
      output.result(status)
      if (status.problems.some(({ name }) => name === 'Damaged')) return EXIT.damage
      return status.isProtected ? EXIT.done : EXIT.unprotected
    })
  )
}

function sentence({ endpoint, atRiskSeconds, copies, provenAt }: Status): string {
  if (endpoint === undefined) return 'This computer protects no files of its own; it keeps copies.'
  const loss =
    atRiskSeconds === undefined
      ? 'everything that is not in the base'
      : `${spanText(atRiskSeconds)} of work`
  const proven = provenAt === undefined ? 'never' : momentText(provenAt)
  const names = copies.length === 0 ? 'none' : copies.join(', ')
  return `If this computer died now you would lose ${loss}. Copies: ${names}. Last proven restore: ${proven}.`
}
