// Windows: a file that is read from front to back in small steps, seen through a window that is read at once.
// Where the disk refuses the window, it is asked for no more than was wanted: one bad sector hides only what
// lies in it. The file ends where it ended when it was read there; what is appended since is not seen.

import type { DiskFile } from './disk.ts'
import { DiskFailed } from './errors.ts'

/** `file`, read at least `bytes` at a time. Whoever opened it closes it. */
export function windowOf(file: DiskFile, bytes: number): DiskFile {
  let window: Uint8Array = new Uint8Array(0)
  let windowAt = 0
  let isAtEnd = false
  const isInside = (offset: number, length: number): boolean => {
    const end = windowAt + window.length
    return offset >= windowAt && (offset + length <= end || (isAtEnd && offset < end))
  }
  return {
    path: file.path,
    size: () => file.size(),
    write: (given, offset) => file.write(given, offset),
    sync: () => file.sync(),
    close: () => file.close(),
    async read(offset, length) {
      if (!isInside(offset, length)) {
        const asked = Math.max(length, bytes)
        try {
          window = await file.read(offset, asked)
          windowAt = offset
          isAtEnd = window.length < asked
        } catch (error) {
          if (!(error instanceof DiskFailed) || length >= bytes) throw error
          return file.read(offset, length)
        }
      }
      return window.subarray(offset - windowAt, offset - windowAt + length)
    }
  }
}
