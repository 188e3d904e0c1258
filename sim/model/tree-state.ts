// A tree as a person would describe it: what is at each path. It is the model's own, taken from the nodes
// of a tree in memory and compared by itself, so that it cannot share a mistake with the scanner, the
// pages or the restorer.

import type { MemoryTree } from '../tree/tree.ts'

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
  /** The first path, in the order of a walk, of all names of this file; its own where there is one. */
  linkGroup: string
}

/** A folder that holds this name is a home of Drystone, and no part of a backup. */
const HOME_MARKER = '.drystone-home'

/**
 * The tree as it is now. Later changes of the tree do not show in it: a tree replaces bytes, and never
 * changes them in place, so they are shared.
 */
export function stateOf(tree: MemoryTree): TreeState {
  const state = new Map<string, EntryState>()
  const firstPaths = new Map<unknown, string>()
  let home: string | undefined
  for (const [path, node] of tree.each()) {
    if (home !== undefined && path.startsWith(home)) continue
    if (node.type === 'directory' && node.names.has(HOME_MARKER)) {
      home = path === '' ? '' : `${path}/`
      continue
    }
    const { type, mode, uid, gid, mtimeNs, bytes, target, device } = node
    const first = type === 'file' ? (firstPaths.get(node) ?? path) : path
    firstPaths.set(node, first)
    const xattrs = node.xattrs
      .map(([name, value]) => [latin1(name), latin1(value)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1))
    const own = { type, mode, uid, gid, mtimeNs, bytes, target, device }
    state.set(path, { ...own, xattrs, linkGroup: first })
  }
  return state
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
