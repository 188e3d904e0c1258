// The built-in scenario `nas-dies` with a fixed seed. In a file of its own, so that it runs beside the
// others.

import { testScenario } from '../_scenario.ts'

testScenario('nas-dies', 1)
