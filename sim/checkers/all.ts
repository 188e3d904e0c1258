// All checkers by the names that scenarios call them. Each is made anew for a run, since it remembers what
// it saw at earlier looks, and one run must not judge another.

import type { SeededRandom } from '../random.ts'
import type { CheckName } from '../scenario/scenario.ts'
import type { Checker } from './checker.ts'
import { Closure } from './closure.ts'
import { Digests } from './digests.ts'
import { Heads } from './heads.ts'
import { Heals } from './heals.ts'
import { Keeps } from './keeps.ts'
import { Plaintext } from './plaintext.ts'
import { Records } from './records.ts'
import { Restores } from './restores.ts'
import { Undo } from './undo.ts'

/** All but `errors`, which looks at no disk. The randomness is the checker's own. */
export const CHECKERS: Readonly<
  Record<Exclude<CheckName, 'errors'>, (random: SeededRandom) => Checker>
> = {
  restores: (random) => new Restores(random),
  plaintext: () => new Plaintext(),
  closure: () => new Closure(),
  undo: () => new Undo(),
  digests: () => new Digests(),
  heads: () => new Heads(),
  keeps: () => new Keeps(),
  records: () => new Records(),
  heals: () => new Heals()
}
