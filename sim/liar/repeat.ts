// Saying things again: lists in which everything comes twice, and messages of earlier conversations in
// place of, or beside, what should be said now. What was heard is repeated as well as what was said.

import { listOf } from '../../store/codec.ts'
import type { Message } from '../../protocol/framing.ts'
import { IDS_PER_FRAME } from '../../protocol/limits.ts'
import { RECORDS_PER_FRAME } from './hello.ts'
import type { Liar } from './liar.ts'
import type { Tongue } from './wire.ts'

/** Of each kind this many are remembered, the first ones. */
const REPLAYED_MAX = 8
/** Kinds that an earlier message of the kind can stand for, and those that it can only come before. */
const IN_PLACE = ['hello', 'receipt', 'block', 'have', 'offer', 'answer']
const BEFORE = ['records', 'head']
const RECEIPTS_MAX = 64

/** Messages that passed by, by kind. One for all conversations of a protocol. */
export type Heard = Map<string, Message[]>

/** Repeats around what another tongue says. */
export class RepeatingTongue implements Tongue {
  readonly #liar: Liar
  readonly #tongue: Tongue
  readonly #heard: Heard

  constructor(liar: Liar, { tongue, heard }: { tongue: Tongue; heard: Heard }) {
    this.#liar = liar
    this.#tongue = tongue
    this.#heard = heard
  }

  hear(message: Message): void {
    this.#note(message)
    this.#tongue.hear(message)
  }

  say(message: Message): Message[] {
    const said = this.#tongue.say(message).flatMap((each) => this.#again(each))
    this.#note(message)
    return said
  }

  #again(message: Message): Message[] {
    const said = this.#liar.tellsNow('replay') ? this.#replay(message) : [message]
    return this.#liar.tells('duplicate') ? said.flatMap(twice) : said
  }

  #replay(message: Message): Message[] {
    const earlier = this.#heard.get(message[0]) ?? []
    if (earlier.length === 0) return [message]
    const old = this.#liar.random.pick(earlier)
    if (IN_PLACE.includes(message[0])) return [old]
    return [old[0] === 'records' ? ['records', old[1], true] : old, message]
  }

  #note(message: Message): void {
    const [kind, first] = message
    if (![...IN_PLACE, ...BEFORE].includes(kind)) return
    // An empty list before another would only end the list too soon.
    if (Array.isArray(first) && first.length === 0) return
    const known = this.#heard.get(kind) ?? []
    if (known.length < REPLAYED_MAX) this.#heard.set(kind, [...known, message])
  }
}

function twice(message: Message): Message[] {
  const [kind, ...rest] = message
  if (kind === 'records') {
    const [records, more] = rest
    const all = doubled(records, RECORDS_PER_FRAME)
    return all.length === 0
      ? [message]
      : [
          ['records', all, true],
          ['records', all, more]
        ]
  }
  if (kind === 'lacking') return [['lacking', rest[0], doubled(rest[1], IDS_PER_FRAME)]]
  if (kind === 'head') {
    const again: Message = ['head', rest[0], rest[1], doubled(rest[2], RECEIPTS_MAX)]
    return [again, again]
  }
  return [message]
}

function doubled(list: unknown, most: number): unknown[] {
  return listOf((item) => [item, item], most)(list, 'list')
    .flat()
    .slice(0, most)
}
