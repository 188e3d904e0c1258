// `diff`: what differs between two restore points, of one computer or of two. Only what is not the same block
// in both is opened.

import type { Command } from 'commander'
import { differences } from '../../store/step.ts'
import { ROOT } from '../tree/path.ts'
import { action, withCommonFlags, type Context } from './command.ts'
import { Differing } from './differing.ts'
import { openPoint, type PointFlags } from './opened-point.ts'

export function define(command: Command): void {
  withCommonFlags(command)
    .argument('<point>', 'latest, a number, a time, or ENDPOINT/number')
    .argument('<other>', 'the same; what it has that the first has not is new')
    .option('--recovery-file <file>', 'a file that holds the recovery words')
    .action(action<PointFlags>(diff))
}

async function diff(
  { output, session, signal }: Context,
  flags: PointFlags,
  ...[one = '', other = '']: string[]
): Promise<void> {
  const peer = await session()
  const before = await openPoint(peer, one, flags, signal)
  const after = await openPoint(peer, other, flags, signal)
  const sides = await Promise.all(
    [before, after].map(async ({ reader, root }) => ({ reader, entry: await reader.top(root) }))
  )
  const [from, to] = sides as [(typeof sides)[0], (typeof sides)[0]]
  const found = await Differing.from(differences(ROOT, from, to))
  await Promise.all([before.close(), after.close()])
  found.show(output)
  found.showSums(output)
  output.next('bring something back with `drystone restore PATH --at POINT --to DIR`.')
  const points = { from: before.point, to: after.point }
  output.result({ ...points, ...found.sums, entries: found.rows })
}
