// What the tests of faults share: a home is looked at by the code of a peer that runs in the test itself,
// which takes a tenth of the time of a process; damage and chance come from a seed.

import { readFileSync, writeFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { realPorts } from '../../node/cli/real-ports.ts'
import { performer, type ArgsOf, type ProcedureName } from '../../node/control/perform.ts'
import type { ResultOf } from '../../node/control/perform.ts'
import { Node } from '../../node/node.ts'
import { callingOut } from '../../node/ports.ts'
import type { SeededRandom } from '../../sim/random.ts'

export type Ask = <K extends ProcedureName>(name: K, args: ArgsOf<K>) => Promise<ResultOf<K>>

/** How many times more a long run does: `DRYSTONE_FAULTS=20 npx ava --timeout=2h test/e2e/faults*`. */
export const MORE = Number(process.env['DRYSTONE_FAULTS'] ?? 1)

/** Opens the peer of a home that nobody runs, calls it, and lets go of the home. It meets nobody. */
export async function inHome<T>(
  home: string,
  work: (ask: Ask, node: Node) => Promise<T>
): Promise<T> {
  const node = await Node.open(await realPorts(home), callingOut)
  try {
    const perform = performer(node, () => {})
    return await work((name, args) => perform(name, args, {}) as Promise<never>, node)
  } finally {
    await node.stop()
  }
}

/** Every block of a home is whole, and every point of its endpoint can be read from it alone. */
export async function isSound(t: ExecutionContext, ask: Ask, points: number): Promise<void> {
  const report = await ask('check', { deep: true, rebuildIndex: false })
  t.deepEqual([report.damaged, report.unindexed, report.unreadable], [[], 0, []])
  const known = await ask('points', {})
  t.is(known.points.length, points)
  for (const { point } of known.points) {
    const proof = await ask('verify', { which: point, deep: true })
    t.deepEqual([proof.damaged, proof.missing], [[], []], `point ${point}`)
  }
}

/** Flips a bit of a file, which is not empty. @returns where, for messages */
export function flipBit(path: string, random: SeededRandom): string {
  const bytes = readFileSync(path)
  const at = random.below(bytes.length)
  const mask = 1 << random.below(8)
  bytes.writeUInt8(bytes.readUInt8(at) ^ mask, at)
  writeFileSync(path, bytes)
  return `${path}, byte ${at} of ${bytes.length}, bit ${mask}`
}
