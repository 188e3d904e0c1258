// One file being written under a temporary name. Bytes go where the position says, so a skipped stretch
// stays a hole and a short write is continued. Whatever fails, the temporary name is taken away again,
// and the name the file was meant for still leads to what was there before.

import { closeSync, ftruncateSync, write, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import { systemError, unwritable } from './failures.ts'
import type { TreeFileWriter, TreeMetadata } from './tree.ts'

/** Writes up to this long are faster at once than through the thread pool. */
export const WRITE_AT_ONCE_MAX = 128 * 1024

const writeLater = promisify(write)

/** What only the walker can do: it knows the directory. */
export interface FileSteps {
  /** Writes up to this long are done at once, longer ones while other work goes on. */
  atOnceMax: number
  apply(metadata: TreeMetadata): string[]
  /** Gives the file its name. */
  name(): void
  /** Takes the temporary name away. */
  remove(): void
}

export class RealFileWriter implements TreeFileWriter {
  readonly #descriptor: number
  readonly #shown: string
  readonly #steps: FileSteps
  #position = 0
  /** Where the last byte that was written ends; beyond it lies only a hole. */
  #end = 0
  #open = true

  constructor(descriptor: number, shown: string, steps: FileSteps) {
    this.#descriptor = descriptor
    this.#shown = shown
    this.#steps = steps
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#assertOpen()
    try {
      for (let done = 0; done < bytes.length;) {
        const count = await this.#writeSome(bytes, done)
        if (count === 0) throw systemError('EIO', 'the disk takes no more bytes')
        done += count
        this.#position += count
      }
      if (bytes.length > 0) this.#end = this.#position
    } catch (error) {
      throw unwritable(this.#shown, error)
    }
  }

  async #writeSome(bytes: Uint8Array, from: number): Promise<number> {
    const length = bytes.length - from
    const at = this.#position
    if (length <= this.#steps.atOnceMax) return writeSync(this.#descriptor, bytes, from, length, at)
    return (await writeLater(this.#descriptor, bytes, from, length, at)).bytesWritten
  }

  async skip(length: number): Promise<void> {
    this.#assertOpen()
    this.#position += length
  }

  async commit(metadata: TreeMetadata): Promise<string[]> {
    this.#assertOpen()
    try {
      if (this.#position > this.#end) ftruncateSync(this.#descriptor, this.#position)
      const warnings = this.#steps.apply(metadata)
      this.#close()
      this.#steps.name()
      return warnings
    } catch (error) {
      if (this.#open) this.#close()
      this.#removeQuietly()
      throw unwritable(this.#shown, error)
    }
  }

  async discard(): Promise<void> {
    if (!this.#open) return
    this.#close()
    this.#removeQuietly()
  }

  #removeQuietly(): void {
    try {
      this.#steps.remove()
    } catch {
      // Its directory went away; finishing that directory clears what is left.
    }
  }

  #close(): void {
    this.#open = false
    closeSync(this.#descriptor)
  }

  #assertOpen(): void {
    if (!this.#open) throw new Error(`${this.#shown} is written after its end`)
  }
}
