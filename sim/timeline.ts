// The timeline: the run as its people would tell it, who was down, what was at risk and when it healed.
// Each entry stands in the trace as well.

import type { TimelineEntry, TimelineKind } from './simulation.ts'
import type { Trace } from './trace.ts'

export class Timeline {
  readonly entries: TimelineEntry[] = []
  readonly #trace: Trace
  readonly #now: () => number
  /** Endpoints whose last restore point has too few copies. */
  readonly #atRisk = new Set<string>()

  constructor(trace: Trace, now: () => number) {
    this.#trace = trace
    this.#now = now
  }

  add(kind: TimelineKind, who: string, what: string): void {
    this.entries.push({ at: this.#now(), who, what, kind })
    this.#trace.note(who, kind, [what])
  }

  /** Too small for the timeline: it stands in the trace alone. */
  trace(who: string, what: string, how: string): void {
    this.#trace.note(who, what, [how])
  }

  /** What a computer says of its own protection; told only when it changes. */
  risk(who: string, isProtected: boolean): void {
    if (isProtected === !this.#atRisk.has(who)) return
    if (isProtected) {
      this.#atRisk.delete(who)
      this.add('healed', who, 'is protected again')
    } else {
      this.#atRisk.add(who)
      this.add('risk', who, 'has too few copies of its last restore point')
    }
  }
}
