// Blocks: one side wants, the other gives, over a stream that stays open for many rounds. Blocks travel as
// they lie at rest, so nothing is packed twice; the consumer verifies each against the address that it
// asked for before it is used, so a provider can be slow or silent, never wrong.

import { HASH_BYTES, BASE_SCOPE, BLOCK_BYTES_MAX, fromHex, toHex } from '../store/block.ts'
import type { Hash, Scope } from '../store/block.ts'
import { bytesOf, integerOf, listOf } from '../store/codec.ts'
import { Malformed } from '../store/errors.ts'
import type { StoredBlock } from '../store/stored.ts'
import type { Channel } from './framing.ts'
import { WANTED_MAX } from './limits.ts'
import type { CallOptions } from './network.ts'

export const BLOCKS_PROTOCOL = '/drystone/blocks/1'
const ENDPOINT_ID_BYTES = 16

/** The base's scope is absent on the wire; an endpoint's is its id. */
export function scopeToWire(scope: Scope): Uint8Array | null {
  return scope === BASE_SCOPE ? null : fromHex(scope, ENDPOINT_ID_BYTES)
}

export function scopeFromWire(value: unknown): Scope {
  return value === null ? BASE_SCOPE : toHex(bytesOf(ENDPOINT_ID_BYTES)(value, 'scope'))
}

export function hashesFromWire(value: unknown): Hash[] {
  return listOf(bytesOf(HASH_BYTES), WANTED_MAX)(value, 'hashes')
}

/** Answers for each hash in order; while one block is sent, the next is read. */
export async function sendAll(
  channel: Channel,
  hashes: readonly Hash[],
  read: (hash: Hash) => Promise<StoredBlock | undefined>,
  options?: CallOptions
): Promise<void> {
  let next: Promise<StoredBlock | undefined> | undefined
  for (const [i, hash] of hashes.entries()) {
    const stored = await (next ?? read(hash))
    const following = hashes[i + 1]
    next = following === undefined ? undefined : read(following)
    next?.catch(() => undefined)
    await sendBlock(channel, stored, options)
  }
}

/** Sends one block as it lies at rest, or that it is absent. */
export async function sendBlock(
  channel: Channel,
  stored: StoredBlock | undefined,
  options?: CallOptions
): Promise<void> {
  if (stored === undefined) await channel.send(['absent'], options)
  else await channel.send(['block', stored.method, stored.plainLength, stored.body], options)
}

/** The next block of an answer, not yet verified; undefined if the other side does not have it. */
export async function receiveBlock(
  channel: Channel,
  options?: CallOptions
): Promise<StoredBlock | undefined> {
  const [kind, method, plainLength, body] = await channel.expect(['block', 'absent'], options)
  if (kind === 'absent') return undefined
  return {
    method: integerOf(0, 1)(method, 'method') as 0 | 1,
    plainLength: integerOf(0, BLOCK_BYTES_MAX)(plainLength, 'plain length'),
    body: bytesOf(0, BLOCK_BYTES_MAX)(body, 'body')
  }
}

/** The consumer's side. Ask as often as needed, then end. */
export class BlocksConsumer {
  readonly #channel: Channel

  constructor(channel: Channel) {
    this.#channel = channel
  }

  /** Asks for at most WANTED_MAX blocks of a scope; yields an answer for each, in the same order. */
  async *get(
    scope: Scope,
    hashes: readonly Hash[],
    options?: CallOptions
  ): AsyncGenerator<StoredBlock | undefined> {
    await this.#channel.send(['want', scopeToWire(scope), hashes], options)
    for (let i = 0; i < hashes.length; i++) yield await receiveBlock(this.#channel, options)
  }

  /** Which of at most WANTED_MAX blocks the other side has, in the same order. */
  async have(scope: Scope, hashes: readonly Hash[], options?: CallOptions): Promise<boolean[]> {
    await this.#channel.send(['have?', scopeToWire(scope), hashes], options)
    const [, answer] = await this.#channel.expect('have', options)
    const bits = bytesOf(hashes.length)(answer, 'have')
    return [...bits].map((bit) => bit === 1)
  }

  end(): Promise<void> {
    return this.#channel.end()
  }

  abort(reason?: Error): void {
    this.#channel.abort(reason)
  }
}

/** What the provider's side needs. */
export interface BlocksProvider {
  /** May this peer ask for blocks of this scope? */
  allows(scope: Scope): boolean
  has(scope: Scope, hash: Hash): Promise<boolean>
  get(scope: Scope, hash: Hash): Promise<StoredBlock | undefined>
}

/** The provider's side: answers until the consumer ends. */
export async function provideBlocks(channel: Channel, provider: BlocksProvider): Promise<void> {
  for (;;) {
    const message = await channel.receive()
    if (message === undefined) return channel.end()
    const [kind, scopeValue, hashesValue] = message
    const scope = scopeFromWire(scopeValue)
    const hashes = hashesFromWire(hashesValue)
    if (!provider.allows(scope)) return channel.refuse()
    if (kind === 'want') {
      await sendAll(channel, hashes, (hash) => provider.get(scope, hash))
    } else if (kind === 'have?') {
      const bits = await Promise.all(hashes.map((hash) => provider.has(scope, hash)))
      await channel.send(['have', Uint8Array.from(bits, Number)])
    } else {
      throw new Malformed(`${kind.slice(0, 20)} is not asked here`)
    }
  }
}
