// What a tree in memory is made of: numbered nodes and the names that lead to them, with the rules of a
// Unix file system that matter to a backup (hard links share a node, every change moves ctime, a directory
// changes with its names). The clock is the simulation's, so the same run gives the same trees.

import type { Clock } from '../../store/clock.ts'
import type { EntryType } from '../../store/entry.ts'
import { systemError } from '../../node/tree/failures.ts'
import { nameOf, parentOf, refuseName, splitPath } from '../../node/tree/path.ts'
import type { TreePath, TreeStat, Xattr } from '../../node/tree/tree.ts'

const NS_PER_MS = 1_000_000n
const FIRST_DISK = 1n

/** A file, whatever its names. */
export interface MemoryNode {
  readonly inode: bigint
  readonly type: EntryType
  mode: number
  uid: number
  gid: number
  mtimeNs: bigint
  ctimeNs: bigint
  links: number
  device: readonly [major: number, minor: number]
  /** The file system that it lies on. */
  disk: bigint
  bytes: Uint8Array
  target: Uint8Array
  /** By name, as latin1 text, so that any bytes make a key. */
  names: Map<string, MemoryNode>
  xattrs: readonly Xattr[]
  /** Reading it fails, as on a damaged disk. */
  isRefused: boolean
}

/** The bytes of a name that is a key of `names`. */
export function bytesOfKey(key: string): Uint8Array {
  return new Uint8Array(Buffer.from(key, 'latin1'))
}

function keyOf(name: Uint8Array): string {
  return Buffer.from(name).toString('latin1')
}

export class MemoryNodes {
  #root: MemoryNode
  readonly #clock: Pick<Clock, 'now'>
  #nextInode = 2n
  #nextDisk = FIRST_DISK + 1n
  /** What lies on a file system that went away, by the empty directory that shows in its place. */
  readonly #away = new Map<MemoryNode, MemoryNode>()
  /** Told of each directory that changed, or in which something did. */
  readonly hearers = new Set<(directory: MemoryNode) => void>()
  /** Files that a program can write to through its memory. */
  readonly mapped = new Set<MemoryNode>()
  #mountings = 0
  #lastMs = -Infinity
  #timesSetBack = 0n

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
    this.#root = this.create('directory')
  }

  get root(): MemoryNode {
    return this.#root
  }

  /** Goes up whenever a file system comes or goes. */
  get mountings(): number {
    return this.#mountings
  }

  /**
   * The time of a change. It goes in steps of a millisecond, as a kernel's clock does: two changes may have
   * the same. A clock that was set back does not meet the nanoseconds of its first pass again.
   */
  nowNs(): bigint {
    const nowMs = Math.trunc(this.#clock.now())
    if (nowMs < this.#lastMs) this.#timesSetBack++
    this.#lastMs = nowMs
    return BigInt(nowMs) * NS_PER_MS + this.#timesSetBack
  }

  /** A node that no name leads to yet. */
  create(type: EntryType): MemoryNode {
    const now = this.nowNs()
    return {
      inode: this.#nextInode++,
      type,
      mode: type === 'directory' ? 0o700 : type === 'symlink' ? 0o777 : 0o600,
      uid: 1000,
      gid: 1000,
      mtimeNs: now,
      ctimeNs: now,
      links: 0,
      device: [0, 0],
      disk: FIRST_DISK,
      bytes: new Uint8Array(0),
      target: new Uint8Array(0),
      names: new Map(),
      xattrs: [],
      isRefused: false
    }
  }

  /** What is at `path`; undefined if nothing is. Follows no link. */
  find(path: TreePath): MemoryNode | undefined {
    let here: MemoryNode | undefined = this.#root
    for (const name of splitPath(path)) {
      checkName(name)
      here = here?.names.get(keyOf(name))
    }
    return here
  }

  /** The directory at `path`. @throws an error with a system code */
  directory(path: TreePath): MemoryNode {
    const node = this.find(path)
    if (node === undefined) throw systemError('ENOENT', 'no such directory')
    if (node.type !== 'directory') throw systemError('ENOTDIR', 'not a directory')
    return node
  }

  /** Lets `path` lead to `node`, instead of what it led to. */
  attach(path: TreePath, node: MemoryNode): void {
    checkName(nameOf(path))
    const parent = this.directory(parentOf(path))
    const key = keyOf(nameOf(path))
    const before = parent.names.get(key)
    if (before === node) return
    if (before !== undefined) this.#unlink(before)
    parent.names.set(key, node)
    node.links++
    if (node.disk !== parent.disk) setDisk(node, parent.disk)
    this.#touch(node)
    this.#changeContent(parent)
  }

  /** What lies at `path` goes, with all that it holds. */
  remove(path: TreePath): void {
    const node = this.#takeName(path)
    if (node !== undefined) this.#unlink(node)
  }

  /** Gives what lies at `from` the name `to`, in place of what had it. */
  move(from: TreePath, to: TreePath): void {
    checkName(nameOf(to))
    this.directory(parentOf(to))
    const node = this.#takeName(from)
    if (node === undefined) throw systemError('ENOENT', 'nothing to move')
    node.links--
    if (node.type === 'directory') this.#tell(node)
    this.attach(to, node)
  }

  #takeName(path: TreePath): MemoryNode | undefined {
    const node = path.length === 0 ? undefined : this.find(path)
    if (node === undefined) return undefined
    const parent = this.directory(parentOf(path))
    parent.names.delete(keyOf(nameOf(path)))
    this.#changeContent(parent)
    return node
  }

  /** The directory at `path` becomes the root of a file system of its own. */
  mount(path: TreePath): void {
    setDisk(this.directory(path), this.#nextDisk++)
    this.#mountings++
  }

  /** The file system at `path` goes away: what is seen is the bare directory that it was mounted on. */
  takeAway(path: TreePath): void {
    const mounted = this.directory(path)
    const parent = this.directory(parentOf(path))
    const bare = { ...this.create('directory'), mode: 0o755, links: 1 }
    if (path.length > 0) bare.disk = parent.disk
    if (bare.disk === mounted.disk) throw systemError('EINVAL', 'nothing is mounted here')
    this.#show(path, bare)
    this.#away.set(bare, mounted)
  }

  /** It is back; what was written meanwhile lies beneath it and is not seen. */
  bringBack(path: TreePath): void {
    const bare = this.directory(path)
    const mounted = this.#away.get(bare)
    if (mounted === undefined) throw systemError('EINVAL', 'nothing went away here')
    this.#away.delete(bare)
    this.#show(path, mounted)
  }

  /** Mounting changes no directory: only what is seen at a path is another. */
  #show(path: TreePath, node: MemoryNode): void {
    this.#mountings++
    if (path.length === 0) this.#root = node
    else this.directory(parentOf(path)).names.set(keyOf(nameOf(path)), node)
  }

  /** A node was changed under this name: under others that it has, nobody hears of it. */
  touch(path: TreePath, node: MemoryNode): void {
    this.#touch(node)
    this.#tell(this.directory(parentOf(path)))
    if (node.type === 'directory') this.#tell(node)
  }

  /** Every change of a node moves its ctime. */
  #touch(node: MemoryNode): void {
    node.ctimeNs = this.nowNs()
  }

  #tell(directory: MemoryNode): void {
    for (const hear of this.hearers) hear(directory)
  }

  /** Bytes of all files, each counted once. */
  used(): number {
    const seen = new Set<MemoryNode>()
    const pending = [this.#root]
    let total = 0
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      if (seen.has(node)) continue
      seen.add(node)
      total += node.bytes.length
      pending.push(...node.names.values())
    }
    return total
  }

  /** One name less; a directory takes with it what it holds. */
  #unlink(node: MemoryNode): void {
    node.links--
    this.#touch(node)
    if (node.type === 'directory') this.#tell(node)
    for (const child of node.names.values()) this.#unlink(child)
    node.names.clear()
  }

  #changeContent(directory: MemoryNode): void {
    directory.mtimeNs = this.nowNs()
    this.#touch(directory)
    this.#tell(directory)
  }
}

function checkName(name: Uint8Array): void {
  const why = refuseName(name, 'linux')
  if (why !== undefined) throw systemError('EINVAL', why)
}

function setDisk(node: MemoryNode, disk: bigint): void {
  node.disk = disk
  for (const child of node.names.values()) setDisk(child, disk)
}

export function statOfNode(node: MemoryNode): TreeStat {
  const { type, mode, uid, gid, mtimeNs, ctimeNs, inode, device } = node
  return {
    type,
    mode,
    uid,
    gid,
    size: node.bytes.length,
    mtimeNs,
    ctimeNs,
    device: node.disk,
    inode,
    links: type === 'directory' ? 1 : node.links,
    major: device[0],
    minor: device[1]
  }
}
