// The blockstore against bare files. Append: groups of blocks, one flush a group, against the same writes and
// one fsync a group. Get: proved blocks in an order that no disk likes, against reading and unpacking the
// same bytes. Rebuild: the index of many closed segments, against reading their footers.

import * as fs from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { BASE_SCOPE, RAW, cidFromHash, type CID } from '../../store/block.ts'
import { Blockstore } from '../../store/blockstore.ts'
import { openDisk } from '../../store/disk.ts'
import { openIndex } from '../../store/index.ts'
import { encodeFooter, encodeRecord, readFooter, segmentPath } from '../../store/segment.ts'
import { METHOD_RAW, METHOD_ZSTD, packBlock, type StoredBlock } from '../../store/stored.ts'
import { mixed, sha256 } from './content.ts'
import type { Bench } from './measure.ts'

/** Blocks that share a flush. */
const GROUP = 64

interface Body {
  cid: CID
  bytes: Uint8Array
}

function bodiesOf(count: number, length: number): Body[] {
  return Array.from({ length: count }, (_, n) => {
    const bytes = mixed(length, n)
    return { cid: cidFromHash(RAW, sha256(bytes)), bytes }
  })
}

/** A store of its own on the real disk. */
export class Shop {
  readonly folder: string
  readonly store: Blockstore
  readonly #close: () => Promise<void>

  private constructor(folder: string, store: Blockstore, close: () => Promise<void>) {
    this.folder = folder
    this.store = store
    this.#close = close
  }

  static async open(folder: string): Promise<Shop> {
    fs.mkdirSync(folder, { recursive: true })
    const disk = await openDisk(folder)
    const index = await openIndex({ location: join(folder, 'index') })
    const store = await Blockstore.open({ disk, index })
    return new Shop(folder, store, async () => {
      await store.close()
      await index.close()
    })
  }

  async close(): Promise<void> {
    await this.#close()
  }

  async remove(): Promise<void> {
    await this.close()
    fs.rmSync(this.folder, { recursive: true })
  }
}

export function append(folder: string): Bench[] {
  const one = (name: string, bodies: Body[], unit: 'B' | 'blocks'): Bench => {
    let shop: Shop | undefined
    let file = -1
    const put = async ({ cid, bytes }: Body): Promise<void> =>
      shop?.store.put(BASE_SCOPE, cid, bytes, { compress: false })
    const amount = unit === 'B' ? bodies.length * (bodies[0]?.bytes.length ?? 0) : bodies.length
    return {
      ...{ name, bare: 'write, fsync', unit, amount },
      async prepare() {
        await this.close?.()
        shop = await Shop.open(join(folder, name))
        file = fs.openSync(join(folder, 'bare'), 'w')
      },
      ours: async () => {
        for (let at = 0; at < bodies.length; at += GROUP) {
          await Promise.all(bodies.slice(at, at + GROUP).map(put))
          await shop?.store.flush()
        }
      },
      reference: () => {
        for (const [i, { bytes }] of bodies.entries()) {
          fs.writeSync(file, bytes)
          if (i % GROUP === GROUP - 1) fs.fsyncSync(file)
        }
      },
      async close() {
        await shop?.remove()
        if (file >= 0) fs.closeSync(file)
        shop = undefined
        file = -1
      }
    }
  }
  return [
    one('append', bodiesOf(256, 384 << 10), 'B'),
    one('append-small', bodiesOf(4096, 1 << 10), 'blocks')
  ]
}

export async function get(folder: string): Promise<Bench[]> {
  return [
    await reading(join(folder, 'get'), { name: 'get', count: 256, length: 384 << 10, unit: 'B' }),
    await reading(join(folder, 'get-small'), {
      ...{ name: 'get-small', count: 8192, length: 1 << 10, unit: 'blocks' }
    })
  ]
}

async function reading(
  folder: string,
  shape: { name: string; count: number; length: number; unit: 'B' | 'blocks' }
): Promise<Bench> {
  const { name, count, length, unit } = shape
  const bodies = bodiesOf(count, length)
  const shop = await Shop.open(folder)
  const path = join(folder, 'bare')
  const file = fs.openSync(path, 'w+')
  const places: { at: number; stored: StoredBlock }[] = []
  let end = 0
  for (const { cid, bytes } of bodies) {
    await shop.store.put(BASE_SCOPE, cid, bytes)
    const stored = packBlock(bytes, { compress: true })
    places.push({ at: end, stored })
    end += fs.writeSync(file, stored.body)
  }
  await shop.store.flush()
  const order = bodies.map((_, i) => (i * 7919) % count)
  return {
    ...{ name, bare: 'read, unpack', unit, amount: unit === 'B' ? count * length : count },
    ours: async () => {
      for (const i of order) await shop.store.get(BASE_SCOPE, bodies[i]!.cid.multihash.digest)
    },
    reference: () => {
      for (const i of order) {
        const { at, stored } = places[i]!
        const bytes = Buffer.allocUnsafe(stored.body.length)
        fs.readSync(file, bytes, 0, bytes.length, at)
        if (stored.method === METHOD_ZSTD) zstdDecompressSync(bytes)
      }
    },
    close: async () => {
      fs.closeSync(file)
      await shop.remove()
    }
  }
}

const SEGMENTS = 3
const RECORDS = 1 << 15

/** Segments of tiny records, as they would lie there; the bodies are of no account. */
export async function index(folder: string): Promise<Bench[]> {
  const home = join(folder, 'rebuild')
  fs.mkdirSync(join(home, 'blocks', BASE_SCOPE), { recursive: true })
  for (let segment = 1; segment <= SEGMENTS; segment++) writeSegment(home, segment)
  const shop = await Shop.open(home)
  const disk = await openDisk(home)
  return [
    {
      ...{ name: 'index', bare: 'reading the footers', unit: 'blocks', amount: SEGMENTS * RECORDS },
      ours: () => shop.store.rebuildIndex(),
      reference: async () => {
        for (let segment = 1; segment <= SEGMENTS; segment++) {
          const file = await disk.open(segmentPath(BASE_SCOPE, segment), 'read')
          const footer = await readFooter(file, segment)
          await file.close()
          if (footer?.placed.length !== RECORDS)
            throw new Error('a footer is not as it was written')
        }
      },
      close: () => shop.remove()
    }
  ]
}

function writeSegment(home: string, segment: number): void {
  const body = Buffer.from('stone')
  const stored: StoredBlock = { method: METHOD_RAW, plainLength: body.length, body }
  const records: Uint8Array[] = []
  const placed: Parameters<typeof encodeFooter>[0][number][] = []
  let offset = 0
  for (let n = 0; n < RECORDS; n++) {
    const hash = sha256(Buffer.from(`${segment} ${n}`))
    const record = encodeRecord(hash, stored)
    const { method, plainLength } = stored
    const location = { segment, offset, method, storedLength: body.length, plainLength }
    placed.push({ hash, location })
    records.push(record)
    offset += record.length
  }
  const bytes = Buffer.concat([...records, encodeFooter(placed, offset)])
  fs.writeFileSync(join(home, segmentPath(BASE_SCOPE, segment)), bytes)
}
