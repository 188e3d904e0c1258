// Wanted: how much a keeper may still ask for while it is offered a head. It learns of blocks from the head
// and from the blocks it was given, so every question is paid for by a link that it has seen. One that asks
// more often than any honest keeper would is lying: it would ask for ever.

import { toHex, type Hash } from '../store/block.ts'
import { isSealed, sealedLinks } from '../store/seal.ts'
import { METHOD_RAW, unpackBlock, type StoredBlock } from '../store/stored.ts'
import { PeerLied } from '../protocol/errors.ts'

/** An honest keeper asks again where it has met damage, and where it had no memory to hold a parent. */
const QUESTIONS_PER_LINK = 8

export class Wanted {
  readonly #peer: string
  #questions: number
  /** Blocks with links that were given: their links count once. */
  readonly #given = new Set<string>()

  /** `peer` is the keeper's id as text, and `links` how many roots the head has. */
  constructor(peer: string, { links }: { links: number }) {
    this.#peer = peer
    this.#questions = links * QUESTIONS_PER_LINK
  }

  /** Counts a question. @throws {PeerLied} if it is one too many. */
  ask(): void {
    if (this.#questions === 0) throw new PeerLied(this.#peer, 'asks for more than the head reaches')
    this.#questions--
  }

  /** Counts what a block that is given refers to. */
  give(hash: Hash, stored: StoredBlock): void {
    const key = toHex(hash)
    if (this.#given.has(key)) return
    const bytes = stored.method === METHOD_RAW ? stored.body : unpackBlock(hash, stored)
    if (bytes === undefined || !isSealed(bytes)) return
    const { links } = sealedLinks(bytes)
    if (links.length === 0) return
    this.#given.add(key)
    this.#questions += links.length * QUESTIONS_PER_LINK
  }
}
