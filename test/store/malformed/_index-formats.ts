// How the values of the index over blocks are read and written again. Level may give back any older value,
// and a flipped bit any other: what is counted and where is looked must bear both.

import { crc32 } from 'node:zlib'
import { sha256 } from '../../../store/block.ts'
import { BlockIndex } from '../../../store/block-index.ts'
import type { IndexSpace } from '../../../store/index.ts'
import { INDEXED_HASH } from '../../_corpus/make-files.ts'
import type { Format } from './_format.ts'

const BLOCK_KEY = Buffer.concat([Uint8Array.of(2), INDEXED_HASH])
const REACH_KEY = Uint8Array.of(1, 0, 0, 0, 3)
const USAGE_KEY = Uint8Array.of(0)

export const INDEX_FORMATS: readonly Format[] = [
  {
    name: 'index-entry',
    failures: [],
    runs: 500,
    again: entryAgain,
    proven: (value) => withCrc(value, INDEXED_HASH)
  },
  {
    name: 'index-reach',
    failures: [],
    runs: 500,
    again: reachAgain,
    proven: (value) => withCrc(value, REACH_KEY)
  },
  {
    name: 'index-usage',
    failures: [],
    runs: 500,
    again: usageAgain,
    proven: (value) => withCrc(value)
  }
]

/** A space of the index that holds one value at first. */
class SmallSpace implements IndexSpace {
  readonly values = new Map<string, Uint8Array>()

  constructor(key: Uint8Array, value: Uint8Array) {
    this.values.set(keyOf(key), value)
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.values.get(keyOf(key))
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return keys.map((key) => this.values.get(keyOf(key)))
  }

  async put(key: Uint8Array, value: Uint8Array): Promise<void> {
    this.values.set(keyOf(key), value)
  }

  async batch(changes: readonly { key: Uint8Array; value: Uint8Array | undefined }[]) {
    for (const { key, value } of changes) {
      if (value === undefined) this.values.delete(keyOf(key))
      else this.values.set(keyOf(key), value)
    }
  }

  async *range({ gte, lt }: { gte?: Uint8Array; lt?: Uint8Array } = {}): AsyncGenerator<
    [Uint8Array, Uint8Array]
  > {
    const [from, to] = [keyOf(gte ?? new Uint8Array(0)), keyOf(lt ?? new Uint8Array(99).fill(255))]
    for (const [key, value] of [...this.values].sort()) {
      if (key >= from && key < to) yield [new Uint8Array(Buffer.from(key, 'hex')), value]
    }
  }

  async clear(): Promise<void> {
    this.values.clear()
  }
}

function keyOf(key: Uint8Array): string {
  return Buffer.from(key).toString('hex')
}

async function entryAgain(value: Uint8Array): Promise<Uint8Array | undefined> {
  const index = await BlockIndex.open(await spaceWith(BLOCK_KEY, value))
  const location = await index.get(INDEXED_HASH)
  const [first] = await Array.fromAsync(index.entries())
  if (first?.location?.offset !== location?.offset) throw new Error('it is read in two ways')
  if (location === undefined) return undefined
  const space = await spaceWith(BLOCK_KEY, new Uint8Array(0))
  const hash = INDEXED_HASH
  await (
    await BlockIndex.open(space)
  ).add(location.segment, { end: 0, size: 0 }, [{ hash, location }])
  return space.get(BLOCK_KEY)
}

/** A space that an index has used before, which holds `value` at `key`. */
async function spaceWith(key: Uint8Array, value: Uint8Array): Promise<SmallSpace> {
  const space = new SmallSpace(USAGE_KEY, new Uint8Array(0))
  await (await BlockIndex.open(space)).add(1, { end: 0, size: 0 }, [])
  await space.put(key, value)
  return space
}

async function reachAgain(value: Uint8Array): Promise<Uint8Array | undefined> {
  const index = await BlockIndex.open(await spaceWith(REACH_KEY, value))
  const reach = (await index.reaches()).get(3)
  if (reach === undefined) return undefined
  const space = await spaceWith(REACH_KEY, new Uint8Array(0))
  await (await BlockIndex.open(space)).add(3, reach, [])
  return space.get(REACH_KEY)
}

/** What is counted goes on from the value, too: a block comes, and two go. */
async function usageAgain(value: Uint8Array): Promise<Uint8Array | undefined> {
  const space = new SmallSpace(USAGE_KEY, value)
  const index = await BlockIndex.open(space)
  if (space.values.size === 0) return undefined
  await index.add(1, { end: 0, size: 0 }, [])
  const again = await space.get(USAGE_KEY)
  const location = { segment: 1, offset: 0, method: 0, storedLength: 6, plainLength: 6 } as const
  const other = { hash: sha256(INDEXED_HASH), location }
  await index.add(1, { end: 1, size: 0 }, [{ hash: INDEXED_HASH, location }, other])
  // As if the value were older than the entries.
  await space.put(USAGE_KEY, value)
  const older = await BlockIndex.open(space)
  await older.forget({ hash: INDEXED_HASH, location })
  await older.forget(other)
  if ((await BlockIndex.open(space)).usage.blocks < 0) throw new Error('less than no blocks')
  return again
}

/** The last four bytes are the CRC-32 of what belongs before, and of the others. */
function withCrc(value: Uint8Array, before: Uint8Array = new Uint8Array(0)): Uint8Array {
  if (value.length < 4) return value
  const bytes = Buffer.from(value)
  const end = bytes.length - 4
  bytes.writeUInt32BE(crc32(bytes.subarray(0, end), crc32(before)), end)
  return new Uint8Array(bytes)
}
