// The repairer: brings back blocks that are known to be damaged or missing. It looks among what is here, then
// asks whoever may hold them, proves what comes, and puts it again; the later place wins, and the damaged
// bytes stay where they are. A parent is put after what it refers to, so that all there is has again what it
// stands on. It takes nothing away and signs nothing: stopped anywhere, or run twice, it has done no harm.

import { BASE_SCOPE, toHex, type Scope } from '../store/block.ts'
import type { Blockstore } from '../store/blockstore.ts'
import type { Clock } from '../store/clock.ts'
import type { Pace } from '../store/pace.ts'
import type { PeerKey } from '../store/peer.ts'
import { blockText, type BlockName, type Quarantine } from '../store/quarantine.ts'
import type { CallOptions, Network } from '../protocol/network.ts'
import { PAGES_SCOPE, type BaseStore } from './base-store.ts'
import type { Bases } from './bases.ts'
import type { Members } from './mesh/members.ts'
import { ScopeRepair } from './scope-repair.ts'

export interface RepairerComponents {
  network: Network
  clock: Clock
  store: Blockstore
  members: Members
  bases: Bases
  baseStore: BaseStore
  quarantine: Quarantine
}

export interface RepairOptions extends CallOptions {
  pace?: Pace | undefined
  /** Asked too for what lies among the pages that were fetched to look at: this computer's own endpoint. */
  own?: Scope | undefined
  onRepaired?: ((block: BlockName) => void) | undefined
}

export interface Repaired {
  repaired: BlockName[]
  unrepaired: BlockName[]
  /** Who may hold what is left, and was not there to be asked. */
  away: PeerKey[]
}

export class Repairer {
  readonly #components: RepairerComponents
  #turn: Promise<unknown> = Promise.resolve()

  constructor(components: RepairerComponents) {
    this.#components = components
  }

  /**
   * Repairs all that is known to be damaged or missing. One run at a time.
   *
   * @throws {DiskFull} @throws {DiskFailed} @throws {StorePoisoned} what was repaired by then stays so
   */
  repair(options: RepairOptions = {}): Promise<Repaired> {
    const turn = this.#turn.then(() => this.#repair(options))
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  async #repair(options: RepairOptions): Promise<Repaired> {
    const { store, quarantine } = this.#components
    const before = await quarantine.list()
    // What a sealed block lacks may be the base's: so that comes first.
    const scopes = [...new Set(before.map(({ scope }) => scope))]
    scopes.sort((a, b) => Number(b === BASE_SCOPE) - Number(a === BASE_SCOPE))
    const away = new Map<string, PeerKey>()
    for (const scope of scopes) {
      const asking = { scope, holders: this.#holdersOf(scope, options.own) }
      try {
        const run = new ScopeRepair(this.#components, asking, options)
        await store.holding(() => run.run())
      } finally {
        await store.flush()
        await quarantine.save()
      }
      if (await store.isWhole(scope)) continue
      const here = new Set(this.#components.network.connected().map(toHex))
      for (const peer of asking.holders) if (!here.has(toHex(peer))) away.set(toHex(peer), peer)
    }
    const unrepaired = await quarantine.list()
    const left = new Set(unrepaired.map(blockText))
    const repaired = before.filter((each) => !left.has(blockText(each)))
    return { repaired, unrepaired, away: [...away.values()] }
  }

  /** Who may hold blocks of a scope, best first. */
  #holdersOf(scope: Scope, own: Scope | undefined): PeerKey[] {
    const { members, bases, baseStore, network } = this.#components
    const all =
      scope === BASE_SCOPE || scope === PAGES_SCOPE
        ? [
            ...bases.list().flatMap((base) => baseStore.holders(base)),
            ...baseStore.holders(undefined)
          ]
        : members.withRole('storage').map(({ peer }) => peer)
    for (const each of [scope, own ?? scope]) {
      const endpoint = members.roster.endpoints.get(each)
      for (const writer of endpoint?.writers ?? []) all.push(Buffer.from(writer, 'hex'))
    }
    const known = new Map(all.map((peer) => [toHex(peer), peer]))
    known.delete(toHex(network.self))
    return [...known.values()].filter((peer) => members.isMember(peer))
  }
}
