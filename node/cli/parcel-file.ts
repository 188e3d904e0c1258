// The file of an export, opened with the rights of whoever called. One that is written stands under another
// name until it is durable and was read back, so what bears the name that was asked for is whole. One that is
// read is believed in nothing: where it is cut or damaged, the failure says at which record.

import { constants } from 'node:fs'
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Hash } from '../../store/block.ts'
import { DiskFailed, DiskFull, Malformed, ParcelDamaged } from '../../store/errors.ts'
import {
  ParcelList,
  encodeOpening,
  readBlock,
  readOpening,
  readParcelList,
  scanParcel,
  type OpenedParcel,
  type Opening,
  type ParcelSource
} from '../../store/parcel.ts'
import { encodeRecord } from '../../store/segment.ts'
import type { StoredBlock } from '../../store/stored.ts'
import { WrongUsage } from './session.ts'

/** Gathered before it is written. */
const BUFFER_BYTES = 4 << 20

/** A parcel that is being written. */
export class ParcelWriter {
  readonly #path: string
  readonly #temporary: string
  readonly #file: FileHandle
  readonly #list = new ParcelList()
  #opened: OpenedParcel | undefined
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #written = 0
  #at = 0

  private constructor(path: string, temporary: string, file: FileHandle) {
    this.#path = path
    this.#temporary = temporary
    this.#file = file
  }

  /** @throws {WrongUsage} if something stands at `path` */
  static async create(path: string): Promise<ParcelWriter> {
    const temporary = join(dirname(path), `.${basename(path)}.drystone-unfinished`)
    await assertFree(path)
    try {
      // One that an interrupted export left is its own.
      await rm(temporary, { force: true })
      const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL
      return new ParcelWriter(path, temporary, await open(temporary, flags, 0o600))
    } catch (cause) {
      throw new WrongUsage(`${path} cannot be written: ${whyOf(cause)}`, {
        next: 'Name a file in a folder where you may write.',
        cause
      })
    }
  }

  /** Bytes so far. */
  get bytes(): number {
    return this.#at
  }

  async begin(opening: Opening): Promise<void> {
    const bytes = encodeOpening(opening)
    await this.#append(bytes)
    this.#opened = { opening, begin: bytes.length, sum: bytes.subarray(-32) }
  }

  async add(hash: Hash, stored: StoredBlock): Promise<void> {
    this.#list.add(hash, this.#at)
    await this.#append(encodeRecord(hash, stored))
  }

  /** Makes it durable, reads it back, and gives it its name. @throws {DiskFull} @throws {DiskFailed} */
  async finish(onRead: (bytes: number) => void): Promise<void> {
    const { begin, sum } = this.#opened as OpenedParcel
    const end = this.#at
    await this.#append(this.#list.encode(end, sum))
    await this.#flush()
    await failing(this.#path, () => this.#file.sync())
    const source = sourceOf(this.#path, this.#file)
    const { records } = await scanParcel(source, { begin, end }, (seen) => onRead(seen.end))
    const { list } = await readParcelList(source, await readOpening(source))
    if (records !== this.#list.size || list.size !== records) {
      throw new DiskFailed(this.#path, 'reading back what was written')
    }
    const { ino } = await failing(this.#path, () => this.#file.stat())
    await failing(this.#path, () => this.#file.close())
    const named = await stat(this.#temporary).catch(() => undefined)
    if (named?.ino !== ino) {
      throw new WrongUsage(`${this.#path} is being written by another export as well`, {
        next: 'Let one of them end, or name another file.'
      })
    }
    await assertFree(this.#path)
    await failing(this.#path, () => rename(this.#temporary, this.#path))
    await failing(this.#path, () => syncFolder(dirname(this.#path)))
  }

  /** Leaves nothing behind. */
  async abandon(): Promise<void> {
    await this.#file.close().catch(() => undefined)
    await rm(this.#temporary, { force: true }).catch(() => undefined)
  }

  async #append(bytes: Uint8Array): Promise<void> {
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    this.#at += bytes.length
    if (this.#waitingBytes >= BUFFER_BYTES) await this.#flush()
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#waiting)
    this.#waiting = []
    this.#waitingBytes = 0
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await failing(this.#path, () =>
        this.#file.write(bytes, done, bytes.length - done, this.#written)
      )
      if (bytesWritten === 0) throw new DiskFailed(this.#path, 'writing (the disk took no bytes)')
      done += bytesWritten
      this.#written += bytesWritten
    }
  }
}

/** A parcel that is read. */
export class ParcelReader {
  readonly opening: Opening
  /** Blocks inside. */
  readonly blocks: number
  readonly #path: string
  readonly #file: FileHandle
  readonly #source: ParcelSource
  readonly #list: ParcelList

  private constructor(
    path: string,
    file: FileHandle,
    { opened, list }: { opened: OpenedParcel; list: ParcelList }
  ) {
    this.#path = path
    this.#file = file
    this.#source = sourceOf(path, file)
    this.#list = list
    this.opening = opened.opening
    this.blocks = list.size
  }

  /**
   * @throws {WrongUsage} if it cannot be read, or is no export.
   * @throws {ParcelDamaged} if it is cut or damaged: says at which record, where one can tell.
   */
  static async open(path: string): Promise<ParcelReader> {
    let file: FileHandle
    try {
      // A pipe that nobody writes to would be waited for without an end.
      file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
      if (!(await file.stat()).isFile()) throw new Error('it is no file')
    } catch (cause) {
      throw new WrongUsage(`${path} cannot be read: ${whyOf(cause)}`, {
        next: 'Name a file that `drystone export` wrote.',
        cause
      })
    }
    const source = sourceOf(path, file)
    try {
      const opened = await readOpening(source)
      const { list } = await readParcelList(source, opened).catch(async (error: unknown) => {
        throw error instanceof Malformed ? await cutAt(path, source, opened, error) : error
      })
      return new ParcelReader(path, file, { opened, list })
    } catch (error) {
      await file.close()
      throw error instanceof Malformed ? new ParcelDamaged(path, error.message) : error
    }
  }

  /** A block as it lies, unproved; undefined if it is not inside. @throws {ParcelDamaged} */
  async get(hash: Hash): Promise<StoredBlock | undefined> {
    const offset = this.#list.find(hash)
    if (offset === undefined) return undefined
    const stored = await readBlock(this.#source, { hash, offset })
    if (stored !== undefined) return stored
    const number = this.#list.before(offset) + 1
    throw new ParcelDamaged(this.#path, `record ${number}, at byte ${offset}, is not whole`)
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

/** What is wrong with a file whose list is not to be had: how far its records are whole. */
async function cutAt(
  path: string,
  source: ParcelSource,
  { begin }: OpenedParcel,
  cause: Malformed
): Promise<ParcelDamaged> {
  const size = await source.size()
  const { records, end } = await scanParcel(source, { begin, end: size })
  const what =
    `${cause.message}; it has ${size} bytes, ` +
    `and after record ${records}, at byte ${end}, comes none that is whole`
  return new ParcelDamaged(path, what, { cause })
}

function sourceOf(path: string, file: FileHandle): ParcelSource {
  return {
    size: async () => (await failing(path, () => file.stat())).size,
    async read(offset, length) {
      const bytes = Buffer.alloc(length)
      let done = 0
      while (done < length) {
        const at = done
        const { bytesRead } = await failing(path, () =>
          file.read(bytes, at, length - at, offset + at)
        )
        if (bytesRead === 0) break
        done += bytesRead
      }
      return bytes.subarray(0, done)
    }
  }
}

async function assertFree(path: string): Promise<void> {
  const stands = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw new WrongUsage(`${path} cannot be written: ${whyOf(error)}`, { cause: error })
    }
  )
  if (stands === undefined) return
  await stands.close()
  throw new WrongUsage(`${path} is there already`, {
    next: 'Name another file: an export never replaces one.'
  })
}

async function failing<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
      throw new DiskFull(path, { next: 'Take a larger disk, and export again.', cause })
    }
    throw new DiskFailed(path, whyOf(cause), { next: 'Look at that disk, or take another.', cause })
  }
}

async function syncFolder(path: string): Promise<void> {
  // Windows cannot open a folder; it makes names durable with the file.
  if (process.platform === 'win32') return
  const folder = await open(path, constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function whyOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
