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

/**
 * Declares the test of a built-in scenario: every checker looks, and nothing is wrong. With `length` only so
 * much of a long one is run, and its faults come as often; `npm run sim:long` runs the whole.
 */
export function testScenario(name: string, seed: number, length?: string): void {
  test(`${name}: all that was promised is kept (seed ${seed})`, async (t) => {
    t.timeout(300_000)
    const file = fileURLToPath(new URL(`../../sim/scenarios/${name}.yaml`, import.meta.url))
    const whole = readFileSync(file, 'utf8')
    const text = length === undefined ? whole : whole.replace(/^length: .*$/m, `length: ${length}`)
    const scenario = readScenario(text, { file })
    const ran = await simulate(scenario, { seed })
    const { violations, restored, points, dropped, checks, simulatedSeconds } = ran
    t.deepEqual(violations, [])
    t.is(simulatedSeconds, scenario.lengthMs / 1000)
    t.true(points > scenario.peers.length)
    t.is(
      dropped > 0,
      scenario.policy.keep !== undefined,
      'rules let go of points, and nothing else'
    )
    t.true(restored > scenario.peers.length)
    t.true(checks.every(({ looks }) => looks >= 2))
  })
}
