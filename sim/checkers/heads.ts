// Head numbers never fall unnoticed: of each line of heads, and of its marks, the highest that a disk
// durably has never falls, is no lower than what the product said was saved there, or than what its owner
// signed for; and one writer gives a number once.

import type { Home } from '../model/home.ts'
import type { Checker, Office, SeenComputer } from './checker.ts'
import { durableHome, isAnswerable, lastOf, nameOf, pointOf } from './seen.ts'

interface Numbered {
  endpoint: string
  writer: string
  seq: number
}

export class Heads implements Checker {
  readonly name = 'heads'
  /** Peers that lied, or whose disk was damaged, at any look. */
  readonly #doubtful = new Set<string>()
  /** By peer: of heads and of marks, by line, the highest number seen. */
  readonly #highest = new Map<string, Map<string, number>>()
  /** By id. */
  readonly #heads = new Map<string, Numbered>()
  /** By line and number: the id of the head that has it. */
  readonly #numbers = new Map<string, string>()

  async check(office: Office): Promise<string[]> {
    for (const computer of office.computers) {
      if (!isAnswerable(computer)) this.#doubtful.add(computer.peer)
    }
    const homes = office.computers.map((computer) => [computer, durableHome(computer)] as const)
    const forks = homes.flatMap(([, home]) => this.#note(office, home))
    const falls = homes
      .filter(([computer]) => isAnswerable(computer))
      .flatMap(([computer, home]) =>
        [
          ...damagedOf(home),
          ...this.#fallsOf(office, computer, home),
          ...this.#belowOf(office, computer, home)
        ].map((what) => `${computer.name} ${what}`)
      )
    return [...new Set(forks), ...falls]
  }

  /** What people were told is saved is on the disk. */
  atPromise(office: Office, computer: SeenComputer): string[] {
    if (!isAnswerable(computer)) return []
    const saved = office.saved.filter(({ at }) => at === office.now)
    const home = durableHome(computer)
    const below = this.#belowOf({ ...office, saved }, computer, { ...home, receipts: [] })
    return below.map((what) => `${computer.name} ${what}`)
  }

  /** Remembers which head has which number. @returns forks */
  #note(office: Office, { heads, marks }: Home): string[] {
    const forks: string[] = []
    for (const head of heads) this.#heads.set(head.id, head)
    const numbered = [...heads, ...marks.map(({ head, ...rest }) => ({ ...rest, id: head }))]
    for (const { id, endpoint, writer, seq } of numbered) {
      const key = `${endpoint}/${writer}/${seq}`
      const known = this.#numbers.get(key)
      if (known === undefined) this.#numbers.set(key, id)
      else if (known !== id && !this.#doubtful.has(writer)) {
        forks.push(`${nameOf(office, writer)} wrote two heads with the number ${seq}`)
      }
    }
    return forks
  }

  #fallsOf(office: Office, { peer }: SeenComputer, home: Home): string[] {
    const before = this.#highest.get(peer) ?? new Map<string, number>()
    const now = new Map([...highestOf('head', home.heads), ...highestOf('mark', home.marks)])
    const falls = [...before].flatMap(([line, seq]) => {
      const left = now.get(line)
      if (left !== undefined && left >= seq) return []
      const [what = '', , writer = ''] = line.split('/')
      const whose = `${what} of ${nameOf(office, writer)}`
      return [`had ${whose} number ${seq}, and now ${left ?? 'none'}`]
    })
    for (const [line, seq] of now) before.set(line, Math.max(seq, before.get(line) ?? 0))
    this.#highest.set(peer, before)
    return falls
  }

  /** What it said it saved, and what it signed for. */
  #belowOf(office: Office, { name, peer }: SeenComputer, home: Home): string[] {
    const saved = office.saved
      .filter(({ computer, writer }) => computer === name && writer === peer)
      .map((claim) => ({ line: claim, what: `said it saved ${pointOf(claim)} as` }))
    const signed = home.receipts.flatMap(({ issuer, head }) => {
      const line = issuer === peer ? this.#heads.get(head) : undefined
      return line === undefined ? [] : [{ line, what: 'signed for' }]
    })
    const highest = new Map<string, { line: Numbered; what: string }>()
    for (const said of [...saved, ...signed]) {
      const { endpoint, writer, seq } = said.line
      const key = `${endpoint}/${writer}`
      if (seq > (highest.get(key)?.line.seq ?? -1)) highest.set(key, said)
    }
    return [...highest.values()].flatMap(({ line, what }) => {
      const last = lastOf(home, line.endpoint, line.writer)?.seq
      if (last !== undefined && last >= line.seq) return []
      const whose = `head ${line.seq} of ${nameOf(office, line.writer)}`
      return [`${what} ${whose}, and has ${last === undefined ? 'none' : `only ${last}`}`]
    })
  }
}

function damagedOf({ damaged }: Home): string[] {
  return damaged
    .filter(({ path }) => /^(heads|marks|receipts)\//.test(path))
    .map(({ path }) => `has ${path}, which is not whole or not signed`)
}

/** By kind and line. */
function highestOf(kind: string, numbered: readonly Numbered[]): Map<string, number> {
  const highest = new Map<string, number>()
  for (const { endpoint, writer, seq } of numbered) {
    const line = `${kind}/${endpoint}/${writer}`
    highest.set(line, Math.max(seq, highest.get(line) ?? 0))
  }
  return highest
}
