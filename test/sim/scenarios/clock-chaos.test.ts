// The built-in scenario `clock-chaos` with a fixed seed. In a file of its own, so that it runs beside the
// others.

import { testScenario } from '../_scenario.ts'

testScenario('clock-chaos', 1)
