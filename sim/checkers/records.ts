// Records stay: what a computer durably knows of the roster and of bases is never forgotten, the number of
// a base does not go back, and in the end all know the same.

import type { Home } from '../model/home.ts'
import { hexField } from '../model/record.ts'
import type { Checker, Office, SeenComputer } from './checker.ts'
import { answerable, durableHome, few, isAble, nameOf } from './seen.ts'

/** By then a mark has reached everybody who is up. */
const GOSSIP_MS = 2 * 60_000

export class Records implements Checker {
  readonly name = 'records'
  /** By peer: folder and id. */
  readonly #known = new Map<string, Set<string>>()
  /** By peer: the highest number of a base's name. */
  readonly #serials = new Map<string, Map<string, number>>()

  async check(office: Office): Promise<string[]> {
    const homes = answerable(office)
      .map((computer) => ({ computer, home: durableHome(computer) }))
      // Until setup is done its records may be taken back.
      .filter(({ home }) => home.isComplete)
    const lost = homes.flatMap(({ computer, home }) =>
      [
        ...damagedOf(home),
        ...few(this.#forgotten(computer, home)),
        ...this.#setBack(computer, home)
      ].map((what) => `${computer.name} ${what}`)
    )
    return office.isHealed ? [...lost, ...disagreements(office, homes)] : lost
  }

  #forgotten({ peer }: SeenComputer, { roster, bases }: Home): string[] {
    const known = this.#known.get(peer) ?? new Set<string>()
    this.#known.set(peer, known)
    const now = new Set([
      ...roster.map(({ id }) => `roster/${id}`),
      ...bases.map(({ record }) => `bases/${record}`)
    ])
    const lost = [...known].filter((id) => !now.has(id))
    for (const id of now) known.add(id)
    return lost.map((id) => `had ${id.slice(0, 20)}, and has it no more`)
  }

  #setBack({ peer }: SeenComputer, { bases }: Home): string[] {
    const before = this.#serials.get(peer) ?? new Map<string, number>()
    this.#serials.set(peer, before)
    const now = new Map<string, number>()
    for (const { name, serial } of bases) now.set(name, Math.max(serial, now.get(name) ?? 0))
    const falls = [...before].filter(([name, serial]) => (now.get(name) ?? 0) < serial)
    for (const [name, serial] of now) before.set(name, Math.max(serial, before.get(name) ?? 0))
    return falls.map(([name, serial]) => {
      return `knew base ${name} number ${serial}, and now ${now.get(name) ?? 'none'}`
    })
  }
}

function damagedOf({ damaged }: Home): string[] {
  return damaged
    .filter(({ path }) => /^(roster|bases|base-receipts)\//.test(path))
    .map(({ path }) => `has ${path}, which is not whole or not signed`)
}

interface Seen {
  computer: SeenComputer
  home: Home
}

/** What members that are up do not all know. */
function disagreements(office: Office, homes: readonly Seen[]): string[] {
  const revoked = new Set(homes.flatMap(({ home }) => revokedBy(home)))
  const members = homes.filter(({ computer }) => isAble(computer) && !revoked.has(computer.peer))
  const ids = new Map<string, string>()
  for (const { computer, home } of members) {
    for (const { id, kind } of home.roster)
      ids.set(id, `a ${kind} record that ${computer.name} has`)
  }
  const records = members.flatMap(({ computer, home }) => {
    const own = new Set(home.roster.map(({ id }) => id))
    const lacking = [...ids].filter(([id]) => !own.has(id))
    return few(lacking.map(([, what]) => `${computer.name} never heard of ${what}`))
  })
  const marks = members.flatMap(({ computer, home }) => unheardMarks(office, computer, home))
  return [...records, ...marks]
}

function revokedBy({ roster }: Home): string[] {
  return roster.flatMap(({ kind, body }) => {
    const peer = kind === 'revoke' ? hexField(body, 'peer') : undefined
    return peer === undefined ? [] : [peer]
  })
}

/** Newest points of those who are up that this computer has no word of. */
function unheardMarks(office: Office, { name }: SeenComputer, { marks }: Home): string[] {
  const up = new Set(
    answerable(office)
      .filter(({ state }) => state === 'up')
      .map(({ peer }) => peer)
  )
  const newest = new Map<string, { endpoint: string; writer: string; seq: number }>()
  for (const { at, endpoint, writer, seq } of office.saved) {
    if (!up.has(writer) || at > office.now - GOSSIP_MS) continue
    const key = `${endpoint}/${writer}`
    if (seq > (newest.get(key)?.seq ?? 0)) newest.set(key, { endpoint, writer, seq })
  }
  return [...newest.values()].flatMap(({ endpoint, writer, seq }) => {
    const heard = marks
      .filter((mark) => mark.endpoint === endpoint && mark.writer === writer)
      .map((mark) => mark.seq)
    const highest = Math.max(0, ...heard)
    const whose = nameOf(office, writer)
    return highest >= seq ? [] : [`${name} never heard of head ${seq} of ${whose}, only ${highest}`]
  })
}
