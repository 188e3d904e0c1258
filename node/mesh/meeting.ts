// Meeting: how a stranger finds a member to talk to. Addresses that the user gave come first, then
// whoever is seen on the LAN; each is tried once, at most CANDIDATES_MAX of them, until one lets it in.

import type { Clock } from '../../store/clock.ts'
import type { PeerKey } from '../../store/peer.ts'
import { toHex } from '../../store/block.ts'
import { DrystoneError } from '../../store/errors.ts'
import type { Address, CallOptions, Network } from '../../protocol/network.ts'
import { NoMemberFound } from '../errors.ts'

const CANDIDATES_MAX = 16
/** How long to look around before giving up. */
export const DEFAULT_LOOK_MS = 20_000
const ATTEMPT_MS = 10_000
/** Who could not be talked to is tried again after this long, so often. */
const RETRY_MS = 1_000
const RETRIES_MAX = 8

export interface MeetingInit {
  network: Network
  clock: Clock
  addresses: readonly Address[]
  lookMs?: number | undefined
}

/** Someone who answered. */
export interface Candidate {
  peer: PeerKey
  address: Address
}

/** Tries one candidate. What it throws tells whether to try it again, another, or nobody. */
export type Attempt<T> = (candidate: Candidate, options: CallOptions) => Promise<T>

/**
 * Tries candidates until an attempt succeeds.
 *
 * @throws {NoMemberFound} if nobody was found, or nobody would talk to us.
 */
export async function meetMember<T>(
  { network, clock, addresses, lookMs = DEFAULT_LOOK_MS }: MeetingInit,
  attempt: Attempt<T>
): Promise<T> {
  const waiting: Address[] = [...addresses]
  const tried = new Set<string>()
  const failures: DrystoneError[] = []
  let wake = (): void => {}
  const unwatch = network.watch((event) => {
    if (event.type !== 'seen' || tried.has(toHex(event.sighting.peer))) return
    waiting.push(...event.sighting.addresses)
    wake()
  })
  const patience = clock.timeout(lookMs)
  const again = new Map<Address, number>()
  const later = (address: Address): void => {
    const times = again.get(address) ?? 0
    again.set(address, times + 1)
    if (times >= RETRIES_MAX) return
    void clock.sleep(RETRY_MS, { signal: patience.signal }).then(
      () => {
        waiting.push(address)
        wake()
      },
      () => undefined
    )
  }
  try {
    for (let given = addresses.length; ; given--) {
      // Whoever floods the LAN with sightings must not keep us looking for ever.
      if (given <= 0 && patience.signal.aborted) break
      const address = waiting.shift()
      if (address === undefined) {
        const more = new Promise<void>((resolve) => (wake = resolve))
        if (await isOver(more, patience.signal)) break
        continue
      }
      const result = await tryAddress({ network, clock, tried, failures }, address, attempt)
      if (result !== undefined && result !== 'later') return result.result
      if (result === 'later' && !patience.signal.aborted) later(address)
      if (tried.size >= CANDIDATES_MAX) break
    }
    throw new NoMemberFound(tried.size, { addresses, cause: failures.at(-1) })
  } finally {
    patience.cancel()
    unwatch()
  }
}

interface Trying {
  network: Network
  clock: Clock
  tried: Set<string>
  failures: DrystoneError[]
}

async function tryAddress<T>(
  { network, clock, tried, failures }: Trying,
  address: Address,
  attempt: Attempt<T>
): Promise<{ result: T } | 'later' | undefined> {
  const patience = clock.timeout(ATTEMPT_MS)
  let met: PeerKey | undefined
  try {
    const peer = await network.meet(address, { signal: patience.signal })
    if (tried.has(toHex(peer))) return undefined
    met = peer
    return { result: await attempt({ peer, address }, { signal: patience.signal }) }
  } catch (error) {
    // A door has few places for strangers: who was not let in makes room.
    if (met !== undefined) await network.hangUp(met)
    if (patience.signal.aborted) return 'later'
    if (!(error instanceof DrystoneError)) throw error
    failures.push(error)
    // Many may be at one door at a time, and it lets in one after the other.
    if (PASSING.includes(error.name)) return 'later'
    if (!FINAL_HERE.includes(error.name)) throw error
    if (met !== undefined) tried.add(toHex(met))
    return undefined
  } finally {
    patience.cancel()
  }
}

/** Failures after which the same candidate may do better a moment later; */
const PASSING: readonly string[] = ['PeerUnreachable', 'WireCut', 'OverLimit']
/** and those after which only another may. Any other would meet everybody. */
const FINAL_HERE: readonly string[] = ['Refused', 'Malformed', 'NotSigned']

async function isOver(more: Promise<void>, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return true
  let onAbort = (): void => {}
  const over = new Promise<boolean>((resolve) => {
    onAbort = () => resolve(true)
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([more.then(() => false), over])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
