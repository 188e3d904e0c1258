// `verify`: can a restore point be restored? It asks the holders, and audits them.
// A holder proves possession; a wrong answer is guilt, and silence only means to ask another.

import type { Command } from 'commander'
import { action, withCommonFlags, type Context } from './command.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { bytesText } from './output.ts'
import { WrongUsage } from './session.ts'

export function define(command: Command): void {
  withCommonFlags(command)
    .argument('[point]', 'latest or a number')
    .option('--deep', 'read every byte, as a restore would')
    .action(action<{ deep?: boolean }>(verify))
}

async function verify(
  { output, session, signal }: Context,
  { deep }: { deep?: boolean },
  point = 'latest'
): Promise<ExitCode> {
  const which = point === 'latest' ? 'latest' : Number(point)
  if (which !== 'latest' && !Number.isInteger(which)) {
    throw new WrongUsage(`${point} is no restore point: latest, or a number`)
  }
  const proof = await (
    await session()
  ).call(
    'verify',
    { which, deep: deep === true },
    {
      signal,
      onProgress: (value) => {
        const { entries, bytes } = value as { entries: number; bytes: number }
        output.progress(`${entries} entries, ${bytesText(bytes)}`, { entries, bytes })
      }
    }
  )
  const { blocks, bytes, damaged, missing, audited } = proof
  output.line(`Restore point ${proof.point}: ${blocks} blocks, ${bytesText(bytes)}.`)
  for (const { peer, verdict } of audited) output.line(`  ${peer}: ${VERDICTS[verdict] ?? verdict}`)
  for (const path of damaged) output.line(`Damaged: ${path}`)
  for (const path of missing) output.line(`Missing: ${path}`)
  const isRestorable = damaged.length === 0 && missing.length === 0
  const isKept = !audited.some(({ verdict }) => verdict === 'wrong' || verdict === 'missing')
  const isWhole = isRestorable && isKept
  output.line(isRestorable ? 'It can be restored.' : 'It can NOT be restored as it is.')
  if (!isKept) output.line('Not every copy that was signed for is one.')
  if (isWhole && deep !== true) output.next('`drystone verify --deep` reads every byte.')
  output.result(proof)
  return isWhole ? EXIT.done : EXIT.damage
}

const VERDICTS: Readonly<Record<string, string>> = {
  right: 'proved that it has the blocks it was asked for',
  wrong: 'gave a WRONG answer',
  missing: 'LACKS blocks that it signed for',
  silent: 'did not answer',
  unproven: 'was asked for nothing that could be compared'
}
