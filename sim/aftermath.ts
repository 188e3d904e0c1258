// The aftermath: all is lost but one holder, and its power went as well. A world of its own, with a time of
// its own, in which blank computers come back with the mesh's words; the office does not notice.

import type { Restored, SavedClaim } from './checkers/checker.ts'
import { SimClock } from './clock.ts'
import { comeBack, restoreTo } from './office/come-back.ts'
import { Fleet, type Computer } from './office/fleet.ts'
import { stateOf } from './model/tree-state.ts'

export interface AftermathInit {
  /** The mesh's recovery words. */
  words: string
  seed: string
}

export class Aftermath {
  readonly #words: string
  readonly #fleet: Fleet
  readonly #left: Computer
  /** Blank computers by the endpoint that they took over. */
  readonly #blanks = new Map<string, Computer>()

  constructor(holder: Computer, { words, seed }: AftermathInit) {
    this.#words = words
    this.#fleet = new Fleet(seed, { clock: new SimClock({ startMs: holder.wall.now() }) })
    const { name, site } = holder
    this.#left = this.#fleet.computer(name, { site, ...holder.remains() })
  }

  /** What comes back of a restore point. @throws whatever kept it from coming back */
  async restore({ endpoint, point }: SavedClaim): Promise<Restored> {
    const fleet = this.#fleet
    if (this.#left.state === 'down') await fleet.run(this.#left.up())
    const blank = this.#blanks.get(endpoint) ?? (await this.#bring(endpoint))
    const root = `/point-${point}`
    const digest = await fleet.run(restoreTo(blank, root, point))
    return { state: stateOf(blank.tree(root)), digest }
  }

  /** The world ends. */
  end(): void {
    for (const computer of this.#fleet.computers) computer.kill()
  }

  async #bring(endpoint: string): Promise<Computer> {
    const name = `blank-${this.#blanks.size}`
    const blank = this.#fleet.computer(name, { site: this.#left.site })
    const roles = ['endpoint'] as const
    await this.#fleet.run(comeBack(blank, { words: this.#words, replaces: endpoint, roles }))
    this.#blanks.set(endpoint, blank)
    return blank
  }
}
