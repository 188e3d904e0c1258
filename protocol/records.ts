// Signed records on the wire: `[kind, records, more]`, as many frames as they take. Hello and join both
// carry records; what they mean is for the receiver to check.

import { booleanOf, bytesOf, listOf } from '../store/codec.ts'
import { Malformed } from '../store/errors.ts'
import { RECORD_BYTES_MAX } from '../store/signed.ts'
import type { Channel } from './framing.ts'
import { RECORDS_MAX } from './limits.ts'
import type { CallOptions } from './network.ts'

/** As many of the largest records as surely fit into a control frame. */
const RECORDS_PER_FRAME = 7

export const readRecord = bytesOf(1, RECORD_BYTES_MAX)

export async function sendRecords(
  channel: Channel,
  kind: string,
  records: readonly Uint8Array[],
  options?: CallOptions
): Promise<void> {
  for (let at = 0; at === 0 || at < records.length; at += RECORDS_PER_FRAME) {
    const part = records.slice(at, at + RECORDS_PER_FRAME)
    await channel.send([kind, part, at + RECORDS_PER_FRAME < records.length], options)
  }
}

export async function receiveRecords(
  channel: Channel,
  kind: string,
  options?: CallOptions
): Promise<Uint8Array[]> {
  const records: Uint8Array[] = []
  for (;;) {
    const [, part, more] = await channel.expect(kind, options)
    const found = listOf(readRecord, RECORDS_PER_FRAME)(part, 'records')
    records.push(...found)
    if (records.length > RECORDS_MAX) throw new Malformed(`more than ${RECORDS_MAX} records`)
    if (!booleanOf(more, 'more')) return records
    if (found.length === 0) throw new Malformed('records without end')
  }
}
