// Looking: what the checkers are shown of the office at a marked time, and what they find. Time stands still
// meanwhile, and the office does not notice; what would be left of it after a disaster is tried out in a
// world of its own.

import { toHex } from '../store/block.ts'
import { Aftermath } from './aftermath.ts'
import { CHECKERS } from './checkers/all.ts'
import type { Checker, Office, Restored, SavedClaim, SeenComputer } from './checkers/checker.ts'
import type { Claims } from './office/claims.ts'
import type { Computer, Fleet } from './office/fleet.ts'
import { stateOf, type TreeState } from './model/tree-state.ts'
import type { CheckName, Scenario } from './scenario/scenario.ts'
import { IMAGE } from './office/set-up.ts'
import type { Simulation } from './simulation.ts'

export interface LooksInit {
  fleet: Fleet
  scenario: Scenario
  claims: Claims
  words: string
  /** Names of those that lie or did. */
  liars: { has(name: string): boolean }
  /** Names of those whose disks were damaged at rest. */
  damaged: ReadonlySet<string>
  isStorage: (computer: Computer) => boolean
  /** Virtual milliseconds since the office was set up. */
  now: () => number
}

export class Looks {
  readonly #init: LooksInit
  readonly #checkers: readonly { name: CheckName; checker: Checker | undefined }[]
  readonly #counts = new Map<CheckName, { looks: number; violations: number }>()
  readonly violations: Simulation['violations'] = []
  readonly #bugs: string[] = []
  /** What was found between looks. */
  #early: Simulation['violations'] = []
  readonly #published: readonly TreeState[]
  /** Of this look, by the holder that is left. */
  readonly #afters = new Map<string, Aftermath>()
  #restored = 0

  constructor(init: LooksInit) {
    this.#init = init
    const { checks, base } = init.scenario
    this.#published = base === undefined ? [] : [stateOf(init.fleet.computer(base.by).tree(IMAGE))]
    this.#checkers = checks.only.map((name) => ({
      name,
      checker:
        name === 'errors' ? undefined : CHECKERS[name](init.fleet.random.fork(`checker/${name}`))
    }))
    for (const name of checks.only) this.#counts.set(name, { looks: 0, violations: 0 })
  }

  /** Restore points that were brought back to a blank computer. */
  get restored(): number {
    return this.#restored
  }

  get counts(): Simulation['checks'] {
    return [...this.#counts].map(([name, count]) => ({ name, ...count }))
  }

  /** Something was thrown that is no failure of Drystone's: the checker of errors tells it. */
  bug(error: unknown): void {
    this.#bugs.push(error instanceof Error ? placed(error) : String(error))
  }

  /** True if something is known to be wrong: then nothing is gained by going on to the next look. */
  get isAlarmed(): boolean {
    return this.#bugs.length + this.#early.length > 0
  }

  /** Computers made a promise: the checkers look at them at once. */
  promised(names: readonly string[]): void {
    if (this.isAlarmed) return
    const office = this.#office()
    for (const computer of office.computers.filter((each) => names.includes(each.name))) {
      this.#ask((checker) => checker.atPromise?.(office, computer))
    }
  }

  /** A computer is about to remove a file: what it tells is looked at while it is there. */
  removing(computer: Computer, path: string): void {
    if (this.isAlarmed || !path.startsWith('blocks/')) return
    const seen = this.#seen(computer)
    this.#ask((checker) => checker.beforeRemoval?.(seen, path))
  }

  #ask(question: (checker: Checker) => string[] | undefined): void {
    for (const { name, checker } of this.#checkers) {
      const found = checker && question(checker)
      for (const what of found ?? []) {
        this.#early.push({ checker: name, at: this.#init.now(), what })
      }
    }
  }

  /** All checkers look. @returns true if nothing is wrong */
  async look({ isHealed }: { isHealed: boolean }): Promise<boolean> {
    const before = this.violations.length
    this.violations.push(...this.#early)
    for (const { name, checker } of this.#checkers) {
      const found = checker === undefined ? this.#bugs : await this.#found(checker, isHealed)
      const count = this.#counts.get(name)
      if (count !== undefined) {
        count.looks++
        count.violations += found.length
        count.violations += this.#early.filter((each) => each.checker === name).length
      }
      for (const what of found) this.violations.push({ checker: name, at: this.#init.now(), what })
    }
    for (const after of this.#afters.values()) after.end()
    this.#afters.clear()
    return this.violations.length === before
  }

  async #found(checker: Checker, isHealed: boolean): Promise<string[]> {
    return checker.check(this.#office(isHealed))
  }

  #office(isHealed = false): Office {
    const { fleet, scenario, claims, now } = this.#init
    const { faultsEndMs: sinceMs, workload } = scenario
    const { backupEveryMs } = workload
    return {
      now: now(),
      computers: fleet.computers
        .filter(({ peer }) => peer !== undefined)
        .map((computer) => this.#seen(computer)),
      policy: scenario.policy,
      published: this.#published,
      saved: claims.saved,
      protected: claims.protected,
      pinned: claims.pinned,
      isHealed,
      calm: now() < sinceMs ? undefined : { sinceMs, backupEveryMs },
      restoreFrom: (holder, claim) => this.#restoreFrom(holder, claim)
    }
  }

  #seen(computer: Computer): SeenComputer {
    const { name, site, state, endpoint, disk, peer } = computer
    const { liars, damaged, isStorage } = this.#init
    return {
      ...{ name, site, state, endpoint, disk },
      peer: peer === undefined ? '' : toHex(peer),
      isStorage: isStorage(computer),
      lies: liars.has(name),
      isDamaged: damaged.has(name)
    }
  }

  async #restoreFrom({ name }: SeenComputer, claim: SavedClaim): Promise<Restored> {
    const { fleet, words, scenario, now } = this.#init
    const seed = `${scenario.name}/after/${now()}/${name}`
    const after = this.#afters.get(name) ?? new Aftermath(fleet.computer(name), { words, seed })
    this.#afters.set(name, after)
    const restored = await after.restore(claim)
    this.#restored++
    return restored
  }
}

/** A failure with where it came from, by names of ours: the same on every computer. */
function placed(error: Error): string {
  const frames = (error.stack ?? '').matchAll(
    /at (.*?)\(?file:\S*?\/((?:node|protocol|sim|store)\/[^\s)]*)/g
  )
  const places = [...frames].slice(0, 3).map(([, what = '', where = '']) => `${what}${where}`)
  return [`${error.name}: ${error.message}`, ...places].join('; ')
}
