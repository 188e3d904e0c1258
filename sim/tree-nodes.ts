// What a tree in memory is made of: numbered nodes and the names that lead to them, with the rules of a
// Unix file system that matter to a backup (hard links share a node, every change moves ctime, a directory
// changes with its names). The clock is the simulation's, so the same run gives the same trees.

import type { Clock } from '../store/clock.ts'
import type { EntryType } from '../store/entry.ts'
import { systemError } from '../node/tree/failures.ts'
import { nameOf, parentOf, refuseName, splitPath } from '../node/tree/path.ts'
import type { TreePath, TreeStat, Xattr } from '../node/tree/tree.ts'

const NS_PER_MS = 1_000_000n
const DEVICE = 1n

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
  readonly root: MemoryNode
  readonly #clock: Clock
  #nextInode = 2n

  constructor(clock: Clock) {
    this.#clock = clock
    this.root = this.create('directory')
  }

  nowNs(): bigint {
    return BigInt(Math.trunc(this.#clock.now())) * NS_PER_MS
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
      bytes: new Uint8Array(0),
      target: new Uint8Array(0),
      names: new Map(),
      xattrs: [],
      isRefused: false
    }
  }

  /** What is at `path`; undefined if nothing is. Follows no link. */
  find(path: TreePath): MemoryNode | undefined {
    let here: MemoryNode | undefined = this.root
    for (const name of splitPath(path)) {
      const why = refuseName(name, 'linux')
      if (why !== undefined) throw systemError('EINVAL', why)
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
    const why = refuseName(nameOf(path), 'linux')
    if (why !== undefined) throw systemError('EINVAL', why)
    const parent = this.directory(parentOf(path))
    const key = keyOf(nameOf(path))
    const before = parent.names.get(key)
    if (before === node) return
    if (before !== undefined) this.#unlink(before)
    parent.names.set(key, node)
    node.links++
    this.touch(node)
    this.#changeContent(parent)
  }

  detach(path: TreePath): MemoryNode | undefined {
    const parent = this.find(parentOf(path))
    const key = keyOf(nameOf(path))
    const node = path.length === 0 ? undefined : parent?.names.get(key)
    if (parent === undefined || node === undefined) return undefined
    parent.names.delete(key)
    this.#unlink(node)
    this.#changeContent(parent)
    return node
  }

  /** Every change of a node moves its ctime. */
  touch(node: MemoryNode): void {
    node.ctimeNs = this.nowNs()
  }

  /** Bytes of all files, each counted once. */
  used(): number {
    const seen = new Set<MemoryNode>()
    const pending = [this.root]
    let total = 0
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      if (seen.has(node)) continue
      seen.add(node)
      total += node.bytes.length
      pending.push(...node.names.values())
    }
    return total
  }

  #unlink(node: MemoryNode): void {
    node.links--
    this.touch(node)
  }

  #changeContent(directory: MemoryNode): void {
    directory.mtimeNs = this.nowNs()
    this.touch(directory)
  }
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
    device: DEVICE,
    inode,
    links: type === 'directory' ? 1 : node.links,
    major: device[0],
    minor: device[1]
  }
}
