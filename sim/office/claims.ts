// What the product claimed in a run: that restore points were saved, that they are protected and by whom.
// The checkers hold it to that.

import type { ProtectedClaim, SavedClaim } from '../checkers/checker.ts'

export class Claims {
  readonly saved: SavedClaim[] = []
  readonly protected: ProtectedClaim[] = []
  readonly pinned: SavedClaim[] = []
  /** Restore points that a backup let go of. */
  dropped = 0
  readonly #onPromise: (peers: readonly string[]) => void
  /** Claims that were made before, by endpoint, point and holders. */
  readonly #made = new Set<string>()

  /** @param onPromise told whose word each claim rests on, peer keys in hex */
  constructor(onPromise: (peers: readonly string[]) => void = () => {}) {
    this.#onPromise = onPromise
  }

  save(claim: SavedClaim): void {
    this.saved.push(claim)
    this.#onPromise([claim.writer])
  }

  /** Noted once for the same holders. */
  protect(saved: SavedClaim, { at, holders }: Pick<ProtectedClaim, 'at' | 'holders'>): void {
    const sorted = [...holders].sort()
    const key = `${saved.endpoint}/${saved.writer}/${saved.point}/${sorted.join(',')}`
    if (this.#made.has(key)) return
    this.#made.add(key)
    this.protected.push({ at, saved, holders: sorted })
    this.#onPromise([saved.writer, ...sorted])
  }
}
