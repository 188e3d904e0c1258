// The lies that a peer can tell. A liar is a real member with real keys, whose home is run by the real
// node; only what leaves it is changed on the way out, so each lie is one that a member could tell who
// changed the program. Which lies are told may change at any time.

import type { Clock } from '../../store/clock.ts'
import type { SigningKey } from '../../store/key.ts'
import type { SeededRandom } from '../random.ts'

export const LIES = [
  /** Blocks, and proofs of them, that are not what was asked for. */
  'wrong-bytes',
  /** Says of half the blocks that it has that they are absent. */
  'withhold',
  /** Says that it has every block; half of those that it has not come as noise. */
  'false-have',
  /** Shows the first head it ever saw of each line, and gives old marks again. */
  'old-heads',
  /** Shows every second keeper another head of its own with the same number, and gives both marks. */
  'forked-heads',
  /** Signs for whatever it is offered, and for every base, without having any of it. */
  'false-receipts',
  /** Signs more than once for the same head or base. */
  'double-receipts',
  /** Signs anew for every base in each hello, so that there is always news. */
  'endless-news',
  /** Asks who offers it a head for the same blocks again and again, and never signs. */
  'endless-wants',
  /** Sends half of what it says a byte at a time, just often enough not to seem gone. */
  'slow-bytes',
  /** Says again what was said before, by itself or to it. */
  'replay',
  /** Says everything in a list twice. */
  'duplicate'
] as const
export type Lie = (typeof LIES)[number]

export interface LiarInit {
  /** The liar's own: what it signs, it may sign. */
  key: SigningKey
  clock: Clock
  random: SeededRandom
  /** What it lies about now; asked for each message. */
  lies: () => ReadonlySet<Lie>
}
