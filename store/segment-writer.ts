// The one writer of one segment, from its first record to its footer. It never writes where it has already
// written with success, takes nothing more once a write failed half-way, and reads back what it synced:
// what it calls durable has been seen on the disk.

import { crc32 } from 'node:zlib'
import { BLOCK_BYTES_MAX, type Hash } from './block.ts'
import { directoryOf, writeAll, type Disk, type DiskFile } from './disk.ts'
import { DiskFailed } from './errors.ts'
import { HEADER_BYTES, SEGMENT_RECORDS_MAX, encodeFooter, encodeRecord } from './segment.ts'
import type { Location, Placed } from './segment.ts'
import type { StoredBlock } from './stored.ts'

const READ_BACK_BYTES = 1 << 20
/** Room for a record each, used again and again: new memory for every block costs more than its bytes. */
const rooms: Buffer[] = []
const ROOMS_KEPT = 4

export class SegmentWriter {
  readonly segment: number
  readonly #disk: Disk
  readonly #file: DiskFile
  readonly #placed: Placed[] = []
  #end = 0
  #syncedEnd = 0
  /** CRC-32 of what was written from #syncedEnd to #end. */
  #crc = 0
  #isNamed = false
  /** A write failed: it may have left a part of what was to be written. */
  #isTorn = false
  #isClosing = false

  private constructor(disk: Disk, file: DiskFile, segment: number) {
    this.#disk = disk
    this.#file = file
    this.segment = segment
  }

  /** @throws {DiskFull} @throws {DiskFailed} */
  static async create(disk: Disk, path: string, segment: number): Promise<SegmentWriter> {
    await disk.makeDirectory(directoryOf(path))
    return new SegmentWriter(disk, await disk.open(path, 'create'), segment)
  }

  /** Where the next record goes. */
  get end(): number {
    return this.#end
  }

  /** True when the next record belongs into another segment. */
  isFull(bytesTarget: number): boolean {
    return this.#isTorn || this.#end >= bytesTarget || this.#placed.length >= SEGMENT_RECORDS_MAX
  }

  /** Not durable before `sync`. @throws {DiskFull} @throws {DiskFailed} */
  async append(hash: Hash, stored: StoredBlock): Promise<Location> {
    const { method, plainLength, body } = stored
    const offset = this.#end
    const room = rooms.pop() ?? Buffer.allocUnsafeSlow(HEADER_BYTES + BLOCK_BYTES_MAX)
    try {
      await this.#write(encodeRecord(hash, stored, room), offset)
    } finally {
      if (rooms.length < ROOMS_KEPT) rooms.push(room)
    }
    const location = {
      segment: this.segment,
      offset,
      method,
      storedLength: body.length,
      plainLength
    }
    this.#placed.push({ hash, location })
    return location
  }

  /** Everything written is durable and has been read back. After a failure nothing is known. */
  async sync(): Promise<void> {
    if (this.#syncedEnd === this.#end) return
    await this.#file.sync()
    if (!this.#isNamed) await this.#disk.syncDirectory(directoryOf(this.#file.path))
    this.#isNamed = true
    let crc = 0
    for (let at = this.#syncedEnd; at < this.#end;) {
      const bytes = await this.#file.read(at, Math.min(READ_BACK_BYTES, this.#end - at))
      if (bytes.length === 0) throw new DiskFailed(this.#file.path, 'reading back (it ends early)')
      crc = crc32(bytes, crc)
      at += bytes.length
    }
    if (crc !== this.#crc) throw new DiskFailed(this.#file.path, 'reading back what was written')
    this.#syncedEnd = this.#end
    this.#crc = 0
  }

  /**
   * Writes the footer; may be tried again after a failure. Sync before and after, and append no more.
   * Where a torn record lies behind the last, there will be none: a footer counts only right behind it.
   *
   * @returns the size of the closed segment
   */
  async writeFooter(): Promise<number> {
    const size = await this.#file.size()
    if (this.#isTorn && !this.#isClosing && size > this.#end) return size
    this.#isClosing = true
    // What an earlier try left of a footer is of this very one.
    const at = this.#end
    await this.#write(encodeFooter(this.#placed, at), at)
    this.#syncedEnd = at
    return this.#end
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  async #write(bytes: Uint8Array, offset: number): Promise<void> {
    try {
      await writeAll(this.#file, bytes, offset)
    } catch (error) {
      this.#isTorn = true
      throw error
    }
    this.#crc = crc32(bytes, this.#crc)
    this.#end = offset + bytes.length
  }
}
