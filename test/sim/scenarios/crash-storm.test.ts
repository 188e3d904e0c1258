// The built-in scenario `crash-storm` with a fixed seed. In a file of its own, so that it runs beside the
// others.

import { testScenario } from '../_scenario.ts'

testScenario('crash-storm', 1)
