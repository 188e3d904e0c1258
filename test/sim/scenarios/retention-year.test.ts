// The first weeks of the built-in scenario `retention-year` with a fixed seed. In a file of its own, so that
// it runs beside the others.

import { testScenario } from '../_scenario.ts'

testScenario('retention-year', 1, '35d')
