// One life of a disk: what a process holds until the power goes. Afterwards every call fails, so a process
// that died cannot write to the disk on which the next one runs.

import type { Disk, DiskFile, OpenMode } from '../store/disk.ts'
import { DiskFailed } from '../store/errors.ts'

export class MortalDisk implements Disk {
  readonly location = undefined
  readonly #disk: Disk
  #isDead = false

  constructor(disk: Disk) {
    this.#disk = disk
  }

  die(): void {
    this.#isDead = true
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    return this.#alive(path).open(path, mode)
  }

  async list(path: string): Promise<string[] | undefined> {
    return this.#alive(path).list(path)
  }

  async makeDirectory(path: string): Promise<void> {
    return this.#alive(path).makeDirectory(path)
  }

  async rename(from: string, to: string): Promise<void> {
    return this.#alive(to).rename(from, to)
  }

  async remove(path: string): Promise<void> {
    return this.#alive(path).remove(path)
  }

  async syncDirectory(path: string): Promise<void> {
    return this.#alive(path).syncDirectory(path)
  }

  async space(): Promise<{ free: number; total: number }> {
    return this.#alive('').space()
  }

  #alive(path: string): Disk {
    if (this.#isDead) throw new DiskFailed(path, 'the power went:')
    return this.#disk
  }
}
