// Lies about heads: a writer that shows keepers different heads with one number, a keeper that signs for
// what it never had, that shows what the endpoint was long ago, or that never has enough.

import { hashOf, toHex } from '../../store/block.ts'
import { bytesOf, listOf } from '../../store/codec.ts'
import { HEAD_BYTES_MAX, decodeHead } from '../../store/head.ts'
import type { PeerKey } from '../../store/peer.ts'
import type { Channel, Message } from '../../protocol/framing.ts'
import { WANTED_MAX } from '../../protocol/limits.ts'
import { answerOffer, type OfferedHead } from '../../protocol/offer.ts'
import { readRecord } from '../../protocol/records.ts'
import { BlockTongue } from './blocks.ts'
import type { Liar } from './liar.ts'
import type { Tongue } from './wire.ts'

const RECEIPTS_MAX = 64
const DOUBLES = 3

/** An offer, on either side. */
export class OfferTongue implements Tongue {
  readonly #liar: Liar
  readonly #peer: PeerKey
  readonly #blocks: BlockTongue
  #offered: OfferedHead | undefined

  constructor(liar: Liar, peer: PeerKey) {
    this.#liar = liar
    this.#peer = peer
    this.#blocks = new BlockTongue(liar)
  }

  hear(message: Message): void {
    if (message[0] !== 'offer') return
    this.#offered = readHead(message)
    this.#liar.firstOf(this.#offered)
  }

  say(message: Message): Message[] {
    const liar = this.#liar
    if (message[0] === 'offer') {
      const head = readHead(message)
      liar.firstOf(head)
      if (!liar.tells('forked-heads')) return [message]
      const { mark, body } = liar.branchFor(this.#peer, head)
      return [['offer', mark, body]]
    }
    if (message[0] === 'receipt') {
      if (this.#offered === undefined || !liar.tells('double-receipts')) return [message]
      return [['receipt', liar.receiptForHead(this.#offered.body)]]
    }
    return this.#blocks.say(message)
  }
}

/** Signs for a head without asking for any of it. */
export function signUnseen(channel: Channel, liar: Liar): Promise<void> {
  return answerOffer(channel, async (head) => {
    liar.firstOf(head)
    return liar.receiptForHead(head.body)
  })
}

/** Asks for what a head has at the top, for as long as the other side plays along. */
export function askForEver(channel: Channel, liar: Liar): Promise<void> {
  return answerOffer(channel, async (head, pull) => {
    liar.firstOf(head)
    const { endpoint, roots } = decodeHead(head.body)
    const hashes = roots.slice(0, WANTED_MAX).map(hashOf)
    for (;;) {
      const given = pull(toHex(endpoint), hashes)
      while ((await given.next()).done !== true);
    }
  })
}

/** What is told of an endpoint's heads, on either side. */
export class HeadsTongue implements Tongue {
  readonly #liar: Liar

  constructor(liar: Liar) {
    this.#liar = liar
  }

  hear(message: Message): void {
    if (message[0] === 'head') this.#liar.firstOf(readHead(message))
  }

  say(message: Message): Message[] {
    if (message[0] !== 'head') return [message]
    const liar = this.#liar
    const first = liar.firstOf(readHead(message))
    const shown = liar.tells('old-heads') ? first : readHead(message)
    const receipts = listOf(readRecord, RECEIPTS_MAX)(message[3], 'receipts')
    if (liar.tells('double-receipts')) {
      for (let i = 0; i < DOUBLES; i++) receipts.push(liar.receiptForHead(shown.body))
    }
    return [['head', shown.mark, shown.body, receipts.slice(-RECEIPTS_MAX)]]
  }
}

function readHead([, mark, body]: Message): OfferedHead {
  return { mark: readRecord(mark, 'mark'), body: bytesOf(1, HEAD_BYTES_MAX)(body, 'head') }
}
