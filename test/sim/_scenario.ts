// Runs scenarios for tests: the built-in ones from their files, with all that has to hold of them, and small
// ones from text.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { readScenario } from '../../sim/scenario/scenario.ts'
import { simulate } from '../../sim/sim.ts'
import type { Simulation } from '../../sim/simulation.ts'

export function runText(
  text: string,
  seed: number,
  onTrace?: (line: string) => void
): Promise<Simulation> {
  const scenario = readScenario(text, { file: 'test.yaml' })
  return simulate(scenario, { seed, ...(onTrace && { onTrace }) })
}

/** Declares the test of a built-in scenario: every checker looks, and nothing is wrong. */
export function testScenario(name: string, seed: number): void {
  test(`${name}: all that was promised is kept (seed ${seed})`, async (t) => {
    t.timeout(300_000)
    const file = fileURLToPath(new URL(`../../sim/scenarios/${name}.yaml`, import.meta.url))
    const scenario = readScenario(readFileSync(file, 'utf8'), { file })
    const { violations, restored, points, checks, simulatedSeconds } = await simulate(scenario, {
      seed
    })
    t.deepEqual(violations, [])
    t.is(simulatedSeconds, scenario.lengthMs / 1000)
    t.true(points > scenario.peers.length)
    t.true(restored > scenario.peers.length)
    t.true(checks.every(({ looks }) => looks >= 2))
  })
}
