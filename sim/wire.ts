// A wire in memory: two ends, each with what has arrived and what is on its way. It keeps the promises of
// the real one: bytes arrive in order after the latency, a writer waits for a slow reader, an end is told
// from a cut, and what a cut connection had in flight is lost.

import { OverLimit, WireCut } from '../protocol/errors.ts'
import type { CallOptions, Wire } from '../protocol/network.ts'
import type { Clock } from '../store/clock.ts'
import type { PeerKey } from '../store/peer.ts'

export interface SimWireInit {
  latencyMs: number
  /** Bytes that may be on their way or unread before a writer waits. */
  windowBytes: number
}

type Item = { at: number } & ({ bytes: Uint8Array } | { say: 'end' | 'cut' })

export class SimWire implements Wire {
  readonly peer: PeerKey
  readonly #clock: Clock
  readonly #init: SimWireInit
  #other: SimWire | undefined
  #arrived: Uint8Array[] = []
  /** Sent and not yet arrived, in order. */
  #flight: Item[] = []
  #isMoving = false
  /** Bytes sent that the other side has not read. */
  #unread = 0
  #otherEnded = false
  #ended = false
  #closed = false
  #aborted = false
  #cause: Error | undefined
  #waiting = new Set<() => void>()
  /** Asked for each arrival; a wire that may not receive it is aborted. */
  mayReceive: (bytes: number) => boolean = () => true
  /** Who dialled it, on the dialling end. */
  dialledBy: object | undefined
  /** Called once when nothing can be sent any more. */
  onClose: () => void = () => undefined

  private constructor(peer: PeerKey, clock: Clock, init: SimWireInit) {
    this.peer = peer
    this.#clock = clock
    this.#init = init
  }

  /** The two ends of a wire: the first is held by `one` and leads to `other`. */
  static pair(
    clock: Clock,
    { one, other }: { one: PeerKey; other: PeerKey },
    init: SimWireInit
  ): [SimWire, SimWire] {
    const near = new SimWire(other, clock, init)
    const far = new SimWire(one, clock, init)
    near.#other = far
    far.#other = near
    return [near, far]
  }

  async write(bytes: Uint8Array, { signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    if (this.#closed) throw this.#cut()
    if (this.#ended) throw new Error('a wire was written to after its end')
    if (bytes.length === 0) return
    this.#unread += bytes.length
    this.#send({ at: this.#arrival(), bytes: bytes.slice() })
    while (this.#unread > this.#init.windowBytes) {
      await this.#change(signal)
      if (this.#closed) throw this.#cut()
    }
  }

  async read({ signal }: CallOptions = {}): Promise<Uint8Array | undefined> {
    for (;;) {
      signal?.throwIfAborted()
      const piece = this.#arrived.shift()
      if (piece !== undefined) {
        this.#other?.wasRead(piece.length)
        return piece
      }
      if (this.#otherEnded && !this.#aborted) return undefined
      if (this.#closed) throw this.#cut()
      await this.#change(signal)
    }
  }

  async end({ signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    if (this.#ended) return
    if (this.#closed) throw this.#cut()
    this.#ended = true
    this.#send({ at: this.#arrival(), say: 'end' })
    this.#closeIfDone()
  }

  abort(reason = new Error('aborted')): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#arrived = []
    if (!this.#closed) this.#send({ at: this.#arrival(), say: 'cut' })
    this.#close(reason)
  }

  /** The connection is gone: both ends know at once, and what was in flight is lost. */
  lose(cause: Error): void {
    this.#flight = []
    this.#close(cause)
  }

  wasRead(length: number): void {
    this.#unread -= length
    this.#wake()
  }

  #arrival(): number {
    return this.#clock.monotonic() + this.#init.latencyMs
  }

  #send(item: Item): void {
    this.#flight.push(item)
    // It ends by itself with the last item.
    if (!this.#isMoving) void this.#move()
  }

  async #move(): Promise<void> {
    this.#isMoving = true
    for (;;) {
      const item = this.#flight[0]
      if (item === undefined) break
      const waitMs = item.at - this.#clock.monotonic()
      if (waitMs > 0) await this.#clock.sleep(waitMs)
      // It may have been lost meanwhile.
      if (this.#flight[0] === item) {
        this.#flight.shift()
        this.#other?.arrive(item)
      }
    }
    this.#isMoving = false
  }

  arrive(item: Item): void {
    if (this.#aborted) return
    if ('bytes' in item) {
      this.#arrived.push(item.bytes)
      if (!this.mayReceive(item.bytes.length)) {
        this.abort(new OverLimit('a stranger sent more than it may'))
      }
    } else if (item.say === 'end') {
      this.#otherEnded = true
      this.#closeIfDone()
    } else {
      this.#close(new Error('the other side aborted'))
    }
    this.#wake()
  }

  #closeIfDone(): void {
    if (this.#ended && this.#otherEnded) this.#close(undefined)
  }

  #close(cause: Error | undefined): void {
    if (!this.#closed) {
      this.#closed = true
      this.#cause = cause
      this.onClose()
    }
    this.#wake()
  }

  #cut(): WireCut {
    return new WireCut({ cause: this.#cause })
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }

  /** Waits for the next change of any kind. */
  #change(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#waiting.delete(wake)
        signal?.removeEventListener('abort', onAbort)
      }
      const wake = (): void => {
        settle()
        resolve()
      }
      const onAbort = (): void => {
        settle()
        reject(signal?.reason as Error)
      }
      this.#waiting.add(wake)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }
}
