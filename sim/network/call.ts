// Calling a computer, as TCP does it: a first packet goes out, and again after pauses that grow, until one
// is answered or patience ends. Whoever is refused is answered too; whoever is not there never is.

import type { Clock } from '../../store/clock.ts'
import { ADDRESS_MS } from '../../node/net/settings.ts'
import type { Host, Link } from './link.ts'

/** After how long the next packet goes out. */
const PAUSES_MS = [1_000, 2_000, 4_000]

export interface Patience {
  signal: AbortSignal | undefined
  /** By the clock's `monotonic`. */
  untilMs: number
}

export interface Caller {
  clock: Clock
  from: Host
  /** Undefined if there is no such computer. */
  link: Link | undefined
}

/** True after a round trip; false after ADDRESS_MS, or at `untilMs`. */
export async function isAnswered(caller: Caller, { signal, untilMs }: Patience): Promise<boolean> {
  const { clock } = caller
  const lastMs = Math.min(untilMs, clock.monotonic() + ADDRESS_MS)
  for (const pauseMs of PAUSES_MS) {
    const againMs = Math.min(lastMs, clock.monotonic() + pauseMs)
    if (await roundTrip(caller, { signal, untilMs: lastMs })) return true
    await sleepUntil(clock, againMs, signal)
    if (againMs === lastMs) break
  }
  return false
}

async function roundTrip(
  { clock, from, link }: Caller,
  { signal, untilMs }: Patience
): Promise<boolean> {
  if (link?.isClear !== true) return false
  const there = link.laneFrom(from)
  const back = there === link.lanes[0] ? link.lanes[1] : link.lanes[0]
  for (const lane of [there, back]) {
    const arrivalMs = lane.arrivalMs(0)
    await sleepUntil(clock, Math.min(arrivalMs, untilMs), signal)
    if (arrivalMs > untilMs || !lane.isClear) return false
  }
  return true
}

function sleepUntil(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return clock.sleep(Math.max(0, ms - clock.monotonic()), { signal })
}
