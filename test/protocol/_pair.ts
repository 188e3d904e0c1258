// Two channels that talk to each other over a wire in memory. Without latency nothing waits for the clock,
// so a conversation can simply be awaited; only what needs time to pass has to run the clock.

import { Channel, type ChannelInit } from '../../protocol/framing.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimWire, type WireSide } from '../../sim/network/wire.ts'
import { keyOf } from '../store/_mesh.ts'

export interface Pair {
  clock: SimClock
  near: SimWire
  far: SimWire
  one: Channel
  other: Channel
}

export function pair(init: ChannelInit = {}, windowBytes = 1 << 20): Pair {
  const clock = new SimClock()
  // What is sent is there at once.
  const moments = { at: (ms: number, deed: (ms: number) => void) => deed(ms) }
  const lane = { isClear: true, arrivalMs: () => 0 }
  const sideOf = (name: string): WireSide => ({
    self: keyOf(name).public,
    lane,
    isOpen: true,
    bounced: () => undefined,
    done: () => undefined
  })
  const [near, far] = SimWire.pair(sideOf('one'), sideOf('other'), { moments, windowBytes })
  const one = new Channel({ wire: near, clock }, init)
  const other = new Channel({ wire: far, clock }, init)
  return { clock, near, far, one, other }
}

/** The error with which a promise is rejected; fails loudly if it is not. */
export async function failureOf(work: Promise<unknown>): Promise<Error> {
  try {
    await work
  } catch (error) {
    if (error instanceof Error) return error
    throw new Error('something else than an error was thrown', { cause: error })
  }
  throw new Error('it was expected to fail')
}
