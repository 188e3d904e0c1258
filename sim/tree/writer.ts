// Writing to a tree in memory, with the promises of the real writer: no link followed, a name changes
// from the old thing to the whole new one, what was not asked for is left out and named, a full disk says
// so. There is nobody to race with, so there are no temporary names.

import { NotWritable } from '../../node/errors.ts'
import { systemError, unwritable } from '../../node/tree/failures.ts'
import { leaveOut } from '../../node/tree/metadata.ts'
import type { Asked } from '../../node/tree/metadata.ts'
import { isWithin, parentOf } from '../../node/tree/path.ts'
import type { TreeFileWriter, TreeMetadata, TreePath, TreeWriter } from '../../node/tree/tree.ts'
import type { MemoryNode, MemoryNodes } from './nodes.ts'

/** What a disk without a bound says is free. */
const UNBOUNDED = 2 ** 40

export interface MemoryTreeWriterInit {
  asked: Asked
  /** Bytes that all files together may have; no bound if absent. */
  capacity: number | undefined
  show: (path: TreePath) => string
}

export class MemoryTreeWriter implements TreeWriter {
  readonly #nodes: MemoryNodes
  readonly #init: MemoryTreeWriterInit
  /** Bytes of files that have no name yet. */
  #pending = 0

  constructor(nodes: MemoryNodes, init: MemoryTreeWriterInit) {
    this.#nodes = nodes
    this.#init = init
  }

  async makeDirectory(path: TreePath): Promise<void> {
    this.#writing(path, () => {
      const now = this.#nodes.find(path)
      if (now === undefined) this.#nodes.attach(path, this.#nodes.create('directory'))
      else if (now.type !== 'directory') throw this.#refuse(path, 'something else is in the way')
    })
  }

  async finishDirectory(path: TreePath, metadata: TreeMetadata): Promise<string[]> {
    return this.#writing(path, () => this.#apply(path, this.#nodes.directory(path), metadata))
  }

  async createFile(path: TreePath): Promise<TreeFileWriter> {
    return this.#writing(path, () => {
      this.#mayReplace(path)
      return new MemoryFileWriter({
        reserve: (length) => this.#writing(path, () => this.#reserve(length)),
        commit: (bytes, metadata) => this.#commit(path, bytes, metadata),
        release: (length) => {
          this.#pending -= length
        }
      })
    })
  }

  async setMetadata(path: TreePath, metadata: TreeMetadata): Promise<string[]> {
    return this.#writing(path, () => {
      const node = this.#nodes.find(path)
      if (node?.type !== metadata.type) throw this.#refuse(path, `it is not a ${metadata.type}`)
      return this.#apply(path, node, metadata)
    })
  }

  async symlink(path: TreePath, target: Uint8Array, metadata: TreeMetadata): Promise<string[]> {
    return this.#writing(path, () => {
      if (target.length === 0 || target.includes(0)) {
        throw this.#refuse(path, 'no link has this target')
      }
      const node = this.#nodes.create('symlink')
      node.target = new Uint8Array(target)
      return this.#place(path, node, metadata)
    })
  }

  async hardLink(path: TreePath, existing: TreePath): Promise<void> {
    this.#writing(path, () => {
      this.#writing(existing, () => this.#nodes.directory(parentOf(existing)))
      const node = this.#nodes.find(existing)
      if (node?.type !== 'file') {
        throw this.#refuse(existing, 'only a regular file gets another name')
      }
      this.#mayReplace(path)
      this.#nodes.attach(path, node)
    })
  }

  async special(
    path: TreePath,
    metadata: TreeMetadata,
    major: number,
    minor: number
  ): Promise<string[]> {
    return this.#writing(path, () => {
      const { type } = metadata
      const isDevice = type === 'block' || type === 'character'
      if (!isDevice && type !== 'fifo' && type !== 'socket') {
        throw this.#refuse(path, `a ${type} is not special`)
      }
      if (isDevice && !this.#init.asked.privileges) {
        return [`${this.#init.show(path)}: ${type} left out: not asked for`]
      }
      const node = this.#nodes.create(type)
      if (isDevice) node.device = [major, minor]
      return this.#place(path, node, metadata)
    })
  }

  async remove(path: TreePath): Promise<void> {
    if (path.length === 0) throw this.#refuse(path, 'the root itself is not removed')
    this.#writing(path, () => {
      this.#nodes.remove(path)
    })
  }

  async rename(from: TreePath, to: TreePath): Promise<void> {
    this.#writing(to, () => {
      if (from.length === 0 || isWithin(to, from)) {
        throw this.#refuse(to, 'it lies in what is moved')
      }
      this.#mayReplace(to)
      this.#nodes.move(from, to)
    })
  }

  async free(): Promise<number> {
    const { capacity } = this.#init
    return capacity === undefined ? UNBOUNDED : capacity - this.#nodes.used() - this.#pending
  }

  async close(): Promise<void> {}

  #reserve(length: number): void {
    const { capacity } = this.#init
    const isFull = capacity !== undefined && this.#nodes.used() + this.#pending + length > capacity
    if (isFull) throw systemError('ENOSPC', 'the disk is full')
    this.#pending += length
  }

  #commit(path: TreePath, bytes: Uint8Array, metadata: TreeMetadata): string[] {
    return this.#writing(path, () => {
      const node = this.#nodes.create('file')
      node.bytes = bytes
      return this.#place(path, node, metadata)
    })
  }

  #place(path: TreePath, node: MemoryNode, metadata: TreeMetadata): string[] {
    this.#mayReplace(path)
    this.#nodes.attach(path, node)
    return this.#apply(path, node, metadata)
  }

  /** @throws {NotWritable} if a directory is in the way, or there is none to write in */
  #mayReplace(path: TreePath): void {
    if (this.#nodes.find(path)?.type === 'directory') {
      throw this.#refuse(path, 'a directory is in the way')
    }
    this.#nodes.directory(parentOf(path))
  }

  #apply(path: TreePath, node: MemoryNode, metadata: TreeMetadata): string[] {
    const { asked, show } = this.#init
    const { mode, xattrs, warnings } = leaveOut(show(path), metadata, asked)
    if (node.type !== 'symlink') node.mode = mode
    node.xattrs = xattrs
    node.mtimeNs = metadata.mtimeNs
    if (asked.owners) Object.assign(node, { uid: metadata.uid, gid: metadata.gid })
    this.#nodes.touch(path, node)
    return warnings
  }

  #refuse(path: TreePath, why: string): NotWritable {
    return new NotWritable(this.#init.show(path), why)
  }

  #writing<T>(path: TreePath, work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw unwritable(this.#init.show(path), error)
    }
  }
}

interface FileSteps {
  /** @throws {DiskFull} */
  reserve(length: number): void
  commit(bytes: Uint8Array, metadata: TreeMetadata): string[]
  release(length: number): void
}

class MemoryFileWriter implements TreeFileWriter {
  readonly #steps: FileSteps
  #pieces: Uint8Array[] = []
  #length = 0

  constructor(steps: FileSteps) {
    this.#steps = steps
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#steps.reserve(bytes.length)
    this.#pieces.push(new Uint8Array(bytes))
    this.#length += bytes.length
  }

  async skip(length: number): Promise<void> {
    await this.write(new Uint8Array(length))
  }

  async commit(metadata: TreeMetadata): Promise<string[]> {
    const bytes = new Uint8Array(Buffer.concat(this.#pieces))
    await this.discard()
    return this.#steps.commit(bytes, metadata)
  }

  async discard(): Promise<void> {
    this.#steps.release(this.#length)
    this.#pieces = []
    this.#length = 0
  }
}
