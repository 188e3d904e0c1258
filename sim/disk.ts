// A disk in memory that keeps the port's promises and not one more. What was written but not synced, and
// names that were made, moved or removed in a directory that was not synced, are lost by `crash`, except
// for what the caller lets survive. Faults are injected by one function that sees every call.

import {
  assertInside,
  directoryOf,
  type Disk,
  type DiskFile,
  type OpenMode
} from '../store/disk.ts'
import { DiskFailed, DiskFull, FileMissing } from '../store/errors.ts'

export type DiskOperation =
  | 'open'
  | 'read'
  | 'write'
  | 'sync'
  | 'list'
  | 'rename'
  | 'remove'
  | 'makeDirectory'
  | 'syncDirectory'

export interface DiskCall {
  operation: DiskOperation
  path: string
  /** 1 for the first call of this operation on this disk. */
  count: number
}

/** EIO and ENOSPC refuse the call; `short` lets a write take only a part of its bytes. */
export type DiskFault = 'EIO' | 'ENOSPC' | 'short'

export interface SimDiskInit {
  /** Bytes that files may hold together. */
  capacity?: number
  fault?: ((call: DiskCall) => DiskFault | undefined) | undefined
}

/** A write that is not durable yet: how to take it back, and how to let it survive a crash. */
interface Unsynced {
  offset: number
  before: Uint8Array
  after: Uint8Array
  lengthBefore: number
}

class Content {
  bytes = new Uint8Array(0)
  length = 0
  unsynced: Unsynced[] = []

  write(bytes: Uint8Array, offset: number): void {
    const end = offset + bytes.length
    if (end > this.bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.bytes.length * 2))
      grown.set(this.bytes.subarray(0, this.length))
      this.bytes = grown
    }
    this.bytes.set(bytes, offset)
    this.length = Math.max(this.length, end)
  }

  /** Back to what is durable, plus those later writes that `survives` picks. */
  crash(survives: (index: number) => boolean): void {
    const lost = this.unsynced
    for (const write of lost.toReversed()) {
      this.bytes.set(write.before, write.offset)
      this.bytes.fill(0, write.lengthBefore, this.length)
      this.length = write.lengthBefore
    }
    this.unsynced = []
    for (const [i, { after, offset }] of lost.entries()) if (survives(i)) this.write(after, offset)
  }
}

export class SimDisk implements Disk {
  readonly location = undefined
  /** May be changed at any time. */
  capacity: number
  fault: ((call: DiskCall) => DiskFault | undefined) | undefined
  readonly #counts = new Map<DiskOperation, number>()
  readonly #directories = new Set<string>([''])
  #names = new Map<string, Content>()
  #durableNames = new Map<string, Content>()
  #crashes = 0

  constructor(init: SimDiskInit = {}) {
    this.capacity = init.capacity ?? Number.MAX_SAFE_INTEGER
    this.fault = init.fault
  }

  /**
   * The power goes. Files opened before are dead. `survives` may let single unsynced writes (numbered per
   * file, in order) reach the disk after all; names that were not synced are always lost.
   */
  crash(survives: (path: string, index: number) => boolean = () => false): void {
    this.#crashes++
    this.#names = new Map(this.#durableNames)
    for (const [path, content] of this.#names) content.crash((index) => survives(path, index))
  }

  /** Damages one byte at rest, behind everybody's back. */
  flip(path: string, offset: number, mask = 1): void {
    const { bytes } = this.#content(path)
    bytes[offset] = (bytes[offset] ?? 0) ^ mask
  }

  /** Path and length of every file, sorted by path. */
  files(): { path: string; length: number }[] {
    return [...this.#names]
      .map(([path, { length }]) => ({ path, length }))
      .sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    assertInside(path)
    this.#call('open', path)
    if (mode === 'create') {
      if (this.#names.has(path)) throw new DiskFailed(path, 'creating (it is there)')
      if (!this.#directories.has(directoryOf(path))) throw new FileMissing(path)
      this.#names.set(path, new Content())
    }
    return this.#file(path, this.#content(path))
  }

  async list(path: string): Promise<string[] | undefined> {
    assertInside(path)
    this.#call('list', path)
    if (!this.#directories.has(path)) return undefined
    return [...this.#directories, ...this.#names.keys()]
      .filter((each) => each !== '' && directoryOf(each) === path)
      .map((each) => each.slice(path === '' ? 0 : path.length + 1))
      .sort()
  }

  async makeDirectory(path: string): Promise<void> {
    assertInside(path)
    this.#call('makeDirectory', path)
    for (let at = path; at !== ''; at = directoryOf(at)) this.#directories.add(at)
  }

  async rename(from: string, to: string): Promise<void> {
    assertInside(to)
    this.#call('rename', to)
    const content = this.#content(from)
    this.#names.delete(from)
    this.#names.set(to, content)
  }

  async remove(path: string): Promise<void> {
    assertInside(path)
    this.#call('remove', path)
    this.#names.delete(path)
  }

  async syncDirectory(path: string): Promise<void> {
    this.#call('syncDirectory', path)
    for (const name of this.#durableNames.keys()) {
      if (directoryOf(name) === path) this.#durableNames.delete(name)
    }
    for (const [name, content] of this.#names) {
      if (directoryOf(name) === path) this.#durableNames.set(name, content)
    }
  }

  async space(): Promise<{ free: number; total: number }> {
    return { free: Math.max(0, this.capacity - this.#used()), total: this.capacity }
  }

  #used(): number {
    let sum = 0
    for (const { length } of this.#names.values()) sum += length
    return sum
  }

  #content(path: string): Content {
    const content = this.#names.get(path)
    if (content === undefined) throw new FileMissing(path)
    return content
  }

  /** Counts the call, and refuses it if it is to fail. @returns true if a write is to be short. */
  #call(operation: DiskOperation, path: string): boolean {
    const count = (this.#counts.get(operation) ?? 0) + 1
    this.#counts.set(operation, count)
    const fault = this.fault?.({ operation, path, count })
    if (fault === 'EIO') throw new DiskFailed(path, operation)
    if (fault === 'ENOSPC') throw new DiskFull(path)
    return fault === 'short'
  }

  #file(path: string, content: Content): DiskFile {
    const born = this.#crashes
    let open = true
    const call = (operation: DiskOperation): boolean => {
      if (!open || born !== this.#crashes) throw new DiskFailed(path, `${operation} (it is closed)`)
      return this.#call(operation, path)
    }
    return {
      path,
      read: async (offset, length) => {
        call('read')
        return content.bytes.slice(offset, Math.min(content.length, offset + length))
      },
      write: async (bytes, offset) => {
        const short = call('write')
        const after = bytes.slice(0, short ? Math.floor(bytes.length / 2) : bytes.length)
        const grows = Math.max(0, offset + after.length - content.length)
        if (grows > this.capacity - this.#used()) throw new DiskFull(path)
        const before = content.bytes.slice(offset, Math.min(content.length, offset + after.length))
        content.unsynced.push({ offset, before, after, lengthBefore: content.length })
        content.write(after, offset)
        return after.length
      },
      size: async () => content.length,
      sync: async () => {
        call('sync')
        content.unsynced = []
      },
      close: async () => {
        open = false
      }
    }
  }
}
