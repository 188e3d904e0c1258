// Lies about blocks: what a provider says of the blocks that it is asked for, and what a keeper answers to
// a challenge. A wrong block is wrong in one of the ways that a careless reader would not notice.

import { constants, zstdCompressSync } from 'node:zlib'
import { BLOCK_BYTES_MAX } from '../../store/block.ts'
import { bytesOf, integerOf, listOf } from '../../store/codec.ts'
import { METHOD_RAW, METHOD_ZSTD } from '../../store/stored.ts'
import type { Message } from '../../protocol/framing.ts'
import { AUDITED_MAX, WANTED_MAX } from '../../protocol/limits.ts'
import type { Liar } from './liar.ts'
import type { Tongue } from './wire.ts'

const BOMB_BYTES = 64 << 20
const PROOF_BYTES = 32
const NOISE_BYTES = 64

interface Block {
  method: number
  length: number
  body: Uint8Array
}

/** Both for a conversation about blocks, and for the blocks in an offer. */
export class BlockTongue implements Tongue {
  readonly #liar: Liar
  #last: Block | undefined

  constructor(liar: Liar) {
    this.#liar = liar
  }

  hear(): void {}

  say(message: Message): Message[] {
    const liar = this.#liar
    if (message[0] === 'block') {
      if (liar.tellsNow('withhold')) return [['absent']]
      if (liar.tellsNow('wrong-bytes')) return [messageOf(this.#wrong(readBlock(message)))]
      this.#last = readBlock(message)
    } else if (message[0] === 'absent' && liar.tellsNow('false-have')) {
      return [messageOf(rawBlock(liar.random.bytes(NOISE_BYTES)))]
    } else if (message[0] === 'have') {
      return [this.#has(message)]
    }
    return [message]
  }

  #has(message: Message): Message {
    const bits = bytesOf(0, WANTED_MAX)(message[1], 'have')
    if (this.#liar.tells('false-have')) return ['have', bits.map(() => 1)]
    if (!this.#liar.tells('withhold')) return message
    return ['have', bits.map((bit) => (this.#liar.random.chance(0.5) ? 0 : bit))]
  }

  #wrong(block: Block): Block {
    const { random } = this.#liar
    const { method, length, body } = block
    const ways: (() => Block)[] = [
      () => ({ ...block, body: flipped(body, random.below(Math.max(1, body.length * 8))) }),
      () => this.#last ?? rawBlock(random.bytes(length)),
      () => ({ method, length: length + 1, body }),
      () => ({ method, length: BLOCK_BYTES_MAX + length, body }),
      () => ({ method: METHOD_ZSTD, length: BLOCK_BYTES_MAX, body: bomb() }),
      () => ({ ...block, body: body.subarray(0, body.length >> 1) }),
      () => rawBlock(new Uint8Array(0))
    ]
    return random.pick(ways)()
  }
}

/** Answers to challenges. */
export class AuditTongue implements Tongue {
  readonly #liar: Liar

  constructor(liar: Liar) {
    this.#liar = liar
  }

  hear(): void {}

  say(message: Message): Message[] {
    if (message[0] !== 'answer') return [message]
    const read = listOf((proof): unknown => this.#proof(proof), AUDITED_MAX)
    return [['answer', read(message[1], 'answer')]]
  }

  #proof(proof: unknown): unknown {
    const liar = this.#liar
    if (proof === null) return liar.tells('false-have') ? liar.random.bytes(PROOF_BYTES) : null
    if (liar.tellsNow('withhold')) return null
    return liar.tellsNow('wrong-bytes') ? liar.random.bytes(PROOF_BYTES) : proof
  }
}

function readBlock([, method, length, body]: Message): Block {
  return {
    method: integerOf()(method, 'method'),
    length: integerOf()(length, 'length'),
    body: bytesOf(0, BLOCK_BYTES_MAX)(body, 'body')
  }
}

function messageOf({ method, length, body }: Block): Message {
  return ['block', method, length, body]
}

function rawBlock(body: Uint8Array): Block {
  return { method: METHOD_RAW, length: body.length, body }
}

function flipped(body: Uint8Array, bit: number): Uint8Array {
  const wrong = Uint8Array.from(body)
  wrong[bit >> 3] = (wrong[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return wrong
}

let packed: Uint8Array | undefined

/** A few kilobytes that unpack to far more than any block. */
function bomb(): Uint8Array {
  const params = { [constants.ZSTD_c_compressionLevel]: 1 }
  packed ??= zstdCompressSync(new Uint8Array(BOMB_BYTES), { params })
  return packed
}
