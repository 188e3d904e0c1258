import test from 'ava'
import fc from 'fast-check'
import { verdictOf } from './_format.ts'
import { FORMATS } from './_formats.ts'
import { anyPlan, mutableSamples, mutantOf } from './_mutants.ts'

for (const format of FORMATS) {
  const samples = mutableSamples(format.name)

  test(`${format.name}: a mutant is read and written again just so, or refused in the one way`, async (t) => {
    let refused = 0
    await fc.assert(
      fc.asyncProperty(anyPlan, async (plan) => {
        const mutant = mutantOf(samples, plan)
        if ((await verdictOf(format, mutant)) === 'refused') refused++
        if (format.proven !== undefined) await verdictOf(format, format.proven(mutant))
      }),
      { numRuns: format.runs }
    )
    t.true(refused > 0)
  })
}
