// Join: a stranger becomes a member (SECURITY-DESIGN 5). It knocks with a key that the mesh knows (an
// invite's, the authority's, an endpoint's claim key), learns the roster, proves for itself that this is the
// mesh it was invited to, and hands in the records that make it a member. Until then it can do nothing else.

import { bytesOf, listOf } from '../store/codec.ts'
import type { PeerKey } from '../store/peer.ts'
import type { Channel } from './framing.ts'
import type { CallOptions } from './network.ts'
import { readRecord, receiveRecords, sendRecords } from './records.ts'

export const JOIN_PROTOCOL = '/drystone/join/1'
const ENTRY_RECORDS_MAX = 3

/** How a stranger knocks: the id of an invite (16 bytes) or a public key (32), and a signature. */
export interface Knock {
  id: Uint8Array
  signature: Uint8Array
}

/** What the signature of a knock is over: both sides' keys, so that it is good for this pair only. */
export function knockMessage(stranger: PeerKey, member: PeerKey): Uint8Array {
  return Buffer.concat([Buffer.from('drystone/1/knock\0'), stranger, member])
}

/** The stranger's side. */
export interface Stranger {
  knock: Knock
  /** Checks the mesh's records and makes the records that sign this peer in. */
  enter: (records: Uint8Array[]) => Promise<Uint8Array[]>
}

/** Returns the records that the member added: among them the one that makes this peer a member. */
export async function askToJoin(
  channel: Channel,
  { knock, enter }: Stranger,
  options?: CallOptions
): Promise<Uint8Array[]> {
  await channel.send(['knock', knock.id, knock.signature], options)
  const records = await receiveRecords(channel, 'mesh', options)
  await channel.send(['enter', await enter(records)], options)
  const added = await receiveRecords(channel, 'welcome', options)
  await channel.end(options)
  return added
}

/** The member's side. */
export interface Doorkeeper {
  /** The mesh's records for one who knocks rightly; undefined refuses. */
  open(knock: Knock): Uint8Array[] | undefined
  /** Takes the stranger's records; returns what was added, durable; undefined refuses. */
  admit(knock: Knock, records: Uint8Array[]): Promise<Uint8Array[] | undefined>
}

export async function answerJoin(channel: Channel, door: Doorkeeper): Promise<void> {
  const [, id, signature] = await channel.expect('knock')
  const knock = { id: bytesOf(16, 32)(id, 'knock'), signature: bytesOf(64)(signature, 'signature') }
  const records = door.open(knock)
  if (records === undefined) return channel.refuse()
  await sendRecords(channel, 'mesh', records)
  const [, entered] = await channel.expect('enter')
  const added = await door.admit(knock, listOf(readRecord, ENTRY_RECORDS_MAX)(entered, 'records'))
  if (added === undefined) return channel.refuse()
  await sendRecords(channel, 'welcome', added)
  await channel.end()
}
