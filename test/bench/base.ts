// A whole tree: made into a base against reading, hashing, packing and writing its files in one loop; brought
// back against `cp -a`. Both in this process; the real commands are in bench:peers.

import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { archive } from '../../node/archiver.ts'
import { openTop, restore as restoreTree } from '../../node/restorer.ts'
import { openTree } from '../../node/tree/real-tree.ts'
import { BASE_SCOPE, toHex } from '../../store/block.ts'
import { systemClock } from '../../store/clock.ts'
import { BodyStateReader, openBodies } from '../../store/reader.ts'
import { plainSink } from '../../store/sink.ts'
import { Shop } from './blocks.ts'
import { makeTree, sha256, type MadeTree } from './content.ts'
import type { Bench } from './measure.ts'

const OWNERS = process.getuid?.() === 0

async function archiveInto(shop: Shop, { root }: MadeTree) {
  const tree = await openTree(root)
  const sink = plainSink(shop.store)
  const sense = { owners: OWNERS }
  const archived = await archive({ tree, clock: systemClock, sink, sense })
  await shop.store.flush()
  tree.close()
  return archived
}

export function base(folder: string): Bench[] {
  const made = makeTree(join(folder, 'base-tree'))
  let shop: Shop | undefined
  return [
    {
      ...{ name: 'base', bare: 'read, SHA-256, zstd, write', unit: 'B', amount: made.bytes },
      async prepare() {
        await shop?.remove()
        shop = await Shop.open(join(folder, 'base'))
      },
      ours: async () => shop && archiveInto(shop, made),
      reference: () => {
        const file = fs.openSync(join(folder, 'bare'), 'w')
        for (const path of made.paths) {
          const bytes = fs.readFileSync(path)
          sha256(bytes)
          fs.writeSync(file, zstdCompressSync(bytes))
        }
        fs.fsyncSync(file)
        fs.closeSync(file)
      },
      close: () => shop?.remove()
    }
  ]
}

export async function restore(folder: string): Promise<Bench[]> {
  const made = makeTree(join(folder, 'restore-tree'))
  const shop = await Shop.open(join(folder, 'restore'))
  const { root, digest } = await archiveInto(shop, made)
  const [ours, copy] = [join(folder, 'back'), join(folder, 'copy')]
  return [
    {
      ...{ name: 'restore', bare: 'cp -a', unit: 'B', amount: made.bytes },
      prepare() {
        for (const each of [ours, copy]) fs.rmSync(each, { recursive: true, force: true })
      },
      ours: async () => {
        const reader = new BodyStateReader(openBodies(shop.store.source(BASE_SCOPE)))
        const entry = await openTop(reader, { root, digest: toHex(digest) })
        const target = await openTree(ours, { owners: OWNERS })
        const empty = new Uint8Array()
        await restoreTree({ reader, target, pieces: [{ entry, from: empty, to: empty }] })
        target.close()
      },
      // Its processor time is its own process's, and is not in ours: only wall times compare.
      reference: () => void execFileSync('cp', ['-a', made.root, copy]),
      close: () => shop.remove()
    }
  ]
}
