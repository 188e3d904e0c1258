// What differs between the tree that was and the tree that came back, in sentences. A tree that changed
// while it was backed up may come back as any mixture of what stood at each path meanwhile, and as
// nothing else. Sockets live only with the program that made them, and are left out of backups.

import type { EntryState, TreeState } from './tree-state.ts'

const SENTENCES_MAX = 20

/** What of `found` is not as `expected`; at most 20 sentences, none if they are the same. */
export function differencesOf(expected: TreeState, found: TreeState): string[] {
  return compare([expected], found, { isSkipped: () => false, links: true })
}

/**
 * The same for a tree that changed while it was backed up: what is found at a path has to agree with what
 * one of the states has there. Nothing is asked of `skipped` paths, nor of what is below them.
 */
export function agreesWithAny(
  states: readonly TreeState[],
  found: TreeState,
  skipped: readonly string[]
): string[] {
  const set = new Set(skipped)
  // The first name of a file may have been skipped, or have come and gone.
  const links = states.length === 1 && skipped.length === 0
  return compare(states, found, { isSkipped: (path) => isIn(set, path), links })
}

interface How {
  isSkipped: (path: string) => boolean
  /** Ask which names share a file. */
  links: boolean
}

function compare(states: readonly TreeState[], found: TreeState, how: How): string[] {
  const sentences: string[] = []
  const paths = new Set([...states.flatMap((state) => [...state.keys()]), ...found.keys()])
  for (const path of [...paths].sort()) {
    if (how.isSkipped(path)) continue
    const before = states.map((state) => presentIn(state, path))
    const differing = compareEntry(before, found.get(path), how.links)
    for (const what of differing) sentences.push(`${showPath(path)}: ${what}`)
    if (sentences.length >= SENTENCES_MAX) break
  }
  return sentences.slice(0, SENTENCES_MAX)
}

function presentIn(state: TreeState, path: string): EntryState | undefined {
  const entry = state.get(path)
  return entry?.type === 'socket' ? undefined : entry
}

function isIn(skipped: ReadonlySet<string>, path: string): boolean {
  if (skipped.size === 0) return false
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
    const part = path.slice(0, end)
    if (skipped.has(part) || skipped.has(asText(part))) return true
  }
  return false
}

function compareEntry(
  before: readonly (EntryState | undefined)[],
  found: EntryState | undefined,
  links: boolean
): string[] {
  const known = before.filter((entry) => entry !== undefined)
  if (found === undefined) return known.length < before.length ? [] : ['is missing']
  const last = known.at(-1)
  if (last === undefined) return [`is there, a ${found.type} that never was`]
  const alike = known.filter(({ type }) => type === found.type)
  const nearest = alike.at(-1)
  if (nearest === undefined) return [`is a ${found.type}, was a ${last.type}`]
  if (alike.some((entry) => ownDifferences(entry, found, alike).length === 0)) {
    return links && nearest.linkGroup !== found.linkGroup
      ? [`is the file of ${showPath(found.linkGroup)}, was of ${showPath(nearest.linkGroup)}`]
      : []
  }
  return ownDifferences(nearest, found, alike)
}

/** A target and attributes are read a moment after the rest, so any of `alike` may give them. */
function ownDifferences(
  entry: EntryState,
  found: EntryState,
  alike: readonly EntryState[]
): string[] {
  const what: string[] = []
  const differ = (name: string, is: unknown, was: unknown): void => {
    if (is !== was) what.push(`${name} is ${String(is)}, was ${String(was)}`)
  }
  differ('mode', found.mode.toString(8), entry.mode.toString(8))
  differ('owner', found.uid, entry.uid)
  differ('group', found.gid, entry.gid)
  if (!isTimeBetween(found, alike)) differ('time', found.mtimeNs, entry.mtimeNs)
  differ('device', found.device.join(':'), entry.device.join(':'))
  if (!sameBytes(entry.bytes, found.bytes)) what.push(contentDifference(entry, found))
  if (!alike.some(({ target }) => sameBytes(target, found.target))) {
    differ('target', latin1(found.target), latin1(entry.target))
  }
  const attributes = showAttributes(found)
  if (!alike.some((each) => showAttributes(each) === attributes)) {
    differ('attributes', attributes, showAttributes(entry))
  }
  return what
}

/** The time of a directory moves with each name that comes or goes, and is read at any of these moments. */
function isTimeBetween(found: EntryState, alike: readonly EntryState[]): boolean {
  if (found.type !== 'directory') return false
  const times = alike.map(({ mtimeNs }) => mtimeNs)
  return times.some((time) => time <= found.mtimeNs) && times.some((time) => time >= found.mtimeNs)
}

function contentDifference(entry: EntryState, found: EntryState): string {
  const [is, was] = [found.bytes, entry.bytes]
  if (is.length !== was.length) return `content has ${is.length} bytes, had ${was.length}`
  return `content differs from byte ${is.findIndex((byte, i) => byte !== was[i])} on`
}

function showAttributes({ xattrs }: EntryState): string {
  return JSON.stringify(xattrs)
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || Buffer.compare(a, b) === 0
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

function asText(path: string): string {
  return Buffer.from(path, 'latin1').toString()
}

function showPath(path: string): string {
  return path === '' ? 'the root' : asText(path)
}
