// `drift`: what differs from the base in a computer's last restore point: by kind with sizes, and name by
// name if asked. Only pages are opened that the two do not share.

import type { Command } from 'commander'
import { parseCid } from '../../store/block.ts'
import { differences } from '../../store/step.ts'
import { ROOT } from '../tree/path.ts'
import { action, withCommonFlags, type Context } from './command.ts'
import { Differing } from './differing.ts'
import { openPoint, type PointFlags } from './opened-point.ts'
import { WrongUsage } from './session.ts'

interface Flags extends PointFlags {
  base?: string
  at: string
  list?: boolean
}

export function define(command: Command): void {
  withCommonFlags(command)
    .option('--base <name@version>', 'from this base (default: the one that is installed)')
    .option('--at <point>', 'of this restore point, or the last one before this time', 'latest')
    .option('--endpoint <endpoint>', 'of another computer; name the base')
    .option('--list', 'name everything that differs')
    .option('--recovery-file <file>', 'a file that holds the recovery words')
    .action(action<Flags>(drift))
}

async function drift({ output, session, signal }: Context, flags: Flags): Promise<void> {
  const peer = await session()
  const name = flags.base ?? (await peer.call('installedBase', {}, { signal })).name
  if (name === undefined) {
    throw new WrongUsage('no base is installed here', {
      next: 'Name one with --base NAME@VERSION; `drystone base list` shows them.'
    })
  }
  const point = await openPoint(peer, flags.at, flags, signal)
  const base = await peer.call('openBase', { base: name }, { signal })
  const reader = peer.reader(base.reading)
  const before = { reader, entry: await reader.top(parseCid(base.root)) }
  const after = { reader: point.reader, entry: await point.reader.top(point.root) }
  const found = await Differing.from(differences(ROOT, before, after))
  await peer.call('closeReading', { reading: base.reading })
  await point.close()
  if (flags.list === true) found.show(output)
  output.line(`Restore point ${point.point} of ${point.endpoint}, against ${base.name}:`)
  found.showSums(output)
  if (flags.list !== true) output.next('`drystone drift --list` names everything that differs.')
  const entries = flags.list === true ? { entries: found.rows } : {}
  output.result({ base: base.name, point: point.point, ...found.sums, ...entries })
}
