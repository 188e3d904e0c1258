// The failures of the simulator: a scenario file that cannot be right, an office that cannot be, and a run in
// which something did not hold. They name the place: a line of the file, or the seed that shows it again.

import { DrystoneError, type FailureInit } from '../store/errors.ts'

/** A scenario file says what no scenario can say. The message has a line for each problem. */
export class ScenarioInvalid extends DrystoneError {
  override readonly name = 'ScenarioInvalid'
  readonly file: string
  /** Of the first problem, from 1. */
  readonly line: number
  readonly column: number

  constructor(
    message: string,
    { file, line, column, next }: { file: string; line: number; column: number; next: string }
  ) {
    super(message, { next })
    this.file = file
    this.line = line
    this.column = column
  }
}

/** What a scenario asks for cannot even begin: a disk too small, a line too slow. */
export class OfficeNotSetUp extends DrystoneError {
  override readonly name = 'OfficeNotSetUp'

  constructor(why: string, init: FailureInit = {}) {
    super(`the office cannot be set up: ${why}`, {
      next: 'Give its peers more room and faster lines, or fewer and smaller files.',
      ...init
    })
  }
}

/** A checker saw that an invariant did not hold. */
export class SimulationViolated extends DrystoneError {
  override readonly name = 'SimulationViolated'
  readonly seed: number
  /** The command that shows it again. */
  readonly replay: string

  constructor(message: string, { seed, replay }: { seed: number; replay: string }) {
    super(message, { next: `See it again, and follow it: \`${replay} --trace FILE\`.` })
    this.seed = seed
    this.replay = replay
  }
}
