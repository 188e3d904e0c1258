// Catching up: what a shelf that is opened finds in its segments and not in its index. A segment with a
// footer goes straight into the index: its records were synced and read back before the footer was written.
// Of any other nobody knows what behind the index's end is durable. It can be read, but perhaps only from the
// memory of the system, where an fsync that failed has left it looking as if it were on the disk. So it is
// handed to the shelf as a tail, which is put again; nothing here takes it for durable.

import type { Hash } from './block.ts'
import type { DroppedPlaces } from './dropped.ts'
import { isLater, type BlockIndex, type Reach } from './block-index.ts'
import type { DiskFile } from './disk.ts'
import { DiskFailed, FileMissing } from './errors.ts'
import { readFooter, readHeaders, scanRecords, type Location, type Placed } from './segment.ts'

/** What is needed of a shelf. */
export interface Segments {
  readonly index: BlockIndex
  /** Records that count for nothing any more. */
  readonly dropped: DroppedPlaces
  useSegment<T>(segment: number, read: (file: DiskFile) => Promise<T>): Promise<T>
  locate(hash: Hash): Promise<Location | undefined>
}

/** Whole records of a segment that the index does not know and that may not be durable, in order. */
export interface Tail {
  segment: number
  /** For the index, once all of them are durable elsewhere: this segment need not be read again. */
  reach: Reach
  placed: Placed[]
}

/**
 * Brings the index up to date with the closed ones of all `segments` (ascending), and hands each tail of
 * another to `inherit`, in the order of the puts.
 *
 * @returns how many segments had to be read
 */
export async function catchUp(
  shelf: Segments,
  segments: readonly number[],
  inherit: (tail: Tail) => Promise<void>
): Promise<number> {
  const sizes = new Map<number, number>()
  for (const segment of segments) {
    const size = await trying(() => shelf.useSegment(segment, (file) => file.size()))
    if (size !== undefined) sizes.set(segment, size)
  }
  const reaches = await reachesOf(shelf.index, segments, sizes)
  const unread = [...sizes].filter(([segment, size]) => reaches.get(segment)?.size !== size)
  const open: [segment: number, size: number][] = []
  for (const [segment, size] of unread) {
    const footer = await trying(() =>
      shelf.useSegment(segment, (file) => readFooter(file, segment, reaches.get(segment)?.end))
    )
    if (footer === undefined) open.push([segment, size])
    else await shelf.index.add(segment, { end: footer.end, size }, kept(shelf, footer.placed))
  }
  const lost: Hash[] = []
  for (const [segment, size] of open) {
    const end = reaches.get(segment)?.end ?? 0
    const found = await trying(() =>
      shelf.useSegment(segment, (file) => scanRecords(file, segment, end))
    )
    if (found === undefined) continue
    // Its end stays where it was: behind it, a crash may yet take what is in the tail.
    await inherit({
      segment,
      reach: { end, size },
      placed: await unknown(shelf, kept(shelf, found.placed))
    })
    if (reaches.has(segment) || segment === segments.at(-1)) continue
    // Parents in later segments may count on what this one lost; a torn end looks the same.
    const behind = { from: found.end, end: size }
    const headers = await trying(() =>
      shelf.useSegment(segment, (file) => readHeaders(file, segment, behind))
    )
    for (const { hash } of kept(shelf, headers ?? [])) lost.push(hash)
  }
  for (const hash of lost) {
    if ((await shelf.locate(hash)) === undefined) await shelf.index.blame(hash)
  }
  return unread.length
}

/** Runs `read`; undefined for what cannot be read now, and is passed over until the next opening. */
export async function trying<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof DiskFailed || error instanceof FileMissing) return undefined
    throw error
  }
}

/** What the index has seen. If that is more than there is, it is cleared, and has seen nothing. */
async function reachesOf(
  index: BlockIndex,
  segments: readonly number[],
  sizes: ReadonlyMap<number, number>
): Promise<Map<number, Reach>> {
  const reaches = await index.reaches()
  const present = new Set(segments)
  const isAhead = [...reaches].some(
    ([segment, { end }]) => !present.has(segment) || end > (sizes.get(segment) ?? end)
  )
  if (!isAhead) return reaches
  await index.clear()
  return new Map()
}

function kept({ dropped }: Segments, placed: readonly Placed[]): Placed[] {
  return placed.filter(({ location }) => !dropped.has(location))
}

/** Those that the index does not know from a later place: all that it knows is durable. */
async function unknown({ index }: Segments, placed: readonly Placed[]): Promise<Placed[]> {
  const known = await index.getMany(placed.map(({ hash }) => hash))
  return placed.filter(({ location }, i) => {
    const other = known[i]
    return other === undefined || !isLater(other, location)
  })
}
