// An entry of a state as commands print it: the fields of `--json`, and the columns for people. Names are
// shown so that no terminal takes them for commands.

import { toHex } from '../../store/block.ts'
import type { Entry } from '../../store/entry.ts'
import { showPath } from '../tree/path.ts'
import { momentText } from './output.ts'

/** The fields of `--json`. */
export function entryRow(path: Uint8Array, entry: Entry) {
  const { type, mode, uid, gid, size, mtimeNs, hash, target } = entry
  return {
    path: showPath(path),
    type,
    mode: mode.toString(8).padStart(4, '0'),
    uid,
    gid,
    size,
    mtime: new Date(Number(mtimeNs / 1_000_000n)).toISOString(),
    hash: hash && toHex(hash),
    target: target && showPath(target)
  }
}

export type EntryRow = ReturnType<typeof entryRow>

/** For people: type, mode, size and time. */
export function entryColumns({ type, mode, size, mtime }: EntryRow): string[] {
  return [type, mode, String(size).padStart(12), momentText(mtime)]
}
