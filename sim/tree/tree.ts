// A protected tree in memory, behind the same port as the real one, and the calls that a person at the
// computer would make on it: write, link, rename, delete. Inodes are counted and times come from the
// clock, so a run can be repeated. A name leads to a whole file or to none; a listing is whole or fails.
// What goes wrong with trees is here too: paths that cannot be read, file systems that go away.

import type { Clock } from '../../store/clock.ts'
import type { EntryType } from '../../store/entry.ts'
import { Unreadable } from '../../node/errors.ts'
import { systemError, unreadable } from '../../node/tree/failures.ts'
import type { Asked } from '../../node/tree/metadata.ts'
import { isWithin, parentOf, pathOf, showPath } from '../../node/tree/path.ts'
import { isSameFile } from '../../node/tree/stat.ts'
import type {
  Tree,
  TreeEntry,
  TreeFile,
  TreeMetadata,
  TreePath,
  TreeStat,
  TreeWriter,
  Xattr
} from '../../node/tree/tree.ts'
import type { TreeWatch } from '../../node/tree/watch.ts'
import { bytesOfKey, MemoryNodes, statOfNode } from './nodes.ts'
import type { MemoryNode } from './nodes.ts'
import { MemoryWatch } from './watch.ts'
import { MemoryTreeWriter } from './writer.ts'

export interface MemoryTreeInit extends Partial<Asked> {
  /** What messages call the root. */
  where?: string
  /** Bytes that all files together may have; no bound if absent. */
  capacity?: number
}

/** What a test may set of a new or changed entry; the rest is as a user's program would leave it. */
export type MemoryMetadata = Partial<Omit<TreeMetadata, 'type'>>

/** A path as bytes, or as text where it is text. */
type PathLike = TreePath | string

export class MemoryTree implements Tree {
  readonly where: string
  readonly #nodes: MemoryNodes
  readonly #asked: Asked
  readonly #capacity: number | undefined

  /** @param clock the computer's, right or wrong: a file system takes its times from it. */
  constructor(clock: Pick<Clock, 'now'>, init: MemoryTreeInit = {}) {
    this.where = init.where ?? 'memory'
    this.#nodes = new MemoryNodes(clock)
    this.#asked = { owners: init.owners ?? false, privileges: init.privileges ?? false }
    this.#capacity = init.capacity
  }

  async stat(path: TreePath): Promise<TreeStat | undefined> {
    const node = this.#reading(path, () => this.#nodes.find(path))
    return node === undefined ? undefined : statOfNode(node)
  }

  async list(path: TreePath): Promise<TreeEntry[]> {
    return this.#reading(path, () => {
      const { names } = readable(this.#nodes.directory(path))
      const entries = Array.from(names, ([key, node]) => {
        return { name: bytesOfKey(key), stat: statOfNode(node) }
      })
      return entries.sort((a, b) => Buffer.compare(a.name, b.name))
    })
  }

  async open(path: TreePath, expected: TreeStat): Promise<TreeFile> {
    return this.#reading(path, () => {
      const node = readable(this.#at(path))
      if (expected.type !== 'file')
        throw new Unreadable(this.#show(path), 'it is not a regular file')
      if (isSameFile(statOfNode(node), expected)) return new MemoryFile(node, this.#show(path))
      throw new Unreadable(this.#show(path), 'another file took its place')
    })
  }

  async readLink(path: TreePath): Promise<Uint8Array> {
    return this.#reading(path, () => {
      const node = this.#at(path)
      if (node.type !== 'symlink') throw systemError('EINVAL', 'it is not a symbolic link')
      return node.target
    })
  }

  async xattrs(path: TreePath): Promise<Xattr[]> {
    return this.#reading(path, () => {
      return this.#at(path).xattrs.toSorted(([a], [b]) => Buffer.compare(a, b))
    })
  }

  async watch(): Promise<TreeWatch> {
    return new MemoryWatch(this.#nodes, () => this.#each())
  }

  async writer(): Promise<TreeWriter> {
    return new MemoryTreeWriter(this.#nodes, {
      asked: this.#asked,
      capacity: this.#capacity,
      show: (path) => this.#show(path)
    })
  }

  /**
   * Writes a file, in place if it exists (same inode); makes missing directories.
   *
   * @throws an error with the code ENOSPC
   */
  put(at: PathLike, content: Uint8Array | string, metadata: MemoryMetadata = {}): void {
    const path = asPath(at)
    let node = this.#nodes.find(path)
    const bytes = new Uint8Array(typeof content === 'string' ? Buffer.from(content) : content)
    this.#reserve(bytes.length - (node?.bytes.length ?? 0))
    if (node?.type !== 'file') {
      node = this.#add(path, 'file', { mode: 0o644 })
    }
    node.bytes = bytes
    this.#change(path, node, { mtimeNs: this.#nodes.nowNs(), ...metadata })
  }

  mkdir(at: PathLike, metadata: MemoryMetadata = {}): void {
    const path = asPath(at)
    const known = this.#nodes.find(path)
    this.#change(path, known ?? this.#add(path, 'directory', { mode: 0o755 }), metadata)
  }

  symlink(at: PathLike, target: PathLike, metadata: MemoryMetadata = {}): void {
    const node = this.#add(asPath(at), 'symlink', {})
    node.target = asPath(target)
    this.#change(asPath(at), node, metadata)
  }

  /** A fifo, a socket, or a device. */
  special(at: PathLike, type: EntryType, device: readonly [number, number] = [0, 0]): void {
    this.#add(asPath(at), type, { mode: 0o644 }).device = device
  }

  /** Another name for the file at `existing`. */
  link(at: PathLike, existing: PathLike): void {
    const node = this.#at(asPath(existing))
    this.#makeParents(asPath(at))
    this.#nodes.attach(asPath(at), node)
  }

  /** Replaces what is at `to`. */
  rename(from: PathLike, to: PathLike): void {
    const [source, target] = [asPath(from), asPath(to)]
    if (isWithin(target, source))
      throw systemError('EINVAL', 'a directory is not moved into itself')
    this.#at(source)
    this.#makeParents(target)
    this.#nodes.move(source, target)
  }

  /** With all it holds. */
  remove(at: PathLike): void {
    this.#nodes.remove(asPath(at))
  }

  chmod(at: PathLike, mode: number): void {
    this.change(at, { mode })
  }

  /** Changes metadata, as chown, touch and setfattr would. */
  change(at: PathLike, metadata: MemoryMetadata): void {
    this.#change(asPath(at), this.#at(asPath(at)), metadata)
  }

  /**
   * From now on (or no longer) a directory cannot be listed, or a file not be opened or read on.
   *
   * @returns what ends that, wherever it was moved meanwhile
   */
  refuse(at: PathLike, isRefused = true): () => void {
    const node = this.#at(asPath(at))
    node.isRefused = isRefused
    return () => {
      node.isRefused = false
    }
  }

  /**
   * A program maps a file into its memory: what it stores there is in the file, and nobody hears of it until
   * the program is done with it.
   */
  map(at: PathLike): { store: (content: string) => void; close: () => void } {
    const node = this.#at(asPath(at))
    this.#nodes.mapped.add(node)
    return {
      store: (content) => {
        node.bytes = new Uint8Array(Buffer.from(content))
        node.mtimeNs = node.ctimeNs = this.#nodes.nowNs()
      },
      close: () => {
        this.#nodes.mapped.delete(node)
        const [path] = this.#each().find(([, each]) => each === node) ?? []
        if (path !== undefined) this.#nodes.touch(bytesOfKey(path), node)
      }
    }
  }

  /** A file has other content from now on, and nothing shows it: neither times nor any notice. */
  rot(at: PathLike, content: string): void {
    this.#at(asPath(at)).bytes = new Uint8Array(Buffer.from(content))
  }

  /** True while something cannot be read. */
  get isRefusing(): boolean {
    return this.each().some(([, { isRefused }]) => isRefused)
  }

  /** A directory is from now on a file system of its own, as a disk that is mounted there. */
  mount(at: PathLike): void {
    this.#nodes.mount(asPath(at))
  }

  /** A mounted file system goes away: its mount point is an empty directory. Or it comes back. */
  vanish(at: PathLike, isGone = true): void {
    if (isGone) this.#nodes.takeAway(asPath(at))
    else this.#nodes.bringBack(asPath(at))
  }

  /**
   * Every name with the node that it leads to: '' for the root, else names joined by '/', bytes as latin1.
   * A directory comes before what it holds, names in the order of their bytes.
   */
  each(): Generator<[path: string, node: Readonly<MemoryNode>]> {
    return this.#each()
  }

  *#each(): Generator<[path: string, node: MemoryNode]> {
    const pending: [string, MemoryNode][] = [['', this.#nodes.root]]
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      yield next
      const [path, node] = next
      const names = [...node.names].sort(([a], [b]) => (a < b ? 1 : -1))
      for (const [name, child] of names) {
        pending.push([path === '' ? name : `${path}/${name}`, child])
      }
    }
  }

  has(at: PathLike): boolean {
    return this.#nodes.find(asPath(at)) !== undefined
  }

  /** The content of the file at a path, for assertions. */
  content(at: PathLike): Uint8Array {
    return this.#at(asPath(at)).bytes
  }

  #at(path: TreePath): MemoryNode {
    const node = this.#nodes.find(path)
    if (node === undefined) throw systemError('ENOENT', `nothing at ${showPath(path)}`)
    return node
  }

  #reserve(more: number): void {
    if (this.#capacity === undefined || more <= 0) return
    if (this.#nodes.used() + more > this.#capacity) {
      throw systemError('ENOSPC', 'the disk is full')
    }
  }

  #makeParents(path: TreePath): void {
    const parent = parentOf(path)
    if (this.#nodes.find(parent) === undefined) this.#add(parent, 'directory', { mode: 0o755 })
  }

  #add(path: TreePath, type: EntryType, metadata: MemoryMetadata): MemoryNode {
    this.#makeParents(path)
    const node = Object.assign(this.#nodes.create(type), metadata)
    this.#nodes.attach(path, node)
    return node
  }

  #change(path: TreePath, node: MemoryNode, metadata: MemoryMetadata): void {
    Object.assign(node, metadata)
    this.#nodes.touch(path, node)
  }

  #show(path: TreePath): string {
    return path.length === 0 ? this.where : `${this.where}/${showPath(path)}`
  }

  #reading<T>(path: TreePath, work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw unreadable(this.#show(path), error)
    }
  }
}

function asPath(path: PathLike): TreePath {
  return typeof path === 'string' ? pathOf(path) : path
}

function readable(node: MemoryNode): MemoryNode {
  if (node.isRefused) throw systemError('EIO', 'refused')
  return node
}

/** An open file: it reads what is there now, and goes on to when its name is gone. */
class MemoryFile implements TreeFile {
  readonly #node: MemoryNode
  readonly #shown: string
  #position = 0

  constructor(node: MemoryNode, shown: string) {
    this.#node = node
    this.#shown = shown
  }

  async stat(): Promise<TreeStat> {
    return statOfNode(this.#node)
  }

  async read(length: number): Promise<Uint8Array> {
    if (this.#node.isRefused) throw unreadable(this.#shown, systemError('EIO', 'refused'))
    const bytes = this.#node.bytes.slice(this.#position, this.#position + length)
    this.#position += bytes.length
    return bytes
  }

  async close(): Promise<void> {}
}
