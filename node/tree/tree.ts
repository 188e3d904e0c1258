// The port for a protected tree: reading it for a backup, writing it for a restore. Paths are bytes,
// relative to the root, joined by '/'; the root itself is the empty path. Reading follows no symbolic
// link and opens nothing that is not what it seemed; writing never leaves the root.

import type { EntryType } from '../../store/entry.ts'
import type { TreeWatch } from './watch.ts'

/** A path below the root: name bytes joined by 0x2f, no leading slash; empty for the root. */
export type TreePath = Uint8Array

/** An extended attribute: its name and value as bytes. ACLs and capabilities are among them. */
export type Xattr = readonly [name: Uint8Array, value: Uint8Array]

export interface TreeStat {
  type: EntryType
  /** Permission bits with setuid, setgid and sticky: the low 12 bits. */
  mode: number
  uid: number
  gid: number
  /** Bytes of a regular file; 0 for everything else. */
  size: number
  /** Nanoseconds since 1970. */
  mtimeNs: bigint
  ctimeNs: bigint
  /** Which file system, and which file on it. */
  device: bigint
  inode: bigint
  /** Names that this file has, anywhere. */
  links: number
  /** What a block or character device stands for. */
  major: number
  minor: number
}

export interface TreeEntry {
  name: Uint8Array
  stat: TreeStat
}

/** An open regular file. */
export interface TreeFile {
  /** Its number in this process, where it has one: other threads may read from it, by position. */
  readonly descriptor?: number
  /** As the open file says, not its name. */
  stat(): Promise<TreeStat>
  /** The next bytes, up to `length`; empty at the end. A view that stays valid. */
  read(length: number): Promise<Uint8Array>
  close(): Promise<void>
}

export interface Tree {
  /** What a message calls the root. */
  readonly where: string
  /** The entry at a path, no link followed; undefined when nothing is there. @throws {Unreadable} */
  stat(path: TreePath): Promise<TreeStat | undefined>
  /**
   * The entries of a directory, sorted by name bytes. Never partial.
   *
   * @throws {Unreadable}
   */
  list(path: TreePath): Promise<TreeEntry[]>
  /** Opens a regular file; refuses if what opens is not what `expected` saw. @throws {Unreadable} */
  open(path: TreePath, expected: TreeStat): Promise<TreeFile>
  readLink(path: TreePath): Promise<Uint8Array>
  /** Sorted by name; empty where the file system has none. */
  xattrs(path: TreePath): Promise<Xattr[]>
  /** Devices of file systems that the kernel makes up, such as /proc. Absent where there are none. */
  virtual?(): Promise<ReadonlySet<bigint>>
  /** Starts hearing of changes; close it when done. Absent where there is no hearing. @throws {NotWatched} */
  watch?(): Promise<TreeWatch>
  /** Starts writing below the root, which is made if it is missing. */
  writer(): Promise<TreeWriter>
}

/** Metadata that a restore sets; what the platform or the user cannot set is named in the warnings. */
export interface TreeMetadata {
  type: EntryType
  mode: number
  uid: number
  gid: number
  mtimeNs: bigint
  xattrs: readonly Xattr[]
}

/** A file being written under a temporary name in its final directory. */
export interface TreeFileWriter {
  write(bytes: Uint8Array): Promise<void>
  /** Leaves a hole of `length` zero bytes. */
  skip(length: number): Promise<void>
  /** Sets metadata and gives the file its name, replacing a file (never a directory) that stood there. */
  commit(metadata: TreeMetadata): Promise<string[]>
  discard(): Promise<void>
}

/**
 * The one walker that writes. Every path is resolved component by component from the root without
 * following a link. Methods that set metadata return a warning for each thing that could not be set.
 */
export interface TreeWriter {
  /** Makes a directory (0700 until finishDirectory) unless one is there. @throws {NotWritable} */
  makeDirectory(path: TreePath): Promise<void>
  /** Sets a directory's metadata; called after everything below it is done. */
  finishDirectory(path: TreePath, metadata: TreeMetadata): Promise<string[]>
  createFile(path: TreePath): Promise<TreeFileWriter>
  /** Only the metadata of an entry that is already there with the right content. */
  setMetadata(path: TreePath, metadata: TreeMetadata): Promise<string[]>
  symlink(path: TreePath, target: Uint8Array, metadata: TreeMetadata): Promise<string[]>
  /** Another name for a regular file that this writer created or found. */
  hardLink(path: TreePath, existing: TreePath): Promise<void>
  /** A fifo, or (as root) a device. */
  special(path: TreePath, metadata: TreeMetadata, major: number, minor: number): Promise<string[]>
  /** Removes a file, or a directory with all it holds. */
  remove(path: TreePath): Promise<void>
  rename(from: TreePath, to: TreePath): Promise<void>
  /** Bytes free where the root lies. */
  free(): Promise<number>
  close(): Promise<void>
}
