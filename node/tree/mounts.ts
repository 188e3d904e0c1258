// What the kernel says about a tree that the tree itself does not show: which file systems are mounted on
// the way to it and in it, and which of its files programs can write to through their memory. Read from
// /proc; what is not there, or may not be read, is as if it were not.

import { readdirSync, readFileSync } from 'node:fs'
import { breathe } from './directories.ts'
import { codeOf } from './failures.ts'

/** File systems on which another computer, or another program, changes files unheard. */
const SILENT =
  /^(nfs\d*|cifs|smb3|smbfs|9p|ceph|afs|virtiofs|glusterfs|lustre|fuse(\..*)?|fuseblk)$/
/** Of programs looked at before other work gets its turn. */
const PORTION = 32
const SLASH = 0x2f

export interface Mounts {
  /** The lines of the mounts that matter, as the kernel wrote them. */
  text: string
  /** Type and place of one that does not tell of all changes. */
  silent: { type: string; where: string } | undefined
}

/** The mounts at, above and below an absolute path; undefined where there is no such list. */
export function mountsOf(root: string): Mounts | undefined {
  try {
    return mountsIn(readFileSync('/proc/self/mountinfo', 'latin1'), root)
  } catch (error) {
    if (codeOf(error) !== undefined) return undefined
    throw error
  }
}

/** As `mountsOf`, from a table in the form of /proc/PID/mountinfo, one character a byte. */
export function mountsIn(table: string, root: string): Mounts {
  const at = Buffer.from(root).toString('latin1')
  const rows = table.split('\n').flatMap((line) => {
    const [, , , , point] = line.split(' ')
    if (point === undefined) return []
    const type = line.slice(line.indexOf(' - ') + 3).split(' ')[0] ?? ''
    return [{ line, type, where: unescapeOctal(point) }]
  })
  const below = rows.filter(({ where }) => where !== at && isBelow(where, at))
  // The last of those on the longest path is what is seen at the root.
  const above = rows.filter(({ where }) => where === at || isBelow(at, where))
  const longest = Math.max(...above.map(({ where }) => where.length))
  const seen = above.findLast(({ where }) => where.length === longest)
  const matter = seen === undefined ? below : [seen, ...below]
  const silent = matter.find(({ type }) => SILENT.test(type))
  return {
    text: matter.map(({ line }) => line).join('\n'),
    silent: silent && { type: silent.type, where: silent.where }
  }
}

function isBelow(path: string, above: string): boolean {
  return path.startsWith(above === '/' ? above : `${above}/`)
}

/**
 * The directories below an absolute path, relative to it, with a file that some program has mapped into its
 * memory, shared and writable. Only programs that this process may look at are seen.
 */
export async function mappedBelow(root: string): Promise<Uint8Array[]> {
  const at = Buffer.from(root === '/' ? root : `${root}/`).toString('latin1')
  const found = new Set<string>()
  const programs = listQuietly('/proc').filter((name) => /^\d+$/.test(name))
  for (const [i, program] of programs.entries()) {
    if (i % PORTION === PORTION - 1) await breathe()
    for (const path of writtenThrough(readQuietly(`/proc/${program}/maps`))) {
      if (!path.startsWith(at)) continue
      const below = path.slice(at.length)
      found.add(below.slice(0, Math.max(0, below.lastIndexOf(String.fromCodePoint(SLASH)))))
    }
  }
  return Array.from(found, (path) => new Uint8Array(Buffer.from(path, 'latin1')))
}

/** Files, one character a byte, that a table of /proc/PID/maps shows as shared and writable. */
export function writtenThrough(table: string): string[] {
  return table.split('\n').flatMap((line) => {
    const [, path] = /^\S+ .w.s \S+ \S+ \d+ +(\/.*)$/.exec(line) ?? []
    return path === undefined ? [] : [unescapeOctal(path)]
  })
}

/** The kernel writes blanks and the like as a backslash and three octal digits. */
function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCodePoint(Number.parseInt(digits, 8))
  )
}

function listQuietly(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

/** Programs end, and those of others may not be looked into. */
function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
