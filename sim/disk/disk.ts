// A disk in memory that keeps the port's promises and not one more. When the power goes, what was written
// but not synced and names whose directory was not synced are lost, torn or kept, as a seed has it; without
// one all of it is lost. It fills up, refuses calls, takes a part of a write, and rots, when it is told to.
// What a file holds is in disk-content.ts, its names are in disk-names.ts, and which calls fail is in
// disk-faults.ts.

import {
  assertInside,
  directoryOf,
  isTemporary,
  type Disk,
  type DiskFile,
  type OpenMode
} from '../../store/disk.ts'
import { FileMissing, type DrystoneError } from '../../store/errors.ts'
import { Content } from './content.ts'
import { Faults, refusal, type DiskOperation, type FaultOf, type PlannedFault } from './faults.ts'
import { Names } from './names.ts'
import type { SeededRandom } from '../random.ts'

export interface SimDiskInit {
  /** Bytes that files may hold together. */
  capacity?: number
  fault?: FaultOf | undefined
}

/** What changes nothing. Opening may make a file. */
const READING: ReadonlySet<DiskOperation> = new Set(['read', 'list'])

export class SimDisk implements Disk {
  readonly location = undefined
  /** Sees every call. */
  fault: FaultOf | undefined
  /** Grows with every change of what is here, durable or not. */
  changes = 0
  /** What a call takes; whoever calls must wait, the disk has no clock. */
  latencyMs = 0
  /** Told when the names in a directory became durable. */
  onDurable: ((directory: string) => void) | undefined
  /** Told of a file that is about to be removed, and still is there. */
  onRemove: ((path: string) => void) | undefined
  readonly #faults = new Faults()
  #capacity: number
  #hasLackedRoom = false
  #names = new Names()
  /** Processes that had files open on this disk, one after another. */
  #processes = 0

  constructor(init: SimDiskInit = {}) {
    this.#capacity = init.capacity ?? Number.MAX_SAFE_INTEGER
    this.fault = init.fault
  }

  /** May be changed at any time. */
  get capacity(): number {
    return this.#capacity
  }

  set capacity(bytes: number) {
    this.#capacity = bytes
    this.#hasLackedRoom = false
  }

  /** True if something did not fit since the capacity was set. */
  get hasLackedRoom(): boolean {
    return this.#hasLackedRoom
  }

  /**
   * The power goes. Files opened before are dead. Of what was not durable any part survives that a real
   * disk could keep; nothing without `random`.
   */
  crash(random?: SeededRandom): void {
    this.changes++
    this.kill()
    this.#names.crash(random)
  }

  /** The process ends, and the system lives: open files are dead, but nothing is lost until a crash. */
  kill(): void {
    this.#processes++
    this.#faults.refusals = 0
  }

  /** How many calls were refused to the process that runs now. */
  get refusals(): number {
    return this.#faults.refusals
  }

  /** A disk with exactly what is durable here now. Faults stay here. */
  durable(): SimDisk {
    return this.#with(this.#names.durable())
  }

  /** A disk with all as it is, durable or not. Faults stay here. */
  copy(): SimDisk {
    return this.#with(this.#names.copy())
  }

  /** Faults that are planned earlier come first; undefined ends them all. */
  failNext(planned: PlannedFault | undefined): void {
    if (planned === undefined) this.#faults.mend()
    else this.#faults.plan(planned)
  }

  /** Damages one byte at rest, behind everybody's back. */
  flip(path: string, offset: number, mask = 1): void {
    this.changes++
    this.#content(path).flip(offset, mask)
  }

  /** Flips one bit at rest, anywhere; not in temporary files. @returns where; undefined if all is empty */
  rot(random: SeededRandom): { path: string; offset: number } | undefined {
    const files = this.files().filter(({ path }) => !isTemporary(path))
    let offset = random.below(files.reduce((sum, { length }) => sum + length, 0))
    for (const { path, length } of files) {
      if (offset < length) {
        this.flip(path, offset, 1 << random.below(8))
        return { path, offset }
      }
      offset -= length
    }
    return undefined
  }

  /** Path and length of every file, sorted by path. */
  files(): { path: string; length: number }[] {
    return this.#names.files().map(([path, { length }]) => ({ path, length }))
  }

  /** What a reader would find in a file; no call, and no fault hits it. @throws {FileMissing} */
  read(path: string): Uint8Array {
    return this.#content(path).read()
  }

  /** The same object as long as a file holds the same bytes, here and in copies. @throws {FileMissing} */
  stamp(path: string): object {
    return this.#content(path).stamp
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    this.#call('open', path)
    const isTaken = this.#names.isDirectory(path)
    if (mode !== 'create') {
      if (isTaken) throw refusal('open', path, 'EISDIR')
      return this.#file(path, this.#content(path), mode)
    }
    if (isTaken || this.#names.find(path) !== undefined) throw refusal('open', path, 'EEXIST')
    if (!this.#names.isDirectory(directoryOf(path))) throw this.#absence('open', path)
    const content = new Content()
    this.#names.change([[path, content]])
    return this.#file(path, content, mode)
  }

  async list(path: string): Promise<string[] | undefined> {
    this.#call('list', path)
    const names = this.#names.list(path)
    if (names !== undefined) return names
    const absence = this.#absence('list', path)
    if (absence instanceof FileMissing) return undefined
    throw absence
  }

  async makeDirectory(path: string): Promise<void> {
    this.#call('makeDirectory', path)
    const absence = this.#absence('makeDirectory', path)
    if (!(absence instanceof FileMissing)) throw absence
    this.#names.makeDirectory(path)
  }

  async rename(from: string, to: string): Promise<void> {
    assertInside(from)
    this.#call('rename', to)
    for (const path of [from, to]) {
      if (!this.#names.isDirectory(directoryOf(path))) throw this.#absence('rename', path, to)
    }
    const content = this.#names.find(from)
    if (this.#names.isDirectory(from) || (content && this.#names.isDirectory(to))) {
      throw refusal('rename', to, 'EISDIR')
    }
    if (content === undefined) throw new FileMissing(to)
    if (from === to) return
    this.#names.change([
      [from, undefined],
      [to, content]
    ])
  }

  async remove(path: string): Promise<void> {
    this.#call('remove', path)
    if (this.#names.find(path) !== undefined) {
      this.onRemove?.(path)
      return this.#names.change([[path, undefined]])
    }
    if (this.#names.isDirectory(path)) throw refusal('remove', path, 'EISDIR')
    const absence = this.#absence('remove', path)
    if (!(absence instanceof FileMissing)) throw absence
  }

  async syncDirectory(path: string): Promise<void> {
    this.#call('syncDirectory', path)
    if (!this.#names.isDirectory(path)) throw this.#absence('syncDirectory', path)
    this.#names.sync(path)
    this.onDurable?.(path)
  }

  async space(): Promise<{ free: number; total: number }> {
    return { free: this.#free(), total: this.capacity }
  }

  #free(): number {
    return Math.max(0, this.capacity - this.#names.bytesUsed)
  }

  #with(names: Names): SimDisk {
    const disk = new SimDisk({ capacity: this.capacity })
    disk.latencyMs = this.latencyMs
    disk.#names = names
    return disk
  }

  #content(path: string): Content {
    const content = this.#names.find(path)
    if (content === undefined) throw this.#absence('open', path)
    return content
  }

  /** Why nothing can be reached at a path that no directory has: a file may stand in the way. */
  #absence(operation: DiskOperation, path: string, named = path): DrystoneError {
    for (let at = path; at !== ''; at = directoryOf(at)) {
      if (this.#names.find(at) !== undefined) return refusal(operation, named, 'ENOTDIR')
    }
    return new FileMissing(named)
  }

  /** @returns true if a write is to be short. @throws {DiskFailed} @throws {DiskFull} if told to. */
  #call(operation: DiskOperation, path: string): boolean {
    assertInside(path)
    if (!READING.has(operation)) this.changes++
    return this.#faults.meet(operation, path, this.fault)
  }

  #file(path: string, content: Content, mode: OpenMode): DiskFile {
    const process = this.#processes
    let isOpen = true
    const assertOpen = (operation: DiskOperation): void => {
      if (!isOpen || process !== this.#processes) throw refusal(operation, path, 'EBADF')
    }
    return {
      path,
      read: async (offset, length) => {
        assertOpen('read')
        this.#call('read', path)
        return content.read(offset, length)
      },
      write: async (bytes, offset) => {
        assertOpen('write')
        if (mode === 'read') throw refusal('write', path, 'EBADF')
        const isShort = this.#call('write', path)
        return this.#write(content, { path, offset, bytes: isShort ? halfOf(bytes) : bytes })
      },
      size: async () => {
        assertOpen('read')
        return content.length
      },
      sync: async () => {
        assertOpen('sync')
        try {
          this.#call('sync', path)
        } catch (error) {
          content.failSync()
          throw error
        }
        content.sync()
      },
      close: async () => {
        isOpen = false
      }
    }
  }

  /** Takes what there is space for, and is full when that is nothing. @returns how many bytes */
  #write(
    content: Content,
    { path, offset, bytes }: { path: string; offset: number; bytes: Uint8Array }
  ): number {
    if (bytes.length === 0) return 0
    const before = content.length
    const taken = Math.min(bytes.length, before + this.#free() - offset)
    if (taken < bytes.length) {
      this.#hasLackedRoom = true
      this.#faults.refusals++
    }
    if (taken <= 0) throw refusal('write', path, 'ENOSPC')
    content.write(bytes.subarray(0, taken), offset)
    if (content.isNamed) this.#names.bytesUsed += content.length - before
    return taken
  }
}

function halfOf(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, Math.floor(bytes.length / 2))
}
