// Hello: two members compare what they know and give each other what the other lacks. What they know are
// sets of signed records (roster, bases, marks, receipts of bases); each set is compared by one hash over
// its sorted ids, and only where that differs are ids, then missing records, exchanged, range by range of
// the sorted ids, so that a set may be of any size. Records prove themselves, so it does not matter who
// brings them.

import { createHash } from 'node:crypto'
import { toHex } from '../store/block.ts'
import { bytesOf, integerOf, listOf, readMap, textOf, booleanOf, readList } from '../store/codec.ts'
import { Malformed } from '../store/errors.ts'
import { PEER_KEY_BYTES, type PeerKey } from '../store/peer.ts'
import { Refused } from './errors.ts'
import type { Channel, Message } from './framing.ts'
import { IDS_PER_FRAME, RECORDS_MAX } from './limits.ts'
import type { CallOptions } from './network.ts'
import { receiveRecords, sendRecords } from './records.ts'

export const HELLO_PROTOCOL = '/drystone/hello/1'
export const VERSION = 1

/** The sets, in the order in which they are exchanged: the roster says who may sign the rest. */
export const SETS = ['roster', 'bases', 'receipts', 'marks'] as const
export type SetName = (typeof SETS)[number]

/** One side's records of one set. */
export interface RecordSet {
  /** SHA-256 ids of all records, in hex. */
  ids(): Iterable<string>
  get(id: string): Uint8Array | undefined
  /** Takes encoded records from another member; keeps those that hold. */
  add(records: readonly Uint8Array[]): Promise<void>
}

export interface HelloSide {
  mesh: Uint8Array
  /** What this peer is called and where it listens: hints for display and dialling. */
  card: Card
  sets: Readonly<Record<SetName, RecordSet>>
}

/** What a peer says of itself; nothing in it is believed beyond display and dialling. */
export interface Card {
  addresses: string[]
  software: string
  /** Where it knows other members to be. */
  hints: [peer: PeerKey, addresses: string[]][]
}

const ADDRESSES_MAX = 8
const HINTS_MAX = 64
const addressesOf = listOf(textOf(256), ADDRESSES_MAX)

function readCard(value: unknown, field: string): Card {
  return readMap<Card>(value, field, {
    addresses: addressesOf,
    software: textOf(64),
    hints: listOf((item, at): Card['hints'][number] => {
      const [peer, addresses] = readList(item, at, 2)
      return [bytesOf(PEER_KEY_BYTES)(peer, at), addressesOf(addresses, at)]
    }, HINTS_MAX)
  })
}

/** SHA-256 over the sorted ids. */
export function setDigest(ids: Iterable<string>): Uint8Array {
  const hash = createHash('sha256')
  for (const id of [...ids].sort()) hash.update(Buffer.from(id, 'hex'))
  return new Uint8Array(hash.digest())
}

function greeting({ mesh, card, sets }: HelloSide): Message {
  const digests = SETS.map((name) => setDigest(sets[name].ids()))
  return ['hello', { v: VERSION, mesh, card, digests }]
}

function readGreeting([, value]: Message, side: HelloSide): { card: Card; digests: Uint8Array[] } {
  const hello = readMap(value, 'hello', {
    v: integerOf(1),
    mesh: bytesOf(32),
    card: readCard,
    digests: listOf(bytesOf(32), SETS.length)
  })
  if (hello.v !== VERSION) throw new Malformed(`the other side speaks version ${hello.v}`)
  if (toHex(hello.mesh) !== toHex(side.mesh)) throw new Refused()
  return hello
}

/** One round, begun by this side. Returns what the other side says of itself. */
export async function sayHello(
  channel: Channel,
  side: HelloSide,
  options?: CallOptions
): Promise<Card> {
  await channel.send(greeting(side), options)
  const theirs = readGreeting(await channel.expect('hello', options), side)
  for (const [i, name] of SETS.entries()) {
    const set = side.sets[name]
    if (toHex(setDigest(set.ids())) === toHex(theirs.digests[i] ?? new Uint8Array())) continue
    await exchange(channel, { name, set }, options)
  }
  await channel.send(['done'], options)
  await channel.expect('done', options)
  return theirs.card
}

/** One set. Each frame of ids stands for the range from behind the one before to its own last id. */
async function exchange(
  channel: Channel,
  { name, set }: { name: SetName; set: RecordSet },
  options?: CallOptions
): Promise<void> {
  const taken = new Taken(set)
  const all = [...set.ids()].sort()
  for (let at = 0; at === 0 || at < all.length; at += IDS_PER_FRAME) {
    const part = all.slice(at, at + IDS_PER_FRAME)
    await channel.send(['ids', name, part.map(toBytes), at + IDS_PER_FRAME < all.length], options)
    await taken.add(await receiveRecords(channel, 'records', options))
    const [, , lacking] = readList(await channel.expect('lacking', options), 'lacking', 3)
    await sendRecords(channel, 'records', recordsOf(set, readIds(lacking)), options)
  }
  await taken.keep()
}

/** Answers rounds until the other side ends. */
export async function answerHello(
  channel: Channel,
  side: () => HelloSide,
  onCard: (card: Card) => void = () => {}
): Promise<void> {
  for (;;) {
    const first = await channel.receive()
    if (first === undefined) return channel.end()
    if (first[0] !== 'hello') throw new Malformed('a round does not begin with hello')
    onCard(readGreeting(first, side()).card)
    await channel.send(greeting(side()))
    await answerRound(channel, side())
    await channel.send(['done'])
  }
}

async function answerRound(channel: Channel, { sets }: HelloSide): Promise<void> {
  for (;;) {
    const message = await channel.expect(['ids', 'done'])
    if (message[0] === 'done') return
    const name = SETS.find((set) => set === message[1])
    if (name === undefined) throw new Malformed('a set of records that is not known')
    await answerExchange(channel, { name, set: sets[name] }, message)
  }
}

async function answerExchange(
  channel: Channel,
  { name, set }: { name: SetName; set: RecordSet },
  first: Message
): Promise<void> {
  const taken = new Taken(set)
  const ours = [...set.ids()].sort()
  let last = ''
  let at = 0
  for (let message = first; ; message = await channel.expect('ids')) {
    const [, of, part, rest] = readList(message, 'ids', 4)
    const theirs = readIds(part)
    const more = booleanOf(rest, 'more')
    if (of !== name) throw new Malformed('ids of another set')
    if (more && theirs.length === 0) throw new Malformed('ids without end')
    for (const id of theirs) {
      if (id <= last) throw new Malformed('ids that do not rise')
      last = id
    }
    const from = at
    while (at < ours.length && (!more || (ours[at] ?? '') <= last)) at++
    const range = new Set(ours.slice(from, at))
    const lacking = theirs.filter((id) => !range.has(id))
    for (const id of theirs) range.delete(id)
    // What is beyond one list follows in the next round, as the sets still differ.
    const gives = [...range].slice(0, RECORDS_MAX)
    await sendRecords(channel, 'records', recordsOf(set, gives))
    await channel.send(['lacking', name, lacking.map(toBytes)])
    await taken.add(await receiveRecords(channel, 'records'))
    if (!more) return taken.keep()
  }
}

/** Records of one set, kept together: some are judged by others that come with them. */
class Taken {
  readonly #set: RecordSet
  #records: Uint8Array[] = []

  constructor(set: RecordSet) {
    this.#set = set
  }

  async add(records: readonly Uint8Array[]): Promise<void> {
    this.#records.push(...records)
    if (this.#records.length >= RECORDS_MAX) await this.keep()
  }

  async keep(): Promise<void> {
    const records = this.#records
    this.#records = []
    if (records.length > 0) await this.#set.add(records)
  }
}

const idsOf = listOf(bytesOf(32), IDS_PER_FRAME)

function readIds(value: unknown): string[] {
  return idsOf(value, 'ids').map(toHex)
}

function toBytes(id: string): Uint8Array {
  return Buffer.from(id, 'hex')
}

function recordsOf(set: RecordSet, ids: readonly string[]): Uint8Array[] {
  return ids.map((id) => set.get(id)).filter((record) => record !== undefined)
}
