// The disk port: a peer's own home, and nothing else. It is low-level on purpose (open, write at, sync,
// rename, sync directory), so that a simulated disk can lose, tear or refuse at every call. Durable
// whole-file writing is built on top of it here, once. Paths are '/'-separated and relative to the home.

export type OpenMode = 'read' | 'create' | 'update'

export interface DiskFile {
  /** Up to `length` bytes at `offset`; fewer only at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>
  /** Writes at `offset`; returns how many bytes were written, which may be fewer than given. */
  write(bytes: Uint8Array, offset: number): Promise<number>
  size(): Promise<number>
  /** Durable when it resolves. */
  sync(): Promise<void>
  close(): Promise<void>
}

export interface Disk {
  /** Where the home is, for messages, and for the libraries that need a real path; undefined in memory. */
  readonly location: string | undefined
  /** `create` fails if the file exists; `update` and `read` fail if it does not. */
  open(path: string, mode: OpenMode): Promise<DiskFile>
  /** Names in a directory, sorted; undefined if there is no such directory. Never partial: it throws. */
  list(path: string): Promise<string[] | undefined>
  /** Makes a directory and its missing parents, private to the user (0700). */
  makeDirectory(path: string): Promise<void>
  /** Replaces what stands at `to`. Durable only after syncDirectory of the parent. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file. Not an error if there is none. */
  remove(path: string): Promise<void>
  syncDirectory(path: string): Promise<void>
  /** Bytes free and in all on the disk that holds the home. */
  space(): Promise<{ free: number; total: number }>
}
