// Frames: a length (u32 big-endian) and one strict DAG-CBOR value, over a wire. A channel is a wire that
// speaks frames. It keeps the maximum before it allocates, lets a slow reader slow the writer, tells an
// end from a cut, and gives up on a wire that stands still, or on a frame that comes in drops.

import { decode, encode } from '../store/codec.ts'
import type { Clock } from '../store/clock.ts'
import { Malformed } from '../store/errors.ts'
import type { PeerKey } from '../store/peer.ts'
import { OverLimit, Refused, WireCut } from './errors.ts'
import { FRAME_BYTES_MAX, FRAME_BYTES_PER_SECOND, FRAME_GRACE_MS, IDLE_MS } from './limits.ts'
import type { CallOptions, Wire } from './network.ts'

const LENGTH_BYTES = 4

export interface ChannelInit {
  frameBytesMax?: number
  /** Most bytes that the other side may send in all. */
  totalBytesMax?: number
  /** Abort when nothing moves for this long while waiting; 0 waits for ever, for a frame's end as well. */
  idleMs?: number
}

/** A message: a list whose first item says what it is. */
export type Message = readonly [kind: string, ...rest: unknown[]]

export class Channel {
  readonly peer: PeerKey
  readonly #wire: Wire
  readonly #clock: Clock
  readonly #frameBytesMax: number
  readonly #idleMs: number
  #allowance: number
  #held: Uint8Array[] = []
  #heldBytes = 0

  constructor({ wire, clock }: { wire: Wire; clock: Clock }, init: ChannelInit = {}) {
    this.peer = wire.peer
    this.#wire = wire
    this.#clock = clock
    this.#frameBytesMax = init.frameBytesMax ?? FRAME_BYTES_MAX
    this.#allowance = init.totalBytesMax ?? Number.POSITIVE_INFINITY
    this.#idleMs = init.idleMs ?? IDLE_MS
  }

  async send(message: Message, options?: CallOptions): Promise<void> {
    const body = encode(message)
    if (body.length > this.#frameBytesMax)
      throw new OverLimit(`a ${message[0]} frame of ${body.length}`)
    const frame = Buffer.allocUnsafe(LENGTH_BYTES + body.length)
    frame.writeUInt32BE(body.length)
    frame.set(body, LENGTH_BYTES)
    await this.#untilIdle((within) => this.#wire.write(frame, within), options)
  }

  /** The next message; undefined once the other side has ended. @throws {WireCut} @throws {Malformed} */
  async receive(options?: CallOptions): Promise<Message | undefined> {
    const header = await this.#take(LENGTH_BYTES, { ...options, hasBegun: false })
    if (header === undefined) return undefined
    const length = Buffer.from(header).readUInt32BE()
    if (length > this.#frameBytesMax) throw this.#fail(new OverLimit(`a frame of ${length} bytes`))
    const body = await this.#take(length, { ...options, hasBegun: true })
    if (body === undefined) throw new WireCut()
    const value = decode(body)
    if (!Array.isArray(value) || typeof value[0] !== 'string') {
      throw this.#fail(new Malformed('a message does not say what it is'))
    }
    return value as unknown as Message
  }

  /** The next message, which must be of one of these kinds. @throws {Refused} @throws {WireCut} */
  async expect(kinds: string | readonly string[], options?: CallOptions): Promise<Message> {
    const message = await this.receive(options)
    if (message === undefined) throw new WireCut()
    if (message[0] === 'refused') throw new Refused()
    if (![kinds].flat().includes(message[0])) {
      throw this.#fail(
        new Malformed(`a message of kind ${message[0].slice(0, 20)} was not expected`)
      )
    }
    return message
  }

  /** Says no, the same way whatever the reason, and ends. */
  async refuse(options?: CallOptions): Promise<void> {
    await this.send(['refused'], options)
    await this.end(options)
  }

  /** Says that no more will be sent. If the wire is gone by then, all was said: every conversation ends
   * with an answer. */
  async end(options?: CallOptions): Promise<void> {
    try {
      await this.#untilIdle((within) => this.#wire.end(within), options)
    } catch (error) {
      if (!(error instanceof WireCut)) throw error
    }
  }

  abort(reason?: Error): void {
    this.#wire.abort(reason)
  }

  #fail<E extends Error>(error: E): E {
    this.#wire.abort(error)
    return error
  }

  /** Exactly `length` bytes; undefined at a clean end, unless a frame has begun by then. */
  async #take(
    length: number,
    { hasBegun, ...options }: CallOptions & { hasBegun: boolean }
  ): Promise<Uint8Array | undefined> {
    const allowedMs = FRAME_GRACE_MS + (length / FRAME_BYTES_PER_SECOND) * 1000
    let dueMs = Number.POSITIVE_INFINITY
    while (this.#heldBytes < length) {
      const nowMs = this.#clock.monotonic()
      if (hasBegun || this.#heldBytes > 0) dueMs = Math.min(dueMs, nowMs + allowedMs)
      const limitMs = Math.max(1, Math.min(this.#idleMs, dueMs - nowMs))
      const read = (within: CallOptions): Promise<Uint8Array | undefined> => this.#wire.read(within)
      const bytes = await this.#untilIdle(read, options, limitMs)
      if (bytes === undefined) {
        if (this.#heldBytes > 0 || hasBegun) throw new WireCut()
        return undefined
      }
      this.#allowance -= bytes.length
      if (this.#allowance < 0) throw this.#fail(new OverLimit('more bytes than this peer may send'))
      this.#held.push(bytes)
      this.#heldBytes += bytes.length
    }
    const all = this.#held.length === 1 ? (this.#held[0] as Uint8Array) : Buffer.concat(this.#held)
    this.#held = all.length > length ? [all.subarray(length)] : []
    this.#heldBytes = all.length - length
    return all.subarray(0, length)
  }

  /** One call on the wire, given up with the wire when it takes too long. */
  async #untilIdle<T>(
    call: (options: CallOptions) => Promise<T>,
    { signal }: CallOptions = {},
    limitMs = this.#idleMs
  ): Promise<T> {
    if (this.#idleMs === 0) return call({ signal })
    const idle = this.#clock.timeout(limitMs)
    const both = signal === undefined ? idle.signal : AbortSignal.any([idle.signal, signal])
    try {
      return await call({ signal: both })
    } catch (error) {
      if (idle.signal.aborted) throw this.#fail(new WireCut({ cause: error }))
      throw error
    } finally {
      idle.cancel()
    }
  }
}

/** Opens a channel for one conversation, and aborts it if the conversation throws. */
export async function converse<T>(
  channel: Channel,
  conversation: (channel: Channel) => Promise<T>
): Promise<T> {
  try {
    return await conversation(channel)
  } catch (error) {
    channel.abort(error instanceof Error ? error : new Error(String(error)))
    throw error
  }
}
