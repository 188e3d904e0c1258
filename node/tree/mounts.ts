// What the kernel says about a tree that the tree itself does not show: which file systems are mounted on
// the way to it and in it, and which of its files programs can write to through their memory. Read from
// /proc; what is not there, or may not be read, is as if it were not.

import { readdirSync, readFileSync } from 'node:fs'
import { breathe } from './directories.ts'
import { codeOf } from './failures.ts'
import { joinDevice } from './stat.ts'

/** File systems on which another computer, or another program, changes files unheard. */
const SILENT =
  /^(nfs\d*|cifs|smb3|smbfs|9p|ceph|afs|virtiofs|glusterfs|lustre|fuse(\..*)?|fuseblk)$/
/** File systems that the kernel makes up: what is in them is nobody's file, and new at each start. */
const VIRTUAL = new Set([
  ...['autofs', 'binfmt_misc', 'bpf', 'cgroup', 'cgroup2', 'configfs', 'debugfs', 'devpts'],
  ...['devtmpfs', 'efivarfs', 'fusectl', 'hugetlbfs', 'mqueue', 'nsfs', 'proc', 'pstore'],
  ...['rpc_pipefs', 'securityfs', 'selinuxfs', 'sysfs', 'tracefs']
])
/** Of programs looked at before other work gets its turn. */
const PORTION = 32
const SLASH = 0x2f

export interface Mounts {
  /** The lines of the mounts that matter, as the kernel wrote them. */
  text: string
  /** Type and place of one that does not tell of all changes. */
  silent: { type: string; where: string } | undefined
}

interface Row {
  line: string
  type: string
  where: string
  device: bigint
}

/** The table of this process's mounts; empty where there is none. */
function readTable(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'latin1')
  } catch (error) {
    if (codeOf(error) !== undefined) return ''
    throw error
  }
}

function rowsOf(table: string): Row[] {
  return table.split('\n').flatMap((line) => {
    const [, , device, , point] = line.split(' ')
    if (point === undefined) return []
    const [major = 0, minor = 0] = (device ?? '').split(':').map(Number)
    const type = line.slice(line.indexOf(' - ') + 3).split(' ')[0] ?? ''
    return [{ line, type, where: unescapeOctal(point), device: joinDevice(major, minor) }]
  })
}

/** The mounts at, above and below an absolute path; undefined where there is no such list. */
export function mountsOf(root: string): Mounts | undefined {
  const table = readTable()
  return table === '' ? undefined : mountsIn(table, root)
}

/** As `mountsOf`, from a table in the form of /proc/PID/mountinfo, one character a byte. */
export function mountsIn(table: string, root: string): Mounts {
  const at = Buffer.from(root).toString('latin1')
  const rows = rowsOf(table)
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

/** Devices of mounted file systems that the kernel makes up. */
export function virtualDevices(table = readTable()): Set<bigint> {
  const virtual = rowsOf(table).filter(({ type }) => VIRTUAL.has(type))
  return new Set(virtual.map(({ device }) => device))
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
