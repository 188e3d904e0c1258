// Lies about records: marks of long ago, both marks of a fork, receipts for bases that were never here. To
// bring them in, the liar claims to know another set than it does; then the other side compares, and takes
// what it is given.

import { toHex } from '../../store/block.ts'
import { baseId } from '../../store/base.ts'
import { booleanOf, bytesOf, listOf } from '../../store/codec.ts'
import { openMark } from '../../store/mark.ts'
import { decodeRecord } from '../../store/signed.ts'
import type { Message } from '../../protocol/framing.ts'
import { readRecord } from '../../protocol/records.ts'
import type { Lie } from './lie.ts'
import type { Liar } from './liar.ts'
import type { Tongue } from './wire.ts'

export const RECORDS_PER_FRAME = 7
const DOUBLES = 3
/** Lies that are told by records. */
const PUSHED: readonly Lie[] = [
  ...(['old-heads', 'forked-heads', 'false-receipts'] as const),
  ...(['double-receipts', 'endless-news', 'replay', 'duplicate'] as const)
]

export class HelloTongue implements Tongue {
  readonly #liar: Liar
  /** The set that is being compared. */
  #set: unknown

  constructor(liar: Liar) {
    this.#liar = liar
  }

  hear(message: Message): void {
    this.#note(message)
  }

  say(message: Message): Message[] {
    this.#note(message)
    if (message[0] === 'hello') return [this.#greeting(message)]
    if (message[0] !== 'records') return [message]
    const more = booleanOf(message[2], 'more')
    const brought = this.#brings()
    if (brought.length === 0) return [message]
    const said: Message[] = [['records', message[1], true]]
    for (let at = 0; at < brought.length; at += RECORDS_PER_FRAME) {
      const end = at + RECORDS_PER_FRAME
      said.push(['records', brought.slice(at, end), more || end < brought.length])
    }
    return isEmpty(message[1]) ? said.slice(1) : said
  }

  #note(message: Message): void {
    const liar = this.#liar
    const [kind, first] = message
    if (kind === 'hello' && isGreeting(first)) {
      liar.mesh ??= bytesOf(32)(first.mesh, 'mesh')
    } else if (kind === 'ids') {
      this.#set = first
    } else if (kind === 'records') {
      for (const record of listOf(readRecord, RECORDS_PER_FRAME)(first, 'records')) {
        this.#noteRecord(record)
      }
    }
  }

  #noteRecord(bytes: Uint8Array): void {
    const { mesh, bases, marks } = this.#liar
    if (mesh === undefined) return
    const record = decodeRecord(bytes)
    if (this.#set === 'bases') {
      const id = baseId(record)
      bases.put(toHex(id), id)
    } else if (this.#set === 'marks') {
      const { endpoint } = openMark(record, mesh)
      marks.put(`${toHex(endpoint)}/${toHex(record.issuer)}`, bytes)
    }
  }

  #greeting(message: Message): Message {
    const [, greeting] = message
    const liar = this.#liar
    if (!isGreeting(greeting) || !PUSHED.some((lie) => liar.tells(lie))) return message
    const digestsOf = listOf(() => liar.random.bytes(32), 8)
    return ['hello', { ...greeting, digests: digestsOf(greeting.digests, 'digests') }]
  }

  /** Records beside those that the node gives. */
  #brings(): Uint8Array[] {
    const liar = this.#liar
    const brought: Uint8Array[] = []
    if (this.#set === 'marks') {
      if (liar.tells('old-heads')) brought.push(...liar.marks.values())
      if (liar.tells('forked-heads')) brought.push(...liar.forkMarks())
    }
    if (this.#set === 'receipts') {
      const doubles = liar.tells('double-receipts') ? DOUBLES : 0
      brought.push(...liar.baseReceipts(doubles + (liar.tells('false-receipts') ? 1 : 0)))
      if (liar.tells('endless-news')) brought.push(...liar.newBaseReceipts())
    }
    return brought
  }
}

function isGreeting(value: unknown): value is { mesh: unknown; digests: unknown } {
  return typeof value === 'object' && value !== null && 'mesh' in value && 'digests' in value
}

function isEmpty(list: unknown): boolean {
  return Array.isArray(list) && list.length === 0
}
