// The names of a scenario file, and which peers each stands for: a peer, a group of alike peers, a site, a
// role. They are gathered before the rest is read, so that a name that nobody has is an error at the very
// place where it is used; a peer that is itself written wrongly still has its name.

import type { Role } from '../../store/roster-bodies.ts'
import { listOf, scalar } from './values.ts'
import type { Who } from './scenario.ts'

export const ROLES: readonly Role[] = ['admin', 'publisher', 'storage', 'endpoint']
const FOUNDER_ROLES: readonly Role[] = ['admin', 'publisher', 'storage']
export const PEERS_MAX = 1000
const NAMES_MAX = 100

export interface Names {
  sites: readonly string[]
  /** Which peers a name stands for. */
  peers: ReadonlyMap<string, readonly string[]>
  /** Names that stand for more than one thing. */
  twice: ReadonlySet<string>
}

/** A name that a word of the file cannot be taken for. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$/
const RESERVED = ['any', 'all', 'always', ...ROLES, ...ROLES.map((role) => `${role}s`)]
export const NAME_EXPECTED =
  'letters, digits, dots and dashes, at most 40, and none of any, all and the roles'

export function isName(text: string): boolean {
  return NAME.test(text) && !RESERVED.includes(text)
}

/** The names in a file that may be wrong in any way. */
export function namesIn(file: unknown): Names {
  const sites = Object.keys(mapping(mapping(file)['sites']))
  const groups = Object.entries(mapping(mapping(file)['peers']))
  const peers = new Map<string, string[]>()
  const twice = new Set<string>()
  const add = (name: string, members: readonly string[]): void => {
    if (peers.has(name)) twice.add(name)
    else peers.set(name, [...members])
  }
  for (const site of sites) add(site, [])
  for (const role of ROLES) add(role, [])
  for (const [i, [group, value]] of groups.entries()) {
    const { count, roles, site } = mapping(value)
    const members = membersOf(group, count)
    for (const name of members.length > 1 ? [group, ...members] : [group]) {
      add(name, name === group ? members : [name])
    }
    for (const role of rolesOf(roles, i === 0)) peers.get(role)?.push(...members)
    const at = typeof site === 'string' ? site : sites[0]
    if (at !== undefined && sites.includes(at)) peers.get(at)?.push(...members)
  }
  return { sites, peers, twice }
}

/** `desk` three times is desk-1, desk-2 and desk-3. */
export function membersOf(group: string, count: unknown): string[] {
  const isMany = typeof count === 'number' && count > 1 && count <= PEERS_MAX
  if (!isMany) return [group]
  return Array.from({ length: Math.floor(count) }, (_, i) => `${group}-${i + 1}`)
}

/**
 * Roles as written; or what a peer is without. Whoever founds the mesh is its admin, and its publisher too
 * unless its roles name the one and not the other.
 */
export function rolesOf(written: unknown, isFounder: boolean): Role[] {
  const list = (Array.isArray(written) ? written : [written]).map(String)
  const given = ROLES.filter((role) => list.includes('all') || list.includes(role))
  if (given.length === 0) return isFounder ? [...FOUNDER_ROLES] : ['endpoint']
  if (!isFounder || given.includes('admin')) return given
  return given.includes('publisher') ? ['admin', ...given] : ['admin', 'publisher', ...given]
}

function mapping(value: unknown): Record<string, unknown> {
  const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isMapping ? Object.fromEntries(Object.entries(value)) : {}
}

/** `any`, `all`, or neither, and the peers. */
export interface WrittenWho {
  how: 'any' | 'all' | undefined
  peers: string[]
}

/** `any storage`, `all`, `desk`, `nas, attic`, or a list of names. */
export function who({ peers }: Names, { only }: { only?: Role } = {}) {
  const everyone = [...new Set([...peers.values()].flat())]
  const allowed = only === undefined ? everyone : (peers.get(only) ?? [])
  const written = scalar(
    (text): WrittenWho | undefined => {
      const [, how, rest = ''] = /^(?:(any|all)(?:\s+|$))?(.*)$/.exec(text) ?? []
      const named = rest === '' ? [everyone] : rest.split(',').map((name) => find(name.trim()))
      if (!named.every((each) => each !== undefined)) return undefined
      const chosen = new Set(named.flat())
      const list = allowed.filter((name) => chosen.has(name))
      return list.length === 0 ? undefined : { how: how as WrittenWho['how'], peers: list }
    },
    `any, all, or names of ${only ?? 'peer'}s, with or without any or all before: ${known()}`
  )

  function find(name: string): readonly string[] | undefined {
    return peers.get(name) ?? peers.get(name.replace(/s$/, ''))
  }

  function known(): string {
    const names = [...peers].filter(([, list]) => list.some((name) => allowed.includes(name)))
    return names.map(([name]) => name).join(', ')
  }

  return listOf(written, NAMES_MAX).transform((list, context): WrittenWho => {
    if (list.length > 1 && list.some(({ how }) => how !== undefined)) {
      context.addIssue(
        'has any or all inside a list: write them before names, as in any nas, attic'
      )
    }
    const chosen = new Set(list.flatMap((each) => each.peers))
    return { how: list[0]?.how, peers: everyone.filter((name) => chosen.has(name)) }
  })
}

/** Without any or all, names mean one of them at random times, and each of them at a fixed one. */
export function chosen({ how, peers }: WrittenWho, isOnce: boolean): Who {
  return { each: how === 'all' || (how === undefined && isOnce), peers }
}
