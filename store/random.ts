// The randomness port. Keys, nonces and ids are drawn here and nowhere else, so a simulation can give
// the same ones again from a seed.

import { randomBytes } from 'node:crypto'

export interface Random {
  /** `length` unpredictable bytes. */
  bytes(length: number): Uint8Array
}

export const systemRandom: Random = {
  bytes: (length) => new Uint8Array(randomBytes(length))
}
