// Frames as they pass by: cuts what a wire carries into frames again, whatever pieces it comes in, and
// reads the message in each. What cannot be read is passed on as it is; a liar need not understand all.

import { decode, encode } from '../../store/codec.ts'
import { Malformed } from '../../store/errors.ts'
import type { Message } from '../../protocol/framing.ts'
import { FRAME_BYTES_MAX } from '../../protocol/limits.ts'

const LENGTH_BYTES = 4

/** A frame with its length, and what it says, if that can be read. */
export interface Frame {
  bytes: Uint8Array
  message: Message | undefined
}

export function frameOf(message: Message): Frame {
  const body = encode(message)
  const bytes = Buffer.alloc(LENGTH_BYTES + body.length)
  bytes.writeUInt32BE(body.length)
  bytes.set(body, LENGTH_BYTES)
  return { bytes, message }
}

export class FrameCutter {
  #held: Buffer = Buffer.alloc(0)

  /** The frames that `bytes` complete. One over the limit comes as it is, with all behind it. */
  cut(bytes: Uint8Array): Frame[] {
    this.#held = this.#held.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes])
    const frames: Frame[] = []
    while (this.#held.length >= LENGTH_BYTES) {
      const length = LENGTH_BYTES + this.#held.readUInt32BE()
      if (length > LENGTH_BYTES + FRAME_BYTES_MAX) {
        frames.push({ bytes: this.rest(), message: undefined })
      } else if (this.#held.length < length) {
        break
      } else {
        const frame = this.#held.subarray(0, length)
        this.#held = this.#held.subarray(length)
        frames.push({ bytes: frame, message: readMessage(frame.subarray(LENGTH_BYTES)) })
      }
    }
    return frames
  }

  /** What is held of a frame that is not complete; it is not held any more. */
  rest(): Uint8Array {
    const rest = this.#held
    this.#held = Buffer.alloc(0)
    return rest
  }
}

function readMessage(body: Uint8Array): Message | undefined {
  try {
    const value = decode(body)
    return isMessage(value) ? value : undefined
  } catch (error) {
    if (error instanceof Malformed) return undefined
    throw error
  }
}

function isMessage(value: unknown): value is Message {
  return Array.isArray(value) && typeof value[0] === 'string'
}
