// Tidying up: space comes back. A segment of which little is left is written once more behind all others
// and removed; one of which nothing is left is just removed, and those go first, since they need no room.
// Whatever the index says is there is durable in its new place before the old one goes; what cannot be
// read stays where it is, with its segment.

import { FileMissing } from './errors.ts'
import { isAt, readFooter, readHeaders, type Placed } from './segment.ts'
import type { Shelf } from './shelf.ts'

export interface TidyOptions {
  signal?: AbortSignal | undefined
  rest?: (() => Promise<void>) | undefined
}

/** A segment is written anew when at most this part of it still counts. */
export const DEFAULT_LEFT_MOST = 1 / 2
const LOOK_UP_STEP = 1024

interface Left {
  segment: number
  size: number
  blocks: number
  bytes: number
}

/** @returns bytes of segments that were removed, less what was written anew */
export async function tidyUp(shelf: Shelf, options: TidyOptions = {}): Promise<number> {
  let freed = 0
  for (const left of await findLittleLeft(shelf)) {
    options.signal?.throwIfAborted()
    if (left.blocks > 0 && !(await moveAll(shelf, left, options))) continue
    await shelf.removeSegment(left.segment)
    freed += left.size - left.bytes
  }
  return freed
}

/** Closed segments with little left, those with least first. */
async function findLittleLeft(shelf: Shelf): Promise<Left[]> {
  const lefts = new Map<number, Left>()
  for (const segment of await shelf.segments()) {
    if (segment >= shelf.writing) continue
    const size = await sizeOf(shelf, segment)
    if (size !== undefined) lefts.set(segment, { segment, size, blocks: 0, bytes: 0 })
  }
  for await (const step of shelf.index.steps()) {
    for (const { location } of step) {
      const left = lefts.get(location.segment)
      if (left === undefined) continue
      left.blocks++
      left.bytes += location.storedLength
    }
  }
  const little = [...lefts.values()].filter(({ bytes, size, blocks }) => {
    return blocks === 0 || bytes <= size * DEFAULT_LEFT_MOST
  })
  return little.sort((a, b) => a.bytes - b.bytes || a.segment - b.segment)
}

async function sizeOf(shelf: Shelf, segment: number): Promise<number | undefined> {
  try {
    return await shelf.useSegment(segment, (file) => file.size())
  } catch (error) {
    if (error instanceof FileMissing) return undefined
    throw error
  }
}

/** @returns true if all that counted is durable elsewhere */
async function moveAll(
  shelf: Shelf,
  { segment, blocks }: Left,
  options: TidyOptions
): Promise<boolean> {
  let moved = 0
  const placed = await recordsOf(shelf, segment)
  for (let at = 0; at < placed.length; at += LOOK_UP_STEP) {
    const step = placed.slice(at, at + LOOK_UP_STEP)
    const known = await shelf.index.getMany(step.map(({ hash }) => hash))
    for (const [i, each] of step.entries()) {
      const now = known[i]
      if (now === undefined || !isAt(now, each.location)) continue
      options.signal?.throwIfAborted()
      if (await shelf.move(each)) moved++
    }
    await options.rest?.()
  }
  await shelf.commit()
  return moved >= blocks
}

/** In the order in which they were put: a child goes before its parent. */
async function recordsOf(shelf: Shelf, segment: number): Promise<Placed[]> {
  const end = (await shelf.index.reaches()).get(segment)?.end ?? 0
  const placed = await shelf.useSegment(segment, async (file) => {
    const footer = await readFooter(file, segment, end)
    return footer?.placed ?? readHeaders(file, segment, { from: 0, end })
  })
  return placed.toSorted((a, b) => a.location.offset - b.location.offset)
}
