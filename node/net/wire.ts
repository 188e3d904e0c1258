// A wire over a libp2p stream. The stream's own readers and writers lose data, hang or pile up memory in
// bulk use (PROTOCOL.md, transport), so this is the only place that touches one. It keeps two promises:
// an end is reported only if the other side said so, never because a connection went away; and a slow
// reader holds about 2 MiB at most, since a paused stream grants its sender no more window.

import type { Stream } from '@libp2p/interface'
import { OverLimit, WireCut } from '../../protocol/errors.ts'
import type { CallOptions, Wire } from '../../protocol/network.ts'
import type { PeerKey } from '../../store/peer.ts'

/** Unread bytes from which the other side is made to wait, and from which it may go on. */
const HELD_HIGH = 512 * 1024
const HELD_LOW = 128 * 1024

export interface WireInit {
  /** Asked for each arrival of `bytes` bytes; a wire that may not receive them is aborted. */
  mayReceive?: (bytes: number) => boolean
}

export class Libp2pWire implements Wire {
  readonly peer: PeerKey
  readonly #stream: Stream
  readonly #mayReceive: (bytes: number) => boolean
  #pieces: Uint8Array[] = []
  #held = 0
  /** The other side said that it has written everything. */
  #ended: boolean
  /** We said so. */
  #finished = false
  /** The stream is gone, for whatever reason; what it had brought can still be read. */
  #closed: boolean
  /** We dropped it; nothing more is read. */
  #aborted = false
  #cause: Error | undefined
  /** Wakes the one reader that waits. */
  #wake: (() => void) | undefined

  constructor(peer: PeerKey, stream: Stream, { mayReceive = () => true }: WireInit = {}) {
    this.peer = peer
    this.#stream = stream
    this.#mayReceive = mayReceive
    // A stream whose connection died before we looked also has a closed remote end: only while it is
    // open does that mean that the other side closed it.
    this.#closed = stream.status !== 'open'
    this.#ended = !this.#closed && stream.remoteWriteStatus === 'closed'
    stream.addEventListener('message', ({ data }) => {
      this.#receive(data instanceof Uint8Array ? [data] : data, data.byteLength)
    })
    stream.addEventListener('remoteCloseWrite', () => {
      this.#ended = true
      this.#wake?.()
    })
    stream.addEventListener('end', () => this.#wake?.())
    stream.addEventListener('close', ({ error }) => {
      this.#closed = true
      this.#cause ??= error
      this.#wake?.()
    })
  }

  async write(bytes: Uint8Array, { signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    if (this.#closed) throw this.#cut()
    if (this.#finished) throw new Error('a wire was written to after its end')
    if (bytes.length === 0) return
    try {
      this.#stream.send(bytes)
    } catch (cause) {
      throw new WireCut({ cause })
    }
    // A drain may send only a part of what waits and need another: so it is asked again each time.
    // (The stream's own onDrain keeps its first promise for ever and must not be used.)
    while (this.#stream.writableNeedsDrain) await this.#drained(signal)
    if (this.#closed) throw this.#cut()
  }

  async read({ signal }: CallOptions = {}): Promise<Uint8Array | undefined> {
    for (;;) {
      signal?.throwIfAborted()
      const piece = this.#pieces.shift()
      if (piece !== undefined) {
        this.#held -= piece.length
        if (this.#held <= HELD_LOW) this.#resume()
        return piece
      }
      if (this.#resume()) continue
      if (this.#stream.readBufferLength === 0) {
        if (this.#ended) return undefined
        if (this.#closed) throw this.#cut()
      }
      await this.#changed(signal)
    }
  }

  async end({ signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    if (this.#finished) return
    if (this.#closed) throw this.#cut()
    this.#finished = true
    try {
      await this.#stream.close(signal === undefined ? {} : { signal })
    } catch (cause) {
      signal?.throwIfAborted()
      throw new WireCut({ cause })
    }
  }

  abort(reason = new Error('aborted')): void {
    if (this.#aborted) return
    this.#closed = true
    this.#aborted = true
    this.#ended = false
    this.#cause = reason
    this.#pieces = []
    this.#held = 0
    this.#stream.abort(reason)
    this.#wake?.()
  }

  /**
   * Resolves when the other side has ended too, or is gone. Dropping a wire that has ended before that can
   * overtake what was said: a stream that is reset while it is still being opened there is lost whole.
   */
  async whenClosed({ signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    if (this.#closed) return
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => reject(signal?.reason as Error)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#stream.addEventListener('close', () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
    })
  }

  /** Gives bytes back that were read: they come again first. */
  unread(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#pieces.unshift(bytes)
    this.#held += bytes.length
  }

  #receive(pieces: Iterable<Uint8Array>, length: number): void {
    if (this.#aborted) return
    if (!this.#mayReceive(length)) {
      this.abort(new OverLimit('a stranger sent more than it may'))
      return
    }
    for (const piece of pieces) if (piece.length > 0) this.#pieces.push(piece)
    this.#held += length
    // Not here and now: the stream may be inside its own resume, which would undo the pause.
    queueMicrotask(() => {
      if (this.#held > HELD_HIGH && this.#stream.readStatus === 'readable') this.#stream.pause()
    })
    this.#wake?.()
  }

  /** Lets a paused stream go on; true if it was paused. */
  #resume(): boolean {
    if (this.#stream.readStatus !== 'paused') return false
    try {
      this.#stream.resume()
    } catch {
      // The connection is gone, so the window could not be granted. What had arrived is with us by now.
    }
    return true
  }

  #cut(): WireCut {
    return new WireCut({ cause: this.#cause })
  }

  #changed(signal: AbortSignal | undefined): Promise<void> {
    if (this.#wake !== undefined) throw new Error('a wire was read twice at a time')
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#wake = undefined
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }
      const onAbort = (): void => {
        this.#wake = undefined
        reject(signal?.reason as Error)
      }
      this.#wake = settle
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  #drained(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(this.#cut())
      const stream = this.#stream
      const settle = (): void => {
        stream.removeEventListener('drain', onDrain)
        stream.removeEventListener('close', onClose)
        signal?.removeEventListener('abort', onAbort)
      }
      const onDrain = (): void => {
        settle()
        resolve()
      }
      const onClose = ({ error }: { error?: Error }): void => {
        settle()
        reject(new WireCut({ cause: error }))
      }
      const onAbort = (): void => {
        settle()
        reject(signal?.reason as Error)
      }
      stream.addEventListener('drain', onDrain)
      stream.addEventListener('close', onClose)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }
}
