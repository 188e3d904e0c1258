// A wire in memory: two ends, each with what has arrived and what is on its way. It keeps the promises of
// the real one: bytes arrive in order, cut elsewhere than they were written; a writer waits for a slow
// reader, and for acknowledgements that do not come; an end is told from a cut; what a broken connection
// had in flight is lost. What is sent while nothing gets through is held, as TCP holds it.

import { OverLimit, Refused, WireCut } from '../../protocol/errors.ts'
import type { CallOptions, Wire } from '../../protocol/network.ts'
import type { PeerKey } from '../../store/peer.ts'
import type { Lane } from './link.ts'
import type { Moments } from './moments.ts'
import { Waiting } from './waiting.ts'

/** Pieces that arrive together are read as one, up to this. */
const JOINED_BYTES_MAX = 64 * 1024

/** The side of a connection that an end of a wire belongs to. */
export interface WireSide {
  readonly self: PeerKey
  /** From here to the other side. */
  readonly lane: Pick<Lane, 'isClear' | 'arrivalMs'>
  readonly isOpen: boolean
  /** Something was sent to where nobody knows this connection. */
  bounced(): void
  /** The wire is closed, and all that it sent has arrived. */
  done(wire: SimWire): void
}

export interface SimWireInit {
  moments: Pick<Moments, 'at'>
  /** Bytes that may be on their way or unread before a writer waits. */
  windowBytes: number
}

type Word = 'open' | 'welcome' | 'refused' | 'end' | 'cut'
type Item = { at: number } & ({ bytes: Uint8Array } | { say: Word })

export class SimWire implements Wire {
  readonly peer: PeerKey
  readonly #side: WireSide
  readonly #init: SimWireInit
  #other: SimWire
  #arrived: Uint8Array[] = []
  /** Sent and not yet arrived, in order. */
  #flight: Item[] = []
  #lastAt = 0
  #isMoving = false
  /** The first item should have arrived, and nothing gets through. */
  #isHeld = false
  /** Bytes sent that the other side has not read, as far as we were told. */
  #unread = 0
  /** Bytes read that the other side could not be told of. */
  #owed = 0
  #isOpener = false
  #answer: 'welcome' | 'refused' | undefined
  #otherEnded = false
  #ended = false
  #closed = false
  #aborted = false
  #cause: Error | undefined
  readonly #readers = new Waiting()
  readonly #writers = new Waiting()
  /** Asked for each arrival; a wire that may not receive it is aborted. */
  mayReceive: (bytes: number) => boolean = () => true
  /** Called when the other side opens the wire. */
  onOpen: () => void = () => undefined

  private constructor(side: WireSide, peer: PeerKey, init: SimWireInit) {
    this.#side = side
    this.peer = peer
    this.#init = init
    this.#other = this
  }

  /** The two ends of a wire. The first opens it: the second knows nothing until then. */
  static pair(near: WireSide, far: WireSide, init: SimWireInit): [SimWire, SimWire] {
    const [one, other] = [new SimWire(near, far.self, init), new SimWire(far, near.self, init)]
    one.#other = other
    other.#other = one
    return [one, other]
  }

  /** True on the side that opened it. */
  get isOpener(): boolean {
    return this.#isOpener
  }

  /** True if nothing can be sent any more. */
  get isClosed(): boolean {
    return this.#closed
  }

  /** Asks the other side to take the wire. @throws {Refused} @throws {WireCut} */
  async open({ signal }: CallOptions = {}): Promise<void> {
    this.#isOpener = true
    this.#say('open')
    while (this.#answer === undefined) {
      if (this.#closed) throw this.#cut()
      await this.#readers.wait(signal)
    }
    if (this.#answer === 'refused') throw new Refused()
  }

  /** Says whether this side takes the wire. */
  answer(word: 'welcome' | 'refused'): void {
    if (this.#closed) return
    this.#say(word)
    if (word === 'refused') this.#close(undefined)
  }

  async write(bytes: Uint8Array, { signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    if (this.#closed) throw this.#cut()
    if (this.#ended) throw new Error('a wire was written to after its end')
    if (bytes.length === 0) return
    this.#unread += bytes.length
    this.#send({ at: this.#arrivalMs(bytes.length), bytes })
    while (this.#unread > this.#init.windowBytes) {
      await this.#writers.wait(signal)
      if (this.#closed) throw this.#cut()
    }
  }

  async read({ signal }: CallOptions = {}): Promise<Uint8Array | undefined> {
    for (;;) {
      signal?.throwIfAborted()
      const piece = this.#arrived.shift()
      if (piece !== undefined) {
        this.#acknowledge(piece.length)
        return piece
      }
      if (this.#otherEnded && !this.#aborted) return undefined
      if (this.#closed) throw this.#cut()
      await this.#readers.wait(signal)
    }
  }

  async end({ signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    if (this.#ended) return
    if (this.#closed) throw this.#cut()
    this.#ended = true
    this.#say('end')
    this.#closeIfDone()
  }

  abort(reason = new Error('aborted')): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#arrived = []
    if (!this.#closed) this.#say('cut')
    this.#close(reason)
  }

  /** Resolves when the other side has ended too, or is gone. */
  async whenClosed({ signal }: CallOptions = {}): Promise<void> {
    while (!this.#closed) await this.#readers.wait(signal)
  }

  /** The connection is gone: what was in flight is lost. */
  lose(cause: Error): void {
    this.#flight = []
    this.#close(cause)
  }

  /** What was held goes on its way again, if anything was. */
  resume(): void {
    const { lane } = this.#side
    if (this.#owed > 0) {
      this.#other.#acknowledged(this.#owed)
      this.#owed = 0
    }
    if (!this.#isHeld) return
    this.#isHeld = false
    this.#schedule(lane.arrivalMs(0))
  }

  #arrivalMs(bytes: number): number {
    this.#lastAt = Math.max(this.#lastAt, this.#side.lane.arrivalMs(bytes))
    return this.#lastAt
  }

  #say(say: Word): void {
    this.#send({ at: this.#arrivalMs(0), say })
  }

  #send(item: Item): void {
    this.#flight.push(item)
    if (!this.#isMoving && !this.#isHeld) this.#schedule(item.at)
  }

  #schedule(ms: number): void {
    this.#isMoving = true
    this.#init.moments.at(ms, this.#deliver)
  }

  /** Brings what is due by `ms` to the other side. */
  readonly #deliver = (ms: number): void => {
    this.#isMoving = false
    if (this.#flight.length === 0) return
    if (!this.#side.lane.isClear) {
      this.#isHeld = true
      return
    }
    if (!this.#other.#side.isOpen) {
      this.#flight = []
      if (this.#closed) this.#side.done(this)
      this.#side.bounced()
      return
    }
    const later = this.#flight.findIndex(({ at }) => at > ms)
    this.#other.#arrive(this.#flight.splice(0, later === -1 ? Infinity : later))
    const next = this.#flight[0]
    if (next !== undefined) this.#schedule(next.at)
    else if (this.#closed) this.#side.done(this)
  }

  #arrive(items: readonly Item[]): void {
    let pieces: Uint8Array[] = []
    let length = 0
    const receive = (): void => {
      if (length > 0 && !this.#aborted) this.#receive(joined(pieces, length))
      pieces = []
      length = 0
    }
    for (const item of items) {
      if ('say' in item) {
        receive()
        this.#hear(item.say)
        continue
      }
      if (length + item.bytes.length > JOINED_BYTES_MAX) receive()
      pieces.push(item.bytes)
      length += item.bytes.length
    }
    receive()
    this.#readers.wake()
  }

  #receive(piece: Uint8Array): void {
    this.#arrived.push(piece)
    if (!this.mayReceive(piece.length)) {
      this.abort(new OverLimit('a stranger sent more than it may'))
    }
  }

  #hear(word: Word): void {
    if (this.#aborted) return
    if (word === 'open') this.onOpen()
    else if (word === 'welcome' || word === 'refused') this.#answer = word
    else if (word === 'end') this.#otherEnded = true
    if (word === 'cut') this.#close(new Error('the other side aborted'))
    if (word === 'refused') this.#close(undefined)
    this.#closeIfDone()
  }

  /** Tells the other side what was read: at once, for it would cost an event each, but not if cut off. */
  #acknowledge(length: number): void {
    if (this.#side.lane.isClear) this.#other.#acknowledged(length)
    else this.#owed += length
  }

  #acknowledged(length: number): void {
    this.#unread -= length
    if (this.#unread <= this.#init.windowBytes) this.#writers.wake()
  }

  #closeIfDone(): void {
    if (this.#ended && this.#otherEnded) this.#close(undefined)
  }

  #close(cause: Error | undefined): void {
    if (!this.#closed) {
      this.#closed = true
      this.#cause = cause
      if (this.#flight.length === 0) this.#side.done(this)
    }
    this.#readers.wake()
    this.#writers.wake()
  }

  #cut(): WireCut {
    return new WireCut({ cause: this.#cause })
  }
}

/** Copied as late as this: who changes what it gave to `write` is found out, as on a real network. */
function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
