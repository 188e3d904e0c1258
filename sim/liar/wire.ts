// A wire of a liar: frames that go out are put to a tongue, which says what is sent instead; frames that
// come in are only overheard. The other side's backpressure is kept: a write resolves when all that was
// sent for it has been taken.

import type { CallOptions, Wire } from '../../protocol/network.ts'
import type { PeerKey } from '../../store/peer.ts'
import type { Message } from '../../protocol/framing.ts'
import { FrameCutter, frameOf, type Frame } from './frames.ts'

/** What a liar makes of one conversation. */
export interface Tongue {
  /** Hears a message of the other side. */
  hear(message: Message): void
  /** What to send in place of `message`; the very same object is sent untouched. */
  say(message: Message): Message[]
}

export class LyingWire implements Wire {
  readonly peer: PeerKey
  readonly #wire: Wire
  readonly #tongue: Tongue
  readonly #out = new FrameCutter()
  readonly #in = new FrameCutter()

  constructor(wire: Wire, tongue: Tongue) {
    this.peer = wire.peer
    this.#wire = wire
    this.#tongue = tongue
  }

  async write(bytes: Uint8Array, options?: CallOptions): Promise<void> {
    for (const frame of this.#out.cut(bytes)) {
      for (const { bytes: said } of this.#twist(frame)) await this.#wire.write(said, options)
    }
  }

  async read(options?: CallOptions): Promise<Uint8Array | undefined> {
    const bytes = await this.#wire.read(options)
    if (bytes !== undefined) {
      for (const { message } of this.#in.cut(bytes)) {
        if (message !== undefined) this.#tongue.hear(message)
      }
    }
    return bytes
  }

  async end(options?: CallOptions): Promise<void> {
    const rest = this.#out.rest()
    if (rest.length > 0) await this.#wire.write(rest, options)
    await this.#wire.end(options)
  }

  abort(reason?: Error): void {
    this.#wire.abort(reason)
  }

  #twist(frame: Frame): Frame[] {
    const { message } = frame
    if (message === undefined) return [frame]
    return this.#tongue.say(message).map((said) => (said === message ? frame : frameOf(said)))
  }
}
