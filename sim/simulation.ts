// What one run of a scenario is given, and what it answers. Everything in the answer follows from scenario,
// seed and code alone, but for the wall seconds: they are for people, and never part of the trace.

export interface SimulationInit {
  /** Of all randomness in the run. */
  seed: number
  /** One NDJSON line, without its newline. */
  onTrace?: (line: string) => void
  onProgress?: (progress: { simulatedSeconds: number; events: number }) => void
  signal?: AbortSignal
}

export type TimelineKind = 'fault' | 'back' | 'risk' | 'healed' | 'check' | 'violation' | 'note'

export interface TimelineEntry {
  /** Virtual milliseconds since the office was set up. */
  at: number
  /** A peer, two with ' – ' between, or empty for the whole office. */
  who: string
  /** A few words, such as 'its power fails'. */
  what: string
  kind: TimelineKind
}

export interface Simulation {
  /** Name of the scenario. */
  scenario: string
  seed: number
  /** Hex. Same scenario, seed and code: same hash. */
  traceHash: string
  events: number
  simulatedSeconds: number
  peers: number
  /** Restore points that were saved. */
  points: number
  /** Of these, let go of by the rules of the office. */
  dropped: number
  wallSeconds: number
  timeline: TimelineEntry[]
  checks: { name: string; looks: number; violations: number }[]
  violations: { checker: string; at: number; what: string }[]
  /** The last events before the first violation, readable. Empty without one. */
  tail: string[]
  /** Restore points that the restores checker brought back. */
  restored: number
}
