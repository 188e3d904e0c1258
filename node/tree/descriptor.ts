// Reading from a file that another thread of this process has open. Descriptors belong to the process; the
// position is given with every read, so that no two threads move one another's.

import { readSync } from 'node:fs'

/** Reads into `bytes` from `position` on; returns how many came, 0 at the end. Throws as node:fs does. */
export function readAt(descriptor: number, bytes: Uint8Array, position: number): number {
  return readSync(descriptor, bytes, 0, bytes.length, position)
}
