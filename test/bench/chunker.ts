// The chunker against the hash that every byte needs anyway: finding where to cut is the only other work
// that is done on every byte of a large file.

import { createHash } from 'node:crypto'
import { cut } from '../../store/chunker.ts'
import { mixed } from './content.ts'
import type { Bench } from './measure.ts'

const BYTES = 64 << 20
const PIECE = 1 << 20

export function chunker(): Bench[] {
  const pieces = Array.from({ length: BYTES / PIECE }, (_, n) => mixed(PIECE, n))
  return [
    {
      ...{ name: 'chunker', bare: 'SHA-256 of the same bytes', unit: 'B', amount: BYTES },
      ours: async () => {
        let chunks = 0
        for await (const chunk of cut(stream(pieces))) chunks += Math.sign(chunk.length)
        return chunks
      },
      reference: () => {
        const hash = createHash('sha256')
        for (const piece of pieces) hash.update(piece)
        hash.digest()
      }
    }
  ]
}

async function* stream(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces
}
