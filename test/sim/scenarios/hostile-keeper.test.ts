// The built-in scenario `hostile-keeper` with a fixed seed. In a file of its own, so that it runs beside the
// others.

import { testScenario } from '../_scenario.ts'

testScenario('hostile-keeper', 1)
