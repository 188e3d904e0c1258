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

/** Tries one candidate; undefined if it is of another mesh, so the next should be tried. */
export type Attempt<T> = (candidate: Candidate, options: CallOptions) => Promise<T | undefined>

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
      if (result !== undefined) return result
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
): Promise<T | undefined> {
  const patience = clock.timeout(ATTEMPT_MS)
  try {
    const peer = await network.meet(address, { signal: patience.signal })
    if (tried.has(toHex(peer))) return undefined
    tried.add(toHex(peer))
    return await attempt({ peer, address }, { signal: patience.signal })
  } catch (error) {
    if (patience.signal.aborted) return undefined
    if (!(error instanceof DrystoneError) || isFinal(error)) throw error
    failures.push(error)
    return undefined
  } finally {
    patience.cancel()
  }
}

/** What another candidate could not do better. */
function isFinal(error: DrystoneError): boolean {
  return !['PeerUnreachable', 'WireCut', 'Refused', 'Malformed', 'NotSigned', 'OverLimit'].includes(
    error.name
  )
}

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
