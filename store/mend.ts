// Mending from what is here: a block that was put twice has a second record somewhere in its scope's
// segments, and one whose entry in the index decayed lies where it always did. Both are put again from there,
// before anybody else is asked. Nothing is
// taken away: the later place wins.

import { DAG_CBOR, cidFromHash, toHex, type CID, type Hash, type Scope } from './block.ts'
import type { Blockstore } from './blockstore.ts'
import { DiskFailed, FileMissing } from './errors.ts'
import type { Pace } from './pace.ts'
import { listRecords } from './segment-check.ts'
import { readRecord, recordLength, type Placed } from './segment.ts'
import type { Shelf } from './shelf.ts'
import { unpackBlock } from './stored.ts'

export interface MendOptions {
  pace?: Pace | undefined
  signal?: AbortSignal | undefined
}

/**
 * Puts again what can be found of `hashes` in the segments of a scope; durable after the store's flush.
 *
 * @throws {DiskFull} @throws {DiskFailed} @throws {StorePoisoned} if it cannot be written
 */
export async function mendFromOwn(
  store: Blockstore,
  { scope, hashes }: { scope: Scope; hashes: readonly Hash[] },
  options: MendOptions = {}
): Promise<void> {
  const shelf = await store.shelf(scope)
  const wanted = new Set(hashes.map(toHex))
  for (const segment of await shelf.segments()) {
    if (wanted.size === 0) return
    for (const placed of await recordsOf(shelf, { segment, wanted })) {
      options.signal?.throwIfAborted()
      await options.pace?.spend(recordLength(placed.location), options)
      if (await mendFrom(store, { scope, shelf, placed })) wanted.delete(toHex(placed.hash))
    }
  }
}

async function recordsOf(
  shelf: Shelf,
  { segment, wanted }: { segment: number; wanted?: ReadonlySet<string> }
): Promise<Placed[]> {
  const listed = await orNothing(() =>
    shelf.useSegment(segment, async (file) => {
      // Of a segment that was never closed the index may know less than lies there.
      const end = await file.size()
      return listRecords(file, { shelf, segment, to: end, end })
    })
  )
  return listed?.placed.filter(({ hash }) => wanted?.has(toHex(hash)) !== false) ?? []
}

/** False if the record is not whole either. */
async function mendFrom(
  store: Blockstore,
  { scope, shelf, placed }: { scope: Scope; shelf: Shelf; placed: Placed }
): Promise<boolean> {
  const { hash, location } = placed
  const record = await orNothing(() =>
    shelf.useSegment(location.segment, (file) => readRecord(file, placed))
  )
  if (record === undefined || unpackBlock(hash, record.stored) === undefined) return false
  await store.putStored(scope, cidOf(hash), record.stored)
  return true
}

/**
 * Writes what counts in a segment once more behind all else: its footer is damaged, and the next index would
 * be made without it. The segment stays where it is. Durable after the store's flush.
 */
export async function renewSegment(
  store: Blockstore,
  { scope, segment }: { scope: Scope; segment: number },
  { pace, signal }: MendOptions = {}
): Promise<void> {
  const shelf = await store.shelf(scope)
  for (const placed of await recordsOf(shelf, { segment })) {
    await pace?.spend(recordLength(placed.location), { signal })
    await shelf.move(placed)
  }
}

/** Blocks are kept by their hash; the codec is for whoever refers to them. */
function cidOf(hash: Hash): CID {
  return cidFromHash(DAG_CBOR, hash)
}

/**
 * Lets go of what is held against a scope for want of a block that another one has: nothing refers to it
 * here but through that one. True if it was so.
 */
export async function excuse(
  store: Blockstore,
  { scope, hash, by }: { scope: Scope; hash: Hash; by: Scope }
): Promise<boolean> {
  if (scope === by || (await store.get(by, hash)) === undefined) return false
  await (await store.shelf(scope)).index.absolve(hash)
  return true
}

async function orNothing<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof DiskFailed || error instanceof FileMissing) return undefined
    throw error
  }
}
