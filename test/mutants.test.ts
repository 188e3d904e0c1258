import test from 'ava'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readScenario } from '../sim/scenario/scenario.ts'
import { PATCHES, applyTo, inCopy, mutantsOf } from './mutants/mutant.ts'

test('every mutant still applies, and says what it breaks', async (t) => {
  const mutants = mutantsOf()
  t.true(mutants.length >= 10)
  await inCopy(
    (folder) => {
      for (const mutant of mutants) {
        t.notThrows(() => applyTo(folder, mutant, { onlyCheck: true }), mutant.name)
        t.true(mutant.about.length > 0, mutant.name)
        t.truthy(mutant.scenario ?? mutant.test, mutant.name)
      }
    },
    { toRun: false }
  )
})

test('the offices made for mutants are what a scenario can be', (t) => {
  for (const name of readdirSync(PATCHES).filter((each) => each.endsWith('.yaml'))) {
    const text = readFileSync(join(PATCHES, name), 'utf8')
    t.notThrows(() => readScenario(text, { file: name }), name)
  }
})
