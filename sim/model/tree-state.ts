// A tree as a person would describe it: what is at each path. It is the model's own, taken from the nodes
// of a tree in memory and compared by itself, so that it cannot share a mistake with the scanner, the
// pages or the restorer.

/** By path: names joined by '/', bytes as latin1; '' is the root. */
export type TreeState = ReadonlyMap<string, EntryState>

export interface EntryState {
  type: 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'block' | 'character'
  mode: number
  uid: number
  gid: number
  mtimeNs: bigint
  /** Content of a file. */
  bytes: Uint8Array
  /** Of a symbolic link. */
  target: Uint8Array
  device: readonly [major: number, minor: number]
  /** Sorted by name; name and value as latin1. */
  xattrs: readonly (readonly [name: string, value: string])[]
  /** The smallest path of all names of this file. */
  linkGroup: string
}
