// Heads: what a storage peer keeps of an endpoint, one for each line of heads that a writer began. Asked by
// a writer before it continues its history, by a reader before it restores, and between storage peers.

import { bytesOf, listOf, readList } from '../store/codec.ts'
import { HEAD_BYTES_MAX } from '../store/head.ts'
import type { Channel } from './framing.ts'
import { FRAME_BYTES_MAX } from './limits.ts'
import type { CallOptions } from './network.ts'
import type { OfferedHead } from './offer.ts'
import { readRecord } from './records.ts'

export const HEADS_PROTOCOL = '/drystone/heads/1'
const ENDPOINT_ID_BYTES = 16
const LINES_MAX = 64
const RECEIPTS_MAX = 64
/** What the encoding of a frame, and of one item in it, takes at most beside the bytes themselves. */
const OVERHEAD_BYTES = 64
const ITEM_OVERHEAD_BYTES = 8

/** The last head of one line, and the receipts that the answerer knows for it. */
export interface KeptHead extends OfferedHead {
  receipts: Uint8Array[]
}

/** Asks for the heads of an endpoint. Nothing is checked yet. @throws {Refused} */
export async function askHeads(
  channel: Channel,
  endpoint: Uint8Array,
  options?: CallOptions
): Promise<KeptHead[]> {
  await channel.send(['heads?', endpoint], options)
  const heads: KeptHead[] = []
  for (;;) {
    const [kind, ...rest] = await channel.expect(['head', 'end'], options)
    if (kind === 'end' || heads.length === LINES_MAX) break
    const [mark, body, receipts] = readList(rest, 'head', 3)
    heads.push({
      mark: readRecord(mark, 'mark'),
      body: bytesOf(1, HEAD_BYTES_MAX)(body, 'body'),
      receipts: listOf(readRecord, RECEIPTS_MAX)(receipts, 'receipts')
    })
  }
  await channel.end(options)
  return heads
}

/** Answers with what `find` knows; undefined refuses. */
export async function answerHeads(
  channel: Channel,
  find: (endpoint: Uint8Array) => Promise<KeptHead[] | undefined>
): Promise<void> {
  const [, value] = await channel.expect('heads?')
  const heads = await find(bytesOf(ENDPOINT_ID_BYTES)(value, 'endpoint'))
  if (heads === undefined) return channel.refuse()
  for (const { mark, body, receipts } of heads.slice(0, LINES_MAX)) {
    await channel.send(['head', mark, body, fitting(receipts, mark.length + body.length)])
  }
  await channel.send(['end'])
  await channel.end()
}

/** As many receipts as fit into a frame beside what `taken` bytes say. */
function fitting(receipts: readonly Uint8Array[], taken: number): Uint8Array[] {
  let left = FRAME_BYTES_MAX - taken - OVERHEAD_BYTES
  return receipts.slice(0, RECEIPTS_MAX).filter(({ length }) => {
    left -= length + ITEM_OVERHEAD_BYTES
    return left >= 0
  })
}
