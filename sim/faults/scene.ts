// What a fault has to work with, and the shape of one: it does something to a computer, or to the link
// between two, waits until it passes, and undoes it. Whatever it does it tells the timeline.

import type { Computer, Fleet } from '../office/fleet.ts'
import type { SeededRandom } from '../random.ts'
import type { Lie, Range, ScenarioPeer } from '../scenario/scenario.ts'
import type { Timeline } from '../timeline.ts'

export interface Scene {
  readonly fleet: Fleet
  readonly random: SeededRandom
  readonly timeline: Timeline
  /** The mesh's recovery words. */
  readonly words: string
  /** What each peer lies about, by its name. */
  readonly lies: Map<string, Set<Lie>>
  /** Computers, by name, that were damaged at rest since they were last found whole. */
  readonly damaged: Set<string>
  /** What the scenario says of a computer, or of the one whose place it took. */
  peerOf(computer: Computer): ScenarioPeer
  /** Waits, but not beyond the end of all faults. Undefined waits until then. */
  pass(forMs: Range | undefined): Promise<void>
  /** Starts the peer of a computer, again and again until it comes up. */
  start(computer: Computer): Promise<void>
  /** Stops it, in order if its disk lets it. */
  down(computer: Computer): Promise<void>
  /** Starts it anew, as whoever mended its disk would. */
  restart(computer: Computer): Promise<void>
  /** A computer is gone for good. Its people leave. */
  lose: (computer: Computer) => void
  /** Id in hex of the endpoint that lives on it, or that it is to take over. */
  endpointOf(computer: Computer): string | undefined
  /** A blank computer that is to do what a lost one did: until it does, nobody else starts it. */
  heirOf(lost: Computer, endpoint: string | undefined): Computer
  /** It does what the lost one did. */
  succeed(heir: Computer): void
  /** True while it is to come back, and is not lost itself. */
  isComingBack(computer: Computer): boolean
}

/** A fault on one computer, and what of it the deed has to know. */
export type Deed<F = unknown> = (fault: F, computer: Computer, scene: Scene) => Promise<void>

/** A fault on the link between two. */
export type LinkDeed<F = unknown> = (
  fault: F,
  ends: readonly [Computer, Computer],
  scene: Scene
) => Promise<void>

/** It passes, after so long. */
export interface Passing {
  forMs: Range
}

/** It passes after so long; undefined if it does not. */
export interface MayPass {
  forMs: Range | undefined
}

/** Of a range, a whole number. */
export function drawn({ least, most }: Range, random: SeededRandom): number {
  return Math.round(random.between(least, most))
}
