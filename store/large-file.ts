// Files that are too large to be held in memory and are still replaced as a whole: written and read in
// pieces, and as durable as the small ones.

import { replaceWith, writeAll, type Disk, type DiskFile } from './disk.ts'
import { DiskFailed, FileMissing } from './errors.ts'

/** What is read at a time. */
const PIECE_BYTES = 512 << 10

/**
 * What writeFile does, for a file that is too large to be held: `pieces` gives its bytes, the same ones
 * each time.
 */
export async function replaceFile(
  disk: Disk,
  path: string,
  pieces: () => Iterable<Uint8Array>
): Promise<void> {
  await replaceWith(disk, path, async (file) => {
    let at = 0
    for (const piece of pieces()) {
      await writeAll(file, piece, at)
      at += piece.length
    }
  })
  const found = readPieces(disk, path)
  let rest = Buffer.alloc(0)
  for (const piece of pieces()) {
    while (rest.length < piece.length) {
      const { value } = await found.next()
      if (value === undefined) break
      rest = Buffer.concat([rest, value])
    }
    if (Buffer.compare(rest.subarray(0, piece.length), piece) !== 0) throw notReadBack(path)
    rest = rest.subarray(piece.length)
  }
  if (rest.length > 0 || (await found.next()).done !== true) throw notReadBack(path)
}

/** The bytes of a file from its first to its last, in pieces; none if there is no file. */
export async function* readPieces(disk: Disk, path: string): AsyncGenerator<Uint8Array, undefined> {
  let file: DiskFile
  try {
    file = await disk.open(path, 'read')
  } catch (error) {
    if (error instanceof FileMissing) return
    throw error
  }
  try {
    for (let at = 0; ;) {
      const piece = await file.read(at, PIECE_BYTES)
      if (piece.length === 0) return
      yield piece
      at += piece.length
    }
  } finally {
    await file.close()
  }
}

function notReadBack(path: string): DiskFailed {
  return new DiskFailed(path, 'reading back what was written')
}
