// The built-in scenario `first-week` with a fixed seed. In a file of its own, so that it runs beside the
// others.

import { testScenario } from '../_scenario.ts'

testScenario('first-week', 1)
