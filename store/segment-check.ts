// Checking one segment: its records one after another, as they lie on the disk, against what the index says
// of them. Shallow, it looks at each header and, where somebody asks for links, at the beginning of the body;
// deep, it proves every block by its hash. It changes nothing, neither on the disk nor in the index.

import { HASH_BYTES, type Hash } from './block.ts'
import type { DiskFile } from './disk.ts'
import { DiskFailed, FileMissing, Malformed } from './errors.ts'
import { childrenOf } from './links.ts'
import type { Pace } from './pace.ts'
import { isSealed } from './seal.ts'
import {
  HEADER_BYTES,
  decodeHeader,
  isAt,
  isSame,
  readFooter,
  readHeaders,
  readRecord,
  recordLength,
  type Location,
  type Placed
} from './segment.ts'
import type { Shelf } from './shelf.ts'
import { METHOD_RAW, unpackBlock } from './stored.ts'
import { windowOf } from './window.ts'

export interface SegmentInput {
  shelf: Shelf
  segment: number
  /** Where the index's knowledge of this segment ends: what lies behind is still being written. */
  end: number
  /** Prove every block by its hash. */
  deep: boolean
  /** Begin with the record at this place, and stop once so many bytes were gone through. */
  from?: number
  bytesMax?: number
  pace?: Pace | undefined
  signal?: AbortSignal | undefined
  onProgress?: ((seen: { blocks: number; bytes: number }) => void) | undefined
  /** Told what the sealed blocks of this segment refer to. */
  onLinks?: ((from: Location, links: readonly Hash[]) => Promise<void>) | undefined
}

export interface SegmentFindings {
  /** Index entries that were met here. */
  met: number
  /** Blocks that cannot be read as what they are, and of which the index knows no other place. */
  damaged: Hash[]
  /** Whole blocks that the index does not know. */
  unindexed: Placed[]
  /** There was a footer, and it does not hold. Its records are read without it. */
  isFooterBad: boolean
  /** Bytes of records that were gone through. */
  bytes: number
  /** Where to go on, if it was not to the end. */
  next: number | undefined
}

const LOOK_UP_STEP = 1024
const FOOTER_ENTRY_BYTES = 45
const TRAILER_BYTES = 44
/** What a shallow look at a record takes from the disk: enough for nearly all links. */
const LOOK_BYTES = 4096
const DEEP_WINDOW_BYTES = 1 << 20

/** @throws {DiskFailed} @throws {FileMissing} if the segment itself cannot be read */
export async function checkSegment(input: SegmentInput): Promise<SegmentFindings> {
  const { shelf, segment } = input
  return shelf.useSegment(segment, async (file) => {
    const { deep, end, from = 0, bytesMax = Infinity } = input
    const window = windowOf(file, deep ? DEEP_WINDOW_BYTES : LOOK_BYTES)
    const to = Math.min(end, from + bytesMax)
    // What is read for its headers need not be read again, if all of it fits.
    const isSmall = deep && to - from <= DEEP_WINDOW_BYTES
    const range = { shelf, segment, from, to, end }
    const { placed, isFooterBad } = await listRecords(isSmall ? window : file, range)
    const run = new SegmentCheck(window, input)
    run.findings.isFooterBad = isFooterBad
    await run.all(placed)
    const seenTo = endOf(placed) ?? from
    if (seenTo < end && placed.length > 0) run.findings.next ??= seenTo
    return run.findings
  })
}

class SegmentCheck {
  readonly findings: SegmentFindings = {
    ...{ met: 0, bytes: 0, isFooterBad: false, next: undefined },
    ...{ damaged: [], unindexed: [] }
  }
  readonly #file: DiskFile
  readonly #input: SegmentInput

  constructor(file: DiskFile, input: SegmentInput) {
    this.#file = file
    this.#input = input
  }

  /** @param placed the segment's records, in the order of the disk */
  async all(placed: readonly Placed[]): Promise<void> {
    const { shelf, from = 0, bytesMax = Infinity, onProgress } = this.#input
    const first = placed.findIndex(({ location }) => location.offset >= from)
    for (let at = first < 0 ? placed.length : first; at < placed.length; at += LOOK_UP_STEP) {
      const step = placed.slice(at, at + LOOK_UP_STEP)
      const known = await shelf.index.getMany(step.map(({ hash }) => hash))
      const before = this.findings.bytes
      for (const [i, each] of step.entries()) {
        if (this.findings.bytes >= bytesMax) {
          this.findings.next = each.location.offset
          return
        }
        await this.#look(each, known[i])
      }
      onProgress?.({ blocks: step.length, bytes: this.findings.bytes - before })
    }
  }

  async #look(placed: Placed, known: Location | undefined): Promise<void> {
    const { shelf, deep, pace, signal } = this.#input
    const { location } = placed
    signal?.throwIfAborted()
    const length = recordLength(location)
    this.findings.bytes += length
    const isReplaced = known !== undefined && !isAt(known, location)
    if (isReplaced || (known === undefined && shelf.dropped.has(location))) return
    await pace?.spend(deep ? length : Math.min(length, LOOK_BYTES), { signal })
    const isWhole = await this.#isWhole(placed, deep || known === undefined)
    if (known !== undefined) this.findings.met++
    if (!isWhole) this.findings.damaged.push(placed.hash)
    else if (known === undefined) this.findings.unindexed.push(placed)
  }

  async #isWhole(placed: Placed, deep: boolean): Promise<boolean> {
    const { onLinks } = this.#input
    try {
      if (!deep) {
        const links = await this.#peek(placed)
        if (links !== undefined) {
          if (links.length > 0) await onLinks?.(placed.location, links)
          return true
        }
      }
      const bytes = await readBlock(this.#file, placed)
      if (bytes !== undefined && onLinks !== undefined) {
        await onLinks(placed.location, linksIn(bytes))
      }
      return bytes !== undefined
    } catch (error) {
      if (error instanceof DiskFailed) return false
      throw error
    }
  }

  /** The links, by the header and the beginning of the body alone; undefined if these do not tell. */
  async #peek({ hash, location }: Placed): Promise<Hash[] | undefined> {
    const length = Math.min(recordLength(location), LOOK_BYTES)
    const beginning = await this.#file.read(location.offset, length)
    const header = decodeHeader(beginning)
    if (header === undefined || !isSame(header, { hash, location })) return undefined
    if (this.#input.onLinks === undefined) return []
    if (location.method !== METHOD_RAW) return undefined
    return linksAtFront(beginning.subarray(HEADER_BYTES))
  }
}

/**
 * The block that lies at a place where a record begins, and whether it is whole; undefined if that place is
 * gone, or the block is in use no longer.
 */
export async function blockAt(
  shelf: Shelf,
  { segment, offset }: Location
): Promise<{ hash: Hash; isWhole: boolean } | undefined> {
  try {
    return await shelf.useSegment(segment, async (file) => {
      const [placed] = await readHeaders(file, segment, { from: offset, end: offset + 1 })
      if (placed === undefined || (await shelf.locate(placed.hash)) === undefined) return undefined
      const isWhole = (await readBlock(file, placed)) !== undefined
      return { hash: placed.hash, isWhole }
    })
  } catch (error) {
    if (error instanceof DiskFailed || error instanceof FileMissing) return undefined
    throw error
  }
}

/** The block at a place, proved; undefined if it is not there. @throws {DiskFailed} */
export async function readBlock(file: DiskFile, placed: Placed): Promise<Uint8Array | undefined> {
  const record = await readRecord(file, placed)
  return record?.whole === true ? unpackBlock(placed.hash, record.stored) : undefined
}

export interface RecordRange {
  shelf: Shelf
  segment: number
  /** Where a record begins: those before it may be left out. */
  from?: number
  /** Those that begin here or later may be left out. */
  to: number
  /** Where the records of the segment end. */
  end: number
}

/** Records in the order of the disk: by the footer, else by their headers, else by the index. */
export async function listRecords(
  file: DiskFile,
  { shelf, segment, from = 0, to, end }: RecordRange
): Promise<{ placed: Placed[]; isFooterBad: boolean }> {
  const footer = await readFooter(file, segment, end)
  if (footer !== undefined) return { placed: footer.placed.sort(byPlace), isFooterBad: false }
  const headers = windowOf(file, LOOK_BYTES)
  const placed = await readHeaders(headers, segment, { from, end: to })
  const seenTo = endOf(placed) ?? from
  if (seenTo < to) {
    for await (const { hash, location } of shelf.index.entries()) {
      if (location?.segment === segment && location.offset >= seenTo) {
        placed.push({ hash, location })
      }
    }
    placed.sort(byPlace)
  }
  const footerBytes = placed.length * FOOTER_ENTRY_BYTES + TRAILER_BYTES
  return { placed, isFooterBad: from === 0 && (await file.size()) === end + footerBytes }
}

function byPlace(a: Placed, b: Placed): number {
  return a.location.offset - b.location.offset
}

/** Where the last of these records ends. */
function endOf(placed: readonly Placed[]): number | undefined {
  const last = placed.at(-1)?.location
  return last && last.offset + recordLength(last)
}

/** What a block among an endpoint's refers to. */
function linksIn(bytes: Uint8Array): Hash[] {
  try {
    return isSealed(bytes) ? childrenOf('sealed', bytes).map(({ hash }) => hash) : []
  } catch (error) {
    if (error instanceof Malformed) return []
    throw error
  }
}

/** The links of a sealed block, from its beginning; undefined if that is not enough to tell. */
function linksAtFront(bytes: Uint8Array): Hash[] | undefined {
  if (!isSealed(bytes)) return undefined
  const epoch = readHead(bytes, 2, 0)
  const links = epoch && readHead(bytes, epoch.next, 2)
  if (links === undefined || links.value % HASH_BYTES !== 0) return undefined
  if (links.next + links.value > bytes.length) return undefined
  const hashes: Hash[] = []
  for (let at = links.next; at < links.next + links.value; at += HASH_BYTES) {
    hashes.push(new Uint8Array(bytes.subarray(at, at + HASH_BYTES)))
  }
  return hashes
}

/** A CBOR head of this major type: its number, and where the next thing begins. */
function readHead(
  bytes: Uint8Array,
  at: number,
  major: number
): { value: number; next: number } | undefined {
  const first = bytes[at]
  if (first === undefined || first >> 5 !== major) return undefined
  const size = { 24: 1, 25: 2, 26: 4 }[first & 31] ?? 0
  if (size === 0) return (first & 31) < 24 ? { value: first & 31, next: at + 1 } : undefined
  if (at + 1 + size > bytes.length) return undefined
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { value: view.readUIntBE(at + 1, size), next: at + 1 + size }
}
