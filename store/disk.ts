// The disk port: a peer's own home, and nothing else. It is low-level on purpose (open, write at, sync,
// rename, sync directory), so that a simulated disk can lose, tear or refuse at every call. Durable
// whole-file writing is built on top of it here, once, and the real disk stands below. Paths are
// '/'-separated and relative to the home, and never lead out of it; '' is the home itself. Every failure
// is DiskFull, FileMissing or DiskFailed.

import { constants, readSync, writeSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { dirname as parentOf, join, resolve } from 'node:path'
import { DiskFailed, DiskFull, FileMissing, Malformed, quoted } from './errors.ts'

export type OpenMode = 'read' | 'create' | 'update'

export interface DiskFile {
  /** As it was opened, for messages. */
  readonly path: string
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
  /** `create` fails if the file exists; `update` and `read` fail with FileMissing if it does not. */
  open(path: string, mode: OpenMode): Promise<DiskFile>
  /** Names in a directory, sorted; undefined if there is no such directory. Never partial: it throws. */
  list(path: string): Promise<string[] | undefined>
  /** Makes a directory and its missing parents, private to the user (0700), durably. */
  makeDirectory(path: string): Promise<void>
  /** Replaces what stands at `to`. Durable only after syncDirectory of the parent. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file. Not an error if there is none. */
  remove(path: string): Promise<void>
  syncDirectory(path: string): Promise<void>
  /** Bytes free and in all on the disk that holds the home. */
  space(): Promise<{ free: number; total: number }>
}

/** Smaller reads and writes are done in step: most meet the page cache, and a thread hop costs more. */
const IN_STEP_BYTES = 128 << 10
/** Where readFile stops unless told otherwise. */
export const DEFAULT_FILE_BYTES_MAX = 16 << 20
const TEMPORARY = /\.\d+\.new$/

/** True for the name of a file that writeFile had not finished. It holds nothing that counts. */
export function isTemporary(name: string): boolean {
  return TEMPORARY.test(name)
}

/**
 * All bytes of a file, or undefined if there is none.
 *
 * @throws {Malformed} if it is longer than `bytesMax`.
 */
export async function readFile(
  disk: Disk,
  path: string,
  { bytesMax = DEFAULT_FILE_BYTES_MAX }: { bytesMax?: number } = {}
): Promise<Uint8Array | undefined> {
  let file: DiskFile
  try {
    file = await disk.open(path, 'read')
  } catch (error) {
    if (error instanceof FileMissing) return undefined
    throw error
  }
  try {
    const size = await file.size()
    if (size > bytesMax)
      throw new Malformed(`${path} has ${size} bytes; at most ${bytesMax} belong`)
    return await file.read(0, size)
  } finally {
    await file.close()
  }
}

/** Writes all of `bytes` at `offset`, however little each write takes. */
export async function writeAll(file: DiskFile, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const written = await file.write(bytes.subarray(done), offset + done)
    if (written <= 0) throw new DiskFailed(file.path, 'writing (the disk took no bytes)')
    done += written
  }
}

/** How many files writeFile has begun on a disk: two writers of one path never share a temporary file. */
const begun = new WeakMap<Disk, number>()

/**
 * Puts `bytes` in the place of whatever stands at `path`: durable and read back when it resolves, and at
 * no moment is there anything but the old bytes or the new. The directory must be there.
 */
export async function writeFile(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  await replaceWith(disk, path, (file) => writeAll(file, bytes, 0))
  const found = await readFile(disk, path, { bytesMax: bytes.length })
  if (found === undefined || Buffer.compare(found, bytes) !== 0) {
    throw new DiskFailed(path, 'reading back what was written')
  }
}

/**
 * Puts what `write` fills in the place of whatever stands at `path`: durable when it resolves, and to be
 * read back by the caller.
 */
export async function replaceWith(
  disk: Disk,
  path: string,
  write: (file: DiskFile) => Promise<void>
): Promise<void> {
  const count = (begun.get(disk) ?? 0) + 1
  begun.set(disk, count)
  const temporary = `${path}.${count}.new`
  await disk.remove(temporary)
  try {
    const file = await disk.open(temporary, 'create')
    try {
      await write(file)
      await file.sync()
    } finally {
      await file.close()
    }
    await disk.rename(temporary, path)
  } catch (error) {
    // What went wrong first is what the caller must hear.
    await disk.remove(temporary).catch(() => undefined)
    throw error
  }
  await disk.syncDirectory(directoryOf(path))
}

/** The directory that a path stands in; '' is the home. */
export function directoryOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

/**
 * @throws {Malformed} unless `path` stays inside the home, whatever the platform. (Windows drops dots and
 * spaces at the end of a name: there `.. ` is the parent.)
 */
export function assertInside(path: string): void {
  if (path === '') return
  const parts = path.split('/')
  if (/[\0\\:]/.test(path) || parts.some((part) => part === '' || /[. ]$/.test(part))) {
    throw new Malformed(`${quoted(path)} is not a path inside a home`)
  }
}

/** Opens the home at `location` on the real disk, and makes it (0700) if there is none. */
export async function openDisk(location: string): Promise<Disk> {
  const home = resolve(location)
  await failing(home, 'making the home', () => makeDurably(home))
  return new RealDisk(home)
}

/** Bytes free and in all on the disk that holds `location`. */
export async function spaceAt(location: string): Promise<{ free: number; total: number }> {
  const { bavail, blocks, bsize } = await failing(location, 'asking for free space', () =>
    fs.statfs(location)
  )
  return { free: bavail * bsize, total: blocks * bsize }
}

/** Deletes a directory with all in it. Only for what can be made again, such as the index. */
export async function removeDirectory(location: string): Promise<void> {
  await failing(location, 'deleting', () => fs.rm(location, { recursive: true, force: true }))
}

const FLAGS: Record<OpenMode, number> = {
  read: constants.O_RDONLY,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
  update: constants.O_RDWR
}
/** Absent on Windows. */
const NO_FOLLOW: number = constants.O_NOFOLLOW ?? 0

class RealDisk implements Disk {
  readonly location: string

  constructor(location: string) {
    this.location = location
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    const place = this.#place(path)
    const handle = await failing(path, `opening (${mode})`, () =>
      fs.open(place, FLAGS[mode] | NO_FOLLOW, 0o600)
    )
    return new RealFile(path, handle)
  }

  async list(path: string): Promise<string[] | undefined> {
    const place = this.#place(path)
    try {
      return (await failing(path, 'listing', () => fs.readdir(place))).sort()
    } catch (error) {
      if (error instanceof FileMissing) return undefined
      throw error
    }
  }

  async makeDirectory(path: string): Promise<void> {
    const place = this.#place(path)
    await failing(path, 'making a directory', () => makeDurably(place))
    // The home itself may have been there before, with other rights.
    if (path === '') await failing(path, 'making it private', () => fs.chmod(place, 0o700))
  }

  async rename(from: string, to: string): Promise<void> {
    const [old, place] = [this.#place(from), this.#place(to)]
    await failing(to, 'renaming', () => fs.rename(old, place))
  }

  async remove(path: string): Promise<void> {
    const place = this.#place(path)
    await failing(path, 'removing', () => fs.rm(place, { force: true }))
  }

  async syncDirectory(path: string): Promise<void> {
    const place = this.#place(path)
    await failing(path, 'syncing a directory', () => syncDirectoryAt(place))
  }

  async space(): Promise<{ free: number; total: number }> {
    return spaceAt(this.location)
  }

  #place(path: string): string {
    assertInside(path)
    return join(this.location, path)
  }
}

class RealFile implements DiskFile {
  readonly path: string
  readonly #handle: fs.FileHandle

  constructor(path: string, handle: fs.FileHandle) {
    this.path = path
    this.#handle = handle
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length)
    let done = 0
    while (done < length) {
      const at = done
      const bytesRead = await failing(this.path, 'reading', async () =>
        length - at <= IN_STEP_BYTES
          ? readSync(this.#handle.fd, bytes, at, length - at, offset + at)
          : (await this.#handle.read(bytes, at, length - at, offset + at)).bytesRead
      )
      if (bytesRead === 0) break
      done += bytesRead
    }
    return bytes.subarray(0, done)
  }

  async write(bytes: Uint8Array, offset: number): Promise<number> {
    const bytesWritten = await failing(this.path, 'writing', async () =>
      bytes.length <= IN_STEP_BYTES
        ? writeSync(this.#handle.fd, bytes, 0, bytes.length, offset)
        : (await this.#handle.write(bytes, 0, bytes.length, offset)).bytesWritten
    )
    return bytesWritten
  }

  async size(): Promise<number> {
    return (await failing(this.path, 'asking for the size', () => this.#handle.stat())).size
  }

  async sync(): Promise<void> {
    await failing(this.path, 'syncing', () => this.#handle.sync())
  }

  async close(): Promise<void> {
    await failing(this.path, 'closing', () => this.#handle.close())
  }
}

/** Runs `call`, and gives its failure our name. */
async function failing<T>(path: string, what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code === 'ENOSPC' || code === 'EDQUOT') throw new DiskFull(path, { cause })
    if (code === 'ENOENT') throw new FileMissing(path, { cause })
    throw new DiskFailed(path, what, { cause })
  }
}

/** A directory's name is durable only when its parent is, so every parent of a new one is synced. */
async function makeDurably(place: string): Promise<void> {
  const first = await fs.mkdir(place, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let at = place; at.length >= first.length; at = parentOf(at)) {
    await syncDirectoryAt(parentOf(at))
  }
}

async function syncDirectoryAt(place: string): Promise<void> {
  // Windows cannot open a directory; it makes names durable with the file.
  if (process.platform === 'win32') return
  const handle = await fs.open(place, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
