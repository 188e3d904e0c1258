// A liar's mind: what it lies about now, and what it has seen pass by that a lie can be made of. It
// remembers the first of everything, since old things lie best, and never more than so much.

import { toHex, type Hash } from '../../store/block.ts'
import type { Clock } from '../../store/clock.ts'
import { decodeHead, headId } from '../../store/head.ts'
import type { SigningKey } from '../../store/key.ts'
import { encode } from '../../store/codec.ts'
import { signMark } from '../../store/mark.ts'
import type { PeerKey } from '../../store/peer.ts'
import { signReceipt, type Receipt } from '../../store/receipt.ts'
import { decodeRecord, encodeRecord } from '../../store/signed.ts'
import type { OfferedHead } from '../../protocol/offer.ts'
import type { SeededRandom } from '../random.ts'
import type { Lie, LiarInit } from './lie.ts'

const REMEMBERED_MAX = 64
const UNDO_DAYS = 30

export class Liar {
  readonly key: SigningKey
  readonly clock: Clock
  readonly random: SeededRandom
  readonly #lies: () => ReadonlySet<Lie>
  /** Known once it has said hello. */
  mesh: Uint8Array | undefined
  /** Ids of bases, by their hex. */
  readonly bases = new FirstSeen<Hash>()
  /** The first mark of each line, encoded. */
  readonly marks = new FirstSeen<Uint8Array>()
  readonly #heads = new FirstSeen<OfferedHead>()
  /** Each head of its own that it forked, by id in hex, with the other branch. */
  readonly #forks = new FirstSeen<{ own: OfferedHead; other: OfferedHead }>()
  readonly #keepers = new FirstSeen<number>()
  readonly #baseReceipts = new FirstSeen<Uint8Array>()
  #signed = 0

  constructor({ key, clock, random, lies }: LiarInit) {
    this.key = key
    this.clock = clock
    this.random = random
    this.#lies = lies
  }

  tells(lie: Lie): boolean {
    return this.#lies().has(lie)
  }

  /** True for about half of what this lie could be told of: who always lies is soon left. */
  tellsNow(lie: Lie): boolean {
    return this.tells(lie) && this.random.chance(0.5)
  }

  /** Remembers a head that passed by; returns the first that was seen of its line. */
  firstOf(head: OfferedHead): OfferedHead {
    const { endpoint, writer } = decodeHead(head.body)
    return this.#heads.put(`${toHex(endpoint)}/${toHex(writer)}`, head)
  }

  /** What a keeper is shown in place of a head: every second one sees the other branch. */
  branchFor(keeper: PeerKey, head: OfferedHead): OfferedHead {
    const number = this.#keepers.put(toHex(keeper), this.#keepers.size)
    const isOwn = toHex(decodeRecord(head.mark).issuer) === toHex(this.key.public)
    if (!isOwn || number % 2 === 0) return head
    const id = toHex(headId(head.body))
    const known = this.#forks.get(id)
    return (known ?? this.#forks.put(id, { own: head, other: this.#fork(head) })).other
  }

  /** Marks of both branches of every head that it forked. */
  forkMarks(): Uint8Array[] {
    return [...this.#forks.values()].flatMap(({ own, other }) => [own.mark, other.mark])
  }

  /** A receipt of its own that differs from every other: no two are of one time. */
  receiptFor(what: Pick<Receipt, 'mesh' | 'endpoint' | 'head'>): Uint8Array {
    this.#signed++
    const size = { blocks: 1, bytes: 1, undoDays: UNDO_DAYS }
    const at = Math.floor(this.clock.now()) + this.#signed
    return encodeRecord(signReceipt({ ...what, ...size, at }, this.key))
  }

  /** Receipts for every base that it heard of, `each` for each; the same whenever they are asked for. */
  baseReceipts(each: number): Uint8Array[] {
    const { mesh } = this
    if (mesh === undefined) return []
    return [...this.bases.values()].flatMap((head) =>
      Array.from({ length: each }, (_, i) => {
        const place = `${toHex(head)}/${i}`
        const known = this.#baseReceipts.get(place)
        return known ?? this.#baseReceipts.put(place, this.receiptFor({ mesh, head }))
      })
    )
  }

  newBaseReceipts(): Uint8Array[] {
    const { mesh } = this
    if (mesh === undefined) return []
    return [...this.bases.values()].map((head) => this.receiptFor({ mesh, head }))
  }

  receiptForHead(body: Uint8Array): Uint8Array {
    const { mesh, endpoint } = decodeHead(body)
    return this.receiptFor({ mesh, endpoint, head: headId(body) })
  }

  /** The same points under another time: what is sealed is not bound to it. */
  #fork({ body }: OfferedHead): OfferedHead {
    const { mesh, endpoint, writer, seq, prev, time, bases, roots, escrow, salt, sealed } =
      decodeHead(body)
    const other = encode({
      ...{ v: 1, mesh, endpoint, writer, seq, bases, escrow, salt, sealed },
      prev: prev ?? new Uint8Array(0),
      roots: roots.map(({ bytes }) => bytes),
      time: time + 1
    })
    return { mark: encodeRecord(signMark(other, this.key)), body: other }
  }
}

/** The first value of each key, of a few keys. */
export class FirstSeen<T> {
  readonly #values = new Map<string, T>()

  get size(): number {
    return this.#values.size
  }

  get(key: string): T | undefined {
    return this.#values.get(key)
  }

  /** Remembers `value` unless there is one; returns the one that there is. */
  put(key: string, value: T): T {
    const known = this.#values.get(key)
    if (known !== undefined) return known
    if (this.#values.size < REMEMBERED_MAX) this.#values.set(key, value)
    return value
  }

  values(): Iterable<T> {
    return this.#values.values()
  }
}
