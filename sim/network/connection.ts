// A connection between two peers, as each of its two ends sees it: they need not agree. When something stops
// getting through, nobody is told: what is sent is held, and an end that hears nothing for two minutes
// gives up. An end whose other end is gone finds out by the answer to what it next sends.

import type { Clock } from '../../store/clock.ts'
import type { PeerKey } from '../../store/peer.ts'
import { SILENCE_MS } from '../../node/net/settings.ts'
import type { Host, Lane, Link, Traveller } from './link.ts'
import type { Moments } from './moments.ts'
import { SimWire, type SimWireInit, type WireSide } from './wire.ts'

/** How often an idle connection is tried (Yamux pings). */
const KEEP_ALIVE_MS = 30_000
/** How often is looked whether all has arrived before the end of a connection. */
const AFTER_MS = 1

interface ConnectionInit extends SimWireInit {
  moments: Moments
}

/** A peer, as a connection knows it. */
export interface Party {
  readonly self: PeerKey
  readonly host: Host
  /** Sees others of its site, and is seen. */
  readonly mdns: boolean
  /** Takes or refuses a wire that the other side opens. */
  accept(wire: SimWire, protocol: string, end: End): void
  /** Its end of the connection is no more. */
  lost(connection: Connection): void
}

/** What one peer has of a connection. */
export class End implements WireSide {
  readonly party: Party
  readonly lane: Lane
  readonly wires = new Set<SimWire>()
  /** Doomed: broken, but its computer sleeps and will find out later. */
  state: 'open' | 'doomed' | 'closed' = 'open'
  /** What the other side sent here while it was a stranger, in bytes. */
  spent = 0
  /** While nothing is heard. */
  silence: AbortController | undefined
  #over: AbortController | undefined
  readonly #onBounce: (end: End) => void

  constructor(party: Party, lane: Lane, onBounce: (end: End) => void) {
    this.party = party
    this.lane = lane
    this.#onBounce = onBounce
  }

  get self(): PeerKey {
    return this.party.self
  }

  get isOpen(): boolean {
    return this.state === 'open'
  }

  /** Aborts when this end is closed. Ask only while it is open. */
  get over(): AbortSignal {
    this.#over ??= new AbortController()
    return this.#over.signal
  }

  close(): void {
    this.state = 'closed'
    this.#over?.abort()
    this.heard()
  }

  heard(): void {
    this.silence?.abort()
    this.silence = undefined
  }

  bounced(): void {
    this.#onBounce(this)
  }

  done(wire: SimWire): void {
    this.wires.delete(wire)
  }
}

export class Connection implements Traveller {
  readonly near: End
  readonly far: End
  readonly #link: Link
  readonly #clock: Clock
  readonly #init: ConnectionInit
  readonly #openedMs: number
  /** An end that left in order has said so, and that is on its way. */
  #isEnding = false

  /** `near` dialled. */
  constructor(
    parties: { near: Party; far: Party },
    link: Link,
    init: SimWireInit & { moments: Moments }
  ) {
    const onBounce = (end: End): void => this.#bounced(end)
    const { near, far } = parties
    this.near = new End(near, link.laneFrom(near.host), onBounce)
    this.far = new End(far, link.laneFrom(far.host), onBounce)
    this.#link = link
    this.#init = init
    this.#clock = init.moments.clock
    this.#openedMs = this.#clock.monotonic()
    link.travellers.add(this)
  }

  get isOpen(): boolean {
    return this.near.isOpen && this.far.isOpen
  }

  endOf(party: Party): End {
    return this.near.party === party ? this.near : this.far
  }

  otherThan(party: Party): Party {
    return this.#opposite(this.endOf(party)).party
  }

  /** A wire for `protocol`, still to be opened. */
  wire(from: Party, protocol: string): SimWire {
    const end = this.endOf(from)
    const other = this.#opposite(end)
    const [near, far] = SimWire.pair(end, other, this.#init)
    end.wires.add(near)
    far.onOpen = () => {
      other.wires.add(far)
      other.party.accept(far, protocol, other)
    }
    return near
  }

  changed(): void {
    for (const end of [this.near, this.far]) {
      if (end.state === 'doomed' && end.party.host.power === 'on') this.#closeSoon(end)
      if (end.lane.isClear) for (const wire of [...end.wires]) wire.resume()
    }
    this.#listen()
  }

  break(cause: Error): void {
    this.#close(this.near, cause)
    this.#close(this.far, cause)
  }

  /** One end is gone at once; the other is told, if that gets through. */
  fail(end: End, cause: Error): void {
    this.#close(end, cause)
    if (end.lane.isClear) this.#close(this.#opposite(end), cause)
    else this.#listen()
  }

  /** One end hangs up: what it had ended still arrives, and the other hears of it after that. */
  leave(end: End): void {
    if (!end.isOpen) return
    for (const wire of [...end.wires]) wire.abort(new Error('hung up'))
    this.#isEnding = true
    end.close()
    this.#forgetIfOver()
    end.party.lost(this)
    this.#init.moments.at(end.lane.arrivalMs(0), (ms) => this.#sayGoodbye(end, ms))
  }

  #sayGoodbye(end: End, ms: number): void {
    const other = this.#opposite(end)
    if (end.lane.isClear && end.wires.size > 0 && other.isOpen) {
      this.#init.moments.at(ms + AFTER_MS, (next) => this.#sayGoodbye(end, next))
      return
    }
    this.#isEnding = false
    if (end.lane.isClear) this.#close(other, new Error('the other side hung up'))
    else this.#listen()
  }

  #opposite(end: End): End {
    return end === this.near ? this.far : this.near
  }

  #close(end: End, cause: Error): void {
    if (end.state === 'closed') return
    if (end.party.host.power === 'asleep') {
      end.state = 'doomed'
      return
    }
    end.close()
    for (const wire of [...end.wires]) wire.lose(cause)
    end.wires.clear()
    this.#forgetIfOver()
    end.party.lost(this)
  }

  #forgetIfOver(): void {
    const ends = [this.near, this.far]
    if (ends.every(({ state }) => state === 'closed')) this.#link.travellers.delete(this)
  }

  /** Starts or stops counting the silence at both ends. */
  #listen(): void {
    if (this.#isEnding) return
    for (const end of [this.near, this.far]) {
      const other = this.#opposite(end)
      const isSilent = !other.isOpen || !other.lane.isClear
      if (!isSilent) end.heard()
      else if (end.isOpen && end.silence === undefined) this.#countSilence(end)
      if (end.isOpen && other.state === 'closed' && this.#link.isClear) this.#tryLater(end)
    }
  }

  #countSilence(end: End): void {
    const silence = new AbortController()
    end.silence = silence
    const wait = async (): Promise<void> => {
      await this.#clock.sleep(SILENCE_MS, { signal: silence.signal })
      this.fail(end, new Error('nothing was heard for two minutes'))
    }
    // Given up when something is heard, or the end is closed.
    wait().catch(() => undefined)
  }

  /** The next ping will find out that nobody knows this connection there. */
  #tryLater(end: End): void {
    const now = this.#clock.monotonic()
    const pings = Math.floor((now - this.#openedMs) / KEEP_ALIVE_MS) + 1
    this.#init.moments.at(this.#openedMs + pings * KEEP_ALIVE_MS, () => {
      if (this.#link.isClear) this.#bounced(end)
    })
  }

  #bounced(end: End): void {
    if (!this.#isEnding) this.#closeSoon(end)
  }

  /** After the time in which an answer comes. */
  #closeSoon(end: End): void {
    const { lane } = this.#opposite(end)
    this.#init.moments.at(lane.arrivalMs(0), () => {
      if (lane.isClear || end.state === 'doomed') {
        this.#close(end, new Error('the other side knows nothing of this connection'))
      }
    })
  }
}
