// A chunk as it lies, on its way from the peer to a command: its bytes, or the place in the peer's files
// where the command reads them itself, since both are the same user's.

import type { Method, StoredBlock, StoredPlace } from '../../store/stored.ts'

export type WrittenLying =
  | readonly [method: Method, plainLength: number, body: Uint8Array]
  | readonly [method: Method, plainLength: number, path: string, offset: number, length: number]

export function writeLying(chunk: StoredBlock | StoredPlace): WrittenLying {
  const { method, plainLength } = chunk
  if ('body' in chunk) return [method, plainLength, chunk.body]
  return [method, plainLength, chunk.path, chunk.offset, chunk.storedLength]
}

export function readLying(written: WrittenLying): StoredBlock | StoredPlace {
  if (written.length === 3) {
    const [method, plainLength, body] = written
    return { method, plainLength, body }
  }
  const [method, plainLength, path, offset, storedLength] = written
  return { method, plainLength, path, offset, storedLength }
}
