// Calls: both sides of the control API. A call names a procedure and gives its arguments; the answer is any
// number of progress values and then a result or a failure, which keeps its name, its facts and what to do
// next. The token comes first, and is compared in constant time.

import { timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../store/clock.ts'
import { bytesOf, textOf } from '../../store/codec.ts'
import { DrystoneError } from '../../store/errors.ts'
import { WireCut } from '../../protocol/errors.ts'
import { Channel, converse } from '../../protocol/framing.ts'
import type { Wire } from '../../protocol/network.ts'

/** Local and trusted, so large answers are fine. */
const FRAME_BYTES_MAX = 64 << 20
export const TOKEN_BYTES = 32
/** Progress is told this often. */
const PROGRESS_MS = 100
/** Calls of one command that overlap. */
const WIRES_MAX = 3

export interface CallContext {
  onProgress?: ((value: unknown) => void) | undefined
  signal?: AbortSignal | undefined
}

/** What a command says whose peer went away meanwhile. */
const AFTER_A_CUT =
  'The peer of this home stopped: start it with `drystone up`, and run this again; what was done is kept.'

/** Calls procedures: of the running peer, or of a node in this process. */
export interface Caller {
  call(name: string, args: unknown, context?: CallContext): Promise<unknown>
  close(): Promise<void>
}

/** A failure in the peer that was called, under its own name. */
export class CalledFailure extends DrystoneError {
  override readonly name: string
  readonly facts: Record<string, unknown>

  constructor({ name, message, next, facts }: WrittenFailure) {
    super(message, { next })
    this.name = name
    this.facts = facts
  }
}

/** A failure as it travels and as `--json` prints it. */
export interface WrittenFailure {
  name: string
  message: string
  next?: string | undefined
  facts: Record<string, unknown>
}

/** A failure with all its facts; what is no failure of ours is told as a bug. */
export function writeFailure(error: unknown): WrittenFailure {
  if (error instanceof CalledFailure) {
    const { name, message, next, facts } = error
    return { name, message, next, facts }
  }
  if (error instanceof DrystoneError) {
    const { name, message, next } = error
    const told = ['name', 'message', 'next', 'cause', 'stack']
    const facts = Object.entries(error).filter(([field]) => !told.includes(field))
    return { name, message, next, facts: Object.fromEntries(facts) }
  }
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof DOMException && error.name === 'AbortError') {
    return { name: error.name, message, facts: {} }
  }
  return { name: 'Unexpected', message, next: 'This is a bug: please report it.', facts: {} }
}

/** DAG-CBOR has no undefined: fields without a value are left out. */
export function withoutUndefined(value: unknown): unknown {
  if (value === undefined) return null
  if (Array.isArray(value)) return value.map(withoutUndefined)
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  return Object.fromEntries(entries.map(([key, item]) => [key, withoutUndefined(item)]))
}

export class WireCaller implements Caller {
  readonly #channel: Channel
  readonly #token: Uint8Array
  #last: Promise<unknown> = Promise.resolve()

  constructor({ wire, clock }: { wire: Wire; clock: Clock }, token: Uint8Array) {
    this.#channel = new Channel({ wire, clock }, { frameBytesMax: FRAME_BYTES_MAX, idleMs: 0 })
    this.#token = token
  }

  /** Calls take their turn: one wire carries one at a time. */
  call(name: string, args: unknown, context: CallContext = {}): Promise<unknown> {
    const turn = this.#last.then(
      () => this.#call(name, args, context),
      () => this.#call(name, args, context)
    )
    this.#last = turn.catch(() => {})
    return turn
  }

  async close(): Promise<void> {
    await this.#channel.end()
    this.#channel.abort()
  }

  async #call(name: string, args: unknown, context: CallContext): Promise<unknown> {
    const options = { signal: context.signal }
    try {
      await this.#channel.send(['call', this.#token, name, withoutUndefined(args)], options)
      for (;;) {
        const [kind, value] = await this.#channel.expect(['progress', 'result', 'failed'], options)
        if (kind === 'result') return value
        if (kind === 'failed') throw new CalledFailure(value as WrittenFailure)
        context.onProgress?.(value)
      }
    } catch (error) {
      throw error instanceof WireCut ? new WireCut({ next: AFTER_A_CUT, cause: error }) : error
    }
  }
}

/** Several wires to one peer, so that calls overlap; opened as they are needed. */
export class PoolCaller implements Caller {
  readonly #open: () => Promise<WireCaller | undefined>
  readonly #callers: { caller: WireCaller; calls: number }[]

  constructor(first: WireCaller, open: () => Promise<WireCaller | undefined>) {
    this.#callers = [{ caller: first, calls: 0 }]
    this.#open = open
  }

  async call(name: string, args: unknown, context?: CallContext): Promise<unknown> {
    const slot = await this.#leastBusy()
    slot.calls++
    try {
      return await slot.caller.call(name, args, context)
    } finally {
      slot.calls--
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#callers.map(({ caller }) => caller.close()))
  }

  async #leastBusy(): Promise<{ caller: WireCaller; calls: number }> {
    const least = this.#callers.reduce((a, b) => (b.calls < a.calls ? b : a))
    if (least.calls === 0 || this.#callers.length === WIRES_MAX) return least
    const slot = { caller: least.caller, calls: 0 }
    this.#callers.push(slot)
    const more = await this.#open()
    if (more !== undefined) slot.caller = more
    return slot
  }
}

/** Runs a procedure by name. */
export type Perform = (name: string, args: unknown, context: CallContext) => Promise<unknown>

/** Answers calls until the other side ends; a call in progress is aborted when the wire is cut. */
export async function answerCalls(
  { wire, clock }: { wire: Wire; clock: Clock },
  token: Uint8Array,
  perform: Perform
): Promise<void> {
  const channel = new Channel({ wire, clock }, { frameBytesMax: FRAME_BYTES_MAX, idleMs: 0 })
  await converse(channel, async () => {
    for (;;) {
      const message = await channel.receive()
      if (message === undefined) return channel.end()
      const [, given, name, args] = message
      const right = timingSafeEqual(bytesOf(TOKEN_BYTES)(given, 'token'), token)
      if (message[0] !== 'call' || !right) return channel.abort()
      await answerCall({ channel, clock }, { name: textOf(64)(name, 'name'), args }, perform)
    }
  })
}

async function answerCall(
  { channel, clock }: { channel: Channel; clock: Clock },
  { name, args }: { name: string; args: unknown },
  perform: Perform
): Promise<void> {
  const controller = new AbortController()
  let sending: Promise<void> = Promise.resolve()
  let toldMs = Number.NEGATIVE_INFINITY
  const onProgress = (value: unknown): void => {
    // Progress is told per entry, and for people: what comes too soon is left out.
    const nowMs = clock.monotonic()
    if (nowMs - toldMs < PROGRESS_MS) return
    toldMs = nowMs
    sending = sending.then(() => channel.send(['progress', withoutUndefined(value)]))
    sending.catch((cause: unknown) => controller.abort(new WireCut({ cause })))
  }
  let answer: readonly [string, unknown]
  try {
    const result = await perform(name, args, { onProgress, signal: controller.signal })
    answer = ['result', withoutUndefined(result)]
  } catch (error) {
    answer = ['failed', withoutUndefined(writeFailure(error))]
  }
  await sending
  await channel.send(answer)
}
