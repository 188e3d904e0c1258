// Files open for reading, kept so because opening one for every block is slow, and bounded because a
// process may hold only so many. A file is never closed while somebody reads from it.

import type { Disk, DiskFile } from './disk.ts'

export const DEFAULT_OPEN_FILES_MAX = 64

interface Held {
  file: Promise<DiskFile>
  readers: number
}

export class OpenFiles {
  readonly #disk: Disk
  readonly #most: number
  /** The least recently used comes first. */
  readonly #held = new Map<string, Held>()

  constructor(disk: Disk, { most = DEFAULT_OPEN_FILES_MAX }: { most?: number } = {}) {
    this.#disk = disk
    this.#most = most
  }

  /** Runs `read` on the file at `path`. @throws {FileMissing} @throws {DiskFailed} */
  async use<T>(path: string, read: (file: DiskFile) => Promise<T>): Promise<T> {
    const held = this.#held.get(path) ?? { file: this.#disk.open(path, 'read'), readers: 0 }
    this.#held.delete(path)
    this.#held.set(path, held)
    held.readers++
    try {
      return await read(await held.file)
    } catch (error) {
      // Whatever went wrong, the next reader opens it anew.
      if (this.#held.get(path) === held) this.#held.delete(path)
      throw error
    } finally {
      held.readers--
      if (held.readers === 0 && this.#held.get(path) !== held) await closeQuietly(held)
      await this.#trim()
    }
  }

  /** A file that is gone is not held any longer. */
  async forget(path: string): Promise<void> {
    const held = this.#held.get(path)
    this.#held.delete(path)
    if (held?.readers === 0) await closeQuietly(held)
  }

  async close(): Promise<void> {
    const idle = [...this.#held.values()].filter(({ readers }) => readers === 0)
    this.#held.clear()
    await Promise.all(idle.map(closeQuietly))
  }

  async #trim(): Promise<void> {
    for (const [path, held] of this.#held) {
      if (this.#held.size <= this.#most) return
      if (held.readers > 0) continue
      this.#held.delete(path)
      await closeQuietly(held)
    }
  }
}

/** A file that was only read loses nothing when closing fails. */
async function closeQuietly({ file }: Held): Promise<void> {
  await file.then((each) => each.close()).catch(() => undefined)
}
