// What the product claimed in a run: that restore points were saved, that they are protected and by whom.
// The checkers hold it to that.

import type { ProtectedClaim, SavedClaim } from './checkers/checker.ts'

export class Claims {
  readonly saved: SavedClaim[] = []
  readonly protected: ProtectedClaim[] = []
  /** Claims that were made before, by endpoint, point and holders. */
  readonly #made = new Set<string>()

  save(claim: SavedClaim): void {
    this.saved.push(claim)
  }

  /** Noted once for the same holders. */
  protect(saved: SavedClaim, { at, holders }: Pick<ProtectedClaim, 'at' | 'holders'>): void {
    const sorted = [...holders].sort()
    const key = `${saved.endpoint}/${saved.writer}/${saved.point}/${sorted.join(',')}`
    if (this.#made.has(key)) return
    this.#made.add(key)
    this.protected.push({ at, saved, holders: sorted })
  }
}
