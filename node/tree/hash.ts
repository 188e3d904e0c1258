// The fingerprint of a file as it lies in a tree now: opened as what was seen there, read to its end, and
// closed whatever happens. Whoever compares a file with an entry does it by this.

import { createHash } from 'node:crypto'
import type { Hash } from '../../store/block.ts'
import type { Tree, TreePath, TreeStat } from './tree.ts'

const READ_BYTES = 1 << 20

export interface HashOptions {
  /** Is told of every piece, in bytes, before the next is read: to wait, or to stop by throwing. */
  onPiece?: (bytes: number) => Promise<void>
}

/** SHA-256 of all bytes of the file that `stat` saw at `path`. @throws {Unreadable} */
export async function hashFile(
  tree: Tree,
  path: TreePath,
  stat: TreeStat,
  { onPiece }: HashOptions = {}
): Promise<Hash> {
  const file = await tree.open(path, stat)
  try {
    const hash = createHash('sha256')
    for (;;) {
      const piece = await file.read(READ_BYTES)
      if (piece.length === 0) return new Uint8Array(hash.digest())
      hash.update(piece)
      await onPiece?.(piece.length)
    }
  } finally {
    await file.close()
  }
}
