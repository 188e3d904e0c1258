// Offer: a writer (or a storage peer that relays) offers a head to a keeper. The keeper pulls: it names the
// blocks that it lacks, takes only those, and answers with a receipt once it has all that the head reaches,
// durable and read back. What a keeper has already is never sent again.

import type { Hash, Scope } from '../store/block.ts'
import { bytesOf } from '../store/codec.ts'
import { Malformed } from '../store/errors.ts'
import { HEAD_BYTES_MAX } from '../store/head.ts'
import type { StoredBlock } from '../store/stored.ts'
import { hashesFromWire, receiveBlock, scopeFromWire, scopeToWire, sendAll } from './blocks.ts'
import type { Channel } from './framing.ts'
import type { CallOptions } from './network.ts'
import { readRecord } from './records.ts'

export const OFFER_PROTOCOL = '/drystone/offer/1'

/** A head as it travels: the writer's signed mark, and the body that the mark names. */
export interface OfferedHead {
  mark: Uint8Array
  body: Uint8Array
}

/** Reads blocks for the other side. What it throws ends the conversation. */
export type Provide = (scope: Scope, hash: Hash) => Promise<StoredBlock | undefined>

/** The writer's side. Returns the keeper's signed receipt, not yet checked. @throws {Refused} */
export async function offerHead(
  channel: Channel,
  { head, provide }: { head: OfferedHead; provide: Provide },
  options?: CallOptions
): Promise<Uint8Array> {
  await channel.send(['offer', head.mark, head.body], options)
  for (;;) {
    const [kind, first, second] = await channel.expect(['want', 'receipt'], options)
    if (kind === 'receipt') {
      await channel.end(options)
      return readRecord(first, 'receipt')
    }
    const scope = scopeFromWire(first)
    const hashes = hashesFromWire(second)
    if (hashes.length === 0) throw new Malformed('a keeper wants nothing, and no end')
    await sendAll(channel, hashes, (hash) => provide(scope, hash), options)
  }
}

/** Blocks from the side that offers, in the order asked; undefined where it does not have one. */
export type Pull = (
  scope: Scope,
  hashes: readonly Hash[]
) => AsyncGenerator<StoredBlock | undefined>

/**
 * The keeper's side. `accept` checks the head, pulls what is missing, and returns the receipt; undefined
 * refuses.
 */
export async function answerOffer(
  channel: Channel,
  accept: (head: OfferedHead, pull: Pull) => Promise<Uint8Array | undefined>
): Promise<void> {
  const [, mark, body] = await channel.expect('offer')
  const head = {
    mark: readRecord(mark, 'mark'),
    body: bytesOf(1, HEAD_BYTES_MAX)(body, 'head')
  }
  const receipt = await accept(head, async function* (scope, hashes) {
    await channel.send(['want', scopeToWire(scope), hashes])
    for (let i = 0; i < hashes.length; i++) yield await receiveBlock(channel)
  })
  if (receipt === undefined) return channel.refuse()
  await channel.send(['receipt', receipt])
  await channel.end()
}
