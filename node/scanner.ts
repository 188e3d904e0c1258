// The scanner: looks at one directory of the protected tree beside the same directory in the previous
// state, and says for each name what it is now and whether its content has to be read. It is the truth
// that a watcher only hints at; it reads no file itself.

import type { Entry } from '../store/entry.ts'
import { Unreadable } from './errors.ts'
import { showPath } from './tree/path.ts'
import type { Tree, TreeEntry, TreePath, TreeStat } from './tree/tree.ts'
import { isWitnessed, witnessKey, type DirectoryWitnesses, type Witness } from './witness.ts'

/** One name of a directory, now and before. */
export interface Sight {
  name: Uint8Array
  stat: TreeStat
  before: Entry | undefined
  witness: Witness | undefined
}

/** A file in a folder that says: this folder is a Drystone home, and never part of a backup or base. */
export const HOME_MARKER = '.drystone-home'

export interface Sights {
  sights: Sight[]
  /** Entries of the previous state that are gone. */
  gone: Entry[]
}

/** More than any Linux file system gives one file by default; a page has to hold them. */
const XATTR_BYTES_MAX = 512 * 1024

/** Merges a directory's names, both sides sorted by bytes. */
export function mergeSights(
  now: readonly TreeEntry[],
  before: readonly Entry[],
  witnesses: DirectoryWitnesses
): Sights {
  const sights: Sight[] = []
  const gone: Entry[] = []
  let at = 0
  for (const { name, stat } of now) {
    for (; at < before.length; at++) {
      const entry = before[at] as Entry
      if (Buffer.compare(entry.name, name) >= 0) break
      gone.push(entry)
    }
    const same = before[at]
    const matches = same !== undefined && Buffer.compare(same.name, name) === 0
    sights.push({
      name,
      stat,
      before: matches ? same : undefined,
      witness: witnesses.get(witnessKey(name))
    })
    if (matches) at++
  }
  gone.push(...before.slice(at))
  return { sights, gone }
}

/** What is protected: sockets are not, they live only with the program that made them. */
export function isProtected({ stat }: TreeEntry): boolean {
  return stat.type !== 'socket'
}

/** Is this directory a Drystone home? */
export function isHome(listing: readonly TreeEntry[]): boolean {
  return listing.some(({ name }) => Buffer.from(name).toString('latin1') === HOME_MARKER)
}

/** The content of the previous entry still stands: nothing has to be read. */
export function isContentKnown({ stat, before, witness }: Sight): boolean {
  return (
    before !== undefined &&
    before.type === stat.type &&
    before.size === stat.size &&
    before.mtimeNs === stat.mtimeNs &&
    isWitnessed(stat, witness)
  )
}

/** The whole previous entry still stands, metadata included. */
export function isEntryKnown(sight: Sight): boolean {
  const { stat, before, witness } = sight
  return isContentKnown(sight) && before?.mode === stat.mode && witness?.contentOnly === false
}

/** What this process can see of a tree. What it cannot see is inherited from the previous state. */
export interface Sense {
  /** Owners mean something here: this process is root. */
  owners: boolean
}

/** The metadata of an entry as it is now: everything but content, page, digest and link. */
export async function describe(
  tree: Tree,
  path: TreePath,
  { name, stat, before }: Sight,
  sense: Sense
): Promise<Entry> {
  const inherited = !sense.owners && before?.type === stat.type ? before : undefined
  const entry: Entry = {
    name,
    type: stat.type,
    mode: stat.mode,
    uid: inherited?.uid ?? stat.uid,
    gid: inherited?.gid ?? stat.gid,
    mtimeNs: stat.mtimeNs,
    size: stat.type === 'file' ? stat.size : 0
  }
  const seen = await tree.xattrs(path)
  const unseen = (inherited?.xattrs ?? []).filter(([key]) => isPrivileged(key))
  const xattrs = [...seen, ...unseen.filter(([key]) => !seen.some(([other]) => same(key, other)))]
  if (xattrs.reduce((sum, [key, value]) => sum + key.length + value.length, 0) > XATTR_BYTES_MAX) {
    throw new Unreadable(showPath(path), 'its extended attributes are too large')
  }
  if (xattrs.length > 0) entry.xattrs = xattrs.sort(([a], [b]) => Buffer.compare(a, b))
  if (stat.type === 'symlink') entry.target = await tree.readLink(path)
  if (stat.type === 'block' || stat.type === 'character') entry.device = [stat.major, stat.minor]
  return entry
}

/** Attributes that only root can set, so a tree that a user restored lacks them. */
function isPrivileged(name: Uint8Array): boolean {
  return /^(security|trusted)\./.test(Buffer.from(name).toString('latin1'))
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
