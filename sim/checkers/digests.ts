// Digests agree: what the product calls a state is what the model calls it, equal trees are called the
// same, and different trees never.

import { digestOf } from '../model/digest.ts'
import { differencesOf } from '../model/tree-differences.ts'
import type { TreeState } from '../model/tree-state.ts'
import type { Checker, Office, SavedClaim } from './checker.ts'
import { pointOf } from './seen.ts'

interface Called {
  claim: SavedClaim
  state: TreeState
}

export class Digests implements Checker {
  readonly name = 'digests'
  readonly #judged = new WeakSet<SavedClaim>()
  /** The first state that was called so. */
  readonly #byDigest = new Map<string, Called>()
  /** The latest of each endpoint: the next one is most likely to be equal. */
  readonly #latest = new Map<string, Called>()

  async check({ saved }: Office): Promise<string[]> {
    const violations: string[] = []
    for (const claim of saved) {
      if (this.#judged.has(claim)) continue
      this.#judged.add(claim)
      const [state, ...others] = claim.states
      // Of a tree that changed meanwhile nobody can say what the digest should be.
      if (state === undefined || others.length > 0 || claim.skipped.length > 0) continue
      violations.push(...this.#judge({ claim, state }))
    }
    return violations
  }

  #judge(called: Called): string[] {
    const violations: string[] = []
    const { claim, state } = called
    const right = digestOf(state)
    const what = pointOf(claim)
    if (right !== claim.digest) {
      violations.push(`${what} has the digest ${claim.digest}, and should have ${right}`)
    }
    const namesake = this.#byDigest.get(claim.digest)
    if (namesake === undefined) this.#byDigest.set(claim.digest, called)
    else {
      const [difference] = differencesOf(namesake.state, state)
      if (difference !== undefined) {
        const other = pointOf(namesake.claim)
        violations.push(`${what} has the digest of ${other}, and differs: ${difference}`)
      }
    }
    const before = this.#latest.get(claim.endpoint)
    this.#latest.set(claim.endpoint, called)
    if (before !== undefined && before.claim.digest !== claim.digest) {
      if (differencesOf(before.state, state).length === 0) {
        violations.push(`${what} is equal to ${pointOf(before.claim)}, and has another digest`)
      }
    }
    return violations
  }
}
