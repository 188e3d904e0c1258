// Steps: the difference between two states, computed and never stored. What is equal is not opened: a
// directory with the same digest on both sides, and within a large one, the same block on both sides.

import type { Entry } from './entry.ts'
import { DirectoryCursor } from './directory-cursor.ts'
import { joinPath } from './path.ts'
import type { StateReader } from './reader.ts'
import { sameBytes, sameMetadata } from './tree.ts'

/** One thing that differs between two states. */
export interface Difference {
  path: Uint8Array
  before?: Entry
  after?: Entry
}

/** A side of a comparison: a reader and the entry to look at, if there is one. */
export interface Side {
  reader: StateReader
  entry: Entry | undefined
}

/**
 * What differs between two entries and all below them, in tree order: a directory before what is in it,
 * and only if its own metadata differ.
 */
export async function* differences(
  path: Uint8Array,
  before: Side,
  after: Side
): AsyncGenerator<Difference> {
  const [a, b] = [before.entry, after.entry]
  if (a === undefined && b === undefined) return
  if (a === undefined || b === undefined || !sameMetadata(a, b)) {
    yield { path, ...(a && { before: a }), ...(b && { after: b }) }
  }
  if (sameBytes(a?.hash, b?.hash)) return
  for await (const { name, left, right } of unequalNames(before, after)) {
    yield* differences(
      joinPath(path, name),
      { reader: before.reader, entry: left },
      { reader: after.reader, entry: right }
    )
  }
}

/** The names in two directories, in order, whose entries differ in any way. */
async function* unequalNames(
  before: Side,
  after: Side
): AsyncGenerator<{ name: Uint8Array; left: Entry | undefined; right: Entry | undefined }> {
  const [a, b] = [cursorOf(before), cursorOf(after)]
  for (;;) {
    await skipEqual(a, b)
    const [x, y] = [await a.entry(), await b.entry()]
    const first = x ?? y
    if (first === undefined) return
    const order = x === undefined ? 1 : y === undefined ? -1 : Buffer.compare(x.name, y.name)
    const left = order <= 0 ? x : undefined
    const right = order >= 0 ? y : undefined
    const name = (left ?? right ?? first).name
    if (!left || !right || !isEqual(left, right)) yield { name, left, right }
    if (left !== undefined) a.next()
    if (right !== undefined) b.next()
  }
}

/** Passes over blocks that are the same on both sides; opens nodes until none begins here. */
async function skipEqual(a: DirectoryCursor, b: DirectoryCursor): Promise<void> {
  for (;;) {
    const [left, right] = [a.begins, b.begins]
    if (left === undefined || right === undefined) return
    if (left.equals(right)) {
      a.skip()
      b.skip()
    } else if (a.isTaller(b)) await a.open()
    else if (b.isTaller(a)) await b.open()
    else return
  }
}

function cursorOf({ reader, entry }: Side): DirectoryCursor {
  return new DirectoryCursor(reader, entry?.page)
}

function isEqual(a: Entry, b: Entry): boolean {
  return sameMetadata(a, b) && sameBytes(a.hash, b.hash)
}
